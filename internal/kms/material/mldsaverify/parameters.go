// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package mldsaverify

import "filippo.io/mldsa"

// The figures that all parameter sets share (FIPS 204, table 1).
const (
	q = 8380417 // 2^23 - 2^13 + 1
	n = 256     // coefficients of a polynomial
	d = 13      // bits that the public key drops of t
)

// parameters are a set's own figures, by the standard's names (FIPS 204, tables 1 and 2).
type parameters struct {
	k, l          int    // rows and columns of A
	tau           int    // coefficients of the challenge that are not zero
	gamma1        uint32 // range of the mask
	gamma2        uint32 // range of the low bits
	beta          uint32 // tau * eta
	omega         int    // hints at most
	challengeSize int    // lambda / 4, in bytes
	zBits         int    // bits of a coefficient of z: 1 + log2(gamma1)
	w1Bits        int    // bits of a coefficient of w1: those of (q-1)/(2*gamma2) - 1
}

var sets = map[mldsa.Parameters]*parameters{
	mldsa.MLDSA44(): {
		k: 4, l: 4, tau: 39, gamma1: 1 << 17, gamma2: (q - 1) / 88, beta: 78, omega: 80, challengeSize: 32,
		zBits: 18, w1Bits: 6,
	},
	mldsa.MLDSA65(): {
		k: 6, l: 5, tau: 49, gamma1: 1 << 19, gamma2: (q - 1) / 32, beta: 196, omega: 55, challengeSize: 48,
		zBits: 20, w1Bits: 4,
	},
	mldsa.MLDSA87(): {
		k: 8, l: 7, tau: 60, gamma1: 1 << 19, gamma2: (q - 1) / 32, beta: 120, omega: 75, challengeSize: 64,
		zBits: 20, w1Bits: 4,
	},
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package mldsaverify verifies ML-DSA signatures of a message given by its representative mu, AWS KMS's EXTERNAL_MU. It is
// FIPS 204's Algorithm 8, ML-DSA.Verify_internal, from the point where mu is known.
//
// It is here because no library offers it: filippo.io/mldsa signs mu and verifies messages only, circl does neither with mu,
// and the standard library keeps its own to itself. Mu is a hash, so a library that hashes the message can't be given it.
// Use the library wherever there is a message; drop this package when the library takes mu.
//
// It holds no secret, and that is the argument for writing it: public key, mu and signature are all public, so nothing need
// run in constant time and no mistake can reveal anything. What a mistake could do is accept a forgery or refuse a signature.
// Against that, the code follows the standard's algorithms one by one, in plain arithmetic modulo q without Montgomery's or
// Barrett's tricks, and the tests compare it with the library on all of Wycheproof's vectors and under a fuzzer.
//
// Numbers modulo q are uint32 in [0, q) throughout.
package mldsaverify

import (
	"bytes"
	"crypto/sha3"

	"filippo.io/mldsa"
)

// MuSize is the length of mu in bytes, for every parameter set (FIPS 204, 6.2).
const MuSize = 64

// Verify reports whether signature is one by key of the message whose representative is mu (FIPS 204, Algorithm 8). Any
// input of a wrong length is not.
func Verify(key *mldsa.PublicKey, mu, signature []byte) bool {
	p, known := sets[key.Parameters()]
	if !known || len(mu) != MuSize || len(signature) != key.Parameters().SignatureSize() {
		return false
	}
	rho, t1 := p.decodeKey(key.Bytes())
	challenge, z, hints, ok := p.decodeSignature(signature)
	if !ok || !p.short(z) {
		return false
	}
	w1 := p.commitment(rho, t1, challenge, z, hints)

	h := sha3.NewSHAKE256()
	_, _ = h.Write(mu)
	_, _ = h.Write(w1)
	again := make([]byte, p.challengeSize)
	_, _ = h.Read(again)
	return bytes.Equal(challenge, again)
}

// short is the bound on the infinity norm of z. It is what makes a signature hard to forge.
func (p *parameters) short(z []polynomial) bool {
	bound := p.gamma1 - p.beta
	for i := range z {
		for _, c := range z[i] {
			if min(c, q-c) >= bound {
				return false
			}
		}
	}
	return true
}

// commitment computes w1' of Algorithm 8 in its encoding: the high bits, with the hints, of A*z - c*t1*2^d.
func (p *parameters) commitment(rho []byte, t1 []polynomial, challenge []byte, z, hints []polynomial) []byte {
	for i := range z {
		z[i].ntt()
	}
	c := p.sampleInBall(challenge)
	c.ntt()
	var encoded []byte
	for row := range p.k {
		t := t1[row]
		for i := range t {
			t[i] <<= d
		}
		t.ntt()
		var w polynomial
		for column := range p.l {
			a := sampleNTT(rho, column, row)
			for i := range w {
				w[i] = add(w[i], mul(a[i], z[column][i]))
			}
		}
		for i := range w {
			w[i] = sub(w[i], mul(c[i], t[i]))
		}
		w.inverseNTT()
		for i := range w {
			w[i] = p.useHint(hints[row][i], w[i])
		}
		encoded = pack(encoded, &w, p.w1Bits)
	}
	return encoded
}

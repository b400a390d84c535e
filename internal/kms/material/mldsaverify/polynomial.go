// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package mldsaverify

import (
	"crypto/sha3"
	"math/bits"
)

// polynomial has its coefficients in rising order of the exponents, or, after ntt, its values at the roots of unity.
type polynomial [n]uint32

func add(a, b uint32) uint32 { return (a + b) % q }

func sub(a, b uint32) uint32 { return (a + q - b) % q }

func mul(a, b uint32) uint32 { return uint32(uint64(a) * uint64(b) % q) }

// zetas are the powers of 1753, a 512th root of unity, with their exponents in bit-reversed order (FIPS 204, appendix B).
var zetas = func() (table [n]uint32) {
	power := uint32(1)
	for exponent := range n {
		table[bits.Reverse8(uint8(exponent))] = power
		power = mul(power, 1753)
	}
	return table
}()

// ntt is Algorithm 41.
func (f *polynomial) ntt() {
	m := 0
	for length := n / 2; length >= 1; length /= 2 {
		for start := 0; start < n; start += 2 * length {
			m++
			for j := start; j < start+length; j++ {
				t := mul(zetas[m], f[j+length])
				f[j+length] = sub(f[j], t)
				f[j] = add(f[j], t)
			}
		}
	}
}

// inverseNTT is Algorithm 42.
func (f *polynomial) inverseNTT() {
	m := n
	for length := 1; length < n; length *= 2 {
		for start := 0; start < n; start += 2 * length {
			m--
			for j := start; j < start+length; j++ {
				t := f[j]
				f[j] = add(t, f[j+length])
				f[j+length] = mul(q-zetas[m], sub(t, f[j+length]))
			}
		}
	}
	for j := range f {
		f[j] = mul(f[j], 8347681) // 256^-1 modulo q
	}
}

// sampleNTT is Algorithm 30, RejNTTPoly, for the element of A at a row and column (Algorithm 32): already in the NTT domain.
func sampleNTT(rho []byte, column, row int) *polynomial {
	g := sha3.NewSHAKE128()
	_, _ = g.Write(rho)
	_, _ = g.Write([]byte{byte(column), byte(row)})
	var f polynomial
	var block [168]byte // SHAKE128's rate: three bytes at a time leave none over
	for j := 0; j < n; {
		_, _ = g.Read(block[:])
		for b := block[:]; len(b) >= 3 && j < n; b = b[3:] {
			if c := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2]&0x7f)<<16; c < q {
				f[j] = c
				j++
			}
		}
	}
	return &f
}

// sampleInBall is Algorithm 29: tau coefficients of 1 or -1, all others zero.
func (p *parameters) sampleInBall(seed []byte) *polynomial {
	g := sha3.NewSHAKE256()
	_, _ = g.Write(seed)
	var signs [8]byte
	_, _ = g.Read(signs[:])
	var c polynomial
	for i := n - p.tau; i < n; i++ {
		j := nextByte(g)
		for j > i {
			j = nextByte(g)
		}
		c[i] = c[j]
		c[j] = 1
		if bit := i + p.tau - n; signs[bit/8]>>(bit%8)&1 == 1 {
			c[j] = q - 1
		}
	}
	return &c
}

func nextByte(g *sha3.SHAKE) int {
	var b [1]byte
	_, _ = g.Read(b[:])
	return int(b[0])
}

// decompose is Algorithm 36: r = r1 * 2*gamma2 + r0, with r0 in (-gamma2, gamma2]. Of r0 only the sign is ever asked.
func (p *parameters) decompose(r uint32) (r1 uint32, positive bool) {
	step := 2 * p.gamma2
	r1, low := r/step, r%step
	switch {
	case r == q-1 || (low > p.gamma2 && r1 == (q-1)/step-1): // r - r0 = q - 1, which wraps round
		return 0, false
	case low > p.gamma2:
		return r1 + 1, false
	default:
		return r1, low > 0
	}
}

// useHint is Algorithm 40.
func (p *parameters) useHint(hint, r uint32) uint32 {
	m := (q - 1) / (2 * p.gamma2)
	r1, positive := p.decompose(r)
	switch {
	case hint == 0:
		return r1
	case positive:
		return (r1 + 1) % m
	default:
		return (r1 + m - 1) % m
	}
}

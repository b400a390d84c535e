// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package mldsaverify

const (
	rhoSize = 32
	t1Bits  = 10
)

// decodeKey is Algorithm 23, pkDecode. The library has checked the length; every key of it is well-formed.
func (p *parameters) decodeKey(encoded []byte) (rho []byte, t1 []polynomial) {
	rho, rest := encoded[:rhoSize], encoded[rhoSize:]
	t1 = make([]polynomial, p.k)
	for i := range t1 {
		rest = unpack(&t1[i], rest, t1Bits)
	}
	return rho, t1
}

// decodeSignature is Algorithm 27, sigDecode, of a signature of the right length.
func (p *parameters) decodeSignature(encoded []byte) (challenge []byte, z, hints []polynomial, ok bool) {
	challenge, rest := encoded[:p.challengeSize], encoded[p.challengeSize:]
	z = make([]polynomial, p.l)
	for i := range z {
		rest = unpack(&z[i], rest, p.zBits)
		for j := range z[i] {
			z[i][j] = sub(p.gamma1, z[i][j])
		}
	}
	hints, ok = p.decodeHints(rest)
	return challenge, z, hints, ok
}

// decodeHints is Algorithm 21, HintBitUnpack: omega places for indices, then where each polynomial's end. Indices must rise
// and unused places be zero. A laxer reading would give a signature several encodings.
func (p *parameters) decodeHints(encoded []byte) (hints []polynomial, ok bool) {
	indices, ends := encoded[:p.omega], encoded[p.omega:]
	hints = make([]polynomial, p.k)
	at := 0
	for i := range hints {
		first, end := at, int(ends[i])
		if end < first || end > p.omega {
			return nil, false
		}
		for ; at < end; at++ {
			if at > first && indices[at-1] >= indices[at] {
				return nil, false
			}
			hints[i][indices[at]] = 1
		}
	}
	for _, unused := range indices[at:] {
		if unused != 0 {
			return nil, false
		}
	}
	return hints, true
}

// unpack is Algorithm 18, SimpleBitUnpack, for coefficients of any number of bits. It returns what follows them.
func unpack(f *polynomial, encoded []byte, width int) (rest []byte) {
	var buffer uint32
	filled, at := 0, 0
	for i := range f {
		for filled < width {
			buffer |= uint32(encoded[at]) << filled
			filled += 8
			at++
		}
		f[i] = buffer & (1<<width - 1)
		buffer >>= width
		filled -= width
	}
	return encoded[at:]
}

// pack is Algorithm 16, SimpleBitPack, the opposite. It appends to encoded.
func pack(encoded []byte, f *polynomial, width int) []byte {
	var buffer uint32
	filled := 0
	for i := range f {
		buffer |= f[i] << filled
		for filled += width; filled >= 8; filled -= 8 {
			encoded = append(encoded, byte(buffer))
			buffer >>= 8
		}
	}
	return encoded
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package mldsaverify

import "testing"

// decomposed is Algorithm 36 to the letter, in signed numbers.
func decomposed(r, gamma2 int) (r1, r0 int) {
	r0 = r % (2 * gamma2)
	if r0 > gamma2 {
		r0 -= 2 * gamma2
	}
	if r-r0 == q-1 {
		return 0, r0 - 1
	}
	return (r - r0) / (2 * gamma2), r0
}

// A coefficient at one of the borders is rare, so neither vectors nor a fuzzer meet them all; here are all numbers there are.
func TestHintsFollowTheStandardForEveryNumber(t *testing.T) {
	for params, p := range sets {
		t.Run(params.String(), func(t *testing.T) {
			gamma2 := int(p.gamma2)
			m := (q - 1) / (2 * gamma2)
			for r := range q {
				r1, r0 := decomposed(r, gamma2)
				hinted := (r1 - 1 + m) % m
				if r0 > 0 {
					hinted = (r1 + 1) % m
				}
				plain, moved := int(p.useHint(0, uint32(r))), int(p.useHint(1, uint32(r)))
				if plain != r1 || moved != hinted {
					t.Fatalf("%d gives %d and %d, want %d and %d", r, plain, moved, r1, hinted)
				}
			}
		})
	}
}

func TestTheInverseUndoesTheNTT(t *testing.T) {
	var f polynomial
	for i := range f {
		f[i] = mul(uint32(i+1), q-uint32(i*i)-1)
	}
	g := f
	g.ntt()
	if g == f {
		t.Error("the NTT changes nothing")
	}
	g.inverseNTT()
	if g != f {
		t.Error("the inverse gives other coefficients")
	}
}

func TestPackingUndoesUnpacking(t *testing.T) {
	for _, width := range []int{4, 6, 10, 18, 20} {
		encoded := make([]byte, n*width/8+3)
		for i := range encoded {
			encoded[i] = byte(i*i + 7)
		}
		var f polynomial
		rest := unpack(&f, encoded, width)
		again := pack(nil, &f, width)
		if len(rest) != 3 || string(again) != string(encoded[:len(encoded)-3]) {
			t.Errorf("%d bits: %d bytes left", width, len(rest))
		}
	}
}

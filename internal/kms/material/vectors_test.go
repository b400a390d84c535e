// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// signatureTest is one vector of a file of signatures. Ctx is ML-DSA's context string.
type signatureTest struct {
	Comment, Result string
	Msg, Sig, Ctx   hexBytes
	Flags           []string
}

// judge compares what verify said with what Wycheproof says, and counts what it accepted.
func judge(t *testing.T, tt signatureTest, valid bool, err error, accepted *int) {
	t.Helper()
	if err != nil && !errors.Is(err, ErrInvalidSignature) {
		t.Errorf("%s: unforeseen error %v", tt.Comment, err)
	}
	if (err == nil) != valid {
		t.Errorf("%s %v (%s): got %v", tt.Comment, tt.Flags, tt.Result, err)
	}
	if err == nil {
		*accepted++
	}
}

func TestHMACsOfWycheproof(t *testing.T) {
	type group struct {
		KeySize, TagSize int
		Tests            []struct {
			Comment, Result string
			Key, Msg, Tag   hexBytes
		}
	}
	for size, algorithm := range map[int]keyspec.Algorithm{
		224: keyspec.HMACSHA224, 256: keyspec.HMACSHA256, 384: keyspec.HMACSHA384, 512: keyspec.HMACSHA512,
	} {
		t.Run(string(algorithm), func(t *testing.T) {
			spec := keyspec.Spec(fmt.Sprintf("HMAC_%d", size))
			whole, cut := 0, 0
			for _, g := range load[group](t, fmt.Sprintf("hmac_sha%d_test.json", size)) {
				for _, tt := range g.Tests {
					if _, err := Parse(spec, tt.Key); (err != nil) != (g.KeySize < size || g.KeySize > 8*hashes[algorithm].New().BlockSize()) {
						t.Errorf("%s, a key of %d bits: %v", tt.Comment, g.KeySize, err)
					} else if err != nil {
						continue // shorter than the hash, or longer than its block
					}
					err := mustParse(t, spec, tt.Key).VerifyMac(algorithm, tt.Msg, tt.Tag)
					valid := tt.Result == "valid" && g.TagSize == size // AWS does not cut MACs
					if valid {
						whole++
					} else {
						cut++
					}
					if (err == nil) != valid || (err != nil && !errors.Is(err, ErrInvalidMac)) {
						t.Errorf("%s (%s, %d bits): %v", tt.Comment, tt.Result, g.TagSize, err)
					}
				}
			}
			if whole < 20 || cut < 50 {
				t.Errorf("only %d whole, %d cut or wrong", whole, cut)
			}
		})
	}
}

// hashOf is a message's digest, for the algorithms that sign one.
func hashOf(algorithm keyspec.Algorithm, message []byte) []byte {
	hash, ok := hashes[algorithm]
	if !ok {
		hash = hashes[keyspec.RSASSAPSSSHA512] // Ed25519ph's SHA-512
	}
	h := hash.New()
	h.Write(message)
	return slices.Clip(h.Sum(nil))
}

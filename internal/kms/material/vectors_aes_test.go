// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"slices"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// Nothing offers plain AES-GCM: internal/kms/envelope and internal/kms/seal have AES-256-GCM under derived keys, by
// cipher.NewGCMWithRandomNonce, and that is what opens the vectors here, with the key lent as envelope borrows it. It puts its
// nonce of 96 bits before the ciphertext, so vectors with others do not apply.
func TestAES256GCMCiphertextsOfWycheproof(t *testing.T) {
	type group struct {
		KeySize, IvSize, TagSize int
		Tests                    []struct {
			Comment, Result       string
			Key, Iv, Aad, Msg, Ct hexBytes
			Tag                   hexBytes
		}
	}
	accepted, refused := 0, 0
	for _, g := range load[group](t, "aes_gcm_test.json") {
		if g.KeySize != 256 || g.IvSize != 96 || g.TagSize != 128 {
			continue
		}
		for _, tt := range g.Tests {
			var got []byte
			err := mustParse(t, keyspec.SymmetricDefault, tt.Key).LendSymmetric(func(key []byte) error {
				block, err := aes.NewCipher(key)
				if err != nil {
					return err
				}
				gcm, err := cipher.NewGCMWithRandomNonce(block)
				if err != nil {
					return err
				}
				got, err = gcm.Open(nil, nil, slices.Concat(tt.Iv, tt.Ct, tt.Tag), tt.Aad)
				return err
			})
			if tt.Result == "valid" {
				accepted++
				if err != nil || !bytes.Equal(got, tt.Msg) {
					t.Errorf("%s: got %x, %v, want %x", tt.Comment, got, err, tt.Msg)
				}
				continue
			}
			refused++
			if err == nil || got != nil {
				t.Errorf("%s: accepted", tt.Comment)
			}
		}
	}
	if accepted < 30 || refused < 20 {
		t.Errorf("only %d accepted and %d refused", accepted, refused)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

// The places in a ciphertext, by package envelope's description of the format.
const (
	formAt  = 1
	keyIDAt = 2
	keyEnd  = 18
)

// answer is everything that a caller sees of a refusal.
func (w *world) answer(in object) kms.Error {
	w.t.Helper()
	out, err := w.call(root(), "Decrypt", in)
	known, ok := errors.AsType[*kms.Error](err)
	if !ok {
		w.t.Fatalf("got %v, %v", out, err)
	}
	return kms.Error{Code: known.Code, Message: known.Message}
}

// TestNoBitOfACiphertextCanBeChanged flips each bit of a symmetric ciphertext. The caller may use every key there is here,
// and learns that the ciphertext is invalid, or that there is no such key where the bit belongs to the key's ID.
func TestNoBitOfACiphertextCanBeChanged(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	sealed := w.sealed(keyID)
	invalid := kms.Error{Code: kms.InvalidCiphertextException}
	unknown := kms.Error{Code: kms.AccessDeniedException, Message: undisclosed}
	incorrect := kms.Error{
		Code: kms.IncorrectKeyException, Message: "The key ID in the request does not identify a CMK that can perform this operation.",
	}
	for bit := range 8 * len(sealed) {
		changed := bytes.Clone(sealed)
		changed[bit/8] ^= 1 << (bit % 8)
		want, wantNamed := invalid, invalid
		if at := bit / 8; at >= keyIDAt && at < keyEnd || at == formAt && bit%8 == 0 {
			want, wantNamed = unknown, incorrect
		}
		if got := w.answer(object{"CiphertextBlob": changed}); got != want {
			t.Errorf("bit %d: got %+v, want %+v", bit, got, want)
		}
		if got := w.answer(object{"CiphertextBlob": changed, "KeyId": keyID}); got != wantNamed {
			t.Errorf("bit %d, with the key named: got %+v, want %+v", bit, got, wantNamed)
		}
		event := w.events.last()
		if event.ErrorCode != string(wantNamed.Code) || event.ErrorMessage != wantNamed.Message || event.AdditionalEventData != nil {
			t.Errorf("bit %d is recorded as %+v", bit, event)
		}
	}
}

func TestNoByteOfACiphertextCanBeMissing(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	sealed := w.sealed(keyID)
	invalid := kms.Error{Code: kms.InvalidCiphertextException}
	for n := 1; n < len(sealed); n++ {
		parts := [][]byte{sealed[:n], sealed[n:], append(bytes.Clone(sealed[:n-1]), sealed[n:]...)}
		for i, part := range parts {
			got := w.answer(object{"CiphertextBlob": part, "KeyId": keyID})
			if i > 0 && (got.Code == kms.IncorrectKeyException) { // what was left reads as another key's ID
				continue
			}
			if got != invalid {
				t.Errorf("%d bytes, part %d: got %+v", n, i, got)
			}
			if got := w.answer(object{"CiphertextBlob": part}); i == 0 && got != invalid {
				t.Errorf("%d bytes, part %d, without key: got %+v", n, i, got)
			}
		}
	}
	for _, more := range [][]byte{{0}, make([]byte, 4096)} {
		if got := w.answer(object{"CiphertextBlob": append(bytes.Clone(sealed), more...)}); got != invalid {
			t.Errorf("%d bytes more: got %+v", len(more), got)
		}
	}
}

// An RSA ciphertext that was changed is refused in one way, wherever the padding breaks.
func TestNoByteOfAnRSACiphertextCanBeChanged(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{Spec: keyspec.RSA2048, Usage: keyspec.EncryptDecrypt})
	in := object{"KeyId": keyID, "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}
	sealed := blob(t, w.must(root(), "Encrypt", with(in, object{"Plaintext": []byte("x")})), "CiphertextBlob")
	for at := 0; at < len(sealed); at += 8 {
		changed := bytes.Clone(sealed)
		changed[at] ^= 0x80
		if got := w.answer(with(in, object{"CiphertextBlob": changed})); got != (kms.Error{Code: kms.InvalidCiphertextException}) {
			t.Errorf("byte %d: got %+v", at, got)
		}
	}
}

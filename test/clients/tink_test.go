// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package clients_test

import (
	"bytes"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/tink-crypto/tink-go-awskms/v3/integration/awskms"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// keyEncryptionKey is Tink's view of a KMS key.
func keyEncryptionKey(t *testing.T, keyID string) tink.AEAD {
	t.Helper()
	client := must(awskms.NewClientWithOptions(t.Context(), "aws-kms://arn:aws:kms:"+region+":", awskms.WithKMS(root())))(t)
	uri := "aws-kms://" + keyID
	if !client.Supported(uri) {
		t.Fatalf("Tink does not support %s", uri)
	}
	return must(client.GetAEAD(uri))(t)
}

func TestTinkSealsItsDataKeysWithAKMSKey(t *testing.T) {
	kek := keyEncryptionKey(t, *symmetricKey(t))
	envelope := aead.NewKMSEnvelopeAEAD2(aead.AES256GCMKeyTemplate(), kek)
	plaintext := bytes.Repeat([]byte("more than KMS takes "), 1000)
	sealed := must(envelope.Encrypt(plaintext, []byte("row 1")))(t)
	if opened, err := envelope.Decrypt(sealed, []byte("row 1")); err != nil || !bytes.Equal(opened, plaintext) {
		t.Errorf("decrypting: %v", err)
	}
	if _, err := envelope.Decrypt(sealed, []byte("row 2")); err == nil {
		t.Error("other associated data is accepted")
	}
	other := aead.NewKMSEnvelopeAEAD2(aead.AES256GCMKeyTemplate(), keyEncryptionKey(t, *symmetricKey(t)))
	if _, err := other.Decrypt(sealed, []byte("row 1")); err == nil {
		t.Error("another key decrypts")
	}
}

func TestTinkEncryptsWithAKMSKeyItself(t *testing.T) {
	keyID := symmetricKey(t)
	kek := keyEncryptionKey(t, *keyID)
	sealed := must(kek.Encrypt([]byte("secret"), []byte("context")))(t)
	if opened, err := kek.Decrypt(sealed, []byte("context")); err != nil || string(opened) != "secret" {
		t.Errorf("decrypting: %v", err)
	}
	for _, associatedData := range [][]byte{nil, []byte("Context")} {
		if _, err := kek.Decrypt(sealed, associatedData); err == nil {
			t.Errorf("associated data %q is accepted", associatedData)
		}
	}
	must(root().DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: keyID}))(t)
	if _, err := kek.Decrypt(sealed, []byte("context")); err == nil {
		t.Error("a disabled key decrypts")
	}
}

func TestTinkKeepsAKeysetUnderAKMSKey(t *testing.T) {
	kek := keyEncryptionKey(t, *symmetricKey(t))
	handle := must(keyset.NewHandle(aead.AES256GCMKeyTemplate()))(t)
	var stored bytes.Buffer
	if err := handle.WriteWithAssociatedData(keyset.NewJSONWriter(&stored), kek, []byte("app")); err != nil {
		t.Fatal(err)
	}
	content := stored.Bytes()
	read := must(keyset.ReadWithAssociatedData(keyset.NewJSONReader(bytes.NewReader(content)), kek, []byte("app")))(t)
	sealed := must(must(aead.New(handle))(t).Encrypt([]byte("x"), nil))(t)
	if opened, err := must(aead.New(read))(t).Decrypt(sealed, nil); err != nil || string(opened) != "x" {
		t.Errorf("the keyset that was read: %v", err)
	}
	again := keyset.NewJSONReader(bytes.NewReader(content))
	if _, err := keyset.ReadWithAssociatedData(again, kek, []byte("another app")); err == nil {
		t.Error("another app reads the keyset")
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"context"
	"crypto/rand"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// DataKeyPair is a new key pair for use outside of the service. PrivateKey and what is derived from it by copying are the
// caller's to clear.
type DataKeyPair struct {
	// PrivateKey is PKCS #8 in DER, PublicKey SubjectPublicKeyInfo in DER.
	PrivateKey, PublicKey []byte
	// PrivateKeyCiphertext is what Decrypt takes.
	PrivateKeyCiphertext []byte
	// MaterialID is that of the key's material which encrypted it.
	MaterialID string
}

// GenerateDataKey makes a data key of n random bytes, 1 to 1024, and encrypts it. The plaintext is the caller's to clear.
func (k *Key) GenerateDataKey(context map[string]string, n int) (plaintext, ciphertext []byte, materialID string, err error) {
	if err := k.CheckDataKeys(); err != nil {
		return nil, nil, "", err
	}
	plaintext = make([]byte, n)
	_, _ = rand.Read(plaintext) // never fails: it ends the program rather than return bad randomness
	ciphertext, materialID, err = k.Encrypt(keyspec.AlgorithmSymmetricDefault, context, plaintext)
	if err != nil {
		clear(plaintext)
		return nil, nil, "", err
	}
	return plaintext, ciphertext, materialID, nil
}

// GenerateDataKeyPair makes a key pair of the spec and encrypts its private key. For RSA that takes up to some seconds,
// and others may have to be waited for before.
func (k *Key) GenerateDataKeyPair(
	ctx context.Context, spec keyspec.Spec, encryptionContext map[string]string,
) (*DataKeyPair, error) {
	if err := k.CheckDataKeys(); err != nil {
		return nil, err
	}
	if !spec.HasPublicKey() {
		return nil, Errorf(UnsupportedOperationException, "Key pairs of key spec %s are not supported.", spec)
	}
	m, err := generate(ctx, spec)
	if err != nil {
		return nil, k.failed(err)
	}
	defer m.Destroy()
	pair := &DataKeyPair{}
	if pair.PublicKey, err = m.PublicKey(); err != nil {
		return nil, k.failed(err)
	}
	if pair.PrivateKey, err = m.PKCS8(); err != nil {
		return nil, k.failed(err)
	}
	pair.PrivateKeyCiphertext, pair.MaterialID, err = k.Encrypt(
		keyspec.AlgorithmSymmetricDefault, encryptionContext, pair.PrivateKey)
	if err != nil {
		clear(pair.PrivateKey)
		return nil, err
	}
	return pair, nil
}

// CheckDataKeys refuses data keys under an RSA key, as AWS does.
func (k *Key) CheckDataKeys() error {
	if k.record.Spec.Symmetric() {
		return nil
	}
	return Errorf(InvalidKeyUsageException, "You cannot generate a data key with an asymmetric CMK")
}

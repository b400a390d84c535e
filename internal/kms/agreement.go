// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"errors"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms/material"
)

// DeriveSharedSecret returns the raw ECDH secret of the key and a peer's public key, a DER SubjectPublicKeyInfo on the
// same curve. It is no key yet: callers put it through a KDF.
func (k *Key) DeriveSharedSecret(algorithm keyspec.Algorithm, peer []byte) ([]byte, error) {
	if err := k.checkAlgorithm(algorithm); err != nil {
		return nil, err
	}
	var secret []byte
	err := k.use(func(m material.Material) error {
		var err error
		secret, err = m.DeriveSharedSecret(algorithm, peer)
		if errors.Is(err, material.ErrInvalidPublicKey) {
			return Errorf(ValidationException,
				"The public key is not a DER-encoded X.509 SubjectPublicKeyInfo of a key with key spec %s.", k.record.Spec)
		}
		return err
	})
	return secret, k.failed(err)
}

// Encapsulate makes a new shared secret of 32 bytes, and the ciphertext that carries it to who may Decapsulate.
func (k *Key) Encapsulate(algorithm keyspec.Algorithm) (secret, ciphertext []byte, err error) {
	if err := k.checkAlgorithm(algorithm); err != nil {
		return nil, nil, err
	}
	err = k.use(func(m material.Material) error {
		var err error
		secret, ciphertext, err = m.Encapsulate(algorithm)
		return err
	})
	return secret, ciphertext, k.failed(err)
}

// Decapsulate returns the shared secret of a ciphertext. One of a wrong length is an InvalidCiphertextException; one that
// was not made for this key yields a secret that nobody else knows, and no error, as ML-KEM has it.
func (k *Key) Decapsulate(algorithm keyspec.Algorithm, ciphertext []byte) ([]byte, error) {
	if err := k.checkAlgorithm(algorithm); err != nil {
		return nil, err
	}
	var secret []byte
	err := k.use(func(m material.Material) error {
		var err error
		secret, err = m.Decapsulate(algorithm, ciphertext)
		if errors.Is(err, material.ErrInvalidCiphertext) {
			return invalidCiphertext()
		}
		return err
	})
	return secret, k.failed(err)
}

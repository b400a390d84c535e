// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"context"
	"errors"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms/envelope"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/material"
)

// Encrypt encrypts with the key's current material and returns that material's ID too, which is empty for RSA keys.
// Symmetric keys take up to 4096 bytes and an encryption context, which is authenticated; RSA keys take as much as their
// algorithm allows and no context.
func (k *Key) Encrypt(
	algorithm keyspec.Algorithm, context map[string]string, plaintext []byte,
) (ciphertext []byte, materialID string, err error) {
	if err := k.CheckEncryption(algorithm, context); err != nil {
		return nil, "", err
	}
	current := k.record.Current()
	if k.record.Spec.Symmetric() {
		materialID = current.ID
	}
	err = k.useMaterial(&current, func(m usable) error {
		var err error
		if m.envelope != nil {
			ciphertext, err = m.envelope.Seal(k.header(&current), context, plaintext)
			return err
		}
		ciphertext, err = m.Encrypt(algorithm, plaintext)
		return k.encryptError(algorithm, err)
	})
	return ciphertext, materialID, k.failed(err)
}

// Decrypt decrypts what Encrypt of this key returned, also with material that was replaced since. Whatever is wrong with
// the ciphertext or its context is an InvalidCiphertextException that says nothing more; a symmetric ciphertext that says
// of itself that another key made it is an IncorrectKeyException.
func (k *Key) Decrypt(
	ctx context.Context, algorithm keyspec.Algorithm, encryptionContext map[string]string, ciphertext []byte,
) (plaintext []byte, materialID string, err error) {
	var header envelope.Header
	if algorithm == keyspec.AlgorithmSymmetricDefault { // AWS looks at the ciphertext first, then at the key's spec
		if header, err = k.headerOf(ciphertext); err != nil {
			return nil, "", err
		}
	}
	if err := k.CheckEncryption(algorithm, encryptionContext); err != nil {
		return nil, "", err
	}
	if k.record.Spec.Symmetric() {
		return k.decryptSymmetric(ctx, header, encryptionContext, ciphertext)
	}
	err = k.use(func(m material.Material) error {
		var err error
		plaintext, err = m.Decrypt(algorithm, ciphertext)
		return k.encryptError(algorithm, err)
	})
	return plaintext, "", k.failed(err)
}

// headerOf is the header of a symmetric ciphertext that says it was made with this key.
func (k *Key) headerOf(ciphertext []byte) (envelope.Header, error) {
	header, err := envelope.ParseHeader(ciphertext)
	if err != nil {
		return header, invalidCiphertext()
	}
	if header.KeyID != k.ID() {
		return header, Errorf(IncorrectKeyException,
			"The key ID in the request does not identify a CMK that can perform this operation.")
	}
	return header, nil
}

func (k *Key) decryptSymmetric(
	ctx context.Context, header envelope.Header, encryptionContext map[string]string, ciphertext []byte,
) (plaintext []byte, materialID string, err error) {
	of := k.record.Material(header.MaterialID)
	if of == nil {
		if k, err = k.lookAgain(ctx); err != nil {
			return nil, "", err
		}
		of = k.record.Material(header.MaterialID)
	}
	if of == nil {
		return nil, "", invalidCiphertext()
	}
	err = k.useMaterial(of, func(m usable) error {
		var err error
		plaintext, err = m.envelope.Open(k.header(of), encryptionContext, ciphertext)
		if err != nil {
			return invalidCiphertext()
		}
		return nil
	})
	return plaintext, of.ID, k.failed(err)
}

// KeyIDOfCiphertext is the ID of the key that a symmetric ciphertext says it was made with. Nothing of that is proved; it
// serves to look the key up.
func KeyIDOfCiphertext(ciphertext []byte) (string, error) {
	header, err := envelope.ParseHeader(ciphertext)
	if err != nil {
		return "", invalidCiphertext()
	}
	return header.KeyID, nil
}

func (k *Key) header(of *keyring.Material) envelope.Header {
	return envelope.Header{KeyID: k.ID(), MaterialID: of.ID}
}

// CheckEncryption refuses an algorithm that is not the key's, and a context where nothing authenticates it.
func (k *Key) CheckEncryption(algorithm keyspec.Algorithm, context map[string]string) error {
	if err := k.checkAlgorithm(algorithm); err != nil {
		return err
	}
	if len(context) > 0 && !k.record.Spec.Symmetric() {
		return Errorf(ValidationException, "EncryptionContext is not supported when encrypting/decrypting with asymmetric CMKs.")
	}
	return nil
}

func invalidCiphertext() error { return &Error{Code: InvalidCiphertextException} }

// encryptError gives the errors of RSA encryption AWS's codes and texts.
func (k *Key) encryptError(algorithm keyspec.Algorithm, err error) error {
	if length, ok := errors.AsType[*material.LengthError](err); ok {
		return Errorf(ValidationException, "Algorithm %s and key spec %s cannot encrypt data larger than %d bytes.",
			algorithm, k.record.Spec, length.Max)
	}
	if errors.Is(err, material.ErrInvalidCiphertext) {
		return invalidCiphertext()
	}
	return err
}

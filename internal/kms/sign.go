// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"crypto/sha512"
	"errors"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms/material"
)

// Sign signs a message of up to 4096 bytes, its digest, or the message representative mu of ML-DSA.
func (k *Key) Sign(algorithm keyspec.Algorithm, messageType material.MessageType, message []byte) ([]byte, error) {
	if err := k.checkAlgorithm(algorithm); err != nil {
		return nil, err
	}
	var signature []byte
	err := k.use(func(m material.Material) error {
		var err error
		signature, err = m.Sign(algorithm, messageType, prehash(algorithm, message))
		return signError(algorithm, messageType, err)
	})
	return signature, k.failed(err)
}

// Verify checks a signature that Sign of this key made; any other is a KMSInvalidSignatureException.
func (k *Key) Verify(
	algorithm keyspec.Algorithm, messageType material.MessageType, message, signature []byte,
) error {
	if err := k.checkAlgorithm(algorithm); err != nil {
		return err
	}
	return k.failed(k.use(func(m material.Material) error {
		return signError(algorithm, messageType, m.Verify(algorithm, messageType, prehash(algorithm, message), signature))
	}))
}

// prehash is what is peculiar to AWS's ED25519_PH_SHA_512: it takes a digest, and still does the hashing of Ed25519ph on
// it, so that the message is hashed twice (AWS KMS API reference, Sign, MessageType). A digest of another length is left
// as it is, to be refused.
func prehash(algorithm keyspec.Algorithm, message []byte) []byte {
	if algorithm != keyspec.Ed25519PHSHA512 || len(message) != sha512.Size {
		return message
	}
	hashed := sha512.Sum512(message)
	return hashed[:]
}

// signError gives the errors of signing AWS's codes and texts.
func signError(algorithm keyspec.Algorithm, messageType material.MessageType, err error) error {
	switch length, tooLong := errors.AsType[*material.LengthError](err); {
	case tooLong && messageType == material.MessageDigest:
		return Errorf(ValidationException, "Digest is invalid length for algorithm %s.", algorithm)
	case tooLong:
		return Errorf(ValidationException, "Message is invalid length for algorithm %s and message type %s: it has %d bytes.",
			algorithm, messageType, length.Got)
	case errors.Is(err, material.ErrMessageType):
		return Errorf(ValidationException, "Message type %s is incompatible with algorithm %s.", messageType, algorithm)
	case errors.Is(err, material.ErrInvalidSignature):
		return &Error{Code: KMSInvalidSignatureException}
	default:
		return err
	}
}

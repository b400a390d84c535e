// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"crypto"
	"fmt"

	"filippo.io/mldsa"
	"filippo.io/mldsa/mldsacrypto"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms/material/mldsaverify"
)

type mldsaKey struct {
	private *mldsa.PrivateKey
	public  *mldsa.PublicKey
}

func (s mldsaSet) expand(encoded []byte) (any, error) {
	private, err := mldsa.NewPrivateKey(s.params, encoded)
	if err != nil {
		return nil, err
	}
	return mldsaKey{private, private.PublicKey()}, nil
}

// sign is FIPS 204's hedged variant: fresh randomness goes into each signature, against fault attacks on a deterministic
// one, and if it were bad the signature would still be safe. The context string is empty, as in AWS.
func (k mldsaKey) sign(_ keyspec.Algorithm, messageType MessageType, message []byte) ([]byte, error) {
	if err := checkMLDSA(messageType, message); err != nil {
		return nil, err
	}
	var options crypto.SignerOpts = &mldsa.Options{}
	if messageType == MessageExternalMu {
		options = mldsacrypto.MLDSAMu
	}
	signature, err := k.private.Sign(nil, message, options)
	if err != nil {
		return nil, fmt.Errorf("signing with ML-DSA: %w", err)
	}
	return signature, nil
}

func (k mldsaKey) verify(_ keyspec.Algorithm, messageType MessageType, message, signature []byte) error {
	return verifyMLDSA(k.public, messageType, message, signature)
}

// verifyMLDSA has the library verify a message, and mldsaverify mu, which the library does not take.
func verifyMLDSA(key *mldsa.PublicKey, messageType MessageType, message, signature []byte) error {
	if err := checkMLDSA(messageType, message); err != nil {
		return err
	}
	valid := messageType == MessageExternalMu && mldsaverify.Verify(key, message, signature) ||
		messageType == MessageRaw && mldsa.Verify(key, message, signature, nil) == nil
	if !valid {
		return ErrInvalidSignature
	}
	return nil
}

func checkMLDSA(messageType MessageType, message []byte) error {
	switch messageType {
	case MessageRaw:
		return checkRange("message", message, 0, MaxMessage)
	case MessageExternalMu:
		return checkRange("mu", message, mldsaverify.MuSize, mldsaverify.MuSize)
	default:
		return ErrMessageType
	}
}

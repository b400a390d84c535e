// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"crypto"
	"fmt"

	"filippo.io/mldsa"
	"filippo.io/mldsa/mldsacrypto"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
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

// muSize is the length of mu in FIPS 204, for every parameter set.
const muSize = 64

// sign is FIPS 204's hedged variant: fresh randomness goes into each signature, against fault attacks on a deterministic
// one, and if it were bad the signature would still be safe. The context string is empty, as in AWS.
func (k mldsaKey) sign(_ keyspec.Algorithm, messageType MessageType, message []byte) ([]byte, error) {
	var options crypto.SignerOpts
	var err error
	switch messageType {
	case MessageRaw:
		options, err = &mldsa.Options{}, checkRange("message", message, 0, MaxMessage)
	case MessageExternalMu:
		options, err = mldsacrypto.MLDSAMu, checkRange("mu", message, muSize, muSize)
	default:
		err = ErrMessageType
	}
	if err != nil {
		return nil, err
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

// verifyMLDSA has the library compute mu. It offers no way to give it one.
func verifyMLDSA(key *mldsa.PublicKey, messageType MessageType, message, signature []byte) error {
	if messageType != MessageRaw {
		return ErrMessageType
	}
	if err := checkRange("message", message, 0, MaxMessage); err != nil {
		return err
	}
	if mldsa.Verify(key, message, signature, nil) != nil {
		return ErrInvalidSignature
	}
	return nil
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha512"
	"fmt"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

type edwardsKey ed25519.PrivateKey

func (edwards25519) expand(encoded []byte) (any, error) {
	return edwardsKey(ed25519.NewKeyFromSeed(encoded)), nil
}

// edwardsOptions tells the two algorithms apart: Ed25519 signs the message, which it has to read twice, and Ed25519ph the
// message's SHA-512. RFC 8032, 5.1, puts a prefix before what Ed25519ph hashes, so no signature of one is one of the other.
func edwardsOptions(
	algorithm keyspec.Algorithm, messageType MessageType, message []byte,
) (*ed25519.Options, error) {
	switch {
	case algorithm == keyspec.Ed25519SHA512 && messageType == MessageRaw:
		return &ed25519.Options{}, checkRange("message", message, 0, MaxMessage)
	case algorithm == keyspec.Ed25519PHSHA512 && messageType == MessageDigest:
		return &ed25519.Options{Hash: crypto.SHA512}, checkRange("digest", message, sha512.Size, sha512.Size)
	default:
		return nil, ErrMessageType
	}
}

func (k edwardsKey) sign(algorithm keyspec.Algorithm, messageType MessageType, message []byte) ([]byte, error) {
	options, err := edwardsOptions(algorithm, messageType, message)
	if err != nil {
		return nil, err
	}
	signature, err := ed25519.PrivateKey(k).Sign(rand.Reader, message, options)
	if err != nil {
		return nil, fmt.Errorf("signing with Ed25519: %w", err)
	}
	return signature, nil
}

func (k edwardsKey) verify(algorithm keyspec.Algorithm, messageType MessageType, message, signature []byte) error {
	public := ed25519.PublicKey(k[ed25519.SeedSize:])
	return verifyEdwards(public, algorithm, messageType, message, signature)
}

func verifyEdwards(
	key ed25519.PublicKey, algorithm keyspec.Algorithm, messageType MessageType, message, signature []byte,
) error {
	options, err := edwardsOptions(algorithm, messageType, message)
	if err != nil {
		return err
	}
	if ed25519.VerifyWithOptions(key, message, signature, options) != nil {
		return ErrInvalidSignature
	}
	return nil
}

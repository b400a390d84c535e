// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

type secpKey struct {
	private *secp256k1.PrivateKey
	public  *secp256k1.PublicKey
}

func (secgP256K1) expand(encoded []byte) (any, error) {
	private := secp256k1.PrivKeyFromBytes(encoded)
	return secpKey{private, private.PubKey()}, nil
}

// sign derives the nonce from key and digest (RFC 6979), so no generator can repeat one. The library multiplies and inverts
// the nonce in variable time, the one way it has; the NIST curves are the better choice where callers can time closely.
// Of (r, s) and (r, -s) it returns the one with the smaller s, which every verifier takes.
func (k secpKey) sign(algorithm keyspec.Algorithm, messageType MessageType, message []byte) ([]byte, error) {
	hashed, err := digest(hashes[algorithm], messageType, message)
	if err != nil {
		return nil, err
	}
	return ecdsa.Sign(k.private, hashed).Serialize(), nil
}

func (k secpKey) verify(algorithm keyspec.Algorithm, messageType MessageType, message, signature []byte) error {
	return verifySecp(k.public, algorithm, messageType, message, signature)
}

// verifySecp takes either s, as verifyECDSA does: AWS signs with both, and its signatures are to verify here.
func verifySecp(
	key *secp256k1.PublicKey, algorithm keyspec.Algorithm, messageType MessageType, message, signature []byte,
) error {
	hashed, err := digest(hashes[algorithm], messageType, message)
	if err != nil {
		return err
	}
	parsed, err := ecdsa.ParseDERSignature(signature)
	if err != nil || !parsed.Verify(hashed, key) {
		return ErrInvalidSignature
	}
	return nil
}

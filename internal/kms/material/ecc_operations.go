// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"fmt"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// nistKey is a key on a NIST curve. It signs or agrees; its usage, which KMS checks, keeps a key from doing both.
type nistKey struct {
	signing   *ecdsa.PrivateKey
	agreement *ecdh.PrivateKey
}

func (c nistCurve) expand(encoded []byte) (any, error) {
	signing, err := ecdsa.ParseRawPrivateKey(c.params, encoded)
	if err != nil {
		return nil, errScalar
	}
	agreement, err := c.curve.NewPrivateKey(encoded)
	if err != nil {
		return nil, errScalar
	}
	return nistKey{signing, agreement}, nil
}

// sign has crypto/ecdsa make the nonce from fresh randomness, key and digest together, so that a bad generator alone can't
// repeat one and give the key away. Its arithmetic on NIST curves runs in constant time.
func (k nistKey) sign(algorithm keyspec.Algorithm, messageType MessageType, message []byte) ([]byte, error) {
	hashed, err := digest(hashes[algorithm], messageType, message)
	if err != nil {
		return nil, err
	}
	signature, err := ecdsa.SignASN1(rand.Reader, k.signing, hashed)
	if err != nil {
		return nil, fmt.Errorf("signing with ECDSA: %w", err)
	}
	return signature, nil
}

func (k nistKey) verify(algorithm keyspec.Algorithm, messageType MessageType, message, signature []byte) error {
	return verifyECDSA(&k.signing.PublicKey, algorithm, messageType, message, signature)
}

// verifyECDSA takes DER alone, and of the two signatures (r, s) and (r, -s) either, as FIPS 186-5 does.
func verifyECDSA(
	key *ecdsa.PublicKey, algorithm keyspec.Algorithm, messageType MessageType, message, signature []byte,
) error {
	hashed, err := digest(hashes[algorithm], messageType, message)
	if err != nil {
		return err
	}
	if !ecdsa.VerifyASN1(key, hashed, signature) {
		return ErrInvalidSignature
	}
	return nil
}

func (k nistKey) agree(peer []byte) ([]byte, error) {
	public, err := parsePeer(k.agreement.Curve(), peer)
	if err != nil {
		return nil, err
	}
	secret, err := k.agreement.ECDH(public)
	if err != nil {
		return nil, ErrInvalidPublicKey
	}
	return secret, nil
}

// parsePeer takes a public key in the one DER form that PublicKey writes: named curve, uncompressed point, nothing left
// over. A point off the curve would lie on a weaker one, where each answer tells some of the private scalar (the
// invalid-curve attack); a curve given by its parameters can be made just so. crypto/x509 checks that the point is on the
// curve. The cofactor is 1, so on the curve every point but infinity, which has no such form, is of full order.
func parsePeer(curve ecdh.Curve, der []byte) (*ecdh.PublicKey, error) {
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, ErrInvalidPublicKey
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok {
		return nil, ErrInvalidPublicKey
	}
	public, err := key.ECDH()
	if err != nil || public.Curve() != curve {
		return nil, ErrInvalidPublicKey
	}
	if again, err := x509.MarshalPKIXPublicKey(public); err != nil || !bytes.Equal(again, der) {
		return nil, ErrInvalidPublicKey
	}
	return public, nil
}

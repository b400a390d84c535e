// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/asn1"
	"errors"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

// ecPrivateKey is RFC 5915's structure. crypto/x509 does not know secp256k1, and passes over the public key.
type ecPrivateKey struct {
	Version    int
	PrivateKey []byte
	Curve      asn1.ObjectIdentifier `asn1:"optional,explicit,tag:0"`
	PublicKey  asn1.BitString        `asn1:"optional,explicit,tag:1"`
}

// parseEC returns the scalar of a key on a curve, at the curve's length, and the public key if it is there.
func parseEC(key oneAsymmetricKey, curve asn1.ObjectIdentifier, size int) (scalar, public []byte, err error) {
	if err := key.of(oidECPublicKey, "elliptic curve"); err != nil {
		return nil, nil, err
	}
	var named asn1.ObjectIdentifier
	if rest, err := asn1.Unmarshal(key.Algorithm.Parameters.FullBytes, &named); err != nil || len(rest) > 0 {
		return nil, nil, errors.New("its curve is not named")
	}
	if !named.Equal(curve) {
		return nil, nil, errCurve
	}
	var private ecPrivateKey
	if rest, err := asn1.Unmarshal(key.PrivateKey, &private); err != nil || len(rest) > 0 || private.Version != 1 {
		return nil, nil, errors.New("it is not an elliptic curve private key (RFC 5915) inside")
	}
	if private.Curve != nil && !private.Curve.Equal(curve) {
		return nil, nil, errCurve
	}
	digits := bytes.TrimLeft(private.PrivateKey, "\x00")
	if len(digits) > size {
		return nil, nil, errScalar
	}
	scalar = make([]byte, size)
	copy(scalar[size-len(digits):], digits)
	return scalar, private.PublicKey.RightAlign(), nil
}

var errCurve = errors.New("it is on another curve")

// normaliseEC is normalise for the curves that have an ecPrivateKey.
func normaliseEC(pair keyPair, key oneAsymmetricKey, curve asn1.ObjectIdentifier, size int) ([]byte, error) {
	scalar, public, err := parseEC(key, curve, size)
	if err != nil {
		return nil, err
	}
	if err := pair.check(scalar); err != nil {
		return nil, err
	}
	if len(public) == 0 {
		return scalar, nil
	}
	return scalar, checkPublic(pair, scalar, public)
}

func (c nistCurve) normalise(key oneAsymmetricKey) ([]byte, error) {
	return normaliseEC(c, key, c.oid, c.size)
}

func (c nistCurve) pkcs8(encoded []byte) ([]byte, error) {
	key, err := ecdsa.ParseRawPrivateKey(c.params, encoded)
	if err != nil {
		return nil, errScalar
	}
	return x509.MarshalPKCS8PrivateKey(key)
}

func (s secgP256K1) normalise(key oneAsymmetricKey) ([]byte, error) {
	return normaliseEC(s, key, oidSECGP256K1, secp256k1.PrivKeyBytesLen)
}

// pkcs8 leaves the curve out of the inner structure, as crypto/x509 does: it is in the outer one.
func (secgP256K1) pkcs8(encoded []byte) ([]byte, error) {
	key := secp256k1.PrivKeyFromBytes(encoded)
	defer key.Zero()
	public := key.PubKey().SerializeUncompressed()
	inner, err := asn1.Marshal(ecPrivateKey{
		Version: 1, PrivateKey: encoded, PublicKey: asn1.BitString{Bytes: public, BitLength: 8 * len(public)},
	})
	if err != nil {
		return nil, err
	}
	defer clear(inner)
	return marshalPKCS8(inner, oidECPublicKey, oidSECGP256K1)
}

// normalise reads RFC 8410, 7: the seed is an OCTET STRING within the OCTET STRING.
func (edwards25519) normalise(key oneAsymmetricKey) ([]byte, error) {
	if err := key.of(oidEd25519, "Ed25519"); err != nil {
		return nil, err
	}
	var seed []byte
	if rest, err := asn1.Unmarshal(key.PrivateKey, &seed); err != nil || len(rest) > 0 || !key.hasNoParameters() {
		return nil, errors.New("it is not an Ed25519 private key (RFC 8410) inside")
	}
	return seed, nil
}

func (edwards25519) pkcs8(encoded []byte) ([]byte, error) {
	return x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(encoded))
}

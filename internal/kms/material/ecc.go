// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"errors"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

var errScalar = errors.New("the private scalar is zero or not below the curve's order")

// nistCurve is the kind of P-256, P-384 and P-521. The scalar serves signing as it serves ECDH.
type nistCurve struct {
	curve  ecdh.Curve
	params elliptic.Curve // the same one, as crypto/ecdsa knows it
	oid    asn1.ObjectIdentifier
	size   int
}

func (c nistCurve) generate() ([]byte, error) {
	key, err := c.curve.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return key.Bytes(), nil
}

func (c nistCurve) check(encoded []byte) error {
	if err := checkLength(encoded, c.size); err != nil {
		return err
	}
	if _, err := c.curve.NewPrivateKey(encoded); err != nil {
		return errScalar
	}
	return nil
}

func (c nistCurve) public(encoded []byte) ([]byte, error) {
	key, err := c.curve.NewPrivateKey(encoded)
	if err != nil {
		return nil, errScalar
	}
	return x509.MarshalPKIXPublicKey(key.PublicKey())
}

// secgP256K1 is the kind of ECC_SECG_P256K1, the curve secp256k1 of SEC 2.
type secgP256K1 struct{}

func (secgP256K1) generate() ([]byte, error) {
	key, err := secp256k1.GeneratePrivateKey()
	if err != nil {
		return nil, err
	}
	defer key.Zero()
	return key.Serialize(), nil
}

// check looks at the range itself: the library reduces a scalar too large, in silence.
func (secgP256K1) check(encoded []byte) error {
	if err := checkLength(encoded, secp256k1.PrivKeyBytesLen); err != nil {
		return err
	}
	var scalar secp256k1.ModNScalar
	defer scalar.Zero()
	if overflow := scalar.SetByteSlice(encoded); overflow || scalar.IsZero() {
		return errScalar
	}
	return nil
}

// public multiplies in variable time, the one way the library has. That tells something of the scalar to whoever can
// time it very often and very exactly, so public keys are to be kept, not computed at every caller's wish.
func (secgP256K1) public(encoded []byte) ([]byte, error) {
	key := secp256k1.PrivKeyFromBytes(encoded)
	defer key.Zero()
	return subjectPublicKeyInfo(key.PubKey().SerializeUncompressed(), oidECPublicKey, oidSECGP256K1)
}

// edwards25519 is the kind of ECC_NIST_EDWARDS25519.
type edwards25519 struct{}

func (edwards25519) generate() ([]byte, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return key.Seed(), nil
}

// check: every 32 bytes are a seed, as RFC 8032 hashes them first.
func (edwards25519) check(encoded []byte) error { return checkLength(encoded, ed25519.SeedSize) }

func (edwards25519) public(encoded []byte) ([]byte, error) {
	return x509.MarshalPKIXPublicKey(ed25519.NewKeyFromSeed(encoded).Public())
}

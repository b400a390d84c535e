// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"crypto"
	"crypto/ecdh"
	"crypto/elliptic"
	"crypto/mlkem"
	"crypto/rand"
	"errors"
	"fmt"

	"filippo.io/mldsa"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// kind is what the specs differ in. The bytes are always in Export's form.
type kind interface {
	generate() ([]byte, error)
	// check validates bytes from outside. Its errors are for logs, so they must not depend on the bytes beyond their
	// length; that rules out wrapping a parser's error.
	check(encoded []byte) error
	// public returns the DER SubjectPublicKeyInfo; encoded has passed check.
	public(encoded []byte) ([]byte, error)
	// expand returns the key in the form that its library computes with, which has the methods of operations.go. It may
	// keep encoded, which has passed check.
	expand(encoded []byte) (any, error)
}

var kinds = map[keyspec.Spec]kind{
	keyspec.SymmetricDefault:    randomBytes(32),
	keyspec.HMAC224:             hmacOf(crypto.SHA224),
	keyspec.HMAC256:             hmacOf(crypto.SHA256),
	keyspec.HMAC384:             hmacOf(crypto.SHA384),
	keyspec.HMAC512:             hmacOf(crypto.SHA512),
	keyspec.RSA2048:             rsaBits(2048),
	keyspec.RSA3072:             rsaBits(3072),
	keyspec.RSA4096:             rsaBits(4096),
	keyspec.ECCNISTP256:         nistCurve{ecdh.P256(), elliptic.P256(), oidP256, 32},
	keyspec.ECCNISTP384:         nistCurve{ecdh.P384(), elliptic.P384(), oidP384, 48},
	keyspec.ECCNISTP521:         nistCurve{ecdh.P521(), elliptic.P521(), oidP521, 66},
	keyspec.ECCSECGP256K1:       secgP256K1{},
	keyspec.ECCNISTEdwards25519: edwards25519{},
	keyspec.MLDSA44:             mldsaSet{mldsa.MLDSA44(), oidMLDSA44},
	keyspec.MLDSA65:             mldsaSet{mldsa.MLDSA65(), oidMLDSA65},
	keyspec.MLDSA87:             mldsaSet{mldsa.MLDSA87(), oidMLDSA87},
	keyspec.MLKEM512:            mlkemSet{"ML-KEM-512", oidMLKEM512, encapsulationKey512, expand512, expanded512},
	keyspec.MLKEM768: mlkemSet{
		"ML-KEM-768", oidMLKEM768, encapsulationKey(mlkem.NewDecapsulationKey768), expand768, expanded768,
	},
	keyspec.MLKEM1024: mlkemSet{
		"ML-KEM-1024", oidMLKEM1024, encapsulationKey(mlkem.NewDecapsulationKey1024), expand1024, expanded1024,
	},
}

// randomBytes is the kind of the specs whose material is just so many random bytes.
type randomBytes int

func (n randomBytes) generate() ([]byte, error) { return random(int(n)), nil }

func (n randomBytes) check(encoded []byte) error { return checkLength(encoded, int(n)) }

func (n randomBytes) public([]byte) ([]byte, error) { return nil, errors.New("no public key") }

// expand gives a key without methods: what SYMMETRIC_DEFAULT does is internal/kms/envelope's.
func (n randomBytes) expand([]byte) (any, error) { return struct{}{}, nil }

// random never fails: crypto/rand ends the program rather than return bad randomness.
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

func checkLength(encoded []byte, want int) error {
	if len(encoded) != want {
		return fmt.Errorf("it has %d bytes, not %d", len(encoded), want)
	}
	return nil
}

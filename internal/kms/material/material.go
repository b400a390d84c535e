// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package material holds key material, the secret part of a key, as a type of its own.
//
// A Material can go anywhere in the program without leaking: every way of printing, logging or marshalling it yields
// "[redacted SPEC]" or an error. What a key does, it does here: Encrypt, Sign, GenerateMac, DeriveSharedSecret and
// Encapsulate with their opposites, for exactly the algorithms of AWS KMS that internal/keyspec lists. Which usage a key was
// created for is its record's knowledge; check it before, as an RSA key signs here as well as it decrypts. Symmetric
// encryption is internal/kms/envelope's, to which LendSymmetric lends the key.
//
// The bytes come out through one door, Export, which is for the sealed store alone, and come back through Parse, which
// accepts what Export writes and nothing else:
//
//	SYMMETRIC_DEFAULT               32 bytes, an AES-256 key
//	HMAC_224, 256, 384, 512         28, 32, 48, 64 bytes, as long as the hash; imported keys up to its block: 64, 64, 128, 128
//	RSA_*                           PKCS #8, DER (RFC 5958): two primes, public exponent 65537
//	ECC_NIST_*, ECC_SECG_P256K1     the private scalar, big-endian, of the curve's fixed length (SEC 1, 2.3.7)
//	ECC_NIST_EDWARDS25519           the 32-byte seed (RFC 8032)
//	ML_DSA_*                        the 32-byte seed (FIPS 204, xi)
//	ML_KEM_*                        the 64-byte seed (FIPS 203, d followed by z)
//
// What a customer brings comes in through ParseImported, in the forms that AWS's import takes. PKCS8 is the way out that
// GenerateDataKeyPair has, for pairs that no key of the KMS keeps.
//
// Randomness is not injected. Go's crypto packages ignore a caller's reader since Go 1.26 and draw from the system's
// generator (in FIPS 140-3 mode, from the module's DRBG); a reader that only some specs honoured would mislead. Tests that
// need the same keys each time use testing/cryptotest.SetGlobalRandom.
//
// Of the algorithms, RSA, the NIST curves, Ed25519, ML-KEM-768, ML-KEM-1024, HMAC and AES come from Go's FIPS 140-3
// module; secp256k1, ML-DSA and ML-KEM-512 are not in it and come from other libraries. No primitive is our own but the
// verification of ML-DSA signatures by mu, which is public arithmetic (package mldsaverify says why).
package material

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// Material is the secret of one key, for one spec. Copies share the secret; the zero value holds none. It is safe for
// concurrent use, Destroy excepted.
type Material struct{ secret *secret }

type secret struct {
	spec keyspec.Spec
	id   string
	// reveal returns the bytes themselves, nil once destroyed. It is a function because the methods in redact.go are not
	// enough: of a Material in somebody's unexported field, fmt prints the fields, and for a wrong verb it follows
	// pointers too. No printer, dumper or differ looks into a function.
	reveal func() []byte
	// expand returns the key in the form that its library computes with, made at first use and kept: parsing an RSA key
	// takes as long as signing with it. It is a function for the same reason.
	expand func() (any, error)
}

// ErrDestroyed is returned when material is used that Destroy has wiped, or that never was.
var ErrDestroyed = errors.New("no key material: destroyed or never set")

// Generate makes new random material. RSA takes up to some seconds, every other spec about a
// millisecond or less.
func Generate(spec keyspec.Spec) (Material, error) {
	kind, ok := kinds[spec]
	if !ok {
		return Material{}, fmt.Errorf("generating key material: unknown key spec %q", spec)
	}
	encoded, err := kind.generate()
	if err != nil {
		return Material{}, fmt.Errorf("generating %s key material: %w", spec, err)
	}
	return newMaterial(spec, encoded)
}

// Parse restores material from what Export returned. It validates fully: the length, the range of a scalar, and of an RSA
// key its size and that its numbers belong together. Errors tell what is wrong, never what the bytes are. The bytes are
// copied.
func Parse(spec keyspec.Spec, encoded []byte) (Material, error) {
	kind, ok := kinds[spec]
	if !ok {
		return Material{}, fmt.Errorf("parsing key material: unknown key spec %q", spec)
	}
	if err := kind.check(encoded); err != nil {
		return Material{}, fmt.Errorf("parsing %s key material: %w", spec, err)
	}
	return newMaterial(spec, bytes.Clone(encoded))
}

// newMaterial takes ownership of encoded.
func newMaterial(spec keyspec.Spec, encoded []byte) (Material, error) {
	id, err := identify(spec, encoded)
	if err != nil {
		return Material{}, fmt.Errorf("identifying %s key material: %w", spec, err)
	}
	return Material{&secret{
		spec:   spec,
		id:     id,
		reveal: func() []byte { return encoded },
		expand: sync.OnceValues(func() (any, error) { return kinds[spec].expand(encoded) }),
	}}, nil
}

// identify derives the material's public identifier as HKDF-SHA256(material, info = domain || spec).
//
// It is derived from the material, not drawn at random, because AWS's rule that only the same material may be imported
// again has to be checked after that material was deleted: then the identifier is all that is left of it.
//
// It is HKDF, not HMAC keyed with the material, because for an HMAC_256 key the latter would be a valid MAC of the domain
// string, published. HKDF puts the material in the message of an HMAC under another key, so what it yields is useful as
// neither MAC nor key, and the spec in info keeps the same bytes under two specs apart.
//
// From an identifier one can't compute the material, but one can test a guess of it. For material of full entropy (all
// that Generate makes) there is nothing to guess. Material imported from a guessable source could be confirmed this way;
// so it could from any ciphertext or MAC made with it, and no identifier that recognises it can hide it better.
func identify(spec keyspec.Spec, encoded []byte) (string, error) {
	id, err := hkdf.Key(sha256.New, encoded, nil, "chatelaine key material id v1 "+string(spec), sha256.Size)
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(id), nil
}

// Spec returns what kind of key the material is for, or "" for the zero Material.
func (m Material) Spec() keyspec.Spec {
	if m.secret == nil {
		return ""
	}
	return m.secret.spec
}

// ID returns AWS's KeyMaterialId: 64 lower-case hex digits, the same for the same material and spec in every process,
// for ever. It may be shown to anybody, and outlives Destroy. It is "" for the zero Material.
func (m Material) ID() string {
	if m.secret == nil {
		return ""
	}
	return m.secret.id
}

// PublicKey returns the public half as a DER SubjectPublicKeyInfo, as GetPublicKey does. It is computed anew each time
// (RSA: a millisecond; the others less). It is an error for a spec without one, which keyspec's HasPublicKey tells.
func (m Material) PublicKey() ([]byte, error) {
	encoded := m.reveal()
	if encoded == nil {
		return nil, ErrDestroyed
	}
	if !m.Spec().HasPublicKey() {
		return nil, fmt.Errorf("a %s key has no public key", m.Spec())
	}
	der, err := kinds[m.Spec()].public(encoded)
	if err != nil {
		return nil, fmt.Errorf("encoding %s public key: %w", m.Spec(), err)
	}
	return der, nil
}

// Equal reports whether both are the same material for the same spec, destroyed or not. It compares the identifiers,
// which are public, so its duration tells nothing of the secrets. Two encodings of one RSA key (the primes swapped, say)
// are different materials to Parse; Generate and ParseImported make the same of them.
func (m Material) Equal(other Material) bool {
	return subtle.ConstantTimeCompare([]byte(m.ID()), []byte(other.ID())) == 1
}

// Export returns a copy of the secret bytes, for the sealed store and nothing else. The caller should clear them after
// use. It is nil after Destroy and for the zero Material.
func (m Material) Export() []byte { return bytes.Clone(m.reveal()) }

// Destroy overwrites the secret bytes, for every copy of m. It must not run while another goroutine uses one. It reaches
// this copy only: what Export returned, and what the runtime or a library left behind in memory, it can't. The form that a
// library computes with is among these; Destroy lets go of it.
func (m Material) Destroy() {
	if m.secret == nil {
		return
	}
	clear(m.secret.reveal())
	m.secret.reveal = func() []byte { return nil }
	m.secret.expand = func() (any, error) { return nil, ErrDestroyed }
}

func (m Material) reveal() []byte {
	if m.secret == nil {
		return nil
	}
	return m.secret.reveal()
}

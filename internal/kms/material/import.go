// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"fmt"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// maxImported bounds what ParseImported looks at. AWS's API takes 6144 bytes of it encrypted, so none is longer.
const maxImported = 6144

// keyPair is the kind of the specs that have a public key, whose material customers import as PKCS #8.
type keyPair interface {
	kind
	// normalise validates a private key and brings it into the one form of it that check accepts and Generate makes. Its
	// errors are under the same rule as check's.
	normalise(key oneAsymmetricKey) ([]byte, error)
	// pkcs8 is the way back; encoded has passed check.
	pkcs8(encoded []byte) ([]byte, error)
}

// ParseImported restores material from what a customer imports: 32 bytes for SYMMETRIC_DEFAULT, the key itself for HMAC_*
// (Export's lengths), and for all others the private key as PKCS #8, DER, of up to 6144 bytes.
//
// Like Parse it validates fully and its errors never tell the bytes. Unlike Parse it accepts all the encodings of a key that
// are in use, and makes the same material of them, so that AWS's rule that only the same material may be imported again is
// about keys and not about encodings:
//
//   - PKCS #8 of version 1 or 2, with attributes (which are dropped) or a public key (which must be the private key's);
//   - RSA: the primes in either order, the private exponent modulo either totient; the numbers must belong together, the
//     public exponent be 65537 (AWS states none; it is that of every key it makes) and the primes two;
//   - elliptic curves: the curve named, not given by its parameters; the public key there or not, compressed or not; the
//     scalar with leading zeros or without;
//   - ML-DSA and ML-KEM: the seed, alone or with the expanded key, which must be the seed's. The expanded key alone is
//     refused: no seed leads to it that anybody could find, and the material is the seed. (AWS says that keys of all specs
//     may be imported, and of these only that it gives ML-KEM private keys away as seeds.)
func ParseImported(spec keyspec.Spec, plaintext []byte) (Material, error) {
	kind, ok := kinds[spec]
	if !ok {
		return Material{}, fmt.Errorf("parsing imported key material: unknown key spec %q", spec)
	}
	pair, ok := kind.(keyPair)
	if !ok {
		return Parse(spec, plaintext)
	}
	encoded, err := parseImported(pair, plaintext)
	if err != nil {
		return Material{}, fmt.Errorf("parsing imported %s key material: %w", spec, err)
	}
	return newMaterial(spec, encoded)
}

func parseImported(pair keyPair, der []byte) ([]byte, error) {
	if len(der) > maxImported {
		return nil, fmt.Errorf("it has %d bytes, more than %d", len(der), maxImported)
	}
	key, err := parsePKCS8(der)
	if err != nil {
		return nil, err
	}
	defer clear(key.PrivateKey)
	encoded, err := pair.normalise(key)
	if err != nil {
		return nil, err
	}
	if err := pair.check(encoded); err != nil {
		return nil, err
	}
	if len(key.PublicKey.Bytes) == 0 {
		return encoded, nil
	}
	return encoded, checkPublic(pair, encoded, key.PublicKey.RightAlign())
}

var errPublicHalf = errors.New("the public key with it is not its own")

// checkPublic compares a public key that came with a private one. It is of no use here, but a key that contradicts itself is
// not one to start with.
func checkPublic(pair keyPair, encoded, claimed []byte) error {
	spki, err := pair.public(encoded)
	if err != nil {
		return err
	}
	var own struct {
		Algorithm asn1.RawValue
		PublicKey asn1.BitString
	}
	if _, err := asn1.Unmarshal(spki, &own); err != nil {
		return err
	}
	if !bytes.Equal(own.PublicKey.Bytes, claimed) && !compresses(own.PublicKey.Bytes, claimed) {
		return errPublicHalf
	}
	return nil
}

// compresses reports whether the second is the compressed form (SEC 1, 2.3.3) of the first, an uncompressed point.
func compresses(point, compressed []byte) bool {
	if len(compressed) < 2 || len(point) != 2*len(compressed)-1 || point[0] != 4 {
		return false
	}
	return compressed[0] == 2|point[len(point)-1]&1 && bytes.Equal(compressed[1:], point[1:len(compressed)])
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
)

// oneAsymmetricKey is PKCS #8's structure (RFC 5958, 2). crypto/x509 reads only some of its algorithms, and passes over
// what follows the private key and over trailing data.
type oneAsymmetricKey struct {
	Version    int
	Algorithm  pkix.AlgorithmIdentifier
	PrivateKey []byte
	Attributes asn1.RawValue  `asn1:"optional,tag:0"`
	PublicKey  asn1.BitString `asn1:"optional,tag:1"`
}

var errPKCS8 = errors.New("it is not a PKCS #8 private key in DER")

// parsePKCS8 leaves out what the parser says, which may quote the input.
func parsePKCS8(der []byte) (oneAsymmetricKey, error) {
	var key oneAsymmetricKey
	if rest, err := asn1.Unmarshal(der, &key); err != nil || len(rest) > 0 {
		return oneAsymmetricKey{}, errPKCS8
	}
	// Version 2, whose number is 1, is for those that have the public key with them.
	if key.Version != 0 && key.Version != 1 {
		return oneAsymmetricKey{}, errors.New("its version of PKCS #8 is neither 1 nor 2")
	}
	return key, nil
}

// marshalPKCS8 writes version 1, without attributes or public key. The algorithm identifier is a sequence of OIDs, as in
// subjectPublicKeyInfo.
func marshalPKCS8(privateKey []byte, algorithm ...asn1.ObjectIdentifier) ([]byte, error) {
	return asn1.Marshal(struct {
		Version    int
		Algorithm  []asn1.ObjectIdentifier
		PrivateKey []byte
	}{0, algorithm, privateKey})
}

// hasNoParameters is what RFC 8410, RFC 9881 and RFC 9935 demand of their algorithm identifiers: not NULL, but none.
func (k oneAsymmetricKey) hasNoParameters() bool { return len(k.Algorithm.Parameters.FullBytes) == 0 }

// of returns an error unless the key is of an algorithm, which the error calls name.
func (k oneAsymmetricKey) of(algorithm asn1.ObjectIdentifier, name string) error {
	if !k.Algorithm.Algorithm.Equal(algorithm) {
		return fmt.Errorf("it is not an %s key", name)
	}
	return nil
}

// PKCS8 returns the private key as PKCS #8, DER (RFC 5958), which is how GenerateDataKeyPair gives it away. The caller
// should clear it after use. It is an error for a spec without a public key. The forms inside:
//
//	RSA_*                         RSAPrivateKey (RFC 8017, A.1.2)
//	ECC_NIST_*, ECC_SECG_P256K1   ECPrivateKey with its public key (RFC 5915)
//	ECC_NIST_EDWARDS25519         the seed (RFC 8410, 7)
//	ML_DSA_*                      the seed alone (RFC 9881, 6: the first of the three choices)
//	ML_KEM_*                      the seed alone (RFC 9935, 6: the first of the three choices), as AWS does
//
// The seed is the form that both RFCs recommend: the others are long, and say nothing that does not follow from it.
func (m Material) PKCS8() ([]byte, error) {
	encoded := m.reveal()
	if encoded == nil {
		return nil, ErrDestroyed
	}
	pair, ok := kinds[m.Spec()].(keyPair)
	if !ok {
		return nil, fmt.Errorf("a %s key is not a pair and has no PKCS #8 form", m.Spec())
	}
	der, err := pair.pkcs8(encoded)
	if err != nil {
		return nil, fmt.Errorf("encoding %s private key: %w", m.Spec(), err)
	}
	return der, nil
}

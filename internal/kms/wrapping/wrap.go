// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package wrapping

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/kwp/subtle"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// Strongest is how key material of a key spec is best carried: the largest wrapping key, SHA-256, and no more steps than the
// material needs. AWS documents RSA_AES_KEY_WRAP_* for private keys only; other material fits into RSA-OAEP.
func Strongest(spec keyspec.Spec) (Algorithm, KeySpec) {
	if spec.HasPublicKey() {
		return RSAAESKeyWrapSHA256, RSA4096
	}
	return RSAESOAEPSHA256, RSA4096
}

// Wrap encrypts key material to the public half of a wrapping key, a DER SubjectPublicKeyInfo, as whoever imports it does:
// Unwrap is the way back. Material that the algorithm has no room for is an error (RSA_4096 and RSAES_OAEP_SHA_256: 446 bytes;
// RSA_AES_KEY_WRAP_*: 16 to 8192), as is a public key that is not RSA. Errors never tell the material.
func Wrap(algorithm Algorithm, publicKey, material []byte) ([]byte, error) {
	form, err := algorithm.form()
	if err != nil {
		return nil, fmt.Errorf("wrapping key material: %w", err)
	}
	parsed, err := x509.ParsePKIXPublicKey(publicKey)
	if err != nil {
		return nil, errors.New("wrapping key material: the wrapping key is not a SubjectPublicKeyInfo")
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("wrapping key material: the wrapping key is not an RSA key")
	}
	if !form.throughAES {
		return encryptOAEP(key, form, material)
	}
	kek := make([]byte, kekSize)
	defer clear(kek)
	_, _ = rand.Read(kek) // never fails (crypto/rand)
	cipher, err := subtle.NewKWP(kek)
	if err != nil {
		return nil, fmt.Errorf("wrapping key material: %w", err)
	}
	wrapped, err := cipher.Wrap(material)
	if err != nil {
		return nil, fmt.Errorf("wrapping key material: %s takes %d to %d bytes, and there are %d",
			algorithm, subtle.MinWrapSize, subtle.MaxWrapSize, len(material))
	}
	head, err := encryptOAEP(key, form, kek)
	if err != nil {
		return nil, err
	}
	return append(head, wrapped...), nil
}

func encryptOAEP(key *rsa.PublicKey, form form, plaintext []byte) ([]byte, error) {
	ciphertext, err := rsa.EncryptOAEP(form.hash.New(), rand.Reader, key, plaintext, nil)
	if err != nil {
		return nil, fmt.Errorf("wrapping key material: %d bytes are more than there is room for", len(plaintext))
	}
	return ciphertext, nil
}

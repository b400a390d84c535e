// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package wrapping carries key material from a customer into the KMS, as AWS KMS's import does: GetParametersForImport
// hands out the public half of a wrapping key, the customer encrypts the material to it, ImportKeyMaterial decrypts it here.
//
// CheckAlgorithm knows which algorithm AWS offers for which key; GenerateWrappingKey makes the pair; Wrap encrypts; Unwrap decrypts. What
// comes out is for material's ParseImported. Which wrapping key belongs to which key and for how long (AWS: one key, 24
// hours) is the import token's business, not this package's. It does no I/O.
//
// The forms of encrypted key material:
//
//	RSAES_OAEP_SHA_*         one RSA-OAEP ciphertext of the material (RFC 8017, 7.1; one hash for label and mask, no label)
//	RSA_AES_KEY_WRAP_SHA_*   one RSA-OAEP ciphertext of an AES-256 key, then the material wrapped by that key with AES-KWP
//	                         (RFC 5649, SP 800-38F KWP), which is PKCS #11's CKM_RSA_AES_KEY_WRAP
//
// RSA and AES are Go's, from its FIPS 140-3 module; AES-KWP is tink-go's. It unwraps material of 9 to 8192 bytes, and no
// importable material is outside: the shortest has 28 (HMAC_224), the longest some 5000 (ML_DSA_87 with its expanded key).
package wrapping

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/kwp/subtle"
)

// ErrInvalidCiphertext says that encrypted key material can't be unwrapped. There is no telling why, see Unwrap.
var ErrInvalidCiphertext = errors.New("invalid encrypted key material")

// kekSize is the length of the AES key between RSA and the material: AWS asks for AES-256.
const kekSize = 32

// GenerateWrappingKey makes a new RSA pair of a wrapping key spec. The private half is PKCS #8, DER: as secret as what it
// will carry, to be sealed before it is put anywhere. The public half is what GetParametersForImport returns, a DER
// SubjectPublicKeyInfo. It takes up to some seconds for RSA_4096. An unknown spec is ErrUnknown, SM2 ErrUnsupported.
func GenerateWrappingKey(spec KeySpec) (private, public []byte, err error) {
	bits, err := spec.bits()
	if err != nil {
		return nil, nil, fmt.Errorf("generating wrapping key: %w", err)
	}
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return nil, nil, fmt.Errorf("generating %s wrapping key: %w", spec, err)
	}
	if private, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		return nil, nil, fmt.Errorf("encoding %s wrapping key: %w", spec, err)
	}
	if public, err = x509.MarshalPKIXPublicKey(&key.PublicKey); err != nil {
		return nil, nil, fmt.Errorf("encoding %s wrapping key: %w", spec, err)
	}
	return private, public, nil
}

// Unwrap decrypts encrypted key material with the private half of a wrapping key, in the form that GenerateWrappingKey
// returned. The caller should clear the material after use.
//
// Every failure on the encrypted key material's account is the one ErrInvalidCiphertext, whose text is always the same.
// Anybody may send in a ciphertext as often as he likes, so an answer that told how far the unwrapping went would be an
// oracle: Bleichenbacher decrypted PKCS #1 v1.5 with one that told whether the padding was right, which is why AWS no longer
// offers it and neither do we, and Manger OAEP with one that told whether the first byte was zero. crypto/rsa decrypts and
// checks OAEP's padding in constant time, the first byte included, and fails in one way.
//
// That a right OAEP and a wrong AES-KWP take longer than a wrong OAEP does show in the time, and tells nothing: OAEP is
// secure against chosen ciphertexts, so whoever makes a ciphertext that opens knew what is in it, or copied it whole. AES-KWP
// is a pseudo-random permutation of the whole wrapped material (SP 800-38F, 8), so any change to it makes all of what comes
// out random and there is no padding to learn about byte by byte.
//
// An algorithm that CheckAlgorithm never accepts, or a private key that is none, is another error.
func Unwrap(algorithm Algorithm, privateKey, encryptedKeyMaterial []byte) ([]byte, error) {
	form, err := algorithm.form()
	if err != nil {
		return nil, fmt.Errorf("unwrapping key material: %w", err)
	}
	key, err := parsePrivate(privateKey)
	if err != nil {
		return nil, fmt.Errorf("unwrapping key material: %w", err)
	}
	if !form.throughAES {
		return decryptOAEP(key, form.hash, encryptedKeyMaterial)
	}
	if len(encryptedKeyMaterial) < key.Size() {
		return nil, ErrInvalidCiphertext
	}
	kek, err := decryptOAEP(key, form.hash, encryptedKeyMaterial[:key.Size()])
	if err != nil {
		return nil, err
	}
	defer clear(kek)
	return unwrapKWP(kek, encryptedKeyMaterial[key.Size():])
}

// decryptOAEP refuses a ciphertext shorter than the modulus, which crypto/rsa takes as if zeros preceded it: RFC 8017,
// 7.1.2, does not, and a length is public.
func decryptOAEP(key *rsa.PrivateKey, hash crypto.Hash, ciphertext []byte) ([]byte, error) {
	if len(ciphertext) != key.Size() {
		return nil, ErrInvalidCiphertext
	}
	plaintext, err := key.Decrypt(nil, ciphertext, &rsa.OAEPOptions{Hash: hash, MGFHash: hash})
	if err != nil {
		return nil, ErrInvalidCiphertext
	}
	return plaintext, nil
}

func unwrapKWP(kek, wrapped []byte) ([]byte, error) {
	if len(kek) != kekSize {
		return nil, ErrInvalidCiphertext
	}
	cipher, err := subtle.NewKWP(kek)
	if err != nil {
		return nil, fmt.Errorf("unwrapping key material: %w", err)
	}
	material, err := cipher.Unwrap(wrapped)
	if err != nil {
		return nil, ErrInvalidCiphertext
	}
	return material, nil
}

// parsePrivate leaves out what the parser says, which may quote the input.
func parsePrivate(der []byte) (*rsa.PrivateKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errors.New("the wrapping key is not a consistent PKCS #8 private key")
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("the wrapping key is not an RSA key")
	}
	return key, nil
}

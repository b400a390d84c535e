// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"fmt"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// rsaPrivate is an RSA key in the form that crypto/rsa computes with. crypto/rsa's private operation runs in constant time.
type rsaPrivate struct{ *rsa.PrivateKey }

func (rsaBits) expand(encoded []byte) (any, error) {
	key, err := parseRSA(encoded)
	if err != nil {
		return nil, err
	}
	return rsaPrivate{key}, nil
}

// MaxPlaintext returns how many bytes Encrypt takes for an RSA spec and algorithm: the modulus less two hashes and two
// bytes (RFC 8017, 7.1.1), which are AWS's limits. It is 0 where Encrypt does not serve.
func MaxPlaintext(spec keyspec.Spec, algorithm keyspec.Algorithm) int {
	bits, ok := kinds[spec].(rsaBits)
	if !ok || (algorithm != keyspec.RSAESOAEPSHA1 && algorithm != keyspec.RSAESOAEPSHA256) {
		return 0
	}
	return int(bits)/8 - 2*hashes[algorithm].Size() - 2
}

// oaep is the padding: the same hash for label and mask, no label. It is the only one for encryption, as in AWS, because
// PKCS #1 v1.5's has no proof and a long history of Bleichenbacher's oracle, while OAEP is secure against chosen
// ciphertexts. That holds with SHA-1 too, of which OAEP needs no resistance to collisions.
func oaep(algorithm keyspec.Algorithm) *rsa.OAEPOptions {
	return &rsa.OAEPOptions{Hash: hashes[algorithm], MGFHash: hashes[algorithm]}
}

func (k rsaPrivate) encrypt(algorithm keyspec.Algorithm, plaintext []byte) ([]byte, error) {
	most := k.Size() - 2*hashes[algorithm].Size() - 2
	if err := checkRange("plaintext", plaintext, 0, most); err != nil {
		return nil, err
	}
	ciphertext, err := rsa.EncryptOAEPWithOptions(rand.Reader, &k.PublicKey, plaintext, oaep(algorithm))
	if err != nil {
		return nil, fmt.Errorf("encrypting with RSA-OAEP: %w", err)
	}
	return ciphertext, nil
}

func (k rsaPrivate) decrypt(algorithm keyspec.Algorithm, ciphertext []byte) ([]byte, error) {
	// crypto/rsa takes shorter ones as if zeros preceded them. RFC 8017, 7.1.2, does not, and a ciphertext's length is public.
	if len(ciphertext) != k.Size() {
		return nil, ErrInvalidCiphertext
	}
	plaintext, err := k.Decrypt(nil, ciphertext, oaep(algorithm))
	if err != nil {
		return nil, ErrInvalidCiphertext
	}
	return plaintext, nil
}

// saltAsHash is AWS's salt, as long as the hash: the length for which the proof of PSS is tight, and the only one that
// Verify takes.
var saltAsHash = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}

func isPSS(algorithm keyspec.Algorithm) bool {
	switch algorithm {
	case keyspec.RSASSAPSSSHA256, keyspec.RSASSAPSSSHA384, keyspec.RSASSAPSSSHA512:
		return true
	default:
		return false
	}
}

func (k rsaPrivate) sign(algorithm keyspec.Algorithm, messageType MessageType, message []byte) ([]byte, error) {
	hash := hashes[algorithm]
	hashed, err := digest(hash, messageType, message)
	if err != nil {
		return nil, err
	}
	var signature []byte
	if isPSS(algorithm) {
		signature, err = rsa.SignPSS(rand.Reader, k.PrivateKey, hash, hashed, saltAsHash)
	} else {
		signature, err = rsa.SignPKCS1v15(rand.Reader, k.PrivateKey, hash, hashed)
	}
	if err != nil {
		return nil, fmt.Errorf("signing with RSA: %w", err)
	}
	return signature, nil
}

func (k rsaPrivate) verify(algorithm keyspec.Algorithm, messageType MessageType, message, signature []byte) error {
	return verifyRSA(&k.PublicKey, algorithm, messageType, message, signature)
}

// verifyRSA has crypto/rsa compare the whole of PKCS #1 v1.5's padded hash with the one form there is. Parsing it instead
// is how Bleichenbacher forged signatures of keys with exponent 3.
func verifyRSA(
	key *rsa.PublicKey, algorithm keyspec.Algorithm, messageType MessageType, message, signature []byte,
) error {
	hash := hashes[algorithm]
	hashed, err := digest(hash, messageType, message)
	if err != nil {
		return err
	}
	if validRSA(key, isPSS(algorithm), hash, hashed, signature) != nil {
		return ErrInvalidSignature
	}
	return nil
}

func validRSA(key *rsa.PublicKey, pss bool, hash crypto.Hash, hashed, signature []byte) error {
	if pss {
		return rsa.VerifyPSS(key, hash, hashed, signature, saltAsHash)
	}
	return rsa.VerifyPKCS1v15(key, hash, hashed, signature)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"fmt"
	"slices"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// What a key can do, once its bytes are expanded into the form that its library computes with. An algorithm that reaches
// these methods is one of the spec's own for the usage.
type (
	encrypter interface {
		encrypt(algorithm keyspec.Algorithm, plaintext []byte) ([]byte, error)
		decrypt(algorithm keyspec.Algorithm, ciphertext []byte) ([]byte, error)
	}
	signer interface {
		sign(algorithm keyspec.Algorithm, messageType MessageType, message []byte) ([]byte, error)
		verify(algorithm keyspec.Algorithm, messageType MessageType, message, signature []byte) error
	}
	authenticator interface{ mac(message []byte) []byte }
	agreer        interface {
		agree(peer []byte) ([]byte, error)
	}
	encapsulator interface {
		encapsulate() (secret, ciphertext []byte)
		decapsulate(ciphertext []byte) ([]byte, error)
	}
)

// use returns the key as a K, if its spec has the algorithm for the usage.
func use[K any](m Material, usage keyspec.Usage, algorithm keyspec.Algorithm) (K, error) {
	var none K
	if m.reveal() == nil {
		return none, ErrDestroyed
	}
	if !slices.Contains(keyspec.Algorithms(m.Spec(), usage), algorithm) {
		return none, fmt.Errorf("%w: %q with %s", ErrAlgorithm, algorithm, m.Spec())
	}
	expanded, err := m.secret.expand()
	if err != nil {
		return none, fmt.Errorf("expanding %s key material: %w", m.Spec(), err)
	}
	key, ok := expanded.(K)
	if !ok { // SYMMETRIC_DEFAULT, see LendSymmetric
		return none, fmt.Errorf("%w: %q is not computed here", ErrAlgorithm, algorithm)
	}
	return key, nil
}

// LendSymmetric calls to with the 32 bytes of SYMMETRIC_DEFAULT material, for internal/kms/envelope, and returns what to
// returns. They are the material's own bytes: to must neither change nor keep them. Other specs get ErrAlgorithm.
func (m Material) LendSymmetric(to func(key []byte) error) error {
	key := m.reveal()
	switch {
	case key == nil:
		return ErrDestroyed
	case !m.Spec().Symmetric():
		return fmt.Errorf("%w: %q with %s", ErrAlgorithm, keyspec.AlgorithmSymmetricDefault, m.Spec())
	}
	return to(key)
}

// Encrypt encrypts with the public half of an RSA key; plaintext has up to MaxPlaintext bytes, else the error is a
// *LengthError. Symmetric ciphertext has a format of its own: internal/kms/envelope.
func (m Material) Encrypt(algorithm keyspec.Algorithm, plaintext []byte) ([]byte, error) {
	key, err := use[encrypter](m, keyspec.EncryptDecrypt, algorithm)
	if err != nil {
		return nil, err
	}
	return key.encrypt(algorithm, plaintext)
}

// Decrypt decrypts what Encrypt returned. Every failure on the ciphertext's account is the one ErrInvalidCiphertext: an
// oracle that told bad padding from a bad length or a number out of range is what Manger's attack on OAEP needs. For the
// same reason the padding is checked in constant time, by crypto/rsa.
func (m Material) Decrypt(algorithm keyspec.Algorithm, ciphertext []byte) ([]byte, error) {
	key, err := use[encrypter](m, keyspec.EncryptDecrypt, algorithm)
	if err != nil {
		return nil, err
	}
	return key.decrypt(algorithm, ciphertext)
}

// Sign signs. A raw message has up to MaxMessage bytes, a digest exactly its hash's and mu 64, else the error is a
// *LengthError. A message type that the algorithm does not take is ErrMessageType: ED25519_SHA_512 takes RAW alone,
// ED25519_PH_SHA_512 DIGEST alone, ML_DSA_SHAKE_256 RAW and EXTERNAL_MU, all others RAW and DIGEST.
func (m Material) Sign(algorithm keyspec.Algorithm, messageType MessageType, message []byte) ([]byte, error) {
	key, err := use[signer](m, keyspec.SignVerify, algorithm)
	if err != nil {
		return nil, err
	}
	return key.sign(algorithm, messageType, message)
}

// Verify checks a signature of this key, in the same forms of message as Sign. A signature that does not hold is
// ErrInvalidSignature.
func (m Material) Verify(
	algorithm keyspec.Algorithm, messageType MessageType, message, signature []byte,
) error {
	key, err := use[signer](m, keyspec.SignVerify, algorithm)
	if err != nil {
		return err
	}
	return key.verify(algorithm, messageType, message, signature)
}

// DeriveSharedSecret returns the x-coordinate of the ECDH point, as long as the curve's field (SP 800-56A, 5.7.1.2), with
// a peer's public key as a DER SubjectPublicKeyInfo. A peer's key that will not do is ErrInvalidPublicKey. The secret is
// not uniform: callers put it through a KDF, as AWS's do.
func (m Material) DeriveSharedSecret(algorithm keyspec.Algorithm, peer []byte) ([]byte, error) {
	key, err := use[agreer](m, keyspec.KeyAgreement, algorithm)
	if err != nil {
		return nil, err
	}
	return key.agree(peer)
}

// Encapsulate makes a new shared secret of 32 bytes and the ciphertext that carries it to the holder of this key.
func (m Material) Encapsulate(algorithm keyspec.Algorithm) (secret, ciphertext []byte, err error) {
	key, err := use[encapsulator](m, keyspec.EncapsulateDecapsulate, algorithm)
	if err != nil {
		return nil, nil, err
	}
	secret, ciphertext = key.encapsulate()
	return secret, ciphertext, nil
}

// Decapsulate returns the shared secret of a ciphertext. A ciphertext of a wrong length is ErrInvalidCiphertext; any other
// that Encapsulate did not make yields a secret that only this key could compute (FIPS 203, 6.3: implicit rejection), so
// that the answer to a forged ciphertext tells an attacker nothing.
func (m Material) Decapsulate(algorithm keyspec.Algorithm, ciphertext []byte) ([]byte, error) {
	key, err := use[encapsulator](m, keyspec.EncapsulateDecapsulate, algorithm)
	if err != nil {
		return nil, err
	}
	return key.decapsulate(ciphertext)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package envelope is the ciphertext of symmetric keys: what Encrypt and GenerateDataKey return and Decrypt takes.
//
// A ciphertext names the key and the key material that made it, so that Decrypt needs no key ID and works after any
// number of rotations. Lengths in bytes:
//
//	1   format version, 1
//	1   form of the key ID: 0 a UUID, 1 a multi-Region key ID (mrk-...)
//	16  the key ID's 128 bits
//	32  the key material ID
//	24  nonce
//	n   encrypted plaintext, as long as the plaintext
//	16  authentication tag
//
// The key ID has no Region, so a multi-Region replica opens what its primary sealed.
//
// # Why this is safe
//
// Plaintext is sealed with XAES-256-GCM as C2SP specifies it (https://c2sp.org/XAES-256-GCM): AES-256-GCM under a key
// derived from the material and the first half of a 192-bit random nonce. Plain GCM with its random 96-bit nonce is safe
// for 2^32 messages per key, and a nonce used twice gives away the authentication key; a KMS key may see more messages
// than that, and replicas that share no counter can't do better than chance. With 192 bits, 2^80 messages collide with a
// probability of 2^-32.
//
// The first 50 bytes and the encryption context are additional data, so that neither can be exchanged: a ciphertext moved
// under another key's name, version or context does not open.
//
// AES-GCM does not commit to its key: one can build a ciphertext that two keys open, to different plaintexts. Here the
// header has the whole material ID, 256 bits derived from the material with HKDF-SHA256, and Open refuses a header that
// is not the opening key's own. Two materials that open one ciphertext would have to share an ID, a collision in SHA-256.
// This is why the ID is not cut to a prefix, though a few bytes would do for finding it; and a prefix could become
// ambiguous, whereas 24 bytes saved matter to nobody below the limit of 6144.
//
// All failures of Open are the one ErrInvalidCiphertext: damage, a wrong context and a wrong key can't be told apart.
// Nothing is released before the tag was verified, in constant time, by crypto/cipher.
//
// # FIPS 140-3
//
// All of XAES-256-GCM is approved parts: a counter KDF of NIST SP 800-108r1 on AES-CMAC (SP 800-38B), and AES-256-GCM (SP
// 800-38D) with an IV that the module draws itself, which is the form of GCM that Go's module allows for sealing in its
// strictest mode. AES, GCM and randomness run inside Go's module. The KDF's three block operations are put together here,
// outside of it, as Go exports no CMAC.
//
// Randomness is not injected: the module lets nobody choose GCM's IV.
package envelope

import (
	"errors"
	"fmt"
)

// MaxPlaintext is how many bytes Seal takes: AWS's limit of Encrypt.
const MaxPlaintext = 4096

// MaxCiphertext is AWS's limit for a CiphertextBlob, in bytes. Seal stays far below; Open refuses what is above.
const MaxCiphertext = 6144

// Overhead is by how many bytes a ciphertext is longer than its plaintext.
const Overhead = headerSize + nonceSize + tagSize

// ErrInvalidCiphertext is the one error of ParseHeader and Key.Open, whatever is wrong. It maps to AWS's
// InvalidCiphertextException.
var ErrInvalidCiphertext = errors.New("invalid ciphertext")

// Key is a key that messages are sealed and opened with. It prints nothing of the key, and is safe for concurrent use.
//
// It has an AES key schedule, which Go lets nobody wipe: let go of it together with the key's bytes.
type Key struct{ xaes xaes }

// NewKey prepares a key of 32 bytes, which it does not keep.
func NewKey(key []byte) (*Key, error) {
	x, err := newXAES(key)
	if err != nil {
		return nil, err
	}
	return &Key{x}, nil
}

// Seal encrypts plaintext, 0 to MaxPlaintext bytes, as the material that header names, whose key this must be. Context is
// the encryption context; nil and empty are the same. Each call returns another ciphertext. Errors are the caller's
// mistakes: a wrong length or a malformed ID.
func (k *Key) Seal(header Header, context map[string]string, plaintext []byte) ([]byte, error) {
	if len(plaintext) > MaxPlaintext {
		return nil, fmt.Errorf("sealing: the plaintext has %d bytes, more than %d", len(plaintext), MaxPlaintext)
	}
	encoded, err := header.encode()
	if err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	sealed, err := k.xaes.seal(encoded[:], plaintext, additionalData(encoded[:], context))
	if err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	return sealed, nil
}

// ParseHeader returns what the ciphertext says of itself. Nothing of it is authenticated before Open has succeeded, so it
// serves to look a key up and for nothing else.
func ParseHeader(ciphertext []byte) (Header, error) {
	if len(ciphertext) < Overhead || len(ciphertext) > MaxCiphertext {
		return Header{}, ErrInvalidCiphertext
	}
	return decodeHeader([headerSize]byte(ciphertext))
}

// Open decrypts what Seal returned. Header is the key's and material's own identity, from the caller's records: the
// ciphertext must bear it. Context must hold exactly the pairs given to Seal. The only error is ErrInvalidCiphertext.
func (k *Key) Open(header Header, context map[string]string, ciphertext []byte) ([]byte, error) {
	if len(ciphertext) < Overhead || len(ciphertext) > MaxCiphertext {
		return nil, ErrInvalidCiphertext
	}
	encoded, err := header.encode()
	if err != nil || [headerSize]byte(ciphertext) != encoded {
		return nil, ErrInvalidCiphertext
	}
	plaintext, err := k.xaes.open(ciphertext[headerSize:], additionalData(encoded[:], context))
	if err != nil {
		return nil, ErrInvalidCiphertext
	}
	return plaintext, nil
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package seal keeps the software KMS's records secret and whole where they are stored. A root key seals each record as
// one piece; a record that was edited, cut or put in another's place does not open.
//
// # The root keys
//
// RootKeys is a set of AES-256 keys of which one, the current, seals, and all open. They come from and go to the data of a
// Kubernetes Secret (Encode, ParseRootKeys). A root key is replaced without a pause in four steps, each completed in
// every process before the next: Add the new key, SetCurrent to it, seal every record anew (RootKeyID tells which key a
// record has), and take the old one out (Without).
//
// # The format
//
//	1 byte    version, 1
//	8 bytes   identifier of the root key
//	32 bytes  salt, random
//	12 bytes  nonce, random
//	n bytes   ciphertext, as long as the plaintext
//	16 bytes  tag
//
// The last three are AES-256-GCM under a key used once: HKDF-SHA256(root key, salt, info = domain || version || root key
// identifier). Additional data is the first three fields and the Binding.
//
// # Why there is no bound on the number of records
//
// GCM breaks when one key meets one nonce twice, which is why a key may take no more than 2^32 messages with random
// nonces. Here no key takes a second message: a salt of 256 random bits gives each its own, and two of n salts are alike
// with a probability of about n^2/2^257; after 2^64 records that is 2^-129. Even then the nonce, random as well, would
// have to repeat too. A root key itself is only ever input to HMAC, which has no such bound. So a root key is rotated
// because it may have become known, not because it wears out. The random nonce under a one-time key is redundant; it is
// there because that is the form of GCM that Go's FIPS 140-3 module approves.
//
// What this does not detect is a whole record replaced with an older one of the same name: that one is genuine.
// Whoever stores records has to compare versions.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

const (
	version    = 1
	domain     = "chatelaine record seal"
	saltSize   = 32
	headerSize = 1 + idSize + saltSize
	nonceSize  = 12
	tagSize    = 16
)

// Overhead is how many bytes longer than its plaintext a sealed record is.
const Overhead = headerSize + nonceSize + tagSize

var (
	// ErrTruncated says that data is too short to be a sealed record. (One that is cut less than that is ErrTampered.)
	ErrTruncated = errors.New("sealed record is truncated")
	// ErrVersion says that a record has a format version this program does not know: a newer program sealed it, or the
	// first byte was edited.
	ErrVersion = errors.New("sealed record has an unknown format version")
	// ErrTampered says that a record is not what was sealed for this Binding: it was edited or cut, it was sealed in
	// another record's place, or the root key is not the one that sealed it although it has the same identifier.
	ErrTampered = errors.New("sealed record is not authentic: " +
		"edited, moved from another place, or sealed by another root key of the same identifier")
)

// UnknownRootKeyError says that the root key a record is sealed by is not in the set.
type UnknownRootKeyError struct {
	ID   string   // the root key that is asked for
	Have []string // those the set holds, sorted
}

func (e *UnknownRootKeyError) Error() string {
	return fmt.Sprintf("root key %s is unknown (known: %s)", e.ID, strings.Join(e.Have, ", "))
}

// Seal encrypts and authenticates a record for its place under the current root key. Each call gives other bytes. The
// only errors are a Binding with an empty field and an empty set.
func (r RootKeys) Seal(plaintext []byte, place Binding) ([]byte, error) {
	if r.current == "" {
		return nil, errors.New("sealing: there is no root key")
	}
	header, err := newHeader(r.current)
	if err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	additional, err := place.authenticate(header)
	if err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	aead, err := r.keys[r.current].once(header)
	if err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	return aead.Seal(header, nil, plaintext, additional), nil
}

// Open returns the record that Seal was given for the same place. Its errors wrap ErrTruncated, ErrVersion, ErrTampered or
// an *UnknownRootKeyError, unless a field of the Binding is empty. None holds anything of the plaintext.
func (r RootKeys) Open(sealed []byte, place Binding) ([]byte, error) {
	id, err := RootKeyID(sealed)
	if err != nil {
		return nil, err
	}
	key, ok := r.keys[id]
	if !ok {
		return nil, fmt.Errorf("opening: %w", r.unknown(id))
	}
	header := sealed[:headerSize]
	additional, err := place.authenticate(header)
	if err != nil {
		return nil, fmt.Errorf("opening: %w", err)
	}
	aead, err := key.once(header)
	if err != nil {
		return nil, fmt.Errorf("opening: %w", err)
	}
	plaintext, err := aead.Open(nil, nil, sealed[headerSize:], additional)
	if err != nil {
		return nil, fmt.Errorf("opening: %w", ErrTampered)
	}
	return plaintext, nil
}

// RootKeyID returns the identifier of the root key that a record says it is sealed by. Nothing is authenticated yet. Its
// errors wrap ErrTruncated or ErrVersion.
func RootKeyID(sealed []byte) (string, error) {
	if len(sealed) < Overhead {
		return "", fmt.Errorf("opening: %w: %d bytes, at least %d are needed", ErrTruncated, len(sealed), Overhead)
	}
	if sealed[0] != version {
		return "", fmt.Errorf("opening: %w: %d", ErrVersion, sealed[0])
	}
	return hex.EncodeToString(sealed[1 : 1+idSize]), nil
}

// newHeader returns version, identifier and a fresh salt.
func newHeader(id string) ([]byte, error) {
	raw, err := hex.DecodeString(id)
	if err != nil || len(raw) != idSize {
		return nil, errors.New("the root key has no identifier")
	}
	header := make([]byte, headerSize)
	header[0] = version
	copy(header[1:], raw)
	_, _ = rand.Read(header[1+idSize:]) // never fails: crypto/rand ends the program instead
	return header, nil
}

// once derives the key for the one record with this header.
func (k RootKey) once(header []byte) (cipher.AEAD, error) {
	salt, info := header[1+idSize:], domain+string(header[:1+idSize])
	key, err := hkdf.Key(sha256.New, k.reveal(), salt, info, keySize)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"crypto"
	"crypto/hmac"
	"fmt"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// hmacHash is the kind of the HMAC specs: as many random bytes as the hash has, and up to a block of it where a customer
// imports the key. A shorter key would be weaker than the hash; a longer one RFC 2104 would cut down to a hash first. That
// these are AWS's bounds is UNVERIFIED.
type hmacHash struct {
	randomBytes
	hash crypto.Hash
	most int
}

func hmacOf(hash crypto.Hash) hmacHash {
	return hmacHash{randomBytes(hash.Size()), hash, hash.New().BlockSize()}
}

func (h hmacHash) check(encoded []byte) error {
	if n := len(encoded); n < int(h.randomBytes) || n > h.most {
		return fmt.Errorf("it has %d bytes, not %d to %d", n, int(h.randomBytes), h.most)
	}
	return nil
}

func (h hmacHash) expand(encoded []byte) (any, error) { return hmacKey{h.hash, encoded}, nil }

type hmacKey struct {
	hash crypto.Hash
	key  []byte
}

func (k hmacKey) mac(message []byte) []byte {
	h := hmac.New(k.hash.New, k.key)
	h.Write(message)
	return h.Sum(nil)
}

// GenerateMac returns the HMAC of a message of up to MaxMessage bytes, else the error is a *LengthError. It is never cut.
func (m Material) GenerateMac(algorithm keyspec.Algorithm, message []byte) ([]byte, error) {
	key, err := use[authenticator](m, keyspec.GenerateVerifyMAC, algorithm)
	if err != nil {
		return nil, err
	}
	if err := checkRange("message", message, 0, MaxMessage); err != nil {
		return nil, err
	}
	return key.mac(message), nil
}

// VerifyMac checks what GenerateMac returned; a MAC that is not the message's is ErrInvalidMac. The comparison takes the
// same time wherever they differ: otherwise a forger would find the right MAC byte by byte, by timing. A cut MAC is
// invalid, since it is that much easier to guess.
func (m Material) VerifyMac(algorithm keyspec.Algorithm, message, mac []byte) error {
	want, err := m.GenerateMac(algorithm, message)
	if err != nil {
		return err
	}
	if !hmac.Equal(mac, want) {
		return ErrInvalidMac
	}
	return nil
}

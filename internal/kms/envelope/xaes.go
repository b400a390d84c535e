// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"errors"
)

// The figures of XAES-256-GCM. The nonce's first half goes into the key, its second is AES-GCM's.
const (
	keySize   = 32
	nonceSize = 24
	halfNonce = nonceSize / 2
	tagSize   = 16
)

var errKeySize = errors.New("the key does not have 32 bytes")

// xaes is XAES-256-GCM under one key: it derives a message's own key from the first half of its nonce. It is a function
// because no printer or dumper looks into one.
type xaes func(half [halfNonce]byte) [keySize]byte

// newXAES prepares what the keys of all messages are derived with.
//
// It is the specification's "Detailed key derivation algorithm", whose names the comments give: SP 800-108r1's KDF in
// counter mode with AES-CMAC, label "X" and the half nonce as context. Each CMAC has a single block of input, so its state
// is only the block xor the subkey K1, and nobody can steer its output by choosing context.
func newXAES(key []byte) (xaes, error) {
	if len(key) != keySize {
		return nil, errKeySize
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	var subkey [aes.BlockSize]byte // L, then K1
	block.Encrypt(subkey[:], subkey[:])
	double(&subkey)

	return func(half [halfNonce]byte) (derived [keySize]byte) {
		for i := range 2 { // M1 and M2
			input := derived[i*aes.BlockSize:][:aes.BlockSize]
			copy(input, []byte{0, byte(i + 1), 'X', 0})
			copy(input[4:], half[:])
			subtle.XORBytes(input, input, subkey[:])
			block.Encrypt(input, input)
		}
		return derived
	}, nil
}

// seal appends nonce, ciphertext and tag to dst. The half of the nonce that derives the key is drawn here, the other by
// crypto/cipher, which writes it before the ciphertext: together they are XAES's one nonce.
func (x xaes) seal(dst, plaintext, additional []byte) ([]byte, error) {
	var half [halfNonce]byte
	_, _ = rand.Read(half[:]) // never fails: it ends the program rather than return bad randomness
	gcm, err := x.messageCipher(half)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(dst)+nonceSize+len(plaintext)+tagSize)
	out = append(append(out, dst...), half[:]...)
	return gcm.Seal(out, nil, plaintext, additional), nil
}

// open opens nonce, ciphertext and tag. sealed has at least a nonce's length.
func (x xaes) open(sealed, additional []byte) ([]byte, error) {
	gcm, err := x.messageCipher([halfNonce]byte(sealed))
	if err != nil {
		return nil, err
	}
	return gcm.Open(nil, nil, sealed[halfNonce:], additional)
}

// messageCipher is AES-256-GCM with the message's own key. It draws its nonce itself, so that no caller can repeat one.
func (x xaes) messageCipher(half [halfNonce]byte) (cipher.AEAD, error) {
	derived := x(half)
	defer clear(derived[:])
	block, err := aes.NewCipher(derived[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// double multiplies by x in GF(2^128) as CMAC does: shift left by one, and reduce if a bit fell out. It takes the same time
// for either bit, which belongs to a secret.
func double(b *[aes.BlockSize]byte) {
	top := b[0] >> 7
	for i := range len(b) - 1 {
		b[i] = b[i]<<1 | b[i+1]>>7
	}
	last := len(b) - 1
	b[last] = b[last]<<1 ^ 0b10000111*top
}

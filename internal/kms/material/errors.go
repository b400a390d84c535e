// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"errors"
	"fmt"
)

// The errors of the operations. They are wrapped, so use errors.Is. None tells anything of the secret.
var (
	// ErrAlgorithm: the key's spec does not have the algorithm for this operation.
	ErrAlgorithm = errors.New("algorithm is incompatible with the key spec")
	// ErrMessageType: the signing algorithm does not take this form of message.
	ErrMessageType = errors.New("message type is incompatible with the signing algorithm")
	// ErrInvalidSignature: the signature is not one of this message by this key, for whatever reason.
	ErrInvalidSignature = errors.New("invalid signature")
	// ErrInvalidMac: the MAC is not that of this message under this key, its length included.
	ErrInvalidMac = errors.New("invalid MAC")
	// ErrInvalidCiphertext: the ciphertext can't be decrypted. There is no telling why, see Decrypt.
	ErrInvalidCiphertext = errors.New("invalid ciphertext")
	// ErrInvalidPublicKey: the peer's public key is malformed, not on its curve, or on another than the key's.
	ErrInvalidPublicKey = errors.New("invalid public key")
)

// LengthError says that an input is longer or shorter than its algorithm takes. Lengths are in bytes. Use errors.As.
type LengthError struct {
	// Input is "plaintext", "message", "digest" or "mu".
	Input         string
	Got, Min, Max int
}

// Error gives the length and the bounds.
func (e *LengthError) Error() string {
	if e.Min == e.Max {
		return fmt.Sprintf("%s has %d bytes, not %d", e.Input, e.Got, e.Max)
	}
	return fmt.Sprintf("%s has %d bytes, not %d to %d", e.Input, e.Got, e.Min, e.Max)
}

func checkRange(input string, bytes []byte, least, most int) error {
	if n := len(bytes); n < least || n > most {
		return &LengthError{Input: input, Got: n, Min: least, Max: most}
	}
	return nil
}

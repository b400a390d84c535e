// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
)

// ErrWiped means that the key was destroyed while its record was still held somewhere.
var ErrWiped = errors.New("the key material was wiped: the key is destroyed")

// errMarshal makes storing a record by accident loud: encodeKey is the one way to write it, and for sealing only.
var errMarshal = errors.New("key material does not marshal: records are written by the sealing code only")

const redacted = "[redacted]"

// SecretBytes are the bytes of key material. They print redacted and do not marshal. They never change until they are
// wiped, which happens when the key is destroyed, whoever still holds its record. Safe for concurrent use.
type SecretBytes struct {
	mu sync.RWMutex
	// reveal returns the bytes, nil once they are wiped. In unexported fields, fmt calls no methods and prints what it
	// finds: of a function that is an address.
	reveal func() []byte
}

// NewSecretBytes takes ownership of b.
func NewSecretBytes(b []byte) *SecretBytes { return &SecretBytes{reveal: func() []byte { return b }} }

// Use calls use with the bytes, which must be neither kept nor changed, or returns ErrWiped.
func (s *SecretBytes) Use(use func([]byte) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b := s.reveal()
	if b == nil {
		return ErrWiped
	}
	return use(b)
}

// wipe overwrites the bytes once nobody is using them.
func (s *SecretBytes) wipe() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.reveal())
	s.reveal = func() []byte { return nil }
}

// String returns "[redacted]".
func (*SecretBytes) String() string { return redacted }

// GoString returns what String does.
func (*SecretBytes) GoString() string { return redacted }

// Format prints what String returns, whatever the verb and flags.
func (*SecretBytes) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue makes slog print what String returns.
func (*SecretBytes) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON always fails.
func (*SecretBytes) MarshalJSON() ([]byte, error) { return nil, errMarshal }

// MarshalText always fails.
func (*SecretBytes) MarshalText() ([]byte, error) { return nil, errMarshal }

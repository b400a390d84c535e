// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
)

const (
	idSize  = 8  // bytes; an identifier is twice as many hex digits
	keySize = 32 // bytes; AES-256
)

// RootKey is one AES-256 key with its identifier. It prints redacted.
type RootKey struct {
	id string
	// reveal returns the bytes. It is a function because no printer, dumper or differ looks into one, also where fmt does
	// not call the methods of redact.go: in somebody's unexported field.
	reveal func() []byte
}

// NewRootKey makes a random root key with a random identifier. Like all of Go's crypto it draws from the system's
// generator; there is no failing.
func NewRootKey() RootKey {
	random := make([]byte, idSize+keySize)
	_, _ = rand.Read(random) // never fails: crypto/rand ends the program instead
	return hide(hex.EncodeToString(random[:idSize]), random[idSize:])
}

// hide takes ownership of key.
func hide(id string, key []byte) RootKey {
	return RootKey{id: id, reveal: func() []byte { return key }}
}

// ID returns the key's identifier, 16 lower-case hex digits. It is random, tells nothing of the key and may be shown.
func (k RootKey) ID() string { return k.id }

// RootKeys is a set of root keys, one of them current. It is a value that never changes: methods that alter the set
// return another. So it is safe for concurrent use, and the set a process works with is replaced as a whole. The zero
// value is empty: it seals and opens nothing.
type RootKeys struct {
	current string
	keys    map[string]RootKey
}

// NewRootKeys returns the set of one key, which is current.
func NewRootKeys(first RootKey) (RootKeys, error) {
	added, err := RootKeys{}.Add(first)
	if err != nil {
		return RootKeys{}, err
	}
	return added.SetCurrent(first.id)
}

// Add returns the set with one more key that can open, and does not make it current: every process has to know a key
// before one of them seals with it. Adding a key again changes nothing; another key under the same identifier is refused,
// since it would take what the first one sealed along.
func (r RootKeys) Add(key RootKey) (RootKeys, error) {
	if key.reveal == nil {
		return RootKeys{}, errors.New("adding a root key: the key is empty")
	}
	if known, taken := r.keys[key.id]; taken {
		if subtle.ConstantTimeCompare(known.reveal(), key.reveal()) != 1 {
			return RootKeys{}, fmt.Errorf("adding root key %s: another key has this identifier", key.id)
		}
		return r, nil
	}
	keys := maps.Clone(r.keys)
	if keys == nil {
		keys = map[string]RootKey{}
	}
	keys[key.id] = key
	return RootKeys{r.current, keys}, nil
}

// SetCurrent returns the set sealing with the key of this identifier, or an *UnknownRootKeyError.
func (r RootKeys) SetCurrent(id string) (RootKeys, error) {
	if !r.Has(id) {
		return RootKeys{}, r.unknown(id)
	}
	return RootKeys{id, r.keys}, nil
}

// Without returns the set without the key of this identifier, known or not; the current key can't be taken out. What is
// still sealed by the key can't be opened any more, so everything must have been sealed anew before.
func (r RootKeys) Without(id string) (RootKeys, error) {
	if id == r.current {
		return RootKeys{}, fmt.Errorf("removing root key %q: it is the current one", id)
	}
	keys := maps.Clone(r.keys)
	delete(keys, id)
	return RootKeys{r.current, keys}, nil
}

// Has reports whether the set holds a key of this identifier.
func (r RootKeys) Has(id string) bool {
	_, ok := r.keys[id]
	return ok
}

// IDs returns the identifiers of all keys, sorted.
func (r RootKeys) IDs() []string { return slices.Sorted(maps.Keys(r.keys)) }

// Current returns the identifier of the key that seals, or "" for the empty set.
func (r RootKeys) Current() string { return r.current }

func (r RootKeys) unknown(id string) error {
	return &UnknownRootKeyError{ID: id, Have: r.IDs()}
}

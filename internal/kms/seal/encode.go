// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The entries of a Secret's data that holds root keys.
const (
	currentEntry = "current"
	keyPrefix    = "key-"
)

// Encode returns the set as the data of a Kubernetes Secret: "current" holds the current key's identifier as text, and
// "key-<id>" the 32 raw bytes of each key. It is the one way the keys leave this package, and it copies them. The empty
// set has no encoding and yields an empty map, which ParseRootKeys refuses.
func (r RootKeys) Encode() map[string][]byte {
	data := make(map[string][]byte, len(r.keys)+1)
	if r.current != "" {
		data[currentEntry] = []byte(r.current)
	}
	for id, key := range r.keys {
		data[keyPrefix+id] = bytes.Clone(key.reveal())
	}
	return data
}

// ParseRootKeys reads what Encode wrote. It is strict, because a root key misread is every key lost: an entry of another
// name, or one that is not exactly as Encode writes it (a newline at the end included), is an error. Errors name the entry
// and never what is in it. The bytes are copied.
func ParseRootKeys(data map[string][]byte) (RootKeys, error) {
	keys := map[string]RootKey{}
	for _, name := range slices.Sorted(maps.Keys(data)) {
		if name == currentEntry {
			continue
		}
		key, err := parseEntry(name, data[name])
		if err != nil {
			return RootKeys{}, fmt.Errorf("parsing root keys: entry %q: %w", name, err)
		}
		keys[key.id] = key
	}
	current, err := parseCurrent(data, keys)
	if err != nil {
		return RootKeys{}, fmt.Errorf("parsing root keys: entry %q: %w", currentEntry, err)
	}
	return RootKeys{current, keys}, nil
}

func parseEntry(name string, content []byte) (RootKey, error) {
	id, ok := strings.CutPrefix(name, keyPrefix)
	if !ok {
		return RootKey{}, fmt.Errorf("unknown name: want %q or %q and an identifier", currentEntry, keyPrefix)
	}
	if !validID(id) {
		return RootKey{}, fmt.Errorf("what follows %q is not 16 lower-case hex digits", keyPrefix)
	}
	if len(content) != keySize {
		return RootKey{}, fmt.Errorf("it has %d bytes, not %d", len(content), keySize)
	}
	return hide(id, bytes.Clone(content)), nil
}

// parseCurrent does not repeat the content even where it should be a public identifier: a key may have got there by a
// mistake of whoever wrote the Secret.
func parseCurrent(data map[string][]byte, keys map[string]RootKey) (string, error) {
	content, ok := data[currentEntry]
	if !ok {
		return "", errors.New("missing")
	}
	id := string(content)
	if !validID(id) {
		return "", errors.New("it is not 16 lower-case hex digits")
	}
	if _, ok := keys[id]; !ok {
		return "", fmt.Errorf("there is no entry %q and this identifier", keyPrefix)
	}
	return id, nil
}

// validID accepts the one spelling of an identifier.
func validID(id string) bool {
	raw, err := hex.DecodeString(id)
	return err == nil && len(raw) == idSize && hex.EncodeToString(raw) == id
}

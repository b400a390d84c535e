// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// errMarshalKeys makes storing session keys by accident loud.
var errMarshalKeys = errors.New("session keys do not marshal: store what Encode returns")

// The entries of the data in which Encode keeps a key.
const (
	keyEntry     = "key-"
	createdEntry = "created-"
)

// Encode returns the set as the data of a Kubernetes Secret: "key-ID" holds the 32 raw bytes of a key, "created-ID" when it
// was made, in RFC 3339. It is the one way the keys leave this package, and it copies them.
func (k Keys) Encode() map[string][]byte {
	data := make(map[string][]byte, 2*len(k.byAge))
	for _, key := range k.byAge {
		data[keyEntry+key.id] = bytes.Clone(key.reveal())
		data[createdEntry+key.id] = []byte(key.created.Format(time.RFC3339))
	}
	return data
}

// ParseKeys reads what Encode wrote, and nothing else. Errors name the entry and never what is in it. The bytes are
// copied.
func ParseKeys(data map[string][]byte) (Keys, error) {
	var keys Keys
	for _, name := range slices.Sorted(maps.Keys(data)) {
		var err error
		if keys, err = keys.parseEntry(name, data); err != nil {
			return Keys{}, fmt.Errorf("parsing session keys: entry %q: %w", name, err)
		}
	}
	if len(keys.byAge) == 0 {
		return Keys{}, fmt.Errorf("parsing session keys: there is no entry %qID", keyEntry)
	}
	return keys, nil
}

func (k Keys) parseEntry(name string, data map[string][]byte) (Keys, error) {
	if id, ok := cutID(name, createdEntry); ok && data[keyEntry+id] != nil {
		return k, nil // read with its key
	}
	id, ok := cutID(name, keyEntry)
	if !ok {
		return k, fmt.Errorf("unknown name: want %q or %q and the 16 hex digits of a key", keyEntry, createdEntry)
	}
	if len(data[name]) != sessionKeySize {
		return k, fmt.Errorf("it has %d bytes, not %d", len(data[name]), sessionKeySize)
	}
	created, err := time.Parse(time.RFC3339, string(data[createdEntry+id]))
	if err != nil {
		return k, fmt.Errorf("entry %q is missing or no time", createdEntry+id)
	}
	return k.add(hideKey(id, created, bytes.Clone(data[name]))), nil
}

// cutID is the identifier in the name of an entry; it accepts the one spelling of an identifier.
func cutID(name, prefix string) (string, bool) {
	if len(name) != len(prefix)+2*keyIDSize || name[:len(prefix)] != prefix {
		return "", false
	}
	id := name[len(prefix):]
	raw, err := hex.DecodeString(id)
	return id, err == nil && hex.EncodeToString(raw) == id
}

// String returns "[redacted session keys IDS]".
func (k Keys) String() string { return fmt.Sprintf("[redacted session keys %q]", k.IDs()) }

// GoString returns what String does.
func (k Keys) GoString() string { return k.String() }

// Format prints what String returns, whatever the verb and flags.
func (k Keys) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue makes slog print what String returns.
func (k Keys) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalJSON always fails.
func (Keys) MarshalJSON() ([]byte, error) { return nil, errMarshalKeys }

// MarshalText always fails.
func (Keys) MarshalText() ([]byte, error) { return nil, errMarshalKeys }

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// errMarshal makes storing root keys by accident loud.
var errMarshal = errors.New("root keys do not marshal: store what Encode returns")

// String returns "[redacted root key ID]".
func (k RootKey) String() string { return "[redacted root key " + k.id + "]" }

// GoString returns what String does.
func (k RootKey) GoString() string { return k.String() }

// Format prints what String returns, whatever the verb and flags.
func (k RootKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue makes slog print what String returns.
func (k RootKey) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalJSON always fails.
func (k RootKey) MarshalJSON() ([]byte, error) { return nil, errMarshal }

// MarshalText always fails.
func (k RootKey) MarshalText() ([]byte, error) { return nil, errMarshal }

// String returns "[redacted root keys IDS, current ID]".
func (r RootKeys) String() string {
	return fmt.Sprintf("[redacted root keys %q, current %q]", r.IDs(), r.current)
}

// GoString returns what String does.
func (r RootKeys) GoString() string { return r.String() }

// Format prints what String returns, whatever the verb and flags.
func (r RootKeys) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// LogValue makes slog print what String returns.
func (r RootKeys) LogValue() slog.Value { return slog.StringValue(r.String()) }

// MarshalJSON always fails.
func (r RootKeys) MarshalJSON() ([]byte, error) { return nil, errMarshal }

// MarshalText always fails.
func (r RootKeys) MarshalText() ([]byte, error) { return nil, errMarshal }

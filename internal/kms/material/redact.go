// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// errMarshal makes storing material by accident loud. An empty object in its place would be a lost key.
var errMarshal = errors.New("key material does not marshal: seal what Export returns")

// String returns "[redacted SPEC]".
func (m Material) String() string { return "[redacted " + string(m.Spec()) + "]" }

// GoString returns what String does.
func (m Material) GoString() string { return m.String() }

// Format prints what String returns, whatever the verb and flags. (%p and %T never get here; fmt answers them itself,
// with an address and the type's name.)
func (m Material) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, m.String()) }

// LogValue makes slog print what String returns.
func (m Material) LogValue() slog.Value { return slog.StringValue(m.String()) }

// MarshalJSON always fails.
func (m Material) MarshalJSON() ([]byte, error) { return nil, errMarshal }

// MarshalText always fails.
func (m Material) MarshalText() ([]byte, error) { return nil, errMarshal }

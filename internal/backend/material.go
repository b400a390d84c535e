// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// Origin says where a key's material comes from, by AWS KMS's names.
type Origin string

// The origins. A key's never changes.
const (
	OriginAWSKMS   Origin = "AWS_KMS"  // made by the backend
	OriginExternal Origin = "EXTERNAL" // imported
	// In custom key stores of AWS KMS: in an AWS CloudHSM cluster, and in an external key store.
	OriginCloudHSM         Origin = "AWS_CLOUDHSM"
	OriginExternalKeyStore Origin = "EXTERNAL_KEY_STORE"
)

// Or is the origin, or OriginAWSKMS if it is empty.
func (o Origin) Or() Origin { return cmp.Or(o, OriginAWSKMS) }

// Importer is a capability of backends whose keys can have key material from outside.
type Importer interface {
	// ImportMaterial imports the material of a key of OriginExternal and returns the key as it is afterwards: enabled, if it had
	// waited for its material. It expires at validTo, at most 365 days from now, and never if that is zero. Material
	// that is there already is imported again to change that. NotReady while the key is pending deletion. InvalidInput, and no
	// change, for a key of another origin, for material that is not of the form that AWS KMS has for the key spec (32 bytes
	// for SYMMETRIC_DEFAULT, the key itself for HMAC_*, PKCS #8 in DER for all others), and for other material than the
	// key had before, whether or not it still has it. Errors never tell the material, which is neither kept nor changed.
	ImportMaterial(ctx context.Context, keyID string, material *Material, validTo time.Time) (*Key, error)

	// DeleteMaterial deletes the imported key material of a key of OriginExternal, at once, and returns the key as it is
	// afterwards: in StatePendingImport, unless it is pending deletion. The same material can be imported again. A key without
	// material is left as it is. InvalidInput for a key of another origin.
	DeleteMaterial(ctx context.Context, keyID string) (*Key, error)
}

// ErrWiped means that key material was used after it was wiped.
var ErrWiped = errors.New("the key material was wiped")

// errMarshal makes writing key material down by accident loud.
var errMarshal = errors.New("key material does not marshal")

const redacted = "[redacted]"

// Material is key material on its way in, as it is imported. It prints redacted and does not marshal. Not safe for concurrent use.
type Material struct {
	// reveal returns the bytes, nil once they are wiped. In unexported fields, fmt calls no methods and prints what it
	// finds: of a function that is an address.
	reveal func() []byte
}

// NewMaterial takes ownership of b.
func NewMaterial(b []byte) *Material { return &Material{reveal: func() []byte { return b }} }

// Use calls use with the bytes, which must be neither kept nor changed, or returns ErrWiped.
func (m *Material) Use(use func([]byte) error) error {
	b := m.reveal()
	if b == nil {
		return ErrWiped
	}
	return use(b)
}

// Wipe overwrites the bytes.
func (m *Material) Wipe() {
	clear(m.reveal())
	m.reveal = func() []byte { return nil }
}

// String returns "[redacted]".
func (*Material) String() string { return redacted }

// GoString returns what String does.
func (*Material) GoString() string { return redacted }

// Format prints what String returns, whatever the verb and flags.
func (*Material) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue makes slog print what String returns.
func (*Material) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON always fails.
func (*Material) MarshalJSON() ([]byte, error) { return nil, errMarshal }

// MarshalText always fails.
func (*Material) MarshalText() ([]byte, error) { return nil, errMarshal }

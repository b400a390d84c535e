// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"errors"
	"fmt"

	"github.com/chatelaine-dev/chatelaine/internal/kms/seal"
)

var (
	// ErrNotFound means that the keyring has no such key or alias.
	ErrNotFound = errors.New("not found")
	// ErrNotSynced means that the content of the store is not yet known.
	ErrNotSynced = errors.New("the keyring is not loaded yet")
	// ErrDamaged is matched by every *DamagedError.
	ErrDamaged = errors.New("the record is damaged")
)

// Damage is one record that cannot be read.
type Damage struct {
	Kind Kind
	// Name is the record's name in the store: the key ID for a key.
	Name string
	// Title is what the store calls the record, not trusted: the key ID or the alias name.
	Title string
	// Owner is whom the store says the record belongs to, not trusted.
	Owner string
	// Location is where a person finds it, like "Secret chatelaine-system/kms-key-...".
	Location string
	// Err is why it cannot be read. An *seal.UnknownRootKeyError means that the record may well be intact.
	Err error
}

// String names the record and the reason in one line.
func (d Damage) String() string {
	return fmt.Sprintf("the record of %s %s (%s) cannot be read: %v", d.Kind, d.Title, d.Location, d.Err)
}

// NeedsRootKey is the ID of the root key that the record needs and the keyring lacks; "" for other damage.
func (d Damage) NeedsRootKey() string {
	if unknown, ok := errors.AsType[*seal.UnknownRootKeyError](d.Err); ok {
		return unknown.ID
	}
	return ""
}

// DamagedError says that what was asked for exists and cannot be read. It says the way out, too.
type DamagedError struct{ Damage Damage }

func (e *DamagedError) Error() string {
	if id := e.Damage.NeedsRootKey(); id != "" {
		return fmt.Sprintf("%s; restore root key %s, or the record, from a backup", e.Damage, id)
	}
	return fmt.Sprintf("%s; restore it from a backup", e.Damage)
}

// Is makes every DamagedError an ErrDamaged.
func (*DamagedError) Is(target error) bool { return target == ErrDamaged }

func (e *DamagedError) Unwrap() error { return e.Damage.Err }

// AliasTakenError says that a key holds the alias already; it may be the one that was to get it.
type AliasTakenError struct{ Alias, KeyID string }

func (e *AliasTakenError) Error() string {
	return fmt.Sprintf("%s is held by key %s", e.Alias, e.KeyID)
}

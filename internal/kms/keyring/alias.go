// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"
)

// AliasItemName is the name of an alias's item in the store: a hash, since alias names have characters and lengths that
// names of Secrets can't.
func AliasItemName(alias string) string {
	const size = 20 // bytes, so that no two aliases have the same
	sum := sha256.Sum256([]byte(alias))
	return hex.EncodeToString(sum[:size])
}

func aliasSlot(name string) slot { return slot{KindAlias, AliasItemName(name)} }

// CreateAlias adds an alias. If a key holds it already, it is an *AliasTakenError with that key's ID, even if it is the
// same key; an alias left over from a key that is gone is taken over.
func (k *Keyring) CreateAlias(ctx context.Context, record AliasRecord) error {
	s := aliasSlot(record.Name)
	existing, err := k.create(ctx, s, &entry{alias: &record})
	if !errors.Is(err, ErrExists) {
		return err
	}
	left, err := k.isLeftOver(ctx, existing.alias)
	if err != nil {
		return err
	}
	if !left {
		return &AliasTakenError{Alias: record.Name, KeyID: existing.alias.KeyID}
	}
	_, err = k.update(ctx, s, func(current *entry) (*entry, error) {
		if current.alias.KeyID != existing.alias.KeyID {
			return nil, &AliasTakenError{Alias: record.Name, KeyID: current.alias.KeyID}
		}
		return &entry{alias: &record}, nil
	})
	if errors.Is(err, ErrNotFound) { // somebody cleared it away meanwhile
		return ErrConflict
	}
	return err
}

// isLeftOver says whether the alias's key is gone. Only the store is believed in this: the key may be younger than what
// the watch has brought.
func (k *Keyring) isLeftOver(ctx context.Context, alias *AliasRecord) (bool, error) {
	_, err := k.Key(alias.KeyID)
	if !errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err := k.refresh(ctx, slot{KindKey, alias.KeyID}); err != nil {
		return false, err
	}
	_, err = k.Key(alias.KeyID)
	return errors.Is(err, ErrNotFound), nil
}

// UpdateAlias moves an alias from one key to another, in one write. It is ErrNotFound if there is none and an
// *AliasTakenError if it is not from's.
func (k *Keyring) UpdateAlias(ctx context.Context, name, from, to string, at time.Time) error {
	_, err := k.update(ctx, aliasSlot(name), func(current *entry) (*entry, error) {
		if current.alias.KeyID != from {
			return nil, &AliasTakenError{Alias: name, KeyID: current.alias.KeyID}
		}
		next := *current.alias
		next.KeyID, next.LastUpdated = to, at
		return &entry{alias: &next}, nil
	})
	return err
}

// DeleteAlias removes an alias if it is keyID's. It is ErrNotFound if there is none and an *AliasTakenError if it is
// another key's.
func (k *Keyring) DeleteAlias(ctx context.Context, name, keyID string) error {
	s := aliasSlot(name)
	ctx, done, err := k.turn(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	for range maxAttempts {
		e, err := k.entry(s)
		if err != nil {
			return err
		}
		if e.alias.KeyID != keyID {
			return &AliasTakenError{Alias: name, KeyID: e.alias.KeyID}
		}
		err = k.store.Delete(ctx, s.kind, s.name, e.version)
		if errors.Is(err, ErrConflict) {
			if err := k.refresh(ctx, s); err != nil {
				return err
			}
			continue
		}
		if err != nil && !errors.Is(err, ErrGone) {
			return err
		}
		k.forget(s, e.version)
		return nil
	}
	return ErrConflict
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"cmp"
	"slices"
)

// Key returns a key's record, ErrNotFound, a *DamagedError or ErrNotSynced.
func (k *Keyring) Key(keyID string) (*KeyRecord, error) {
	e, err := k.entry(slot{KindKey, keyID})
	if err != nil {
		return nil, err
	}
	return e.key, nil
}

// Keys returns every record that can be read, in no order.
func (k *Keyring) Keys() []*KeyRecord {
	k.mu.RLock()
	defer k.mu.RUnlock()
	records := make([]*KeyRecord, 0, len(k.memory.entries))
	for _, e := range k.memory.entries {
		if e.key != nil {
			records = append(records, e.key)
		}
	}
	return records
}

// KeyIDs returns the ID of every key, also of those whose record cannot be read, in no order.
func (k *Keyring) KeyIDs() ([]string, error) {
	if !k.isSynced() {
		return nil, ErrNotSynced
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	var keyIDs []string
	for s := range k.memory.entries {
		if s.kind == KindKey {
			keyIDs = append(keyIDs, s.name)
		}
	}
	return keyIDs, nil
}

// Alias returns an alias's record, ErrNotFound, a *DamagedError or ErrNotSynced.
func (k *Keyring) Alias(name string) (*AliasRecord, error) {
	e, err := k.entry(aliasSlot(name))
	if err != nil {
		return nil, err
	}
	return e.alias, nil
}

// Aliases returns the records of a key's aliases, or of all aliases for an empty key ID, in no order. Those that cannot
// be read are left out: nobody knows whose they are.
func (k *Keyring) Aliases(keyID string) ([]*AliasRecord, error) {
	if !k.isSynced() {
		return nil, ErrNotSynced
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	var records []*AliasRecord
	if keyID != "" {
		for name := range k.memory.aliasesOf[keyID] {
			records = append(records, k.memory.entries[aliasSlot(name)].alias)
		}
		return records, nil
	}
	for _, e := range k.memory.entries {
		if e.alias != nil {
			records = append(records, e.alias)
		}
	}
	return records, nil
}

// AliasesOf returns the names of a key's aliases, sorted.
func (k *Keyring) AliasesOf(keyID string) []string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.memory.aliases(keyID)
}

// Owned returns the records of the keys that belong to owner by Options.Owner, the oldest first. It is a *DamagedError
// if a key cannot be read that is owner's by what the store says of it, and ErrNotSynced before the keyring is loaded.
func (k *Keyring) Owned(owner string) ([]*KeyRecord, error) {
	if !k.isSynced() {
		return nil, ErrNotSynced
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	for s, e := range k.memory.entries {
		if s.kind == KindKey && e.damage != nil && owner != "" && e.damage.item.Owner == owner {
			return nil, &DamagedError{e.damage.report()}
		}
	}
	records := make([]*KeyRecord, 0, len(k.memory.ownedBy[owner]))
	for keyID := range k.memory.ownedBy[owner] {
		records = append(records, k.memory.key(keyID))
	}
	slices.SortFunc(records, func(a, b *KeyRecord) int {
		return cmp.Or(a.CreationTime.Compare(b.CreationTime), cmp.Compare(a.KeyID, b.KeyID))
	})
	return records, nil
}

// Damaged returns every record that cannot be read, sorted by location.
func (k *Keyring) Damaged() []Damage {
	k.mu.RLock()
	defer k.mu.RUnlock()
	var damaged []Damage
	for _, e := range k.memory.entries {
		if e.damage != nil {
			damaged = append(damaged, e.damage.report())
		}
	}
	slices.SortFunc(damaged, func(a, b Damage) int { return cmp.Compare(a.Location, b.Location) })
	return damaged
}

// entry is what is known at s, if it can be read.
func (k *Keyring) entry(s slot) (*entry, error) {
	if !k.isSynced() {
		return nil, ErrNotSynced
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	e := k.memory.entries[s]
	switch {
	case e == nil:
		return nil, ErrNotFound
	case e.damage != nil:
		return nil, &DamagedError{e.damage.report()}
	default:
		return e, nil
	}
}

func (d *damage) report() Damage {
	title := d.item.Title
	if d.item.Kind == KindKey {
		title = d.item.Name
	}
	return Damage{
		Kind: d.item.Kind, Name: d.item.Name, Title: title,
		Owner: d.item.Owner, Location: d.item.Location, Err: d.err,
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-logr/logr"

	"github.com/chatelaine-dev/chatelaine/internal/kms/seal"
)

// feed takes what the store tells into the keyring's memory.
type feed struct {
	keyring *Keyring
	reload  func(rootKeyID string)
	log     logr.Logger
}

var _ Sink = (*feed)(nil)

// Replace implements Sink.
func (f *feed) Replace(items []Item, version uint64) {
	for _, item := range items {
		f.reloadFor(item)
	}
	k := f.keyring
	k.mu.Lock()
	if version < k.memory.position {
		// The watch never goes back of itself: the store was restored from an older backup. What is in it now is the
		// truth, and the versions known from before mean nothing there.
		f.log.Info("record store went back, loading it anew", "keyring", k.id.String(),
			"version", version, "known", k.memory.position)
		k.memory.rewind()
	}
	listed := make(map[slot]bool, len(items))
	changes := make([]Change, 0, len(items))
	for _, item := range items {
		s := slot{item.Kind, item.Name}
		listed[s] = true
		changes = append(changes, k.take(item)...)
	}
	for _, s := range k.memory.slots(func(s slot, e *entry) bool { return !listed[s] && e.version <= version }) {
		changes = append(changes, k.drop(s, version)...)
	}
	k.memory.advance(version)
	k.mu.Unlock()

	k.markSynced()
	k.announce(changes)
}

// Upsert implements Sink.
func (f *feed) Upsert(item Item) {
	f.reloadFor(item)
	k := f.keyring
	k.mu.Lock()
	changes := k.take(item)
	k.memory.advance(item.Version)
	k.mu.Unlock()
	k.announce(changes)
}

// Delete implements Sink.
func (f *feed) Delete(kind Kind, name string, version uint64) {
	k := f.keyring
	k.mu.Lock()
	changes := k.drop(slot{kind, name}, version)
	k.memory.advance(version)
	k.mu.Unlock()
	k.announce(changes)
}

// reloadFor reads the root keys again if the item is sealed by one that is not known.
func (f *feed) reloadFor(item Item) {
	if id, err := seal.RootKeyID(item.Sealed); err == nil {
		f.reload(id)
	}
}

// take puts an item that came from the store into memory if it is newer than what is known. k.mu is held.
func (k *Keyring) take(item Item) []Change {
	s := slot{item.Kind, item.Name}
	if !k.memory.newer(s, item.Version) {
		return nil
	}
	return k.put(s, k.open(item))
}

// put makes e what is known of the item at s. k.mu is held.
func (k *Keyring) put(s slot, e *entry) []Change {
	before := k.memory.entries[s]
	if before != nil && before.key != nil && e.key != nil {
		e.key.share(before.key)
		before.key.wipeWithout(e.key)
	}
	k.memory.put(s, e)
	delete(k.unsettled, s)
	return k.changes(s, before, e)
}

// drop forgets an item that is gone as of version. A destroyed key's material is wiped. k.mu is held.
func (k *Keyring) drop(s slot, version uint64) []Change {
	before := k.memory.entries[s]
	if before != nil && before.version > version {
		return nil
	}
	k.memory.remove(s, version)
	delete(k.unsettled, s)
	if before == nil {
		return nil
	}
	if before.key != nil {
		before.key.wipe()
	}
	return k.changes(s, before, nil)
}

// open is the entry for an item: its record, or the reason why it cannot be read. k.mu is held.
func (k *Keyring) open(item Item) *entry {
	e, err := k.unseal(item)
	if err != nil {
		if e != nil && e.key != nil {
			e.key.wipe()
		}
		e = &entry{damage: &damage{item: item, err: err}}
		e.damage.item.Sealed = bytes.Clone(item.Sealed)
	}
	e.version = item.Version
	return e
}

func (k *Keyring) unseal(item Item) (*entry, error) {
	plaintext, err := k.roots.Open(item.Sealed, k.binding(item.Kind, item.Name))
	if err != nil {
		return nil, err
	}
	defer clear(plaintext)
	rootKeyID, err := seal.RootKeyID(item.Sealed)
	if err != nil {
		return nil, err
	}
	e := &entry{rootKeyID: rootKeyID}
	switch item.Kind {
	case KindKey:
		e.key, err = decodeKey(plaintext)
		if err == nil && e.key.KeyID != item.Name {
			err = fmt.Errorf("it is that of key %s", e.key.KeyID)
		}
	case KindAlias:
		e.alias, err = decodeAlias(plaintext)
		if err == nil && AliasItemName(e.alias.Name) != item.Name {
			err = fmt.Errorf("it is that of alias %s", e.alias.Name)
		}
	default:
		err = errors.New("it is of an unknown kind")
	}
	return e, err
}

// binding is the place to which the seal binds a record.
func (k *Keyring) binding(kind Kind, name string) seal.Binding {
	return seal.Binding{Account: k.id.AccountID, Region: k.id.Region, Kind: string(kind), Name: name}
}

// changes is what subscribers hear of before having become after. k.mu is held.
func (k *Keyring) changes(s slot, before, after *entry) []Change {
	if s.kind == KindAlias {
		return k.aliasChanges(before, after)
	}
	change := Change{KeyID: s.name}
	if before != nil {
		change.Before = before.key
	}
	if after != nil {
		change.After = after.key
		if after.damage != nil {
			change.Owner = after.damage.item.Owner
		}
	}
	if change.Before != nil && change.After != nil && change.Before.Equal(change.After) {
		return nil
	}
	return []Change{change}
}

func (k *Keyring) aliasChanges(before, after *entry) []Change {
	was, is := holder(before), holder(after)
	if was == is {
		return nil
	}
	var changes []Change
	for _, keyID := range []string{was, is} {
		if record := k.memory.key(keyID); record != nil {
			changes = append(changes, Change{KeyID: keyID, Before: record, After: record})
		}
	}
	return changes
}

// holder is the key ID that an alias's entry points to; "" where there is none to be read.
func holder(e *entry) string {
	if e == nil || e.alias == nil {
		return ""
	}
	return e.alias.KeyID
}

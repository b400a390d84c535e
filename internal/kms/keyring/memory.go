// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"maps"
	"slices"
)

// slot is the place of one item in a store.
type slot struct {
	kind Kind
	name string
}

// entry is what is known of one item: exactly one of key, alias and damage is set.
type entry struct {
	version   uint64
	rootKeyID string
	key       *KeyRecord
	alias     *AliasRecord
	damage    *damage
}

// damage is an item that does not open, kept for another try when the root keys change.
type damage struct {
	item Item
	err  error
}

// memory is the content of the store as far as it is known. It never goes back: what comes late is recognised by its
// version. It is not safe for concurrent use.
//
// Everything up to position is known for sure, because the store tells its changes in order. An item that is not known
// and whose version is not beyond position was therefore deleted since; only deletions that this process made ahead of
// position need a tombstone.
type memory struct {
	entries    map[slot]*entry
	position   uint64
	tombstones map[slot]uint64

	aliasesOf map[string]map[string]bool // key ID -> alias names
	ownedBy   map[string]map[string]bool // owner -> key IDs
	owner     func(tags map[string]string) string
}

func newMemory(owner func(map[string]string) string) *memory {
	return &memory{
		entries: map[slot]*entry{}, tombstones: map[slot]uint64{},
		aliasesOf: map[string]map[string]bool{}, ownedBy: map[string]map[string]bool{}, owner: owner,
	}
}

// newer says whether version of the item at s is beyond what is known.
func (m *memory) newer(s slot, version uint64) bool {
	if e := m.entries[s]; e != nil {
		return version > e.version
	}
	if buried, ok := m.tombstones[s]; ok {
		return version > buried
	}
	return version > m.position
}

// put replaces what is known of the item at s.
func (m *memory) put(s slot, e *entry) {
	m.unindex(m.entries[s])
	m.entries[s] = e
	delete(m.tombstones, s)
	switch {
	case e.key != nil:
		m.index(m.ownedBy, m.owner(e.key.Tags), e.key.KeyID)
	case e.alias != nil:
		m.index(m.aliasesOf, e.alias.KeyID, e.alias.Name)
	}
}

// remove forgets the item at s, of which version and everything before it is gone. A tombstone never goes back: the store
// may yet tell of an earlier item at s, and of its end, when a later one was deleted already.
func (m *memory) remove(s slot, version uint64) {
	m.unindex(m.entries[s])
	delete(m.entries, s)
	if version > m.position {
		m.tombstones[s] = max(m.tombstones[s], version)
	}
}

// advance notes that the store has told everything up to version.
func (m *memory) advance(version uint64) {
	m.position = max(m.position, version)
	maps.DeleteFunc(m.tombstones, func(_ slot, buried uint64) bool { return buried <= m.position })
}

// rewind makes every version that the store tells newer than what is known.
func (m *memory) rewind() {
	m.position = 0
	clear(m.tombstones)
	for s, e := range m.entries {
		forgotten := *e // readers may still hold e
		forgotten.version = 0
		m.entries[s] = &forgotten
	}
}

func (*memory) index(index map[string]map[string]bool, key, value string) {
	if key == "" {
		return
	}
	if index[key] == nil {
		index[key] = map[string]bool{}
	}
	index[key][value] = true
}

func (m *memory) unindex(e *entry) {
	drop := func(index map[string]map[string]bool, key, value string) {
		delete(index[key], value)
		if len(index[key]) == 0 {
			delete(index, key)
		}
	}
	switch {
	case e == nil:
	case e.key != nil:
		drop(m.ownedBy, m.owner(e.key.Tags), e.key.KeyID)
	case e.alias != nil:
		drop(m.aliasesOf, e.alias.KeyID, e.alias.Name)
	}
}

// key is the record of a key, if it is known and can be read.
func (m *memory) key(keyID string) *KeyRecord {
	if e := m.entries[slot{KindKey, keyID}]; e != nil {
		return e.key
	}
	return nil
}

// aliases are the names of a key's aliases, sorted.
func (m *memory) aliases(keyID string) []string {
	return slices.Sorted(maps.Keys(m.aliasesOf[keyID]))
}

// slots are those of the entries that keep says yes to.
func (m *memory) slots(keep func(slot, *entry) bool) []slot {
	var kept []slot
	for s, e := range m.entries {
		if keep(s, e) {
			kept = append(kept, s)
		}
	}
	return kept
}

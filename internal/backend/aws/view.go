// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// view is what is known of the keys and aliases of the account and Region. It is safe for concurrent use.
type view struct {
	cluster string
	lags    Lags
	// opened is when this process began to know what it does.
	opened time.Time
	// tell is told whose key changed of what was known of it, whatever made that known.
	tell func(backend.Owner)

	mu   sync.Mutex
	keys map[string]*entry
	// owned are the IDs of keys by their owner without UID.
	owned map[backend.Owner]map[string]struct{}
	// strangers are keys whose tags were read and name nobody of this cluster.
	strangers map[string]stranger
	// gone is when keys were forgotten. One that comes back may have been written to, just before, in ways that reads do not show yet.
	gone    map[string]time.Time
	aliases aliases
}

func newView(cluster string, lags Lags) *view {
	return &view{
		cluster: cluster, lags: lags, tell: func(backend.Owner) {},
		keys: map[string]*entry{}, owned: map[backend.Owner]map[string]struct{}{},
		strangers: map[string]stranger{}, gone: map[string]time.Time{}, aliases: newAliases(),
	}
}

// edit changes the entry of a key, which it makes if there is none.
func (v *view) edit(id string, now time.Time, change func(*entry)) {
	v.mu.Lock()
	changed := v.editLocked(id, now, change)
	v.mu.Unlock()
	v.tellAll(changed)
}

func (v *view) tellAll(owners []backend.Owner) {
	for _, owner := range owners {
		v.tell(owner)
	}
}

// editLocked returns whom to tell that their key changed, once the view is unlocked.
func (v *view) editLocked(id string, now time.Time, change func(*entry)) (changed []backend.Owner) {
	e, ok := v.keys[id]
	if !ok {
		e = v.newEntry(id, now)
		v.keys[id] = e
	}
	before, was := e.owner()
	earlier := *e // what is in it is replaced, and not changed
	change(e)
	after, is := e.owner()
	if was && (!is || !before.Same(after)) {
		v.disown(before, id)
	}
	if is {
		v.own(after, id)
		delete(v.strangers, id)
	}
	if !e.differs(&earlier) {
		return nil
	}
	if was && before != after {
		changed = append(changed, before)
	}
	if is {
		changed = append(changed, after)
	}
	return changed
}

// editKnown changes the entry of a key, if there is one.
func (v *view) editKnown(id string, now time.Time, change func(*entry)) {
	var changed []backend.Owner
	v.mu.Lock()
	if _, ok := v.keys[id]; ok {
		changed = v.editLocked(id, now, change)
	}
	v.mu.Unlock()
	v.tellAll(changed)
}

// peek lets do read the entry of a key, if there is one.
func (v *view) peek(id string, do func(*entry)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if e, ok := v.keys[id]; ok {
		do(e)
	}
}

// newEntry is that of a key of which nothing is known, or nothing any more.
func (v *view) newEntry(id string, now time.Time) *entry {
	e := &entry{id: id, since: now, missed: v.opened}
	if gone, was := v.gone[id]; was {
		e.missed = gone
		for _, part := range []func(*entry, time.Time){inMetadata, inTags, inSchedule, inHistory, inPolicy} {
			part(e, gone)
		}
	}
	return e
}

// remove forgets a key that is gone.
func (v *view) remove(id string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if e, ok := v.keys[id]; ok {
		if owner, owned := e.owner(); owned {
			v.disown(owner, id)
		}
		delete(v.keys, id)
	}
	v.aliases.removeKey(id)
}

// passed notes that a key is about to be forgotten, for as long as reads may not show what was written to it before.
func (v *view) passed(id string, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	longest := max(v.lags.Reads, v.lags.Tagging, v.lags.Grants)
	maps.DeleteFunc(v.gone, func(_ string, gone time.Time) bool { return !now.Before(gone.Add(longest)) })
	if _, known := v.keys[id]; known {
		v.gone[id] = now
	}
}

// key is the key with that ID if it is one of this cluster and all of it is known.
func (v *view) key(id string) (*backend.Key, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	e, ok := v.keys[id]
	if !ok || !v.aliases.known() || len(v.aliases.inDoubt(id)) > 0 || !e.complete() || !v.ours(e) {
		return nil, false
	}
	return v.whole(e), true
}

// any is the key with that ID as far as it is known, whoever owns it.
func (v *view) any(id string) (*backend.Key, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	e, ok := v.keys[id]
	if !ok {
		return nil, false
	}
	return v.whole(e), true
}

func (v *view) whole(e *entry) *backend.Key {
	key := e.key()
	key.Aliases = v.aliases.of(e.id)
	return key
}

func (v *view) ours(e *entry) bool {
	owner, owned := e.owner()
	return owned && owner.Cluster == v.cluster
}

// ownedBy are the IDs of the keys whose tags name the owner, whatever the UID.
func (v *view) ownedBy(owner backend.Owner) []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Collect(maps.Keys(v.owned[nameless(owner)]))
}

// madeFor is the oldest key whose tags name the owner, UID included.
func (v *view) madeFor(owner backend.Owner) (id string, found bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	var oldest time.Time
	for candidate := range v.owned[nameless(owner)] {
		e := v.keys[candidate]
		if of, _ := e.owner(); of != owner {
			continue
		}
		if made := e.metadata.value.creationTime; !found || made.Before(oldest) {
			id, oldest, found = candidate, made, true
		}
	}
	return id, found
}

func (v *view) own(owner backend.Owner, id string) {
	name := nameless(owner)
	if v.owned[name] == nil {
		v.owned[name] = map[string]struct{}{}
	}
	v.owned[name][id] = struct{}{}
}

func (v *view) disown(owner backend.Owner, id string) {
	name := nameless(owner)
	delete(v.owned[name], id)
	if len(v.owned[name]) == 0 {
		delete(v.owned, name)
	}
}

// nameless is the owner as all Keys of that name are.
func nameless(owner backend.Owner) backend.Owner {
	owner.UID = ""
	return owner
}

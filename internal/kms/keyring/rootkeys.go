// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-logr/logr"

	"github.com/chatelaine-dev/chatelaine/internal/kms/seal"
)

const (
	// reloadTimeout bounds how long one record with an unknown root key holds up the others.
	reloadTimeout = 10 * time.Second
	// maxFailures is how many records in a row may fail before it is the store that is taken to fail, and not they.
	maxFailures = 10
)

// SetRootKeys replaces the root keys and tries again to read the records that are damaged.
func (k *Keyring) SetRootKeys(roots seal.RootKeys) {
	k.mu.Lock()
	k.roots = roots
	clear(k.missing)
	var changes []Change
	for _, s := range k.memory.slots(func(_ slot, e *entry) bool { return e.damage != nil }) {
		if e := k.open(k.memory.entries[s].damage.item); e.damage == nil {
			changes = append(changes, k.put(s, e)...)
		}
	}
	k.mu.Unlock()
	k.announce(changes)
}

// RootKeysInUse returns the IDs of the root keys under which the records that can be read are sealed, sorted.
func (k *Keyring) RootKeysInUse() []string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	ids := map[string]bool{}
	for _, e := range k.memory.entries {
		if e.damage == nil {
			ids[e.rootKeyID] = true
		}
	}
	return slices.Sorted(maps.Keys(ids))
}

// Stale is the number of records that can be read and are not sealed under the current root key.
func (k *Keyring) Stale() int { return len(k.stale()) }

func (k *Keyring) stale() []slot {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.memory.slots(k.isStale)
}

func (k *Keyring) isStale(_ slot, e *entry) bool {
	return e.damage == nil && e.rootKeyID != k.roots.Current()
}

// Reseal seals every stale record anew under the current root key, one by one, and returns how many it did. Keys serve
// and change meanwhile; a record that another writer sealed anew first, or deleted, is done. Records that fail are left
// for another call and do not hold up the others, unless ten fail in a row.
func (k *Keyring) Reseal(ctx context.Context) (int, error) {
	done, inRow := 0, 0
	var failed []error
	for _, s := range k.stale() {
		if ctx.Err() != nil {
			failed = append(failed, context.Cause(ctx))
			break
		}
		wrote, err := k.update(ctx, s, k.asItIs)
		if err != nil && !errors.Is(err, ErrNotFound) {
			failed = append(failed, fmt.Errorf("sealing the record of %s %s anew: %w", s.kind, s.name, err))
			inRow++
			if inRow == maxFailures {
				break
			}
			continue
		}
		inRow = 0
		if wrote {
			done++
		}
	}
	return done, errors.Join(failed...)
}

// asItIs is a change that writes the record as it is, if it is stale.
func (k *Keyring) asItIs(current *entry) (*entry, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if !k.isStale(slot{}, current) {
		return nil, nil
	}
	if current.key != nil {
		return &entry{key: current.key.clone()}, nil
	}
	return &entry{alias: current.alias}, nil
}

// reload reads the root keys again, once for each root key that is not known.
func (k *Keyring) reload(ctx context.Context, rootKeyID string) {
	k.mu.RLock()
	pointless := k.options.ReloadRootKeys == nil || k.roots.Has(rootKeyID) || k.missing[rootKeyID]
	k.mu.RUnlock()
	if pointless {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	roots, err := k.options.ReloadRootKeys(ctx)
	if err != nil {
		logr.FromContextOrDiscard(ctx).Error(err, "reloading root keys failed", "keyring", k.id.String(),
			"rootKey", rootKeyID)
	} else {
		k.SetRootKeys(roots)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.roots.Has(rootKeyID) {
		k.missing[rootKeyID] = true
	}
}

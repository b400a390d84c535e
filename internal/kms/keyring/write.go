// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/kms/seal"
)

const (
	// maxAttempts bounds how often one write is made again on top of another writer's. Writers of this process wait for
	// each other, so it takes as many other processes that write the same record at the same moment to use them up.
	maxAttempts = 10
	// maxBackoff is the longest pause before another attempt.
	maxBackoff = 50 * time.Millisecond
	// writeTimeout bounds a write with all that it waits for: writers before it, whose store may hang, and other attempts.
	// Its writer is better off with an error upon which it may try again.
	writeTimeout = 5 * time.Second
)

// CreateKey adds a key and returns its record; the one given must not be used any more. If the key ID exists, it returns
// the record that is there and ErrExists, or a *DamagedError.
func (k *Keyring) CreateKey(ctx context.Context, record *KeyRecord) (*KeyRecord, error) {
	s := slot{KindKey, record.KeyID}
	e, err := k.create(ctx, s, &entry{key: record.clone()})
	if e == nil {
		return nil, err
	}
	return e.key, err
}

// UpdateKey applies change to a copy of the key's record, writes it if that made a difference, and returns the record
// afterwards. When another writer comes first, change is called again on the newer record; so it must depend on nothing
// else that it changes, and secret bytes that it puts in must be new each time: those of a record that is not written are
// wiped. Its error is returned as it is, and nothing written.
func (k *Keyring) UpdateKey(ctx context.Context, keyID string, change func(*KeyRecord) error) (*KeyRecord, error) {
	var known, next, result *KeyRecord
	discard := func() {
		if next != nil && next != result {
			next.wipeWithout(known)
		}
	}
	_, err := k.update(ctx, slot{KindKey, keyID}, func(current *entry) (*entry, error) {
		result = nil
		discard()
		known, next = current.key, current.key.clone()
		if err := change(next); err != nil {
			return nil, err
		}
		if next.Equal(known) {
			result = known
			return nil, nil
		}
		result = next
		return &entry{key: next}, nil
	})
	if err != nil {
		result = nil
	}
	discard()
	return result, err
}

// DeleteKey destroys a key with its aliases and wipes its material, unless check, which sees the newest record, returns
// an error: that is returned as it is. A key that is gone already is ErrNotFound.
func (k *Keyring) DeleteKey(ctx context.Context, keyID string, check func(*KeyRecord) error) error {
	s := slot{KindKey, keyID}
	unlock, err := k.writers.Lock(ctx, s)
	if err != nil {
		return err
	}
	defer unlock()
	// Aliases go first: were the process to die after the key, nobody would know whose they were. The look at the store
	// keeps that from happening to a key whose deletion another process has just cancelled.
	for range maxAttempts {
		if err := k.refresh(ctx, s); err != nil {
			return err
		}
		e, err := k.entry(s)
		if err != nil {
			return err
		}
		if err := check(e.key); err != nil {
			return err
		}
		for _, alias := range k.AliasesOf(keyID) {
			if err := k.DeleteAlias(ctx, alias, keyID); err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
		}
		err = k.store.Delete(ctx, s.kind, s.name, e.version)
		if errors.Is(err, ErrConflict) {
			continue
		}
		if err != nil && !errors.Is(err, ErrGone) {
			return err
		}
		k.forget(s, e.version)
		return nil
	}
	return fmt.Errorf("deleting key %s: %w", keyID, ErrConflict)
}

// turn waits until nobody else of this process writes the item, and bounds with the context that it returns all that
// comes before it is known whether the answer to the write was lost. done is called once.
func (k *Keyring) turn(ctx context.Context, s slot) (bounded context.Context, done func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	unlock, err := k.writers.Lock(ctx, s)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	return ctx, func() { unlock(); cancel() }, nil
}

// create adds an item. If it exists it returns what is there and ErrExists.
func (k *Keyring) create(ctx context.Context, s slot, next *entry) (*entry, error) {
	ctx, done, err := k.turn(ctx, s)
	if err != nil {
		return nil, err
	}
	defer done()
	e, err := k.entry(s)
	if err == nil {
		return e, ErrExists
	}
	if !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	item, err := k.seal(s, next)
	if err != nil {
		return nil, err
	}
	version, err := k.store.Create(ctx, item)
	version, err = k.settle(ctx, item, version, err)
	if errors.Is(err, ErrExists) {
		if err := k.refresh(ctx, s); err != nil {
			return nil, err
		}
		e, err := k.entry(s)
		if err != nil {
			return nil, err
		}
		return e, ErrExists
	}
	if err != nil {
		return nil, err
	}
	k.learn(s, next, version)
	return next, nil
}

// update replaces an item by what change makes of it; nil leaves it as it is. It says whether it wrote.
func (k *Keyring) update(ctx context.Context, s slot, change func(*entry) (*entry, error)) (wrote bool, err error) {
	ctx, done, err := k.turn(ctx, s)
	if err != nil {
		return false, err
	}
	defer done()
	if err := k.settled(ctx, s); err != nil {
		return false, err
	}
	for attempt := range maxAttempts {
		if err := k.catchUp(ctx, s, attempt); err != nil {
			return false, err
		}
		current, err := k.entry(s)
		if err != nil {
			return false, err
		}
		next, err := change(current)
		if err != nil || next == nil {
			return false, err
		}
		err = k.replace(ctx, s, current.version, next)
		// That material was wiped between the look and the write means that the record changed in between.
		if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrWiped) {
			return err == nil, err
		}
	}
	return false, fmt.Errorf("writing %s %s, %d attempts: %w", s.kind, s.name, maxAttempts, ErrConflict)
}

// replace writes next over the item if that still has the version.
func (k *Keyring) replace(ctx context.Context, s slot, version uint64, next *entry) error {
	item, err := k.seal(s, next)
	if err != nil {
		return err
	}
	item.Version = version
	written, err := k.store.Update(ctx, item)
	written, err = k.settle(ctx, item, written, err)
	if errors.Is(err, ErrGone) {
		k.forget(s, version)
		return ErrNotFound
	}
	if err != nil {
		return err
	}
	k.learn(s, next, written)
	return nil
}

// seal makes the item for e under the current root key and notes on e which one that is.
func (k *Keyring) seal(s slot, e *entry) (Item, error) {
	k.mu.RLock()
	roots := k.roots
	k.mu.RUnlock()
	item := Item{Kind: s.kind, Name: s.name}
	var plaintext []byte
	var err error
	if e.key != nil {
		item.Title, item.Owner = e.key.KeyID, k.options.Owner(e.key.Tags)
		plaintext, err = encodeKey(e.key)
	} else {
		item.Title, item.Owner = e.alias.Name, k.ownerOf(e.alias.KeyID)
		plaintext, err = encodeAlias(e.alias)
	}
	defer clear(plaintext)
	if err == nil {
		item.Sealed, err = roots.Seal(plaintext, k.binding(s.kind, s.name))
	}
	if err != nil {
		return Item{}, fmt.Errorf("sealing the record of %s %s: %w", s.kind, item.Title, err)
	}
	e.rootKeyID, err = seal.RootKeyID(item.Sealed)
	return item, err
}

func (k *Keyring) ownerOf(keyID string) string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if record := k.memory.key(keyID); record != nil {
		return k.options.Owner(record.Tags)
	}
	return ""
}

// catchUp prepares each attempt but the first: it waits a little, so that writers of several processes do not stay in
// step, and then reads what is in the store by now.
func (k *Keyring) catchUp(ctx context.Context, s slot, attempt int) error {
	if attempt == 0 {
		return nil
	}
	timer := time.NewTimer(rand.N(maxBackoff))
	defer timer.Stop()
	select {
	case <-timer.C:
		return k.refresh(ctx, s)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

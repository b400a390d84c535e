// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/kms/seal"
)

// settleTimeout bounds the look at the store after a write whose answer was lost.
const settleTimeout = 5 * time.Second

// Settle makes sure, by a look at the store, what became of a write of the key whose answer was lost. It does nothing
// where there was none.
func (k *Keyring) Settle(ctx context.Context, keyID string) error {
	return k.settled(ctx, slot{KindKey, keyID})
}

func (k *Keyring) settled(ctx context.Context, s slot) error {
	k.mu.RLock()
	unsettled := k.unsettled[s]
	k.mu.RUnlock()
	if !unsettled {
		return nil
	}
	return k.refresh(ctx, s)
}

// settle finds out what became of a write whose answer was lost. Sealed bytes are never the same twice, so that the
// store has them shows that the write was carried out.
func (k *Keyring) settle(ctx context.Context, item Item, version uint64, err error) (uint64, error) {
	if !errors.Is(err, ErrUnknownOutcome) {
		return version, err
	}
	// The context may be what made the answer come too late.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	found, getErr := k.store.Get(ctx, item.Kind, item.Name)
	s := slot{item.Kind, item.Name}
	switch {
	case getErr == nil && bytes.Equal(found.Sealed, item.Sealed):
		return found.Version, nil
	case getErr == nil:
		k.accept(ctx, found)
	case !errors.Is(getErr, ErrGone):
		k.mu.Lock()
		k.unsettled[s] = true
		k.mu.Unlock()
	}
	return 0, err
}

// refresh reads the item at s from the store. That it is gone is no error.
func (k *Keyring) refresh(ctx context.Context, s slot) error {
	k.mu.RLock()
	var known uint64
	if e := k.memory.entries[s]; e != nil {
		known = e.version
	}
	k.mu.RUnlock()
	item, err := k.store.Get(ctx, s.kind, s.name)
	if errors.Is(err, ErrGone) {
		k.forget(s, known)
		return nil
	}
	if err != nil {
		return err
	}
	k.accept(ctx, item)
	return nil
}

// accept takes an item read from the store into memory.
func (k *Keyring) accept(ctx context.Context, item Item) {
	if id, err := seal.RootKeyID(item.Sealed); err == nil {
		k.reload(ctx, id)
	}
	k.mu.Lock()
	changes := k.take(item)
	delete(k.unsettled, slot{item.Kind, item.Name})
	k.mu.Unlock()
	k.announce(changes)
}

// learn takes what was just written into memory, unless the watch was faster.
func (k *Keyring) learn(s slot, written *entry, version uint64) {
	written.version = version
	k.mu.Lock()
	var changes []Change
	if k.memory.newer(s, version) {
		changes = k.put(s, written)
	} else {
		k.outrun(s, written)
	}
	k.mu.Unlock()
	k.announce(changes)
}

// outrun gives what was written, and what the watch has told of already, the secret bytes that are in memory. Those that
// are there no longer were taken away by a later writer, so no copy of them is to stay. k.mu is held.
func (k *Keyring) outrun(s slot, written *entry) {
	known := k.memory.entries[s]
	switch {
	case written.key == nil:
	case known == nil:
		written.key.wipe()
	case known.key != nil:
		written.key.share(known.key)
		written.key.wipeWithout(known.key)
	}
}

// forget notes that the item at s is gone, which had the version.
func (k *Keyring) forget(s slot, version uint64) {
	k.mu.Lock()
	changes := k.drop(s, version)
	k.mu.Unlock()
	k.announce(changes)
}

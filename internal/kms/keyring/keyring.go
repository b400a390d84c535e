// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package keyring holds the keys of one account and region: their records and their aliases.
//
// All of it is in memory, so that keys serve on when the store is away. A Store keeps the records, each sealed by the
// root key as a whole (package seal) and bound to its keyring, kind and name:
//
//	             write-through, compare-and-swap
//	caller  <-->  Keyring  ------------------->  Store (Secrets, or a file)
//	               memory  <-------------------
//	                         watch
//
// # What is promised
//
//   - A write that succeeded is seen by every later read of the same Keyring at once, and by other Keyrings on the same
//     Store as soon as their watch brings it.
//   - Of two writers of one record, in whatever processes, none overwrites the other: the second one's change is made
//     again on top of the first one's.
//   - Memory never goes back to an older version of a record, whatever arrives late.
//   - An alias has one holder, and a key ID one key: the Store's unique names see to it.
//   - A record that was edited, cut or put in another's place is never served. It is named (Damaged), the others serve
//     on, and it heals when it is restored, or when the root key that it needs is.
//
// # Root keys
//
// A record sealed by a root key that is not known is damaged as well; but first the root keys are read again
// (Options.ReloadRootKeys), because another process may have rotated them. Until they are there, what is in memory
// serves. Reseal seals anew, one by one, what is not under the current root key.
package keyring

import (
	"context"
	"sync"

	"github.com/go-logr/logr"

	"github.com/chatelaine-dev/chatelaine/internal/kms/seal"
	"github.com/chatelaine-dev/chatelaine/internal/named"
)

// Options adapt a Keyring to its caller. The zero value is good.
type Options struct {
	// Owner derives from a key's tags whom it belongs to, in words for people that are unique enough to look keys up
	// by (Owned); "" for a key without owner. It must be pure.
	Owner func(tags map[string]string) string
	// ReloadRootKeys reads the root keys again when a record needs one that is not known.
	ReloadRootKeys func(ctx context.Context) (seal.RootKeys, error)
}

// Keyring is the keys of one account and region. It is safe for concurrent use.
type Keyring struct {
	id      ID
	store   Store
	options Options
	// writers of one item in this process wait for each other, and those of different items do not: a write that the store
	// does not answer holds up nothing else.
	writers named.Locks[slot]

	synced     chan struct{}
	markSynced func()

	mu          sync.RWMutex
	memory      *memory
	roots       seal.RootKeys
	missing     map[string]bool // root keys that reloading did not bring
	unsettled   map[slot]bool   // items of which it is not known whether the last write was carried out
	subscribers map[*subscriber]bool
}

type subscriber struct{ notify func(Change) }

// Change is something that happened to a key: to its record, or to an alias of it.
type Change struct {
	KeyID string
	// Before and After are the key's record, nil where there is none or none that can be read. They are the same when it
	// is an alias that came or went.
	Before, After *KeyRecord
	// Owner is whom the store says the record belongs to, where After cannot be read.
	Owner string
}

// New returns a Keyring that is empty until Run was called.
func New(id ID, store Store, roots seal.RootKeys, options Options) *Keyring {
	if options.Owner == nil {
		options.Owner = func(map[string]string) string { return "" }
	}
	synced := make(chan struct{})
	return &Keyring{
		id: id, store: store, options: options, roots: roots,

		synced:      synced,
		markSynced:  sync.OnceFunc(func() { close(synced) }),
		memory:      newMemory(options.Owner),
		missing:     map[string]bool{},
		unsettled:   map[slot]bool{},
		subscribers: map[*subscriber]bool{},
	}
}

// ID names the keyring.
func (k *Keyring) ID() ID { return k.id }

// Run follows the store until ctx is done. It is called once.
func (k *Keyring) Run(ctx context.Context) error {
	return k.store.Run(ctx, &feed{
		keyring: k,
		reload:  func(rootKeyID string) { k.reload(ctx, rootKeyID) },
		log:     logr.FromContextOrDiscard(ctx),
	})
}

// WaitSynced waits until the whole content of the store is in memory, or for ctx.
func (k *Keyring) WaitSynced(ctx context.Context) error {
	select {
	case <-k.synced:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (k *Keyring) isSynced() bool {
	select {
	case <-k.synced:
		return true
	default:
		return false
	}
}

// Subscribe calls notify after each change, whoever made it, until stop is called. A change that is only visible in the
// store (a record sealed anew) is none. notify must not block; calls may come from several goroutines at once.
func (k *Keyring) Subscribe(notify func(Change)) (stop func()) {
	s := &subscriber{notify}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.subscribers[s] = true
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.subscribers, s)
	}
}

// announce tells subscribers. It is called without the lock.
func (k *Keyring) announce(changes []Change) {
	if len(changes) == 0 {
		return
	}
	k.mu.RLock()
	subscribers := make([]*subscriber, 0, len(k.subscribers))
	for s := range k.subscribers {
		subscribers = append(subscribers, s)
	}
	k.mu.RUnlock()
	for _, s := range subscribers {
		for _, change := range changes {
			s.notify(change)
		}
	}
}

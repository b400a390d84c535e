// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// watchers are those who want to be told of changes. The zero value is ready.
type watchers struct {
	mu   sync.Mutex
	next int
	tell map[int]func(backend.Owner)
}

// Watch implements backend.Watcher. What others did is told when a sweep finds it.
func (b *Backend) Watch(changed func(backend.Owner)) (stop func()) {
	w := &b.watchers
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tell == nil {
		w.tell = map[int]func(backend.Owner){}
	}
	id := w.next
	w.next++
	w.tell[id] = changed
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.tell, id)
	}
}

// tell tells that the owner's key changed.
func (m *memory) tell(owner backend.Owner) {
	if owner.Cluster != m.clusterUID {
		return
	}
	m.watchers.mu.Lock()
	tell := maps.Clone(m.watchers.tell)
	m.watchers.mu.Unlock()
	for _, changed := range tell {
		changed(owner)
	}
}

// tellOf tells the key's owner.
func (b *Backend) tellOf(keyID string) {
	owner, owned := backend.Owner{}, false
	b.view.peek(keyID, func(e *entry) { owner, owned = e.owner() })
	if owned {
		b.tell(owner)
	}
}

// Verified is when all of a key was last read from AWS; false for a key of which not all is known.
func (b *Backend) Verified(keyID string) (at time.Time, known bool) {
	b.view.peek(keyID, func(e *entry) { at, known = e.verified, e.complete() })
	return at, known
}

// Verify reads all of a key of this cluster from AWS now, and tells of it if it is not what was known.
func (b *Backend) Verify(ctx context.Context, keyID string) error {
	if err := b.lookDeep(ctx, keyID, true); err != nil {
		return err
	}
	return b.readNoGrants(ctx, keyID)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"context"
	"sync"
)

// turns make the writers of one item in this process wait for each other, and those of different items not: a write that the
// store does not answer holds up nothing else. The zero value is ready.
type turns struct {
	mu    sync.Mutex
	items map[slot]*turn
}

// turn is one item's: who has put something into taken has it. users are those who have it or wait for it.
type turn struct {
	taken chan struct{}
	users int
}

// lock waits for the item's turn, or for ctx.
func (t *turns) lock(ctx context.Context, item slot) (unlock func(), err error) {
	own := t.join(item)
	select {
	case own.taken <- struct{}{}:
		return func() {
			<-own.taken
			t.leave(item, own)
		}, nil
	case <-ctx.Done():
		t.leave(item, own)
		return nil, context.Cause(ctx)
	}
}

func (t *turns) join(item slot) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	own := t.items[item]
	if own == nil {
		own = &turn{taken: make(chan struct{}, 1)}
		if t.items == nil {
			t.items = map[slot]*turn{}
		}
		t.items[item] = own
	}
	own.users++
	return own
}

// leave forgets the item's turn when nobody has it or waits for it any more.
func (t *turns) leave(item slot, own *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	own.users--
	if own.users == 0 {
		delete(t.items, item)
	}
}

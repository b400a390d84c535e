// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package named has locks that are known by a name.
package named

import (
	"context"
	"sync"
)

// Locks are mutexes by name: those who want the same one wait for each other, no longer than their contexts, and those who
// want different ones do not. A name that nobody wants costs nothing. The zero value is ready.
type Locks[Name comparable] struct {
	mu     sync.Mutex
	wanted map[Name]*lock
}

// lock is one name's: who has put something into taken has it. users are those who have it or wait for it.
type lock struct {
	taken chan struct{}
	users int
}

// Lock returns when no one else has the lock of that name, or with ctx's cause. unlock is called once.
func (l *Locks[Name]) Lock(ctx context.Context, name Name) (unlock func(), err error) {
	own := l.join(name)
	select {
	case own.taken <- struct{}{}:
		return func() {
			<-own.taken
			l.leave(name, own)
		}, nil
	case <-ctx.Done():
		l.leave(name, own)
		return nil, context.Cause(ctx)
	}
}

func (l *Locks[Name]) join(name Name) *lock {
	l.mu.Lock()
	defer l.mu.Unlock()
	own := l.wanted[name]
	if own == nil {
		own = &lock{taken: make(chan struct{}, 1)}
		if l.wanted == nil {
			l.wanted = map[Name]*lock{}
		}
		l.wanted[name] = own
	}
	own.users++
	return own
}

// leave forgets the lock when nobody has it or waits for it any more.
func (l *Locks[Name]) leave(name Name, own *lock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	own.users--
	if own.users == 0 {
		delete(l.wanted, name)
	}
}

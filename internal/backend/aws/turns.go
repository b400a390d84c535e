// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"sync"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/named"
)

// refresher lets one of many read what all of them wait for.
type refresher struct {
	turn chan struct{} // holds one token: whose it is may read
	mu   sync.Mutex
	last time.Time // when the last reading that came to its end began
}

func newRefresher() refresher { return refresher{turn: make(chan struct{}, 1)} }

// begun is when the last reading began; zero when there was none.
func (r *refresher) begun() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// ensure returns when there was a reading that began at since or later, and reads if need be. read is told when it began.
func (r *refresher) ensure(ctx context.Context, since time.Time, now func() time.Time, read func(context.Context, time.Time) error) error {
	for {
		if last := r.begun(); !last.IsZero() && !last.Before(since) {
			return nil
		}
		select {
		case r.turn <- struct{}{}:
		case <-ctx.Done():
			return interrupted(ctx)
		}
		err := r.readOnce(ctx, since, now, read)
		<-r.turn
		if err != nil {
			return err
		}
	}
}

// readOnce reads unless somebody else has done so while this one waited for its turn.
func (r *refresher) readOnce(ctx context.Context, since time.Time, now func() time.Time, read func(context.Context, time.Time) error) error {
	if last := r.begun(); !last.IsZero() && !last.Before(since) {
		return nil
	}
	begun := now()
	if begun.Before(since) { // whoever asks has waited until since, if not by this clock
		begun = since
	}
	if err := read(ctx, begun); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = begun
	return nil
}

// locks are held by name. The zero value is ready.
type locks struct{ byName named.Locks[string] }

// lock returns when no one else holds the name; unlock lets go of it.
func (l *locks) lock(ctx context.Context, name string) (unlock func(), err error) {
	if unlock, err = l.byName.Lock(ctx, name); err != nil {
		return nil, interrupted(ctx)
	}
	return unlock, nil
}

// lost remembers since when an owner may have a key that nobody here knows of. The zero value is ready.
type lost struct {
	mu sync.Mutex
	at map[backend.Owner]time.Time
}

func (l *lost) add(owner backend.Owner, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.at == nil {
		l.at = map[backend.Owner]time.Time{}
	}
	l.at[owner] = at
}

func (l *lost) get(owner backend.Owner) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at[owner]
}

// found says that what was lost at that time was looked for; what was lost since is not.
func (l *lost) found(owner backend.Owner, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.at[owner].Equal(at) {
		delete(l.at, owner)
	}
}

// deadline is a time that many look at.
type deadline struct {
	mu sync.Mutex
	at time.Time
}

func (d *deadline) set(at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = at
}

func (d *deadline) passed(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !now.Before(d.at)
}

func interrupted(ctx context.Context) error {
	return &backend.Error{Class: backend.Unavailable, Message: "interrupted before AWS was asked", Err: context.Cause(ctx)}
}

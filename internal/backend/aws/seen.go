// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// seen is one thing that is known of a key: read from AWS, or written by this process.
type seen[T any] struct {
	value T
	known bool
	// wrote is when this process last changed it, or may have. Reads that began soon after may not show that.
	wrote time.Time
	// doubted says that no answer came to something that was written: value is from before that, as far as it is known. What became of
	// it is told by a read that began late enough.
	doubted bool
	// readAt is when the read began that was taken last.
	readAt time.Time
}

// certain says whether value is what it is at AWS, unless others changed it.
func (s *seen[T]) certain() bool { return s.known && !s.doubted }

// read takes what a read that began at begun saw, unless it may not show what was written.
func (s *seen[T]) read(value T, begun time.Time, lag time.Duration) {
	if begun.Before(s.wrote.Add(lag)) {
		if !s.known { // it is better than nothing, and as doubtful as before
			s.value, s.known = value, true
		}
		return
	}
	s.value, s.known, s.doubted, s.readAt = value, true, false, begun
}

// write takes what this process made it.
func (s *seen[T]) write(value T, now time.Time) {
	s.value, s.known, s.wrote, s.doubted = value, true, now, false
}

// change makes a change of what is known, if anything is.
func (s *seen[T]) change(now time.Time, edit func(*T)) {
	if s.known {
		edit(&s.value)
		s.wrote = now
	}
}

// doubt notes that something was written to which no answer came.
func (s *seen[T]) doubt(now time.Time) { s.doubted, s.wrote = true, now }

// shownAt is when reads tell what became of the write that is in doubt; zero when none is.
func (s *seen[T]) shownAt(lag time.Duration) time.Time {
	if !s.doubted {
		return time.Time{}
	}
	return s.wrote.Add(lag)
}

// write is call for a request that changes part of a key. Where it fails and may have been carried out, that part is in doubt.
func write[I, O, P any](
	ctx context.Context, b *Backend, keyID string, part func(e *entry, now time.Time),
	name string, do func(context.Context, *I, ...func(*P)) (*O, error), in *I,
) (*O, error) {
	out, err := call(ctx, b, name, do, in)
	if err != nil && mayHaveHappened(err) {
		now := b.clock.Now()
		b.view.editKnown(keyID, now, func(e *entry) { part(e, now) })
	}
	return out, err
}

// lostError says that an attempt before this one, or this one, may have been carried out.
type lostError struct{ error }

func (e *lostError) Unwrap() error { return e.error }

// The parts of a key that can be in doubt, but for its grants, of which it is remembered what they may be.
func inMetadata(e *entry, now time.Time) { e.metadata.doubt(now) }
func inTags(e *entry, now time.Time)     { e.doubtTags(nil, now) }
func inSchedule(e *entry, now time.Time) { e.schedule.doubt(now) }
func inHistory(e *entry, now time.Time)  { e.history.doubt(now) }
func inPolicy(e *entry, now time.Time)   { e.policy.doubt(now) }

// doubted is a key of this cluster of which something is in doubt, as far as it is known. That is enough to change it: what was changed
// before comes to the same when it is changed again.
func (v *view) doubted(id string) (*backend.Key, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	e, ok := v.keys[id]
	if !ok || !v.ours(e) || !e.whole() || e.complete() && len(v.aliases.inDoubt(id)) == 0 {
		return nil, false
	}
	return v.whole(e), true
}

// shownAt is when reads tell what became of the writes to the key that are in doubt, but for those of its policy and its grants,
// which are read apart; zero when none is.
func (v *view) shownAt(id string) time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	at := v.aliases.shownAt(id, v.lags.Reads)
	if e, ok := v.keys[id]; ok {
		return later(at, e.shownAt(v.lags.Reads))
	}
	if gone, was := v.gone[id]; was {
		return later(at, gone.Add(v.lags.Reads))
	}
	return at
}

func (e *entry) shownAt(lag time.Duration) time.Time {
	return later(later(e.metadata.shownAt(lag), e.tags.shownAt(lag)), later(e.schedule.shownAt(lag), e.history.shownAt(lag)))
}

// shown says whether something is in doubt of which reads tell by now what became of it.
func (e *entry) shown(now time.Time, lag time.Duration) bool {
	at := e.shownAt(lag)
	return !at.IsZero() && !now.Before(at)
}

// awaitShown returns when reads tell what became of the writes to the key that are in doubt: at once if none is.
func (b *Backend) awaitShown(ctx context.Context, at time.Time) error {
	if at.IsZero() {
		return nil
	}
	if err := sleep(ctx, at.Sub(b.clock.Now())); err != nil {
		return interrupted(ctx)
	}
	return nil
}

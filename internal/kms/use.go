// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

// Use is one use of a key's material.
type Use = keyring.Use

const (
	// useInterval is how old the use in a key's record may be while there is a later one: so that keys in use all the time
	// cost the store one write an hour, and not one for each request.
	useInterval = time.Hour
	// flushTimeout bounds the writing of what is left when the process ends.
	flushTimeout = 5 * time.Second
)

// uses are the last uses that this process saw: an *atomic.Pointer[Use] by key ID.
type uses struct{ byKey sync.Map }

// note keeps the latest use of a key and returns the one before, nil for none. Requests do not end in the order in which
// they came.
func (u *uses) note(keyID string, use *Use) (before *Use) {
	seen, ok := u.byKey.Load(keyID)
	if !ok {
		seen, _ = u.byKey.LoadOrStore(keyID, &atomic.Pointer[Use]{})
	}
	last, _ := seen.(*atomic.Pointer[Use]) // nothing else is in there
	for {
		before = last.Load()
		if before != nil && use.Time.Before(before.Time) || last.CompareAndSwap(before, use) {
			return before
		}
	}
}

// last is the last use of a key; nil for none.
func (u *uses) last(keyID string) *Use {
	seen, ok := u.byKey.Load(keyID)
	if !ok {
		return nil
	}
	last, _ := seen.(*atomic.Pointer[Use])
	return last.Load()
}

// all are the keys that were used, each with its last use.
func (u *uses) all() iter.Seq2[string, *Use] {
	return func(yield func(string, *Use) bool) {
		for id := range u.byKey.Range {
			keyID, _ := id.(string)
			if use := u.last(keyID); use != nil && !yield(keyID, use) {
				return
			}
		}
	}
}

// NoteUse remembers that the key was used. A first use reaches the key's record, and with it the other processes, at once
// if Run runs; later ones when the record is an hour behind, or when Run ends.
func (k *Key) NoteUse(use Use) {
	before := k.service.uses.note(k.ID(), &use)
	// A use before this one that should be in the record, but is not, has woken Run already.
	if isBehind(k.record, &use) && (before == nil || !isBehind(k.record, before)) {
		k.service.lookAgain()
	}
}

// lookAgain has Run look at once for what there is to do.
func (s *Service) lookAgain() {
	select {
	case s.wake <- struct{}{}:
	default: // it will already
	}
}

// isBehind says whether the use is to be written into the record.
func isBehind(record *keyring.KeyRecord, use *Use) bool {
	return record.LastUse == nil || !use.Time.Before(record.LastUse.Time.Add(useInterval))
}

// isNews says whether the use is later than that in the record.
func isNews(record *keyring.KeyRecord, use *Use) bool {
	return record.LastUse == nil || use.Time.After(record.LastUse.Time)
}

// LastUse is the key's last use as far as this process knows: its own to the moment, those of others up to an hour late.
// It is nil for a key that was never used.
func (k *Key) LastUse() *Use {
	recorded := k.record.LastUse
	own := k.service.uses.last(k.ID())
	if own == nil || recorded != nil && recorded.Time.After(own.Time) {
		return recorded
	}
	return own
}

// recordUses writes into the records those uses of which they are an hour behind. A record that fails does not hold up
// the others.
func (s *Service) recordUses(ctx context.Context) error { return s.writeUses(ctx, isBehind) }

// flushUses writes into the records every use that is not there, however late the context is: for the end of a process,
// since what it knows beyond its records goes with it.
func (s *Service) flushUses(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	return s.writeUses(ctx, isNews)
}

func (s *Service) writeUses(ctx context.Context, wanted func(*keyring.KeyRecord, *Use) bool) error {
	var failed []error
	for keyID, use := range s.uses.all() {
		if ctx.Err() != nil {
			failed = append(failed, context.Cause(ctx))
			break
		}
		if err := s.writeUse(ctx, keyID, use, wanted); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

func (s *Service) writeUse(
	ctx context.Context, keyID string, use *Use, wanted func(*keyring.KeyRecord, *Use) bool,
) error {
	record, err := s.ring.Key(keyID)
	if err == nil && wanted(record, use) {
		_, err = s.ring.UpdateKey(ctx, keyID, func(r *keyring.KeyRecord) error {
			if wanted(r, use) {
				r.LastUse = use
			}
			return nil
		})
	}
	if errors.Is(err, keyring.ErrNotFound) { // the key is gone, and with it the interest in its use
		s.uses.byKey.Delete(keyID)
		return nil
	}
	if err != nil {
		return fmt.Errorf("recording the use of key %s: %w", keyID, err)
	}
	return nil
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-logr/logr"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

const (
	// maxSleep is the longest that Run goes without a look: a clock that is set, or a machine that slept, delays what is
	// due by no more.
	maxSleep = time.Hour
	// retryDelay is how long after a failure Run tries again.
	retryDelay = time.Minute
)

// Run does what is due, when it is due, and writes down which keys are in use, until ctx is done. Records are watched, so
// that one that changes to be due earlier is not missed. Failures are logged and tried again after a minute.
func (s *Service) Run(ctx context.Context) {
	defer s.ring.Subscribe(s.reconsider)()
	if s.ring.WaitSynced(ctx) != nil {
		return
	}
	for ctx.Err() == nil {
		s.plan(s.clock.Now().Add(maxSleep))
		next, err := s.RunDue(ctx)
		err = errors.Join(err, s.recordUses(ctx))
		if err != nil && ctx.Err() == nil {
			logr.FromContextOrDiscard(ctx).Error(err, "what is due could not all be done", "keyring", s.ID().String())
		}
		s.sleep(ctx, next, err != nil)
	}
	if err := s.flushUses(ctx); err != nil {
		logr.FromContextOrDiscard(ctx).Error(err, "the last uses of keys could not all be recorded", "keyring", s.ID().String())
	}
}

// RunDue does once what is due now: it gives relatives of multi-Region keys what they share, rotates every key whose
// automatic rotation has come, deletes imported material that has expired, has the window of a primary begin whose replicas
// are gone, and destroys every key whose window has passed. It returns when the next of these comes; zero if none is in
// sight. A record that fails does not hold up the others.
func (s *Service) RunDue(ctx context.Context) (next time.Time, err error) {
	var failed []error
	for _, record := range s.ring.Keys() {
		at, err := s.attend(ctx, record)
		if err != nil {
			failed = append(failed, err)
		}
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
		if ctx.Err() != nil {
			break
		}
	}
	return next, errors.Join(failed...)
}

// attend does what is due to one key and returns when the next thing is.
func (s *Service) attend(ctx context.Context, record *keyring.KeyRecord) (time.Time, error) {
	at, err := s.dueAt(record)
	if errors.Is(err, keyring.ErrNotSynced) {
		return s.clock.Now().Add(retryDelay), nil // its relatives' keyring is still being loaded
	}
	if err != nil || at.IsZero() || s.clock.Now().Before(at) {
		return at, err
	}
	if err := s.do(ctx, record.KeyID); err != nil {
		return time.Time{}, err
	}
	record, err = s.ring.Key(record.KeyID)
	if errors.Is(err, keyring.ErrNotFound) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	if at, err = s.dueAt(record); err == nil && !at.IsZero() && !s.clock.Now().Before(at) {
		// Nothing failed and yet it is not done: others are at work on it.
		at = s.clock.Now().Add(retryDelay)
	}
	return at, err
}

// do does what is due to one key.
func (s *Service) do(ctx context.Context, keyID string) error {
	for _, step := range []struct {
		doing string
		do    func(context.Context, string, time.Time) error
	}{
		{"deleting expired material of", s.expireIfDue},
		{"sharing with the relatives of", s.shareIfDue},
		{"rotating", s.rotateIfDue},
		{"sharing with the relatives of", s.shareIfDue},
		{"destroying", s.destroyIfDue},
	} {
		err := step.do(ctx, keyID, s.now())
		if errors.Is(err, keyring.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s key %s: %w", step.doing, keyID, err)
		}
	}
	return nil
}

// atOnce is the date of what should have been done already.
var atOnce = time.Unix(0, 0)

// dueAt is when something has to be done to the key; zero if nothing has.
func (s *Service) dueAt(r *keyring.KeyRecord) (time.Time, error) {
	shared, err := s.isShared(r)
	if err != nil {
		return time.Time{}, err
	}
	if !shared {
		return atOnce, nil
	}
	at, err := s.abandonedAt(r)
	if err != nil {
		return time.Time{}, err
	}
	at = sooner(at, nextExpiry(r))
	if awaits, err := s.awaitsRegion(r); err != nil || awaits {
		return at, err
	}
	if s.isRotating(r) {
		return atOnce, nil
	}
	switch r.State {
	case lifecycle.PendingDeletion:
		at = sooner(at, r.DeletionTime)
	case lifecycle.Enabled:
		at = sooner(at, s.nextRotation(r))
	default:
	}
	return at, nil
}

// sooner is the earlier of two dates; the zero time is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// isShared says whether a key is in step with its relatives, as far as this process knows.
func (s *Service) isShared(r *keyring.KeyRecord) (bool, error) {
	if r.MultiRegion == nil {
		return true, nil
	}
	family, err := s.family(r.KeyID)
	if err != nil {
		return false, err
	}
	hasReplicas, err := s.hasReplicas(r)
	if err != nil {
		return false, err
	}
	return s.inStep(r, family) && !isMisplaced(r, hasReplicas), nil
}

// isMisplaced says whether a key that is to be deleted waits for replicas that it has not, or for none of those that it has.
func isMisplaced(r *keyring.KeyRecord, hasReplicas bool) bool {
	return r.State == lifecycle.PendingDeletion && hasReplicas || r.State == lifecycle.PendingReplicaDeletion && !hasReplicas
}

// shareIfDue brings a multi-Region key in step with its relatives: material, rotation, and the wait of a primary for the
// end of its replicas.
func (s *Service) shareIfDue(ctx context.Context, keyID string, now time.Time) error {
	record, err := s.ring.Key(keyID)
	if err != nil || record.MultiRegion == nil {
		return err
	}
	if err := s.share(ctx, keyID); err != nil {
		return err
	}
	_, err = s.ring.UpdateKey(ctx, keyID, func(r *keyring.KeyRecord) error {
		hasReplicas, err := s.hasReplicas(r)
		if err == nil && isMisplaced(r, hasReplicas) {
			scheduleDeletion(r, hasReplicas, now)
		}
		return err
	})
	return err
}

// errNotDue says that the newest record is no longer due: another process was faster, or a person changed their mind.
var errNotDue = errors.New("not due")

// destroyIfDue destroys a key whose window has passed, and of which it is certain that it is no primary with replicas. What its relatives know from it alone, they all know by then:
// shareIfDue comes before.
func (s *Service) destroyIfDue(ctx context.Context, keyID string, now time.Time) error {
	record, err := s.ring.Key(keyID)
	if err != nil || !deletionDue(record, now) {
		return err
	}
	err = s.ring.DeleteKey(ctx, keyID, func(r *keyring.KeyRecord) error {
		hasReplicas, err := s.hasReplicas(r)
		if err != nil {
			return err
		}
		placed, err := s.isPlaced(r)
		if err == nil && (!deletionDue(r, now) || hasReplicas || !placed) {
			err = errNotDue
		}
		return err
	})
	if errors.Is(err, errNotDue) {
		return nil
	}
	if err == nil {
		logr.FromContextOrDiscard(ctx).Info("destroyed key after its waiting window", "key", s.KeyARN(keyID))
	}
	return err
}

func deletionDue(r *keyring.KeyRecord, now time.Time) bool {
	return r.State == lifecycle.PendingDeletion && !r.DeletionTime.IsZero() && !now.Before(r.DeletionTime)
}

// sleep waits until next, until a change makes something due earlier, or for ctx.
func (s *Service) sleep(ctx context.Context, next time.Time, failed bool) {
	now := s.clock.Now()
	wake := now.Add(maxSleep)
	if failed {
		wake = now.Add(retryDelay)
	}
	if !next.IsZero() && next.Before(wake) {
		wake = next
	}
	s.plan(wake)
	timer := s.clock.NewTimer(wake.Sub(now))
	defer timer.Stop()
	if !s.clock.Now().Before(wake) { // the clock was set before the timer was: it would come too late by as much
		return
	}
	select {
	case <-timer.C():
	case <-s.wake:
	case <-ctx.Done():
	}
}

func (s *Service) plan(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.planned = at
}

// reconsider wakes Run if a changed key is due before the next look, and its relatives' if that is for them to look at.
func (s *Service) reconsider(c keyring.Change) {
	if concernsRelatives(c) {
		for _, sibling := range s.siblings() {
			sibling.lookAgain()
		}
	}
	if c.After == nil {
		return
	}
	at, err := s.dueAt(c.After)
	s.mu.Lock()
	earlier := err == nil && !at.IsZero() && at.Before(s.planned)
	s.mu.Unlock()
	if earlier {
		s.lookAgain()
	}
}

// concernsRelatives says whether a change is of something that the relatives of a multi-Region key go by.
func concernsRelatives(c keyring.Change) bool {
	if c.Before == nil || c.After == nil {
		return c.Before != nil && c.Before.MultiRegion != nil || c.After != nil && c.After.MultiRegion != nil
	}
	if c.After.MultiRegion == nil {
		return false
	}
	// Uses and the like change often and concern nobody else.
	same := *c.Before
	same.LastUse, same.Description, same.Tags = c.After.LastUse, c.After.Description, c.After.Tags
	same.Policy, same.Grants = c.After.Policy, c.After.Grants
	return !same.Equal(c.After)
}

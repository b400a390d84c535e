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

// Run does what is due, when it is due, until ctx is done. Records are watched, so that one that changes to be due
// earlier is not missed. Failures are logged and tried again after a minute.
func (s *Service) Run(ctx context.Context) {
	defer s.ring.Subscribe(s.reconsider)()
	if s.ring.WaitSynced(ctx) != nil {
		return
	}
	for ctx.Err() == nil {
		s.plan(s.clock.Now().Add(maxSleep))
		next, err := s.RunDue(ctx)
		if err != nil && ctx.Err() == nil {
			logr.FromContextOrDiscard(ctx).Error(err, "what is due could not all be done", "keyring", s.ID().String())
		}
		s.sleep(ctx, next, err != nil)
	}
}

// RunDue does once what is due now: rotates every key whose automatic rotation has come and destroys every key whose
// waiting window has passed. It returns when the next of either comes; zero if none is in sight. A record that fails does
// not hold up the others.
func (s *Service) RunDue(ctx context.Context) (next time.Time, err error) {
	var failed []error
	for _, record := range s.ring.Keys() {
		at := dueAt(record)
		if !at.IsZero() && !s.clock.Now().Before(at) {
			var err error
			if at, err = s.do(ctx, record.KeyID); err != nil {
				failed = append(failed, err)
			}
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

// dueAt is when something has to be done to the key; zero if nothing has.
func dueAt(r *keyring.KeyRecord) time.Time {
	switch r.State {
	case lifecycle.PendingDeletion:
		return r.DeletionTime
	case lifecycle.Enabled:
		return r.NextRotation()
	default:
		return time.Time{}
	}
}

// do does what is due to one key and returns when the next thing is.
func (s *Service) do(ctx context.Context, keyID string) (time.Time, error) {
	now := s.now()
	record, err := s.rotateIfDue(ctx, keyID, now)
	if errors.Is(err, keyring.ErrNotFound) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("rotating key %s: %w", keyID, err)
	}
	if !deletionDue(record, now) {
		return dueAt(record), nil
	}
	if err := s.destroy(ctx, keyID, now); err != nil {
		return time.Time{}, fmt.Errorf("destroying key %s: %w", keyID, err)
	}
	return time.Time{}, nil
}

func (s *Service) rotateIfDue(ctx context.Context, keyID string, now time.Time) (*keyring.KeyRecord, error) {
	rotated := false
	record, err := s.ring.UpdateKey(ctx, keyID, func(r *keyring.KeyRecord) error {
		rotated = lifecycle.RotationDue(now, r.State, r.NextRotation())
		if !rotated {
			return nil
		}
		return rotate(r, keyring.Automatic, now)
	})
	if err == nil && rotated {
		logr.FromContextOrDiscard(ctx).Info("rotated key automatically",
			"key", s.KeyARN(keyID), "material", record.Current().ID)
	}
	return record, err
}

// errNotDue says that the newest record is no longer due: another process was faster, or a person changed their mind.
var errNotDue = errors.New("not due")

func (s *Service) destroy(ctx context.Context, keyID string, now time.Time) error {
	err := s.ring.DeleteKey(ctx, keyID, func(r *keyring.KeyRecord) error {
		if !deletionDue(r, now) {
			return errNotDue
		}
		return nil
	})
	if errors.Is(err, errNotDue) || errors.Is(err, keyring.ErrNotFound) {
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

// reconsider wakes Run if a changed key is due before the next look.
func (s *Service) reconsider(c keyring.Change) {
	if c.After == nil {
		return
	}
	at := dueAt(c.After)
	s.mu.Lock()
	earlier := !at.IsZero() && at.Before(s.planned)
	s.mu.Unlock()
	if !earlier {
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

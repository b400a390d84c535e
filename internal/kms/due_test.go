// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

func runDue(t *testing.T, service *kms.Service) time.Time {
	t.Helper()
	next, err := service.RunDue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func TestAnAutomaticRotationHappensOnItsDate(t *testing.T) {
	service, h := newService(t)
	key := create(t, service, kms.CreateKeyInput{RotationPeriodInDays: 90})
	h.clock.Step(90*day - time.Millisecond)
	if writes := h.written(func() {
		if next := runDue(t, service); !next.Equal(begin.Add(90 * day)) {
			t.Errorf("next due at %s", next)
		}
	}); writes != 0 {
		t.Errorf("%d writes before the date", writes)
	}
	h.clock.Step(time.Millisecond)
	if next := runDue(t, service); !next.Equal(begin.Add(180 * day)) {
		t.Errorf("next due at %s", next)
	}
	got := describe(t, service, key.KeyID).Rotation
	if !got.LastTime.Equal(begin.Add(90*day)) || !got.NextTime.Equal(begin.Add(180*day)) || got.OnDemandCount != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestARotationMissedWhileNoProcessRanIsMadeUpForOnce(t *testing.T) {
	h := newHouse(t)
	service, _, stop := h.open(t)
	key := create(t, service, kms.CreateKeyInput{RotationPeriodInDays: 90})
	stop()
	h.clock.Step(400 * day) // four dates

	service, ring, _ := h.open(t)
	for range 3 {
		runDue(t, service)
	}
	record, err := ring.Key(key.KeyID)
	if err != nil {
		t.Fatal(err)
	}
	if len(record.Rotations) != 1 || len(record.Materials) != 2 {
		t.Errorf("rotated %d times, %d materials", len(record.Rotations), len(record.Materials))
	}
	if next := describe(t, service, key.KeyID).Rotation.NextTime; !next.Equal(begin.Add(490 * day)) {
		t.Errorf("next at %s", next)
	}
}

func TestADisabledKeyRotatesWhenItIsEnabledAgain(t *testing.T) {
	service, h := newService(t)
	key := create(t, service, kms.CreateKeyInput{RotationPeriodInDays: 90})
	update(t, service, key.KeyID, kms.DisableKey())
	h.clock.Step(100 * day)
	if next := runDue(t, service); !next.IsZero() || !describe(t, service, key.KeyID).Rotation.LastTime.IsZero() {
		t.Errorf("a disabled key was rotated, or is due at %s", next)
	}
	update(t, service, key.KeyID, kms.EnableKey())
	runDue(t, service)
	if last := describe(t, service, key.KeyID).Rotation.LastTime; !last.Equal(begin.Add(100 * day)) {
		t.Errorf("rotated at %s", last)
	}
}

func TestAKeyIsDestroyedWhenItsWindowHasPassedAndNotBefore(t *testing.T) {
	h := newHouse(t)
	service, ring, _ := h.open(t)
	key := create(t, service, kms.CreateKeyInput{})
	if err := service.CreateAlias(t.Context(), "alias/x", key.KeyID); err != nil {
		t.Fatal(err)
	}
	kept := create(t, service, kms.CreateKeyInput{})
	update(t, service, key.KeyID, kms.ScheduleKeyDeletion(7))
	record, err := ring.Key(key.KeyID)
	if err != nil {
		t.Fatal(err)
	}
	h.clock.Step(7*day - time.Millisecond)
	if next := runDue(t, service); !next.Equal(begin.Add(7 * day)) {
		t.Errorf("next due at %s", next)
	}
	describe(t, service, "alias/x")

	h.clock.Step(time.Millisecond)
	runDue(t, service)
	for _, ref := range []string{key.KeyID, "alias/x"} {
		if _, err := service.DescribeKey(t.Context(), ref); !kms.HasCode(err, kms.NotFoundException) {
			t.Errorf("%s: %v", ref, err)
		}
	}
	if err := record.Current().Bytes.Use(func([]byte) error { return nil }); !errors.Is(err, keyring.ErrWiped) {
		t.Errorf("the material was not wiped: %v", err)
	}
	describe(t, service, kept.KeyID)
	if n := len(h.store.Items()); n != 1 {
		t.Errorf("the store has %d items, want the other key alone", n)
	}
}

func TestAKeyWhoseDeletionAnotherProcessHasCancelledIsNotDestroyed(t *testing.T) {
	h := newHouse(t)
	a, _, _ := h.open(t)
	key := create(t, a, kms.CreateKeyInput{})
	update(t, a, key.KeyID, kms.ScheduleKeyDeletion(7))
	b, _, stopWatching := h.open(t)
	stopWatching() // b does not hear of what a does
	update(t, a, key.KeyID, kms.CancelKeyDeletion())
	h.clock.Step(7 * day)
	runDue(t, b)
	if got := describe(t, b, key.KeyID); got.State != "Disabled" {
		t.Errorf("b takes the key for %s", got.State)
	}
	if n := len(h.store.Items()); n != 1 {
		t.Errorf("the store has %d items", n)
	}
}

func TestTwoProcessesDoWhatIsDueOnce(t *testing.T) {
	h := newHouse(t)
	a, ringA, _ := h.open(t)
	b, ringB, _ := h.open(t)
	rotating := create(t, a, kms.CreateKeyInput{RotationPeriodInDays: 90})
	doomed := create(t, a, kms.CreateKeyInput{})
	update(t, a, doomed.KeyID, kms.ScheduleKeyDeletion(7))
	eventually(t, "b knows", func() bool {
		key, err := b.DescribeKey(t.Context(), doomed.KeyID)
		return err == nil && !key.DeletionTime.IsZero()
	})
	h.clock.Step(90 * day)
	var wg sync.WaitGroup
	for _, service := range []*kms.Service{a, b, a, b} {
		wg.Go(func() {
			if _, err := service.RunDue(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, ring := range []*keyring.Keyring{ringA, ringB} {
		eventually(t, "rotated once and destroyed", func() bool {
			record, err := ring.Key(rotating.KeyID)
			_, gone := ring.Key(doomed.KeyID)
			return err == nil && len(record.Rotations) == 1 && errors.Is(gone, keyring.ErrNotFound)
		})
	}
}

func TestARecordThatFailsDoesNotHoldUpTheOthers(t *testing.T) {
	h := newHouse(t)
	errAway := errors.New("away")
	breaks := h.store.FailUpdates(errAway)
	service, _, _ := h.open(t)
	keys := []*kms.KeyMetadata{}
	for range 5 {
		keys = append(keys, create(t, service, kms.CreateKeyInput{RotationPeriodInDays: 90}))
	}
	breaks(keys[2].KeyID)
	h.clock.Step(90 * day)
	if _, err := service.RunDue(t.Context()); !errors.Is(err, errAway) {
		t.Errorf("got %v", err)
	}
	for i, key := range keys {
		if rotated := !describe(t, service, key.KeyID).Rotation.LastTime.IsZero(); rotated != (i != 2) {
			t.Errorf("key %d rotated: %t", i, rotated)
		}
	}
}

func TestRunWakesForWhatBecomesDueAndForWhatChangesToBeDueEarlier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		service, _, _ := h.open(t)
		other, _, _ := h.open(t)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { service.Run(ctx) })
		defer running.Wait()
		defer cancel()
		sleeping := func() {
			t.Helper()
			eventually(t, "Run sleeps", h.clock.HasWaiters)
		}
		rotations := func(key *kms.KeyMetadata) func() bool {
			return func() bool {
				got, err := service.DescribeKey(t.Context(), key.KeyID)
				return err == nil && !got.Rotation.LastTime.IsZero()
			}
		}

		// Due in half an hour, seen from a sleep that began without it: made by another process, long ago and disabled.
		key := create(t, other, kms.CreateKeyInput{RotationPeriodInDays: 90, Disabled: true})
		sleeping()
		h.clock.Step(90*day - 30*time.Minute)
		eventually(t, "Run sleeps again", h.clock.HasWaiters)
		update(t, other, key.KeyID, kms.EnableKey())
		eventually(t, "the key is known to be enabled", func() bool {
			got, err := service.DescribeKey(t.Context(), key.KeyID)
			return err == nil && got.State == "Enabled"
		})
		eventually(t, "the key is rotated half an hour later", func() bool {
			h.clock.Step(time.Minute)
			return rotations(key)()
		})
		if at := describe(t, service, key.KeyID).Rotation.LastTime; at.Sub(begin.Add(90*day)) > 5*time.Minute {
			t.Errorf("rotated at %s, which is late", at)
		}
	})
}

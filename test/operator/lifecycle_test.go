// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

const day = 24 * time.Hour

func rotating(spec *v1alpha1.KeySpec) {
	spec.Rotation = &v1alpha1.KeyRotation{Enabled: new(true), PeriodInDays: 90}
}

func TestEveryKeySpecAndUsageBecomesReady(t *testing.T) {
	w := newWorld(t, nil)
	var keys []*v1alpha1.Key
	for _, spec := range keyspec.All() {
		for _, usage := range spec.Usages() {
			keys = append(keys, w.key(dnsName(string(spec)+"-"+string(usage)), func(s *v1alpha1.KeySpec) {
				s.KeySpec, s.KeyUsage = string(spec), v1alpha1.KeyUsage(usage)
			}))
		}
	}
	for _, key := range keys {
		ready := w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
		if hasOne := ready.Status.PublicKey != ""; hasOne != keyspec.Spec(key.Spec.KeySpec).HasPublicKey() {
			t.Errorf("Key %s has a public key: %t", key.Name, hasOne)
		}
	}
}

func TestKeyRotatesOnItsDateAndKeepsOlderMaterial(t *testing.T) {
	w := newWorld(t, nil)
	key := w.readyKey("orders", rotating)
	first := w.open(key.Status.KeyID)
	due := key.Status.Rotation.NextTime.Time

	w.clock.SetTime(due.Add(-time.Hour))
	time.Sleep(time.Second)
	if status := w.getKey(key).Status.Rotation; status.LastTime != nil {
		t.Fatalf("rotated an hour early: %+v", status)
	}
	w.clock.SetTime(due.Add(time.Minute))
	w.awaitRotation(key, due)
	second := w.open(key.Status.KeyID)
	if len(second.Materials) != 2 || second.Materials[0].ID != first.Materials[0].ID {
		t.Errorf("%d materials, want the first one and a new one", len(second.Materials))
	}
	w.awaitEvent(key, "Rotated")
}

func TestRotationWhoseDatePassedWhileTheOperatorWasDownHappensOnce(t *testing.T) {
	w := newWorld(t, nil)
	key := w.readyKey("orders", rotating)
	due := key.Status.Rotation.NextTime.Time
	w.stop()
	w.clock.SetTime(due.Add(200 * day))
	w.start()
	status := w.awaitRotation(key, due)
	if next := status.NextTime.Sub(status.LastTime.Time); next < 89*day || next > 91*day {
		t.Errorf("next rotation is %s after the last, want 90 days", next)
	}
	time.Sleep(time.Second) // several resyncs
	if got := w.open(key.Status.KeyID); len(got.Materials) != 2 || len(got.Rotations) != 1 {
		t.Errorf("%d materials and %d rotations, want one rotation for the dates that passed", len(got.Materials), len(got.Rotations))
	}
}

// awaitInTime is await while the operator's clock goes on: what fails at first is tried again by that clock.
func (w *world) awaitInTime(done func() (bool, string)) {
	w.t.Helper()
	w.await(func() (bool, string) {
		w.clock.Step(time.Second)
		return done()
	})
}

// awaitRotation waits until status shows a rotation at or after due.
func (w *world) awaitRotation(key *v1alpha1.Key, due time.Time) *v1alpha1.KeyRotationStatus {
	w.t.Helper()
	var status *v1alpha1.KeyRotationStatus
	w.awaitInTime(func() (bool, string) {
		status = w.getKey(key).Status.Rotation
		return status != nil && status.LastTime != nil && !status.LastTime.Time.Before(due), "the rotation"
	})
	return status
}

func TestRotationOnDemandLeavesTheSchedule(t *testing.T) {
	w := newWorld(t, nil)
	key := w.readyKey("orders", rotating)
	w.clock.Step(time.Hour)
	requested := metav1.NewTime(w.clock.Now().Add(-time.Minute)).Rfc3339Copy()
	w.update(key, func(s *v1alpha1.KeySpec) { s.Rotation.RequestedAt = &requested })
	w.await(func() (bool, string) {
		return w.getKey(key).Status.Rotation.OnDemandCount == 1, "the rotation on demand"
	})
	got := w.getKey(key).Status.Rotation
	if !got.NextTime.Equal(key.Status.Rotation.NextTime) {
		t.Errorf("the schedule moved from %s to %s", key.Status.Rotation.NextTime, got.NextTime)
	}
	if record := w.open(key.Status.KeyID); len(record.Materials) != 2 {
		t.Errorf("%d materials, want 2", len(record.Materials))
	}
}

func TestScheduledDeletionDestroysTheKeyWhenItsWindowHasPassed(t *testing.T) {
	w := newWorld(t, nil)
	key := w.readyKey("orders", func(s *v1alpha1.KeySpec) {
		s.Aliases = []string{"alias/orders"}
		s.Deletion = v1alpha1.KeyDeletion{Policy: v1alpha1.DeletionSchedule, PendingWindowInDays: 7}
	})
	record := w.record(key.Status.KeyID)
	w.delete(key)
	w.awaitGone(key)
	w.clock.Step(6 * day)
	time.Sleep(time.Second)
	w.record(key.Status.KeyID)
	w.clock.Step(2 * day)
	w.awaitInTime(func() (bool, string) {
		err := w.env.Client.Get(w.ctx, client.ObjectKeyFromObject(record), record)
		return apierrors.IsNotFound(err), "the record of the key gone"
	})

	again := w.readyKey("orders", func(s *v1alpha1.KeySpec) { s.Aliases = []string{"alias/orders"} })
	if again.Status.KeyID == key.Status.KeyID {
		t.Error("a destroyed key came back under its ID")
	}
}

func TestKeyAppliedAgainWithinTheWindowIsTheSameKey(t *testing.T) {
	w := newWorld(t, nil)
	declare := func(s *v1alpha1.KeySpec) {
		s.Aliases = []string{"alias/orders"}
		s.Deletion.Policy = v1alpha1.DeletionSchedule
	}
	key := w.readyKey("orders", declare)
	before := w.open(key.Status.KeyID)
	w.delete(key)
	w.awaitGone(key)
	again := w.readyKey("orders", declare)
	after := w.open(again.Status.KeyID)
	if again.Status.KeyID != key.Status.KeyID || again.Status.KeyState != "Enabled" || after.Materials[0].ID != before.Materials[0].ID {
		t.Errorf("key %s (%s), want %s back with its material", again.Status.KeyID, again.Status.KeyState, key.Status.KeyID)
	}
	w.clock.Step(60 * day)
	time.Sleep(time.Second)
	w.awaitKey(again, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

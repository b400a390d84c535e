// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"testing"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

const day = 24 * time.Hour

func testRotationSettings(t *testing.T, f *fixture) {
	key := f.create(t, symmetric("key"))
	if key.Rotation.Enabled || !key.Rotation.NextTime.IsZero() {
		t.Errorf("rotation of a new key = %+v, want off", key.Rotation)
	}
	key = f.apply(t, key.ID, backend.SetRotation{ToDays: 90})
	if !key.Rotation.Enabled || key.Rotation.PeriodInDays != 90 {
		t.Errorf("rotation = %+v, want every 90 days", key.Rotation)
	}
	if ahead := key.Rotation.NextTime.Sub(key.CreationTime); ahead < 89*day || ahead > 91*day {
		t.Errorf("next rotation is %s after creation, want 90 days", ahead)
	}
	key = f.apply(t, key.ID, backend.SetRotation{FromDays: 90, ToDays: 365})
	if key.Rotation.PeriodInDays != 365 {
		t.Errorf("rotation = %+v, want every 365 days", key.Rotation)
	}
	key = f.apply(t, key.ID, backend.SetRotation{FromDays: 365})
	if key.Rotation.Enabled || !key.Rotation.NextTime.IsZero() {
		t.Errorf("rotation = %+v, want off", key.Rotation)
	}
	signing := f.create(t, backend.CreateInput{Owner: owner("signing"), Spec: keyspec.ECCNISTP256, Usage: keyspec.SignVerify})
	_, err := f.Backend.Apply(f.ctx, signing.ID, []backend.Change{backend.SetRotation{ToDays: 90}})
	wantClass(t, err, backend.InvalidInput)
}

// rotating makes a key that rotates every 90 days. Not every backend takes that at creation.
func (f *fixture) rotating(t *testing.T) *backend.Key {
	t.Helper()
	in := symmetric("key")
	in.RotationPeriodInDays = 90
	key := f.create(t, in)
	if key.Rotation.Enabled {
		return key
	}
	return f.apply(t, key.ID, backend.SetRotation{ToDays: 90})
}

func testRotateOnDemand(t *testing.T, f *fixture) {
	key := f.rotating(t)
	f.Advance(t, time.Hour)
	rotated := f.apply(t, key.ID, backend.Rotate{})
	if rotated.ID != key.ID || rotated.ARN != key.ARN {
		t.Errorf("the key's name changed from %s to %s", key.ARN, rotated.ARN)
	}
	if rotated.Rotation.OnDemandCount != 1 || !rotated.Rotation.LastOnDemandTime.After(key.CreationTime) ||
		!rotated.Rotation.LastTime.Equal(rotated.Rotation.LastOnDemandTime) {
		t.Errorf("rotation = %+v, want one on demand", rotated.Rotation)
	}
	if !rotated.Rotation.NextTime.Equal(key.Rotation.NextTime) {
		t.Errorf("the automatic schedule moved from %s to %s", key.Rotation.NextTime, rotated.Rotation.NextTime)
	}
	for range 24 {
		f.apply(t, key.ID, backend.Rotate{})
	}
	_, err := f.Backend.Apply(f.ctx, key.ID, []backend.Change{backend.Rotate{}})
	wantClass(t, err, backend.InvalidInput)
	if got := f.get(t, key.ID).Rotation.OnDemandCount; got != 25 {
		t.Errorf("rotations on demand = %d, want AWS's limit of 25", got)
	}
}

func testRotateAutomatically(t *testing.T, f *fixture) {
	key := f.rotating(t)
	f.Advance(t, 89*day)
	if got := f.get(t, key.ID); !got.Rotation.LastTime.IsZero() {
		t.Errorf("rotated after 89 days: %+v", got.Rotation)
	}
	f.Advance(t, 2*day)
	got := f.get(t, key.ID)
	if got.Rotation.LastTime.IsZero() || got.Rotation.OnDemandCount != 0 {
		t.Errorf("rotation after 91 days = %+v, want one, automatic", got.Rotation)
	}
	if ahead := got.Rotation.NextTime.Sub(got.Rotation.LastTime); ahead < 89*day || ahead > 91*day {
		t.Errorf("next rotation is %s after the last, want 90 days", ahead)
	}
}

func testRotateOverdue(t *testing.T, f *fixture) {
	key := f.rotating(t)
	f.apply(t, key.ID, backend.Disable{})
	f.Advance(t, 365*day)
	if got := f.get(t, key.ID); !got.Rotation.LastTime.IsZero() {
		t.Errorf("rotated while disabled: %+v", got.Rotation)
	}
	f.apply(t, key.ID, backend.Enable{})
	f.Advance(t, time.Minute)
	first := f.get(t, key.ID).Rotation
	if first.LastTime.Before(key.CreationTime.Add(365 * day)) {
		t.Errorf("not rotated after it was enabled: %+v", first)
	}
	f.Advance(t, day)
	if second := f.get(t, key.ID).Rotation; !second.LastTime.Equal(first.LastTime) {
		t.Errorf("rotated again for the dates that passed: %s and %s", first.LastTime, second.LastTime)
	}
}

func testScheduleDeletion(t *testing.T, f *fixture) {
	key := f.create(t, symmetric("key"))
	at, err := f.Backend.ScheduleDeletion(f.ctx, key.ID, 7)
	if err != nil {
		t.Fatal(err)
	}
	if ahead := at.Sub(key.CreationTime); ahead < 6*day || ahead > 8*day {
		t.Errorf("deletion is %s after creation, want 7 days", ahead)
	}
	again, err := f.Backend.ScheduleDeletion(f.ctx, key.ID, 30)
	if err != nil || !again.Equal(at) {
		t.Errorf("scheduled again: %s, %v; want %s as before", again, err, at)
	}
	got := f.get(t, key.ID)
	if got.State != backend.StatePendingDeletion || !got.DeletionTime.Equal(at) {
		t.Errorf("key is %s until %s", got.State, got.DeletionTime)
	}
}

func testCancelDeletion(t *testing.T, f *fixture) {
	key := f.apply(t, f.create(t, symmetric("key")).ID, backend.PutAlias{Name: "alias/kept"})
	if _, err := f.Backend.ScheduleDeletion(f.ctx, key.ID, 7); err != nil {
		t.Fatal(err)
	}
	got := f.apply(t, key.ID, backend.CancelDeletion{})
	if got.State != backend.StateDisabled || !got.DeletionTime.IsZero() {
		t.Errorf("key is %s until %s, want Disabled", got.State, got.DeletionTime)
	}
	f.apply(t, key.ID, backend.Enable{})
	f.Advance(t, 8*day)
	if got = f.get(t, "alias/kept"); got.ID != key.ID || got.State != backend.StateEnabled {
		t.Errorf("alias names %s (%s), want %s", got.ID, got.State, key.ID)
	}
}

func testDeletionHappens(t *testing.T, f *fixture) {
	key := f.apply(t, f.create(t, symmetric("key")).ID, backend.PutAlias{Name: "alias/gone"})
	if _, err := f.Backend.ScheduleDeletion(f.ctx, key.ID, 7); err != nil {
		t.Fatal(err)
	}
	f.Advance(t, 6*day)
	f.get(t, key.ID)
	f.Advance(t, 2*day)
	for _, ref := range []string{key.ID, "alias/gone"} {
		_, err := f.Backend.Get(f.ctx, ref)
		wantClass(t, err, backend.NotFound)
	}
	other := f.create(t, symmetric("other"))
	f.apply(t, other.ID, backend.PutAlias{Name: "alias/gone"})
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"testing"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// schedule schedules deletion in 7 days and returns its time.
func (f *fixture) schedule(t *testing.T, keyID string) time.Time {
	t.Helper()
	at, err := f.Backend.ScheduleDeletion(f.ctx, keyID, 7)
	if err != nil {
		t.Fatalf("scheduling the deletion of key %s in %s: %v", keyID, f.region(t), err)
	}
	return at
}

// wantDeletion looks whether the key is to be deleted at that time; zero for one that waits for its replicas.
func wantDeletion(t *testing.T, key *backend.Key, at time.Time) {
	t.Helper()
	if key.State != backend.StatePendingDeletion || !key.DeletionTime.Equal(at) {
		t.Errorf("%s is %s until %s, want %s until %s", key.ARN, key.State, key.DeletionTime, backend.StatePendingDeletion, at)
	}
}

func testPrimaryWaits(t *testing.T, f *fixture) {
	key, replica := f.pair(t)
	there := f.there()
	for range 2 {
		if at := f.schedule(t, key.ID); !at.IsZero() {
			t.Errorf("a primary with a replica is to be deleted at %s", at)
		}
	}
	wantDeletion(t, f.get(t, key.ID), time.Time{})
	f.Advance(t, 31*day)
	wantDeletion(t, f.get(t, key.ID), time.Time{})
	if got, err := there.look(key.ID); err != nil || !isEnabled(got) {
		t.Errorf("the replica is %+v, %v; want it enabled", got, err)
	}

	at := there.schedule(t, key.ID)
	if ahead := at.Sub(replica.CreationTime); ahead < 37*day || ahead > 39*day {
		t.Errorf("the replica goes %s after it was made, want 38 days", ahead)
	}
	wantDeletion(t, there.get(t, key.ID), at)
	f.Advance(t, 8*day)
	there.awaitGone(t, key.ID)
	alone := f.await(t, key.ID, "has a date", func(key *backend.Key) bool { return !key.DeletionTime.IsZero() })
	wantDeletion(t, alone, alone.DeletionTime)
	if ahead := alone.DeletionTime.Sub(at); !hasRelatives(f.region(t))(alone) || ahead < 7*day || ahead > 9*day {
		t.Errorf("the primary goes %s after its replica's date, with relatives %+v; want 8 days and none", ahead, relativesOf(alone))
	}
	f.Advance(t, 8*day)
	f.awaitGone(t, key.ID)
}

func testRelativesTakenBack(t *testing.T, f *fixture) {
	key, _ := f.pair(t)
	there := f.there()
	f.schedule(t, key.ID)
	there.schedule(t, key.ID)
	for _, side := range []*fixture{f, there} {
		got := side.apply(t, key.ID, backend.CancelDeletion{})
		if got.State != backend.StateDisabled || !got.DeletionTime.IsZero() {
			t.Errorf("%s is %s until %s, want Disabled", got.ARN, got.State, got.DeletionTime)
		}
		side.apply(t, key.ID, backend.Enable{})
	}
	f.Advance(t, 31*day)
	f.wantRoles(t, key.ID, f.region(t), there.region(t))
}

func testReplicaAnew(t *testing.T, f *fixture) {
	key, _ := f.pair(t)
	there := f.there()
	there.apply(t, key.ID, backend.PutAlias{Name: "alias/of-the-first"})
	there.schedule(t, key.ID)
	f.Advance(t, 8*day)
	there.awaitGone(t, key.ID)
	f.await(t, key.ID, "is alone", func(key *backend.Key) bool { return hasRelatives(f.region(t))(key) && isEnabled(key) })

	again := f.replication(t)
	again.Description = "the second"
	f.apply(t, key.ID, again)
	second := there.await(t, key.ID, "is enabled", isEnabled)
	if second.Description != "the second" || len(second.Aliases) != 0 {
		t.Errorf("the replica is %q with aliases %v, want a new one", second.Description, second.Aliases)
	}
	f.wantRoles(t, key.ID, f.region(t), there.region(t))
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

func testRelativesApart(t *testing.T, f *fixture) {
	primary, replica := f.pair(t)
	there := f.there()
	f.changeBeside(t, there, primary.ID)
	there.changeBeside(t, f, primary.ID)
	if here, abroad := f.get(t, "alias/relative"), there.get(t, "alias/relative"); here.ARN != primary.ARN || abroad.ARN != replica.ARN {
		t.Errorf("the alias names %s and %s, want the key of its own Region", here.ARN, abroad.ARN)
	}
}

// changeBeside changes everything about the key that is its own, and looks whether its relative stays as it is.
func (f *fixture) changeBeside(t *testing.T, other *fixture, keyID string) {
	t.Helper()
	region := f.region(t)
	before, policyBefore := other.get(t, keyID), other.policyOf(t, keyID).String()
	document := f.documentWith(t, f.allow(t, "since then in "+region, "kms:DescribeKey"))
	after := f.apply(t, keyID,
		backend.SetDescription{To: "since then"}, backend.RemoveTags{Keys: []string{"at"}}, backend.SetTags{Tags: map[string]string{"in": region}},
		backend.PutAlias{Name: "alias/relative"}, backend.SetPolicy{Document: document}, backend.Disable{})
	if after.State != backend.StateDisabled || after.Description != "since then" || !slices.Equal(after.Aliases, []string{"alias/relative"}) ||
		!cmp.Equal(after.Tags, owner("key").TagsWith(map[string]string{"in": region})) {
		t.Errorf("the key in %s was changed to %+v", region, after)
	}
	f.wantPolicy(t, keyID, document)
	beside, err := other.look(keyID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, beside); diff != "" {
		t.Errorf("the key in %s was changed, and its relative with it:\n%s", region, diff)
	}
	if got := other.policyOf(t, keyID).String(); got != policyBefore {
		t.Errorf("the policy of the key in %s was changed, and its relative's with it: %s", region, got)
	}
}

func testRelativesGrants(t *testing.T, f *fixture) {
	key, _ := f.pair(t)
	there := f.there()
	here, abroad := f.grant(t, "here", nil), f.grant(t, "there", nil)
	f.apply(t, key.ID, backend.PutGrant{Grant: here})
	there.wantGrants(t, key.ID)
	there.apply(t, key.ID, backend.PutGrant{Grant: abroad})
	made := f.wantGrants(t, key.ID, here)
	f.apply(t, key.ID, backend.RevokeGrant{ID: made[0].ID, Name: here.Name})
	there.wantGrants(t, key.ID, abroad)
}

func testRelativesRotate(t *testing.T, f *fixture) {
	key, _ := f.pair(t)
	there := f.there()
	set := f.apply(t, key.ID, backend.SetRotation{ToDays: 90})
	there.await(t, key.ID, "rotates every 90 days", sameRotation(set))
	f.Advance(t, time.Hour)
	f.apply(t, key.ID, backend.Rotate{})
	once := f.await(t, key.ID, "was rotated", func(key *backend.Key) bool { return key.Rotation.OnDemandCount == 1 })
	there.await(t, key.ID, "was rotated with its primary", sameRotation(once))
	f.Advance(t, 91*day)
	later := f.await(t, key.ID, "was rotated by itself", func(key *backend.Key) bool {
		return key.Rotation.LastTime.After(once.Rotation.LastTime)
	})
	there.await(t, key.ID, "was rotated by itself", sameRotation(later))
	for _, change := range []backend.Change{backend.SetRotation{ToDays: 365}, backend.SetRotation{}, backend.Rotate{}} {
		there.refused(t, key.ID, "set at a replica", backend.InvalidInput, change)
	}
	if got := f.get(t, key.ID); !sameRotation(later)(got) {
		t.Errorf("rotation = %+v, want %+v", got.Rotation, later.Rotation)
	}
}

// sameRotation says whether a relative is rotated as the key is. A backend may tell a date as reckoned until it has read it, and
// not all clocks are one.
func sameRotation(as *backend.Key) func(*backend.Key) bool {
	return func(key *backend.Key) bool {
		return cmp.Equal(as.Rotation, key.Rotation, cmpopts.EquateApproxTime(time.Minute))
	}
}

func testRelativesImport(t *testing.T, f *fixture) {
	in := external()
	in.MultiRegion = true
	key, there := f.create(t, in), f.there()
	_, err := f.Backend.Apply(f.ctx, key.ID, []backend.Change{f.replication(t)})
	wantClass(t, err, backend.NotReady)
	f.put(t, key.ID, secret(1), time.Time{})
	f.apply(t, key.ID, f.replication(t))
	there.await(t, key.ID, "waits for its import", func(key *backend.Key) bool { return key.State == backend.StatePendingImport })
	_, err = there.tryImport(key.ID, secret(2), time.Time{})
	wantClass(t, err, backend.InvalidInput)
	until := key.CreationTime.Add(30 * day)
	replica := there.put(t, key.ID, secret(1), until)
	wantExpiry(t, replica, backend.StateEnabled, until)
	if replica.Origin != backend.OriginExternal {
		t.Errorf("the replica's origin is %s", replica.Origin)
	}
	wantExpiry(t, f.get(t, key.ID), backend.StateEnabled, time.Time{})
	f.Advance(t, 31*day)
	there.await(t, key.ID, "lost its material", func(key *backend.Key) bool { return key.State == backend.StatePendingImport })
	wantExpiry(t, f.get(t, key.ID), backend.StateEnabled, time.Time{})
}

// wantRoles waits until both keys know which of them is the primary, and are enabled.
func (f *fixture) wantRoles(t *testing.T, keyID, primary, replica string) {
	t.Helper()
	for _, side := range []*fixture{f, f.there()} {
		is := hasRelatives(primary, replica)
		side.await(t, keyID, "has its primary in "+primary, func(key *backend.Key) bool { return is(key) && isEnabled(key) })
	}
}

func testPrimaryChanges(t *testing.T, f *fixture) {
	key, _ := f.pair(t)
	there := f.there()
	here, abroad := f.region(t), there.region(t)
	f.apply(t, key.ID, backend.SetRotation{ToDays: 90})
	away := backend.UpdatePrimaryRegion{From: here, To: abroad}
	f.apply(t, key.ID, away)
	f.wantRoles(t, key.ID, abroad, here)
	f.apply(t, key.ID, away)
	there.apply(t, key.ID, away)
	f.wantRoles(t, key.ID, abroad, here)

	f.refused(t, key.ID, "rotation of what is a replica by now", backend.InvalidInput, backend.SetRotation{FromDays: 90, ToDays: 180})
	set := there.apply(t, key.ID, backend.SetRotation{FromDays: 90, ToDays: 365})
	f.await(t, key.ID, "rotates with its new primary", sameRotation(set))

	there.apply(t, key.ID, backend.UpdatePrimaryRegion{From: abroad, To: here})
	f.wantRoles(t, key.ID, here, abroad)
	f.apply(t, key.ID, backend.SetRotation{FromDays: 365, ToDays: 0})
}

func testPrimaryRefused(t *testing.T, f *fixture) {
	single, alone := f.create(t, symmetric("single")), f.create(t, multiRegion())
	there := f.there()
	here, abroad := f.region(t), there.region(t)
	away := backend.UpdatePrimaryRegion{From: here, To: abroad}
	f.refused(t, single.ID, "a key of one Region", backend.InvalidInput, away)
	f.refused(t, alone.ID, "no replica there", backend.InvalidInput, away)

	key, _ := f.pair(t)
	f.refused(t, key.ID, "no such Region", backend.InvalidInput, backend.UpdatePrimaryRegion{From: here, To: "no-where-1"})
	there.refused(t, key.ID, "asked of a replica", backend.InvalidInput, backend.UpdatePrimaryRegion{From: abroad, To: "no-where-1"})
	for _, disabled := range []*fixture{f, there} {
		disabled.apply(t, key.ID, backend.Disable{})
		f.refused(t, key.ID, "disabled in "+disabled.region(t), backend.NotReady, away)
		disabled.apply(t, key.ID, backend.Enable{})
	}
	f.wantRoles(t, key.ID, here, abroad)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// multiRegionTests are about keys in several Regions.
var multiRegionTests = []contractTest{
	{"creates a multi-Region primary key", inRegions(testPrimary)},
	{"makes a replica with settings of its own", inRegions(testReplicate)},
	{"makes a replica with a policy that lets nobody use it", inRegions(testReplicaPolicyByDefault)},
	{"makes a replica once, however often it is asked", inRegions(testReplicateAgain)},
	{"makes a replica once, when asked by many at once", inRegions(testReplicateConcurrent)},
	{"makes no replica where there cannot be one", inRegions(testReplicateRefused)},
	{"makes no replica of a key that is not enabled", inRegions(testReplicateStates)},
	{"keeps the settings of relatives apart", inRegions(testRelativesApart)},
	{"keeps the grants of relatives apart", inRegions(granting(testRelativesGrants))},
	{"rotates relatives together", inRegions(testRelativesRotate)},
	{"imports key material into each relative", inRegions(importing(testRelativesImport))},
	{"changes the primary Region and back", inRegions(testPrimaryChanges)},
	{"refuses a primary Region that cannot be", inRegions(testPrimaryRefused)},
	{"keeps a primary until its replicas are gone", inRegions(testPrimaryWaits)},
	{"takes relatives back from deletion", inRegions(testRelativesTakenBack)},
	{"makes a replica anew after the end of the first", inRegions(testReplicaAnew)},
}

// inRegions is a test that takes a second Region.
func inRegions(test func(*testing.T, *fixture)) func(*testing.T, *fixture) {
	return func(t *testing.T, f *fixture) {
		if f.Elsewhere == nil {
			t.Fatalf("the Subject has no Elsewhere: give it the backend of another Region, or list %q in Lacking", f.name)
		}
		test(t, f)
	}
}

// showsWithin bounds the wait for what was done in one Region to show in another.
const showsWithin = 30 * time.Second

// there is the fixture of the other Region.
func (f *fixture) there() *fixture {
	return &fixture{Subject: Subject{Backend: f.Elsewhere, Elsewhere: f.Backend}, ctx: f.ctx, lacks: f.lacks, name: f.name}
}

func (f *fixture) region(t *testing.T) string {
	t.Helper()
	return f.identity(t).Region
}

// look reads the key anew, as it is at the backend: what is done in one Region, the backend of another may learn late.
func (f *fixture) look(keyID string) (*backend.Key, error) {
	if verifier, ok := f.Backend.(backend.Verifier); ok {
		if err := verifier.Verify(f.ctx, keyID); err != nil {
			return nil, err
		}
	}
	return f.Backend.Get(f.ctx, keyID)
}

// await reads the key until it is as wanted; it may not be there at first.
func (f *fixture) await(t *testing.T, keyID, what string, is func(*backend.Key) bool) *backend.Key {
	t.Helper()
	for deadline := time.Now().Add(showsWithin); ; time.Sleep(10 * time.Millisecond) {
		key, err := f.look(keyID)
		if err == nil && is(key) {
			return key
		}
		if err != nil && !backend.IsNotFound(err) || time.Now().After(deadline) {
			t.Fatalf("waiting until key %s of %s %s: it is %+v with %+v, %v", keyID, f.region(t), what, key, relativesOf(key), err)
		}
	}
}

// awaitGone reads the key until it is not there any more.
func (f *fixture) awaitGone(t *testing.T, keyID string) {
	t.Helper()
	for deadline := time.Now().Add(showsWithin); ; time.Sleep(10 * time.Millisecond) {
		key, err := f.look(keyID)
		if backend.IsNotFound(err) {
			return
		}
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("waiting for the end of key %s of %s: it is %+v, %v", keyID, f.region(t), key, err)
		}
	}
}

func isEnabled(key *backend.Key) bool { return key.State == backend.StateEnabled }

// hasRelatives says whether the key is in these Regions, the primary's first.
func hasRelatives(primary string, replicas ...string) func(*backend.Key) bool {
	return func(key *backend.Key) bool {
		return key.MultiRegion != nil && key.MultiRegion.PrimaryRegion == primary && slices.Equal(key.MultiRegion.ReplicaRegions, replicas)
	}
}

// relativesOf are the Regions of the key, for messages.
func relativesOf(key *backend.Key) backend.MultiRegion {
	if key == nil || key.MultiRegion == nil {
		return backend.MultiRegion{}
	}
	return *key.MultiRegion
}

func multiRegion() backend.CreateInput {
	in := symmetric("key")
	in.MultiRegion = true
	return in
}

// replication makes a replica in the other Region.
func (f *fixture) replication(t *testing.T) backend.Replicate {
	t.Helper()
	return backend.Replicate{
		Region: f.there().region(t), Description: "the replica", Tags: owner("key").TagsWith(map[string]string{"at": "replica"}),
		Policy: f.documentWith(t, f.allow(t, "at the replica", "kms:Decrypt")),
	}
}

// pair makes a primary and a replica of it in the other Region.
func (f *fixture) pair(t *testing.T) (primary, replica *backend.Key) {
	t.Helper()
	key := f.create(t, multiRegion())
	primary = f.apply(t, key.ID, f.replication(t))
	return primary, f.there().await(t, key.ID, "is enabled", isEnabled)
}

func testPrimary(t *testing.T, f *fixture) {
	key := f.create(t, multiRegion())
	if !hasRelatives(f.region(t))(key) || !strings.HasPrefix(key.ID, "mrk-") {
		t.Errorf("key %s has relatives %+v, want a primary without any and an ID that begins with mrk-", key.ID, relativesOf(key))
	}
	if diff := cmp.Diff(key, f.get(t, key.ARN)); diff != "" {
		t.Errorf("what Create returned is not what Get returns:\n%s", diff)
	}
	if diff := cmp.Diff(key, f.create(t, multiRegion())); diff != "" {
		t.Errorf("created again, it is another key:\n%s", diff)
	}
	if single := f.create(t, symmetric("single")); single.MultiRegion != nil || strings.HasPrefix(single.ID, "mrk-") {
		t.Errorf("key %s of one Region has relatives %+v", single.ID, single.MultiRegion)
	}
	_, err := f.Elsewhere.Get(f.ctx, key.ID)
	wantClass(t, err, backend.NotFound)
}

func testReplicate(t *testing.T, f *fixture) {
	in := multiRegion()
	in.Tags, in.Description = map[string]string{"at": "primary"}, "the primary"
	in.Policy = f.documentWith(t, f.allow(t, "at the primary", "kms:Encrypt"))
	key := f.create(t, in)
	change, there := f.replication(t), f.there()
	after := f.apply(t, key.ID, change)
	replica := there.await(t, key.ID, "is enabled", isEnabled)

	regions := &backend.MultiRegion{PrimaryRegion: f.region(t), ReplicaRegions: []string{change.Region}}
	wantPrimary := *key
	wantPrimary.MultiRegion = regions
	if diff := cmp.Diff(&wantPrimary, after); diff != "" {
		t.Errorf("the primary (-want +got):\n%s", diff)
	}
	want := &backend.Key{
		ID: key.ID, ARN: strings.Replace(key.ARN, ":"+f.region(t)+":", ":"+change.Region+":", 1),
		Spec: key.Spec, Usage: key.Usage, Origin: key.Origin, State: backend.StateEnabled, Description: change.Description, Tags: change.Tags,
		CreationTime: replica.CreationTime, MultiRegion: regions,
	}
	if diff := cmp.Diff(want, replica); diff != "" {
		t.Errorf("the replica (-want +got):\n%s", diff)
	}
	f.wantPolicy(t, key.ID, in.Policy)
	there.wantPolicy(t, key.ID, change.Policy)
}

func testReplicaPolicyByDefault(t *testing.T, f *fixture) {
	key := f.create(t, multiRegion())
	change := f.replication(t)
	change.Policy = ""
	f.apply(t, key.ID, change)
	there := f.there()
	there.wantDefaultPolicy(t, there.await(t, key.ID, "is enabled", isEnabled))
}

func testReplicateAgain(t *testing.T, f *fixture) {
	primary, replica := f.pair(t)
	again := f.replication(t)
	again.Description, again.Policy = "another one", f.documentWith(t)
	if diff := cmp.Diff(primary, f.apply(t, primary.ID, again)); diff != "" {
		t.Errorf("replicated again, the primary changed:\n%s", diff)
	}
	there := f.there()
	if diff := cmp.Diff(replica, there.get(t, replica.ID)); diff != "" {
		t.Errorf("replicated again, the replica changed:\n%s", diff)
	}
	there.wantPolicy(t, replica.ID, f.replication(t).Policy)
}

func testReplicateConcurrent(t *testing.T, f *fixture) {
	key := f.create(t, multiRegion())
	change := f.replication(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := f.Backend.Apply(f.ctx, key.ID, []backend.Change{change}); err != nil {
				t.Errorf("replicating: %v", err)
			}
		})
	}
	wg.Wait()
	f.there().await(t, key.ID, "is enabled", isEnabled)
}

// refused applies a change that has to fail with the class, after another one, which has to be made.
func (f *fixture) refused(t *testing.T, keyID, why string, class backend.Class, change backend.Change) {
	t.Helper()
	after, err := f.Backend.Apply(f.ctx, keyID, []backend.Change{backend.SetTags{Tags: map[string]string{"why": why}}, change})
	if got := backend.ClassOf(err); got != class {
		t.Errorf("%s: error class = %q (%v), want %q", why, got, err, class)
	}
	if after == nil || after.Tags["why"] != why {
		t.Errorf("%s: the other change was not made: %+v", why, after)
	}
}

func testReplicateRefused(t *testing.T, f *fixture) {
	single, key := f.create(t, symmetric("single")), f.create(t, multiRegion())
	good := f.replication(t)
	nowhere, tagged := good, good
	nowhere.Region = "no-where-1"
	tagged.Tags = owner("key").TagsWith(map[string]string{"aws:reserved": "x"})
	f.refused(t, single.ID, "a key of one Region", backend.InvalidInput, good)
	f.refused(t, key.ID, "a Region that does not exist", backend.InvalidInput, nowhere)
	f.refused(t, key.ID, "a bad tag", backend.InvalidInput, tagged)
	bad := f.badPolicies(t)
	delete(bad, "empty") // which is no policy, and no bad one
	for why, document := range bad {
		change := good
		change.Policy = document
		f.refused(t, key.ID, why, backend.InvalidInput, change)
	}
	for _, id := range []string{single.ID, key.ID} {
		_, err := f.Elsewhere.Get(f.ctx, id)
		wantClass(t, err, backend.NotFound)
	}
	if got := f.get(t, key.ID); !hasRelatives(f.region(t))(got) {
		t.Errorf("relatives = %+v, want none", relativesOf(got))
	}

	f.apply(t, key.ID, good)
	there := f.there()
	there.await(t, key.ID, "is enabled", isEnabled)
	back := good
	back.Region = f.region(t)
	there.refused(t, key.ID, "a replica of a replica", backend.InvalidInput, back)
}

func testReplicateStates(t *testing.T, f *fixture) {
	key := f.create(t, multiRegion())
	change := []backend.Change{f.replication(t)}
	f.apply(t, key.ID, backend.Disable{})
	_, err := f.Backend.Apply(f.ctx, key.ID, change)
	wantClass(t, err, backend.NotReady)
	if _, err := f.Backend.ScheduleDeletion(f.ctx, key.ID, 7); err != nil {
		t.Fatal(err)
	}
	_, err = f.Backend.Apply(f.ctx, key.ID, change)
	wantClass(t, err, backend.NotReady)
	_, err = f.Elsewhere.Get(f.ctx, key.ID)
	wantClass(t, err, backend.NotFound)
	if after := f.apply(t, key.ID, backend.CancelDeletion{}, backend.Enable{}, change[0], backend.Disable{}); after.State != backend.StateDisabled {
		t.Errorf("the key is %s, want it disabled after it was replicated", after.State)
	}
	f.there().await(t, key.ID, "is enabled", isEnabled)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package software

import (
	"regexp"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

func multiRegion(who backend.Owner) backend.CreateInput {
	in := symmetric(who)
	in.MultiRegion = true
	return in
}

// replica is one in the Region elsewhere that the same Key owns.
func replica(who backend.Owner) backend.Replicate {
	return backend.Replicate{Region: "elsewhere", Tags: who.Tags()}
}

// wantRefused looks for the one change that fails, and how.
func wantRefused(t *testing.T, b *Backend, keyID string, change backend.Change, class backend.Class, message string) {
	t.Helper()
	_, err := b.Apply(t.Context(), keyID, []backend.Change{change})
	wantError(t, err, class, change.Field()+": "+message)
}

func TestAMultiRegionKeysIDIsDerivedFromItsOwnerToo(t *testing.T) {
	b := &Backend{config: Config{AccountID: "123456789012", Region: "local"}}
	id := b.keyIDFor(owner("orders", "payments"), true)
	if !regexp.MustCompile(`^mrk-[0-9a-f]{32}$`).MatchString(id) || id != b.keyIDFor(owner("orders", "payments"), true) {
		t.Errorf("%s is no ID of a multi-Region key, or not always the same", id)
	}
	elsewhere := &Backend{config: Config{AccountID: "123456789012", Region: "elsewhere"}}
	if id == elsewhere.keyIDFor(owner("orders", "payments"), true) || id == b.keyIDFor(owner("orders", "invoices"), true) {
		t.Error("another Region's key, or another owner's, has the same ID")
	}
}

func TestWhatRelativesRefuseNamesTheWayOut(t *testing.T) {
	h := newHouse(t)
	b, elsewhere := h.openRegions(t)
	who := owner("orders", "payments")
	single, key := create(t, b, symmetric(owner("orders", "single"))), create(t, b, multiRegion(who))
	nowhere := replica(who)
	nowhere.Region = "nowhere"
	here := nowhere
	here.Region = "local"
	away := backend.UpdatePrimaryRegion{From: "local", To: "elsewhere"}
	wantRefused(t, b, single.ID, replica(who), backend.InvalidInput, single.ARN+" is no multi-Region key, and no key becomes one: create another key")
	wantRefused(t, b, single.ID, away, backend.InvalidInput, single.ARN+" is no multi-Region key, and no key becomes one: create another key")
	wantRefused(t, b, key.ID, nowhere, backend.InvalidInput, "account 123456789012 has no Region nowhere here: a replica needs a KMSBackend of that account and Region")
	wantRefused(t, b, key.ID, here, backend.InvalidInput, key.ARN+" is in Region local itself: a replica is in another one")
	wantRefused(t, b, key.ID, away, backend.InvalidInput, key.ARN+" has no replica in Region elsewhere: make one there first")

	apply(t, b, key.ID, replica(who))
	copied := get(t, elsewhere, key.ID)
	rotates := copied.ARN + " is a replica key: it rotates with its primary key, and rotation is set there, in Region local"
	wantRefused(t, elsewhere, key.ID, backend.SetRotation{ToDays: 90}, backend.InvalidInput, rotates)
	wantRefused(t, elsewhere, key.ID, backend.Rotate{}, backend.InvalidInput, rotates)
	wantRefused(t, elsewhere, key.ID, nowhere, backend.InvalidInput, copied.ARN+" is a replica key: what is replicated is its primary key, in Region local")
	wantRefused(t, elsewhere, key.ID, backend.UpdatePrimaryRegion{To: "nowhere"}, backend.InvalidInput, copied.ARN+" is a replica key: what is replaced is its primary key, in Region local")
}

func TestCustomKeyStoresAreNotHere(t *testing.T) {
	b := newHouse(t).open(t)
	for _, c := range []struct {
		origin  backend.Origin
		store   backend.CustomKeyStore
		message string
	}{
		{backend.OriginCloudHSM, backend.CustomKeyStore{ID: "cks-1"}, "origin AWS_CLOUDHSM is for KMSBackends on AWS: this KMSBackend makes keys of origin AWS_KMS and EXTERNAL"},
		{backend.OriginExternalKeyStore, backend.CustomKeyStore{}, "origin EXTERNAL_KEY_STORE is for KMSBackends on AWS: this KMSBackend makes keys of origin AWS_KMS and EXTERNAL"},
		{"", backend.CustomKeyStore{ID: "cks-1"}, "customKeyStoreID is for KMSBackends on AWS: this KMSBackend has no custom key stores"},
	} {
		in := symmetric(owner("orders", "payments"))
		in.Origin, in.Store = c.origin, c.store
		_, err := b.Create(t.Context(), in)
		wantError(t, err, backend.InvalidInput, c.message)
	}
	if owned, err := b.Owned(t.Context(), owner("orders", "payments")); err != nil || len(owned) != 0 {
		t.Errorf("owned = %v, %v; want that no key was made", owned, err)
	}
}

func TestARegionThatIsNotOpenIsWaitedFor(t *testing.T) {
	partition := kms.NewPartition()
	b, elsewhere := newHouse(t).openRegionsIn(t, partition)
	replicated, alone := create(t, b, multiRegion(owner("orders", "replicated"))), create(t, b, multiRegion(owner("orders", "alone")))
	before := apply(t, b, replicated.ID, replica(owner("orders", "replicated")))

	partition.Expect(elsewhere.ring.ID())
	partition.Remove(elsewhere.service)
	if diff := cmp.Diff(before, get(t, b, replicated.ID)); diff != "" {
		t.Errorf("the other Region is closed, and the primary is another key:\n%s", diff)
	}
	_, err := b.Apply(t.Context(), alone.ID, []backend.Change{replica(owner("orders", "alone"))})
	if backend.ClassOf(err) != backend.Unavailable {
		t.Errorf("replicating into a Region that is to be opened: %q (%v), want %s", backend.ClassOf(err), err, backend.Unavailable)
	}
	wantRefused(t, b, replicated.ID, backend.UpdatePrimaryRegion{From: "local", To: "elsewhere"}, backend.Unavailable,
		"the replica of "+replicated.ARN+" in Region elsewhere cannot be reached: the KMSBackend of that Region is not open")
	partition.Add(elsewhere.service)
	apply(t, b, alone.ID, replica(owner("orders", "alone")))
	apply(t, b, replicated.ID, backend.UpdatePrimaryRegion{From: "local", To: "elsewhere"})
}

func TestOwnersHearOfWhatHappensToRelatives(t *testing.T) {
	h := newHouse(t)
	b, elsewhere := h.openRegions(t)
	who := owner("orders", "payments")
	key := create(t, b, multiRegion(who))
	var mu sync.Mutex
	heard := map[*Backend]int{}
	for _, each := range []*Backend{b, elsewhere} {
		t.Cleanup(each.Watch(func(told backend.Owner) {
			mu.Lock()
			defer mu.Unlock()
			if told == who {
				heard[each]++
			}
		}))
	}
	hears := func(what string, do func(), of *Backend, is func(*backend.Key, error) bool) {
		t.Helper()
		mu.Lock()
		clear(heard)
		mu.Unlock()
		do()
		eventually(t, what+" and the owner heard of it in "+of.config.Region, func() bool {
			mu.Lock()
			told := heard[of]
			mu.Unlock()
			return told > 0 && is(of.Get(t.Context(), key.ID))
		})
	}
	in := func(primary string, replicas ...string) func(*backend.Key, error) bool {
		return func(key *backend.Key, err error) bool {
			return err == nil && key.MultiRegion.PrimaryRegion == primary && slices.Equal(key.MultiRegion.ReplicaRegions, replicas)
		}
	}
	replicate := func() { apply(t, b, key.ID, replica(who)) }
	hears("there is a replica", replicate, b, in("local", "elsewhere"))
	hears("the primary moved", func() { apply(t, b, key.ID, backend.UpdatePrimaryRegion{To: "elsewhere"}) }, b, in("elsewhere", "local"))
	hears("the primary moved back", func() { apply(t, elsewhere, key.ID, backend.UpdatePrimaryRegion{To: "local"}) }, elsewhere, in("local", "elsewhere"))
	hears("rotation is on", func() { apply(t, b, key.ID, backend.SetRotation{ToDays: 90}) }, elsewhere,
		func(key *backend.Key, err error) bool { return err == nil && key.Rotation.PeriodInDays == 90 })
	schedule := func() {
		if _, err := elsewhere.ScheduleDeletion(t.Context(), key.ID, 7); err != nil {
			t.Fatal(err)
		}
	}
	hears("the replica is to be deleted", schedule, elsewhere,
		func(key *backend.Key, err error) bool { return err == nil && key.State == backend.StatePendingDeletion })
	hears("the replica is gone", func() { h.clock.Step(8 * day) }, b, in("local"))
	hears("there is a replica again", replicate, elsewhere, in("local", "elsewhere"))
}

func TestAReplicasRecordLeavesOutThePolicyOfTheOperatorAlone(t *testing.T) {
	b, elsewhere := newHouse(t).openRegions(t)
	who := owner("orders", "payments")
	key := create(t, b, multiRegion(who))
	change := replica(who)
	change.Policy = policy.BaseDocument(b.callerARN(), "123456789012").String()
	apply(t, b, key.ID, change)
	found, err := elsewhere.service.Key(key.ID)
	if err != nil || found.Record().Policy != "" {
		t.Errorf("the replica's record has a policy, or %v", err)
	}
	if got, err := elsewhere.Policy(t.Context(), key.ID); err != nil || got != change.Policy {
		t.Errorf("the policy in force is %s, %v", got, err)
	}
}

func TestTwoProcessesMakeOneReplicaAndChangeThePrimaryOnce(t *testing.T) {
	h := newHouse(t)
	b, elsewhere := h.openRegions(t)
	second, _ := h.openRegions(t)
	who := owner("orders", "payments")
	key := create(t, b, multiRegion(who))
	eventually(t, "the second process knows the key", func() bool {
		_, err := second.Get(t.Context(), key.ID)
		return err == nil
	})
	both := func(change backend.Change) {
		t.Helper()
		var wg sync.WaitGroup
		for _, process := range []*Backend{b, second} {
			wg.Go(func() {
				if _, err := process.Apply(t.Context(), key.ID, []backend.Change{change}); err != nil {
					t.Errorf("%s, by one of two: %v", change, err)
				}
			})
		}
		wg.Wait()
	}
	both(replica(who))
	both(backend.UpdatePrimaryRegion{From: "local", To: "elsewhere"})
	want := &backend.MultiRegion{PrimaryRegion: "elsewhere", ReplicaRegions: []string{"local"}}
	for _, each := range []*Backend{b, elsewhere, second} {
		if diff := cmp.Diff(want, get(t, each, key.ID).MultiRegion); diff != "" {
			t.Errorf("relatives (-want +got):\n%s", diff)
		}
	}
}

func TestEachStepWithRelativesTakesAFewWritesAndNoneAgain(t *testing.T) {
	h := newHouse(t)
	b, _ := h.openRegions(t)
	who := owner("orders", "payments")
	key := create(t, b, multiRegion(who))
	for _, step := range []struct {
		change backend.Change
		want   []string
	}{
		// The Region is noted, the replica made, and both are told that it is there.
		{replica(who), []string{"PATCH secrets kms-key", "POST secrets", "PATCH secrets kms-key", "PATCH secrets kms-key"}},
		// The primary's record, and its replica's after it.
		{backend.SetRotation{ToDays: 90}, []string{"PATCH secrets kms-key", "PATCH secrets kms-key"}},
		{backend.UpdatePrimaryRegion{To: "elsewhere"}, []string{"PATCH secrets kms-key", "PATCH secrets kms-key"}},
	} {
		if got := h.written(func() { apply(t, b, key.ID, step.change) }); !slices.Equal(got, step.want) {
			t.Errorf("%s: wrote %q, want %q", step.change, got, step.want)
		}
		if again := h.written(func() { apply(t, b, key.ID, step.change) }); len(again) > 0 {
			t.Errorf("%s, again: wrote %q", step.change, again)
		}
	}
}

func TestACrashBetweenTheWritesOfAReplicaIsMadeGood(t *testing.T) {
	b, elsewhere := newHouse(t).openRegions(t)
	who := owner("orders", "payments")
	key := create(t, b, multiRegion(who))
	apply(t, b, key.ID, replica(who))
	if err := elsewhere.ring.DeleteKey(t.Context(), key.ID, func(*keyring.KeyRecord) error { return nil }); err != nil {
		t.Fatal(err)
	}
	after := apply(t, b, key.ID, replica(who)) // the primary has noted the Region, and there is none
	if !after.MultiRegion.In("elsewhere") || get(t, elsewhere, key.ID).State != backend.StateEnabled {
		t.Errorf("relatives = %+v, want the replica", after.MultiRegion)
	}
}

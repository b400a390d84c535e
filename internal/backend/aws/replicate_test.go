// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// regions is one account in two Regions, with a proxy and a backend of each.
type regions struct {
	here, there   *endpoint
	ways, wayBack *proxy // to here, and to there
	b, other      *Backend
}

// newRegions is a world in two Regions. If late, reads lag behind writes as long as the backends reckon with, in synctest's time.
func newRegions(t *testing.T, late bool) *regions {
	t.Helper()
	worlds := newEndpoints(t, region, elsewhere)
	r := &regions{here: worlds[0], there: worlds[1], ways: newProxy(t, worlds[0]), wayBack: newProxy(t, worlds[1])}
	if !late {
		r.b, r.other = open(t, settings(r.ways.url(), clock.RealClock{})), openIn(t, elsewhere, settings(r.wayBack.url(), clock.RealClock{}))
		return r
	}
	r.ways.readLag, r.wayBack.readLag = lags.Reads, lags.Reads
	config := settings(piped, clock.RealClock{})
	config.Lags = lags
	r.b = r.ways.open(t, config)
	config.Region = elsewhere
	r.other = r.wayBack.open(t, config)
	return r
}

func multiRegion(name string) backend.CreateInput {
	in := symmetric(name)
	in.MultiRegion = true
	in.Tags = map[string]string{"team": "payments"}
	in.Policy = policy.BaseDocument("arn:aws:iam::"+account+":root", account).String()
	return in
}

func replication(name string) backend.Replicate {
	in := multiRegion(name)
	return backend.Replicate{Region: elsewhere, Description: "replica", Tags: in.Owner.TagsWith(in.Tags), Policy: in.Policy}
}

func wantRelatives(t *testing.T, key *backend.Key, primary string, replicas ...string) {
	t.Helper()
	if diff := cmp.Diff(&backend.MultiRegion{PrimaryRegion: primary, ReplicaRegions: replicas}, key.MultiRegion); diff != "" {
		t.Errorf("the key is elsewhere than it should be (-want +got):\n%s", diff)
	}
}

func TestOneReplicaIsMadeWhateverGoesWrong(t *testing.T) {
	for name, c := range map[string]struct {
		fault fault
		most  int
	}{
		"the answer is lost":                 {fault{operation: "ReplicateKey", times: 1, afterEffect: true}, 2},
		"the request is lost":                {fault{operation: "ReplicateKey", times: 1}, 2},
		"AWS fails after the effect":         {fault{operation: "ReplicateKey", times: 1, afterEffect: true, code: "KMSInternalException", status: 500}, 2},
		"AWS throttles it":                   {fault{operation: "ReplicateKey", times: 2, code: "ThrottlingException", status: http.StatusBadRequest}, 3},
		"the answer is lost again and again": {fault{operation: "ReplicateKey", times: 6, afterEffect: true}, 7},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newRegions(t, true)
				key := create(t, w.b, multiRegion("key"))
				w.ways.inject(c.fault)
				var after *backend.Key
				calls := w.ways.counted(func() {
					after = persist(t, func() (*backend.Key, error) {
						return w.b.Apply(t.Context(), key.ID, []backend.Change{replication("key")})
					})
				})
				if calls["ReplicateKey"] > c.most || total(calls) != calls["ReplicateKey"] || w.there.keys() != 1 {
					t.Errorf("%d replicas, with %v", w.there.keys(), calls)
				}
				wantRelatives(t, after, region, elsewhere)
				if err := w.b.Verify(t.Context(), key.ID); backend.ClassOf(err) != backend.NotReady && err != nil {
					t.Error(err)
				}
				wantRelatives(t, get(t, w.b, key.ID), region, elsewhere)
			})
		})
	}
}

func TestAReplicaIsFoundAsSoonAsAWSShowsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newRegions(t, true)
		if owned, err := w.other.Owned(t.Context(), owner("key")); err != nil || len(owned) > 0 {
			t.Fatalf("owned there: %v, %v", owned, err)
		}
		key := create(t, w.b, multiRegion("key"))
		apply(t, w.b, key.ID, replication("key"))
		w.wayBack.note(key.ID) // it is new there
		begun := time.Now()
		if _, err := w.other.Get(t.Context(), key.ID); !backend.IsNotFound(err) {
			t.Errorf("AWS does not show it, and it is told: %v", err)
		}
		if err := w.other.Verify(t.Context(), key.ID); !backend.IsNotFound(err) {
			t.Errorf("AWS does not show it, and it is verified: %v", err)
		}
		replica := persist(t, func() (*backend.Key, error) { return w.other.Get(t.Context(), key.ID) })
		if took := time.Since(begun); took > lags.Reads+longestPause {
			t.Errorf("it is found after %s, and was shown after %s", took, lags.Reads)
		}
		want := replication("key")
		if diff := cmp.Diff(want.Tags, replica.Tags); diff != "" || replica.Description != want.Description {
			t.Errorf("it is %+v, tags (-want +got):\n%s", replica, diff)
		}
		wantRelatives(t, replica, region, elsewhere)
	})
}

func TestReadsThatLagBehindDoNotUndoAReplicaOrAChangeOfThePrimary(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newRegions(t, true)
		made := create(t, w.b, multiRegion("key"))
		time.Sleep(lags.Reads)
		if err := w.b.Verify(t.Context(), made.ID); err != nil { // so that there is a reading to lag behind
			t.Fatal(err)
		}
		for _, step := range []struct {
			change   backend.Change
			primary  string
			replicas string
		}{
			{replication("key"), region, elsewhere},
			{backend.UpdatePrimaryRegion{From: region, To: elsewhere}, elsewhere, region},
		} {
			wantRelatives(t, apply(t, w.b, made.ID, step.change), step.primary, step.replicas)
			for range 2 { // while reads lag behind, and after
				if err := w.b.Verify(t.Context(), made.ID); err != nil {
					t.Fatal(err)
				}
				wantRelatives(t, get(t, w.b, made.ID), step.primary, step.replicas)
				time.Sleep(lags.Reads)
			}
		}
	})
}

func TestWhatAReplicaDoesNotTakeIsSaidWithWhereItIsTaken(t *testing.T) {
	w := newRegions(t, false)
	id := create(t, w.b, multiRegion("key")).ID
	apply(t, w.b, id, replication("key"), backend.SetRotation{ToDays: 180})
	if replica := get(t, w.other, id); replica.Rotation.PeriodInDays != 180 || !replica.Rotation.Enabled {
		t.Errorf("the replica is told to rotate by %+v", replica.Rotation)
	}
	want := "key " + id + " is a replica in Region " + elsewhere + ": this can be changed on its primary only, in Region " + region
	back := replication("key")
	back.Region = "eu-south-1"
	for _, change := range []backend.Change{backend.SetRotation{ToDays: 90}, backend.SetRotation{}, backend.Rotate{}, back} {
		_, err := w.other.Apply(t.Context(), id, []backend.Change{change})
		if backend.ClassOf(err) != backend.InvalidInput || err.Error() != change.Field()+": "+want {
			t.Errorf("%s: %s: %v, want %s", change, backend.ClassOf(err), err, want)
		}
	}
	alone := create(t, w.b, symmetric("alone")).ID
	nowhere := backend.UpdatePrimaryRegion{From: region, To: "eu-south-1"}
	for keyID, says := range map[string]string{
		alone: "primaryRegion: key " + alone + " is of one Region, and multi-Region keys are made as such: it can become none",
		id:    "primaryRegion: key " + id + " has no replica in Region eu-south-1 that could become the primary",
	} {
		calls := w.ways.counted(func() {
			_, err := w.b.Apply(t.Context(), keyID, []backend.Change{nowhere})
			if backend.ClassOf(err) != backend.InvalidInput || err.Error() != says {
				t.Errorf("%s: %v, want %s", backend.ClassOf(err), err, says)
			}
		})
		if total(calls) > 2 {
			t.Errorf("it takes %v to be refused", calls)
		}
	}
}

func TestASweepFindsWhatOthersDidToRelatives(t *testing.T) {
	w := newRegions(t, false)
	id := create(t, w.b, multiRegion("key")).ID
	heard := listen(t, w.b)
	of, err := w.here.service.Key(id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := of.ReplicateKey(t.Context(), kms.ReplicateKeyInput{Region: elsewhere}); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		sweep(t, w.b)
	}
	wantRelatives(t, get(t, w.b, id), region, elsewhere)
	if names := heard.take(); strings.Join(names, ",") != "key" {
		t.Errorf("heard of %v, want of key", names)
	}
	if calls := w.ways.counted(func() { sweep(t, w.b) }); beyondLists(calls) > 3 {
		t.Errorf("a sweep of a multi-Region key takes %v", calls)
	}
}

// TestAMultiRegionKeyWithAReplicaTakesTenCallsBeyondLists is what a primary and its replica cost, each with tags, policy and an alias,
// and with rotation: four to make the primary, its alias, its rotation and the replica, and at the replica's backend a first look of
// five and its alias.
func TestAMultiRegionKeyWithAReplicaTakesTenCallsBeyondLists(t *testing.T) {
	w := newRegions(t, false)
	create(t, w.b, symmetric("another")) // so that all lists were read
	get(t, w.other, create(t, w.other, symmetric("another")).ID)
	settle := func() {
		key := create(t, w.b, multiRegion("key"))
		wanted := []backend.Change{backend.PutAlias{Name: "alias/key"}, backend.SetRotation{ToDays: 365}, replication("key")}
		if key.MultiRegion.In(elsewhere) {
			wanted = nil
		}
		apply(t, w.b, key.ID, wanted...)
		replica := get(t, w.other, key.ID)
		if len(replica.Aliases) == 0 {
			replica = apply(t, w.other, key.ID, backend.PutAlias{Name: "alias/key"})
		}
		if document, err := w.other.Policy(t.Context(), key.ID); err != nil || document != replication("key").Policy {
			t.Errorf("the replica has policy %s, %v", document, err)
		}
		if !replica.Rotation.Enabled || replica.Tags["team"] != "payments" {
			t.Errorf("the replica is %+v", replica)
		}
	}
	atReplica := map[string]int{}
	atPrimary := w.ways.counted(func() { atReplica = w.wayBack.counted(settle) })
	t.Logf("%d calls: %v at the primary, %v at the replica", total(atPrimary)+total(atReplica), atPrimary, atReplica)
	want := map[string]int{"CreateKey": 1, "CreateAlias": 1, "EnableKeyRotation": 1, "ReplicateKey": 1}
	if diff := cmp.Diff(want, atPrimary); diff != "" {
		t.Errorf("at the primary (-want +got):\n%s", diff)
	}
	want = map[string]int{
		"DescribeKey": 1, "ListResourceTags": 1, "GetKeyRotationStatus": 1, "ListKeyRotations": 1, "GetKeyPolicy": 1, "CreateAlias": 1,
	}
	if diff := cmp.Diff(want, atReplica); diff != "" {
		t.Errorf("at the replica (-want +got):\n%s", diff)
	}
	again := w.ways.counted(func() { atReplica = w.wayBack.counted(settle) })
	if total(again)+total(atReplica) != 0 {
		t.Errorf("it is settled, and takes %v and %v", again, atReplica)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// updatePrimary applies a change of the primary's Region, and once more if reads do not show yet whether it was made.
func updatePrimary(t *testing.T, b *Backend, keyID, from, to string) *backend.Key {
	t.Helper()
	change := []backend.Change{backend.UpdatePrimaryRegion{From: from, To: to}}
	key, err := b.Apply(t.Context(), keyID, change)
	if backend.ClassOf(err) == backend.NotReady {
		time.Sleep(lags.Reads)
		key, err = b.Apply(t.Context(), keyID, change)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestThePrimaryChangesWhateverGoesWrong(t *testing.T) {
	for name, f := range map[string]fault{
		"the answer is lost":         {operation: "UpdatePrimaryRegion", times: 1, afterEffect: true},
		"the request is lost":        {operation: "UpdatePrimaryRegion", times: 1},
		"AWS fails after the effect": {operation: "UpdatePrimaryRegion", times: 1, afterEffect: true, code: "KMSInternalException", status: 500},
		"AWS throttles it":           {operation: "UpdatePrimaryRegion", times: 2, code: "ThrottlingException", status: http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newRegions(t, true)
				key := create(t, w.b, multiRegion("key"))
				apply(t, w.b, key.ID, replication("key"))
				time.Sleep(lags.Reads)
				if err := w.b.Verify(t.Context(), key.ID); err != nil { // so that there is a reading to lag behind
					t.Fatal(err)
				}
				w.ways.inject(f)
				var after *backend.Key
				calls := w.ways.counted(func() { after = updatePrimary(t, w.b, key.ID, region, elsewhere) })
				if calls["UpdatePrimaryRegion"] > 3 || total(calls)-calls["UpdatePrimaryRegion"] > 2 {
					t.Errorf("it takes %v", calls)
				}
				wantRelatives(t, after, elsewhere, region)
				wantRelatives(t, updatePrimary(t, w.b, key.ID, region, elsewhere), elsewhere, region) // it is so already
				wantRelatives(t, get(t, w.other, key.ID), elsewhere, region)
				wantRelatives(t, updatePrimary(t, w.other, key.ID, elsewhere, region), region, elsewhere)
			})
		})
	}
}

// TestABackendThatWasNotToldOfANewPrimaryLearnsByWhatSucceeds changes the primary past the backend of the Region that becomes it.
func TestABackendThatWasNotToldOfANewPrimaryLearnsByWhatSucceeds(t *testing.T) {
	worlds := newEndpoints(t, region, elsewhere, "eu-south-1")
	at := func(region string) *Backend {
		return openIn(t, region, settings(worlds[0].url(), clock.RealClock{}))
	}
	b, other := at(region), at(elsewhere)
	id := create(t, b, multiRegion("key")).ID
	apply(t, b, id, replication("key"))
	wantRelatives(t, get(t, other, id), region, elsewhere)
	updatePrimary(t, b, id, region, elsewhere)
	wantRelatives(t, get(t, other, id), region, elsewhere) // told from memory: nobody said otherwise
	third := replication("key")
	third.Region = "eu-south-1"
	wantRelatives(t, apply(t, other, id, third), elsewhere, region, "eu-south-1")
	_, err := b.Apply(t.Context(), id, []backend.Change{third})
	want := "replicas: key " + id + " is a replica in Region " + region + ": this can be changed on its primary only, in Region " + elsewhere
	if backend.ClassOf(err) != backend.InvalidInput || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if err := b.Verify(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	wantRelatives(t, get(t, b, id), elsewhere, region, "eu-south-1")
}

// TestAReplicaThatAWSDoesNotShowYetBecomesThePrimaryLater has AWS know nothing yet of a replica that was made just now: it says that
// the key does not exist, and means the replica.
func TestAReplicaThatAWSDoesNotShowYetBecomesThePrimaryLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newRegions(t, true)
		id := create(t, w.b, multiRegion("key")).ID
		time.Sleep(lags.Reads)
		if err := w.b.Verify(t.Context(), id); err != nil { // so that there is a reading to lag behind
			t.Fatal(err)
		}
		w.ways.inject(fault{operation: "UpdatePrimaryRegion", times: 1, code: "NotFoundException", status: http.StatusBadRequest})
		changes := []backend.Change{replication("key"), backend.UpdatePrimaryRegion{From: region, To: elsewhere}}
		after, err := w.b.Apply(t.Context(), id, changes)
		if backend.ClassOf(err) != backend.NotReady || after == nil {
			t.Fatalf("%s: %v, and the key is %+v", backend.ClassOf(err), err, after)
		}
		wantRelatives(t, after, region, elsewhere)
		wantRelatives(t, updatePrimary(t, w.b, id, region, elsewhere), elsewhere, region)
	})
}

func TestWhatNoKeyOfOneRegionTakesIsNotAskedAbout(t *testing.T) {
	w := newRegions(t, false)
	in := symmetric("key")
	in.Spec, in.Usage = keyspec.RSA2048, keyspec.SignVerify
	id := create(t, w.b, in).ID
	calls := w.ways.counted(func() {
		for _, change := range []backend.Change{backend.SetRotation{ToDays: 90}, replication("key")} {
			if _, err := w.b.Apply(t.Context(), id, []backend.Change{change}); backend.ClassOf(err) != backend.InvalidInput {
				t.Errorf("%s: %v", change, err)
			}
		}
	})
	if total(calls) != 1 {
		t.Errorf("an asymmetric key was to rotate, and one of one Region to be replicated: %v", calls)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

// wantHeard fails the test unless the change of the key was told, and of no other.
func (w *watched) wantHeard(t *testing.T) {
	t.Helper()
	if heard := w.ears.take(); !slices.Equal(heard, []string{"key"}) {
		t.Errorf("heard of %v", heard)
	}
}

func TestWhatAListingForAnotherKeyFindsIsTold(t *testing.T) {
	t.Parallel()
	w := newWatched(t, true)
	w.outside(t, w.key.ID, kms.TagResource(map[string]string{"team": "others"}))
	w.endpoint.clock.Step(10 * time.Minute)
	if _, err := w.b.Owned(t.Context(), owner("new")); err != nil {
		t.Fatal(err)
	}
	w.wantHeard(t)
	if team := get(t, w.b, w.key.ID).Tags["team"]; team != "others" {
		t.Errorf("tagged as of team %s", team)
	}
}

func TestWhatALookFindsThatFailsHalfwayIsTold(t *testing.T) {
	t.Parallel()
	w := newWatched(t, false)
	w.outside(t, w.key.ID, kms.DisableKey())
	w.inject(fault{operation: "GetKeyRotationStatus", times: attempts, code: "KMSInternalException", status: http.StatusInternalServerError})
	if err := w.b.Verify(t.Context(), w.key.ID); backend.ClassOf(err) != backend.Unavailable {
		t.Errorf("half of the look failed: %v", err)
	}
	w.wantHeard(t)
	if err := w.b.Verify(t.Context(), w.key.ID); err != nil {
		t.Fatal(err)
	}
	if heard := w.ears.take(); len(heard) != 0 {
		t.Errorf("told again of %v", heard)
	}
}

func TestWhoseOwnerTagsWereTakenAwayIsToldWithoutATaggingAPI(t *testing.T) {
	t.Parallel()
	w := newWatched(t, false)
	w.endpoint.clock.Step(time.Hour) // so that it is each key's turn
	w.outside(t, w.key.ID, kms.UntagResource("kms.chatelaine.dev/cluster", "kms.chatelaine.dev/namespace", "kms.chatelaine.dev/name",
		"kms.chatelaine.dev/uid"))
	w.everyLook(t)
	w.wantHeard(t)
}

func TestWhoeverTakesAKeyOverIsToldAsIsWhoeverLosesIt(t *testing.T) {
	t.Parallel()
	w := newWatched(t, false)
	w.outside(t, w.key.ID, kms.TagResource(owner("heir").Tags()))
	if err := w.b.Verify(t.Context(), w.key.ID); err != nil {
		t.Fatal(err)
	}
	if heard := w.ears.take(); !slices.Equal(heard, []string{"heir", "key"}) {
		t.Errorf("heard of %v", heard)
	}
}

func TestReadingAKeyForTheFirstTimeIsNoChange(t *testing.T) {
	t.Parallel()
	w := newWatched(t, true)
	restarted := open(t, settings(w.proxy.url(), w.endpoint.clock))
	heard := listen(t, restarted)
	get(t, restarted, w.key.ID)
	if _, err := restarted.Policy(t.Context(), w.key.ID); err != nil {
		t.Fatal(err)
	}
	wantSame(t, grantsNow(t, restarted, w.key.ID))
	if names := heard.take(); len(names) != 0 {
		t.Errorf("told of %v", names)
	}
}

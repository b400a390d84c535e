// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

func TestAnAliasThatMovedToAnotherKeyIsNotTaken(t *testing.T) {
	w := newWatched(t, false)
	if err := w.service.DeleteAlias(t.Context(), "alias/key", w.key.ID); err != nil {
		t.Fatal(err)
	}
	stranger, err := w.service.CreateKey(t.Context(), kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.service.CreateAlias(t.Context(), "alias/key", stranger.KeyID); err != nil {
		t.Fatal(err)
	}
	apply(t, w.b, w.key.ID, backend.RemoveAlias{Name: "alias/key"})
	if seen, err := w.service.DescribeKey(t.Context(), stranger.KeyID); err != nil || !slices.Equal(seen.Aliases, []string{"alias/key"}) {
		t.Errorf("the other key has %v, %v", seen.Aliases, err)
	}
	_, err = w.b.Apply(t.Context(), w.key.ID, []backend.Change{backend.PutAlias{Name: "alias/key"}})
	if want := "aliases: alias alias/key is held by key " + stranger.KeyID + " (not in this namespace)"; err == nil || err.Error() != want {
		t.Errorf("putting it: %v, want %s", err, want)
	}
}

func TestTheKeyOfAnAliasIsTheOneThatHasItNow(t *testing.T) {
	for name, ours := range map[string]bool{"from one of this cluster's": true, "from one of nobody's": false} {
		t.Run(name, func(t *testing.T) {
			w := newWatched(t, false)
			before := w.key.ID
			if !ours {
				made, err := w.service.CreateKey(t.Context(), kms.CreateKeyInput{})
				if err != nil {
					t.Fatal(err)
				}
				before = made.KeyID
			}
			after, err := w.service.CreateKey(t.Context(), kms.CreateKeyInput{})
			if err != nil {
				t.Fatal(err)
			}
			move := func(from, to string) {
				if from != "" && w.service.DeleteAlias(t.Context(), "alias/moves", from) != nil {
					t.Fatal("the alias is not there")
				}
				if to != "" && w.service.CreateAlias(t.Context(), "alias/moves", to) != nil {
					t.Fatal("the alias is there")
				}
			}
			move("", before)
			sweep(t, w.b)
			if seen := get(t, w.b, "alias/moves"); seen.ID != before {
				t.Errorf("it is of %s, and told to be of %s", before, seen.ID)
			}
			w.ears.take()
			move(before, after.KeyID)
			if seen := get(t, w.b, "alias/moves"); seen.ID != after.KeyID || !slices.Equal(seen.Aliases, []string{"alias/moves"}) {
				t.Errorf("it is of %s now, and told to be of %s, which has %v", after.KeyID, seen.ID, seen.Aliases)
			}
			if heard := w.ears.take(); ours != slices.Contains(heard, "key") {
				t.Errorf("heard of %v", heard)
			}
			move(after.KeyID, "")
			if _, err := w.b.Get(t.Context(), "alias/moves"); !backend.IsNotFound(err) {
				t.Errorf("it is nobody's now: %v", err)
			}
		})
	}
}

func TestAnAliasOfAKeyThatKeepsTheOperatorOutIsThatKeys(t *testing.T) {
	w := newWatched(t, false)
	stranger, err := w.service.CreateKey(t.Context(), kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	for alias, id := range map[string]string{"alias/own": w.key.ID, "alias/theirs": stranger.KeyID} {
		if err := w.service.CreateAlias(t.Context(), alias, id); err != nil {
			t.Fatal(err)
		}
	}
	w.inject(fault{operation: "DescribeKey", code: "AccessDeniedException", status: http.StatusBadRequest})
	apply(t, w.b, w.key.ID, backend.PutAlias{Name: "alias/own"})
	_, err = w.b.Apply(t.Context(), w.key.ID, []backend.Change{backend.PutAlias{Name: "alias/theirs"}})
	if want := "aliases: alias alias/theirs is held by key " + somebody + " (not in this namespace)"; err == nil || err.Error() != want {
		t.Errorf("putting it: %v, want %s", err, want)
	}
	apply(t, w.b, w.key.ID, backend.RemoveAlias{Name: "alias/own"}, backend.RemoveAlias{Name: "alias/theirs"})
	for id, want := range map[string]string{w.key.ID: "alias/key", stranger.KeyID: "alias/theirs"} {
		if seen, err := w.service.DescribeKey(t.Context(), id); err != nil || !slices.Equal(seen.Aliases, []string{want}) {
			t.Errorf("key %s has %v, %v, want %s", id, seen.Aliases, err, want)
		}
	}
}

func TestAKeyThatIsAnothersByNowIsNotScheduledForDeletion(t *testing.T) {
	for name, change := range map[string]kms.Mutation{
		"one of another cluster":         kms.TagResource(backend.Owner{Cluster: "another", Namespace: "team", Name: "key", UID: "uid"}.Tags()),
		"another one of this cluster":    kms.TagResource(owner("next").Tags()),
		"nobody":                         kms.UntagResource("kms.chatelaine.dev/cluster"),
		"the next of the owner's name":   kms.TagResource(map[string]string{backend.TagUID: "next"}),
		"the owner, with a tag of other": kms.TagResource(map[string]string{"team": "others"}),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWatched(t, false)
			w.outside(t, w.key.ID, change)
			want, state := backend.Conflict, backend.StateEnabled
			if strings.HasPrefix(name, "the owner") {
				want, state = "", backend.StatePendingDeletion
			}
			if _, err := w.b.ScheduleDeletion(t.Context(), w.key.ID, 7); backend.ClassOf(err) != want {
				t.Errorf("it is said to be scheduled: %v", err)
			}
			seen, err := w.service.DescribeKey(t.Context(), w.key.ID)
			if err != nil || string(seen.State) != string(state) {
				t.Errorf("it is %s, %v, want %s", seen.State, err, state)
			}
			if told := get(t, w.b, w.key.ID); !maps.Equal(told.Tags, seen.Tags) {
				t.Errorf("its tags are told as %v", told.Tags)
			}
		})
	}
}

func TestAKeyOfNobodyIsReadAnewEachTime(t *testing.T) {
	w := newWatched(t, false)
	made, err := w.service.CreateKey(t.Context(), kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	get(t, w.b, made.KeyID)
	w.outside(t, made.KeyID, kms.TagResource(map[string]string{"kms.chatelaine.dev/adoptable-by": "team"}), kms.DisableKey())
	if seen := get(t, w.b, made.KeyID); seen.State != backend.StateDisabled || len(seen.Tags) != 1 {
		t.Errorf("it is told as it was: %+v", seen)
	}
	adopted := apply(t, w.b, made.KeyID, backend.SetTags{Tags: owner("adopter").Tags()})
	if calls := w.counted(func() { get(t, w.b, adopted.ID) }); total(calls) != 0 {
		t.Errorf("it was adopted, and reading it takes %v", calls)
	}
	if owned, err := w.b.Owned(t.Context(), owner("adopter")); err != nil || len(owned) != 1 || owned[0].ID != made.KeyID {
		t.Errorf("owned: %v, %v", owned, err)
	}
}

// TestAScanMindsWhatItMayNotRead makes keys in an account with keys whose tags the operator may not read.
func TestAScanMindsWhatItMayNotRead(t *testing.T) {
	w := newEndpoint(t)
	p := newProxy(t, w)
	for range 5 {
		if _, err := w.service.CreateKey(t.Context(), kms.CreateKeyInput{}); err != nil {
			t.Fatal(err)
		}
	}
	denied := fault{operation: "ListResourceTags", code: "AccessDeniedException", status: http.StatusBadRequest}
	p.inject(denied)
	b := open(t, settings(p.url(), w.clock))
	_, err := b.Create(t.Context(), symmetric("key"))
	if backend.ClassOf(err) != backend.AccessDenied || err.Error() != "kms:ListResourceTags: AWS says this." {
		t.Errorf("it may read no tags at all: %v", err)
	}
	p.heal()
	one, err := b.listKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.readNewTags(t.Context(), one[0], w.clock.Now()); err != nil {
		t.Fatal(err)
	}
	p.inject(denied)
	create(t, b, symmetric("key"))
	if w.keys() != 6 {
		t.Errorf("%d keys", w.keys())
	}
}

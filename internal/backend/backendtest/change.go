// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

func testDescription(t *testing.T, f *fixture) {
	key := f.create(t, symmetric("key"))
	for _, description := range []string{"first", "ünïcödé", ""} {
		key = f.apply(t, key.ID, backend.SetDescription{From: key.Description, To: description})
		if got := f.get(t, key.ID).Description; got != description || key.Description != description {
			t.Errorf("description = %q and %q, want %q", key.Description, got, description)
		}
	}
}

func testTags(t *testing.T, f *fixture) {
	in := symmetric("key")
	in.Tags = map[string]string{"kept": "1", "changed": "1", "removed": "1"}
	key := f.create(t, in)
	key = f.apply(t, key.ID,
		backend.RemoveTags{Keys: []string{"removed", "never there"}},
		backend.SetTags{Tags: map[string]string{"changed": "2", "added": ""}})
	want := in.Owner.TagsWith(map[string]string{"kept": "1", "changed": "2", "added": ""})
	if diff := cmp.Diff(want, key.Tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}

func testEnable(t *testing.T, f *fixture) {
	key := f.create(t, symmetric("key"))
	for _, step := range []struct {
		change backend.Change
		want   backend.State
	}{
		{backend.Disable{}, backend.StateDisabled},
		{backend.Disable{}, backend.StateDisabled},
		{backend.Enable{}, backend.StateEnabled},
		{backend.Enable{}, backend.StateEnabled},
	} {
		if got := f.apply(t, key.ID, step.change); got.State != step.want {
			t.Errorf("after %T the key is %s, want %s", step.change, got.State, step.want)
		}
	}
}

func testAliases(t *testing.T, f *fixture) {
	key := f.create(t, symmetric("key"))
	other := f.create(t, symmetric("other"))
	key = f.apply(t, key.ID, backend.PutAlias{Name: "alias/b"}, backend.PutAlias{Name: "alias/a"}, backend.PutAlias{Name: "alias/a"})
	if want := []string{"alias/a", "alias/b"}; !slices.Equal(key.Aliases, want) {
		t.Errorf("aliases = %v, want %v", key.Aliases, want)
	}
	f.apply(t, other.ID, backend.RemoveAlias{Name: "alias/a"})
	if got := f.get(t, "alias/a"); got.ID != key.ID {
		t.Error("an alias was removed by way of another key")
	}
	key = f.apply(t, key.ID, backend.RemoveAlias{Name: "alias/a"}, backend.RemoveAlias{Name: "alias/never-there"})
	if want := []string{"alias/b"}; !slices.Equal(key.Aliases, want) {
		t.Errorf("aliases = %v, want %v", key.Aliases, want)
	}
	if other = f.apply(t, other.ID, backend.PutAlias{Name: "alias/a"}); !slices.Equal(other.Aliases, []string{"alias/a"}) {
		t.Errorf("aliases = %v: an alias that was let go cannot be taken", other.Aliases)
	}
}

func testAliasConflict(t *testing.T, f *fixture) {
	winner := f.apply(t, f.create(t, symmetric("winner")).ID, backend.PutAlias{Name: "alias/wanted"})
	loser := f.create(t, symmetric("loser"))
	after, err := f.Backend.Apply(f.ctx, loser.ID, []backend.Change{
		backend.SetDescription{To: "before"}, backend.PutAlias{Name: "alias/wanted"}, backend.PutAlias{Name: "alias/free"},
	})
	wantClass(t, err, backend.Conflict)
	failed, ok := errors.AsType[*backend.ChangesError](err)
	if !ok || len(failed.Failed) != 1 || failed.Failed[0].Change != (backend.PutAlias{Name: "alias/wanted"}) {
		t.Errorf("error = %v, want the one alias that failed", err)
	}
	if !strings.Contains(err.Error(), "alias/wanted") {
		t.Errorf("error does not name the alias: %v", err)
	}
	if after == nil || after.Description != "before" || !slices.Equal(after.Aliases, []string{"alias/free"}) {
		t.Errorf("the other changes were not made: %+v", after)
	}
	if diff := cmp.Diff(winner, f.get(t, winner.ID)); diff != "" {
		t.Errorf("the holder of the alias was changed:\n%s", diff)
	}
}

func testAliasRace(t *testing.T, f *fixture) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var winners []string
	for _, name := range []string{"a", "b", "c", "d"} {
		key := f.create(t, symmetric(name))
		wg.Go(func() {
			_, err := f.Backend.Apply(f.ctx, key.ID, []backend.Change{backend.PutAlias{Name: "alias/one"}})
			if err == nil {
				mu.Lock()
				winners = append(winners, key.ID)
				mu.Unlock()
			} else if backend.ClassOf(err) != backend.Conflict {
				t.Errorf("losing: %v", err)
			}
		})
	}
	wg.Wait()
	if len(winners) != 1 || f.get(t, "alias/one").ID != winners[0] {
		t.Errorf("winners = %v, want one, and the alias its own", winners)
	}
}

func testInvalid(t *testing.T, f *fixture) {
	key := f.create(t, symmetric("key"))
	for _, change := range []backend.Change{
		backend.PutAlias{Name: "alias/aws/taken"},
		backend.PutAlias{Name: "no-prefix"},
		backend.SetTags{Tags: map[string]string{"aws:reserved": "x"}},
		backend.SetTags{Tags: map[string]string{strings.Repeat("k", 129): "x"}},
		backend.SetTags{Tags: map[string]string{"key": strings.Repeat("v", 257)}},
		backend.SetDescription{To: strings.Repeat("d", 8193)},
		backend.SetRotation{ToDays: 89},
		backend.SetRotation{ToDays: 2561},
	} {
		after, err := f.Backend.Apply(f.ctx, key.ID, []backend.Change{change})
		wantClass(t, err, backend.InvalidInput)
		if diff := cmp.Diff(key, after); diff != "" {
			t.Errorf("%T was refused and changed the key:\n%s", change, diff)
		}
	}
	for _, window := range []int{0, 6, 31} {
		_, err := f.Backend.ScheduleDeletion(f.ctx, key.ID, window)
		wantClass(t, err, backend.InvalidInput)
	}
	bad := symmetric("bad")
	bad.Usage = "SIGN_VERIFY"
	_, err := f.Backend.Create(f.ctx, bad)
	wantClass(t, err, backend.InvalidInput)
	bad.Spec, bad.Usage = "SM2", "SIGN_VERIFY"
	_, err = f.Backend.Create(f.ctx, bad)
	wantClass(t, err, backend.InvalidInput)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/plan"
)

// testApplyAgain repeats changes as a caller does whose answer was lost.
func testApplyAgain(t *testing.T, f *fixture) {
	key := f.create(t, symmetric("key"))
	f.Advance(t, time.Minute)
	changes := []backend.Change{
		backend.SetDescription{To: "again"}, backend.SetTags{Tags: map[string]string{"a": "1"}},
		backend.SetRotation{ToDays: 100}, backend.PutAlias{Name: "alias/again"}, backend.Rotate{RequestedAt: key.CreationTime},
	}
	first := f.apply(t, key.ID, changes...)
	f.Advance(t, time.Hour)
	if diff := cmp.Diff(first, f.apply(t, key.ID, changes...)); diff != "" {
		t.Errorf("applied again, it changed:\n%s", diff)
	}
}

// testConverges walks through declared states at random (a fixed seed: every run walks the same way). Each has to be
// reached in one step, and to need nothing more.
func testConverges(t *testing.T, f *fixture) {
	random := rand.New(rand.NewPCG(1, 2))
	key := f.create(t, symmetric("key"))
	want := plan.Key{Owner: owner("key"), Enabled: true}
	now := key.CreationTime
	for step := range 40 {
		before := want
		want = anyKey(random)
		want.ManagedAliases = before.Aliases
		for tag := range before.Tags {
			want.ManagedTagKeys = append(want.ManagedTagKeys, tag)
		}
		if random.IntN(8) == 0 {
			if _, err := f.Backend.ScheduleDeletion(f.ctx, key.ID, 7); err != nil {
				t.Fatal(err)
			}
			key = f.get(t, key.ID)
		}
		changes := plan.Diff(want, key, now)
		key = f.apply(t, key.ID, changes.Now...)
		if left := plan.Diff(want, f.get(t, key.ID), now); len(left.Now) > 0 {
			t.Fatalf("step %d: %v and still %v", step, changes.Now, left.Now)
		}
		if enabled := key.State == backend.StateEnabled; enabled != want.Enabled {
			t.Fatalf("step %d: key is %s", step, key.State)
		}
	}
}

func anyKey(random *rand.Rand) plan.Key {
	want := plan.Key{Owner: owner("key"), Enabled: random.IntN(3) > 0, Tags: map[string]string{}}
	if random.IntN(2) == 0 {
		want.Description = fmt.Sprintf("description %d", random.IntN(3))
	}
	for _, name := range []string{"alias/a", "alias/b", "alias/c"} {
		if random.IntN(2) == 0 {
			want.Aliases = append(want.Aliases, name)
		}
	}
	for _, tag := range []string{"a", "b", "c"} {
		if random.IntN(2) == 0 {
			want.Tags[tag] = fmt.Sprint(random.IntN(3))
		}
	}
	want.RotationPeriodInDays = []int{0, 90, 365}[random.IntN(3)]
	return want
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// TestAppliedChangesLeaveNothingToDo takes pairs at random (a fixed seed: every run takes the same), applies what Diff
// returns to a model that refuses what AWS refuses, and finds the key as declared, with all that others gave it.
func TestAppliedChangesLeaveNothingToDo(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for i := range 5000 {
		want, seen := anyPair(random)
		wantBefore, seenBefore := clone(want, seen)
		changes := Diff(want, seen, now)
		if diff := cmp.Diff(wantBefore, want) + cmp.Diff(seenBefore, seen); diff != "" {
			t.Fatalf("case %d: Diff changed what it was given:\n%s", i, diff)
		}
		for _, change := range changes.Now {
			if err := apply(seen, change); err != nil {
				t.Fatalf("case %d: %v of %v: %v\nwant %+v\nseen %+v", i, change, changes.Now, err, wantBefore, seenBefore)
			}
		}
		if diff := cmp.Diff(Changes{Deferred: changes.Deferred, NextAt: changes.NextAt}, Diff(want, seen, now)); diff != "" {
			t.Fatalf("case %d: %v did not settle it (-want +got):\n%s", i, changes.Now, diff)
		}
		checkKept(t, i, want, seenBefore, seen)
	}
}

// checkKept says whether the key has exactly what is declared and what others gave it.
func checkKept(t *testing.T, i int, want Key, before, after *backend.Key) {
	t.Helper()
	if enabled := after.State == backend.StateEnabled; enabled != want.Enabled {
		t.Fatalf("case %d: key is %s", i, after.State)
	}
	tags := maps.Clone(before.Tags)
	maps.DeleteFunc(tags, func(key, _ string) bool { return slices.Contains(want.ManagedTagKeys, key) })
	maps.Copy(tags, want.Tags)
	maps.Copy(tags, want.Owner.Tags())
	if diff := cmp.Diff(tags, after.Tags); diff != "" {
		t.Fatalf("case %d: tags (-want +got):\n%s", i, diff)
	}
	aliases := slices.DeleteFunc(slices.Clone(before.Aliases), func(name string) bool {
		return slices.Contains(want.ManagedAliases, name)
	})
	aliases = append(aliases, want.Aliases...)
	slices.Sort(aliases)
	if diff := cmp.Diff(slices.Compact(aliases), after.Aliases); diff != "" {
		t.Fatalf("case %d: aliases (-want +got):\n%s", i, diff)
	}
}

// apply is the model: one key, by the rules of AWS KMS that depend on its state.
func apply(key *backend.Key, change backend.Change) error {
	switch c := change.(type) {
	case backend.CancelDeletion:
		if key.State != backend.StatePendingDeletion {
			return fmt.Errorf("not pending deletion")
		}
		key.State = backend.StateDisabled
		return nil
	case backend.PutAlias:
		key.Aliases = append(key.Aliases, c.Name)
		slices.Sort(key.Aliases)
		return nil
	case backend.RemoveAlias:
		key.Aliases = slices.DeleteFunc(key.Aliases, func(name string) bool { return name == c.Name })
		return nil
	}
	if key.State == backend.StatePendingDeletion {
		return fmt.Errorf("pending deletion")
	}
	switch c := change.(type) {
	case backend.Enable:
		key.State = backend.StateEnabled
	case backend.Disable:
		key.State = backend.StateDisabled
	case backend.SetDescription:
		if c.From != key.Description {
			return fmt.Errorf("the description was %q", key.Description)
		}
		key.Description = c.To
	case backend.SetTags:
		maps.Copy(key.Tags, c.Tags)
	case backend.RemoveTags:
		for _, tag := range c.Keys {
			delete(key.Tags, tag)
		}
	default:
		return applyRotation(key, change)
	}
	return nil
}

func applyRotation(key *backend.Key, change backend.Change) error {
	if key.State != backend.StateEnabled {
		return fmt.Errorf("disabled")
	}
	switch c := change.(type) {
	case backend.SetRotation:
		if c.FromDays != key.Rotation.PeriodInDays {
			return fmt.Errorf("the period was %d", key.Rotation.PeriodInDays)
		}
		key.Rotation.Enabled, key.Rotation.PeriodInDays = c.ToDays > 0, c.ToDays
	case backend.Rotate:
		key.Rotation.LastOnDemandTime, key.Rotation.LastTime = now, now
	default:
		return fmt.Errorf("unknown change %T", change)
	}
	return nil
}

func anyPair(random *rand.Rand) (Key, *backend.Key) {
	want := Key{
		Owner:                ordersA,
		Description:          pick(random, "", "one", "two"),
		Enabled:              random.IntN(2) == 0,
		Aliases:              some(random, "alias/a", "alias/b", "alias/c"),
		Tags:                 anyTags(random),
		ManagedAliases:       some(random, "alias/a", "alias/b", "alias/c", "alias/d"),
		ManagedTagKeys:       some(random, "a", "b", "c", "d", backend.TagUID),
		RotationPeriodInDays: pick(random, 0, 90, 365),
		RotationRequestedAt: pick(random, time.Time{}, created.Add(-time.Hour), created, now.Add(-time.Hour), now,
			now.Add(time.Hour)),
		RotationHandledAt: pick(random, time.Time{}, time.Time{}, created, now.Add(-time.Hour)),
	}
	seen := &backend.Key{
		State:        pick(random, backend.StateEnabled, backend.StateDisabled, backend.StatePendingDeletion),
		Description:  pick(random, "", "one", "two"),
		Tags:         anyTags(random),
		Aliases:      some(random, "alias/a", "alias/b", "alias/d", "alias/foreign"),
		CreationTime: created,
	}
	for key, value := range (backend.Owner{Cluster: "cluster-a", Namespace: "team", Name: "orders", UID: "uid-0"}).Tags() {
		if random.IntN(4) > 0 {
			seen.Tags[key] = value
		}
	}
	if days := pick(random, 0, 90, 365); days > 0 {
		seen.Rotation = backend.Rotation{Enabled: true, PeriodInDays: days}
	}
	seen.Rotation.LastOnDemandTime = pick(random, time.Time{}, now.Add(-2*time.Hour), now.Add(-time.Hour), now)
	return want, seen
}

func anyTags(random *rand.Rand) map[string]string {
	tags := map[string]string{}
	for _, key := range some(random, "a", "b", "c", "foreign") {
		tags[key] = pick(random, "", "1", "2")
	}
	return tags
}

func pick[T any](random *rand.Rand, values ...T) T { return values[random.IntN(len(values))] }

func some(random *rand.Rand, values ...string) []string {
	return slices.DeleteFunc(values, func(string) bool { return random.IntN(2) == 0 })
}

func clone(want Key, seen *backend.Key) (Key, *backend.Key) {
	want.Aliases, want.ManagedAliases = slices.Clone(want.Aliases), slices.Clone(want.ManagedAliases)
	want.Tags, want.ManagedTagKeys = maps.Clone(want.Tags), slices.Clone(want.ManagedTagKeys)
	copied := *seen
	copied.Tags, copied.Aliases = maps.Clone(seen.Tags), slices.Clone(seen.Aliases)
	return want, &copied
}

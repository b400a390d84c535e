// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

var (
	created = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now     = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ordersA = backend.Owner{Cluster: "cluster-a", Namespace: "team", Name: "orders", UID: "uid-1"}
)

// settled is a Key and the key it stands for: there is nothing to do.
func settled() (Key, *backend.Key) {
	want := Key{
		Owner:                ordersA,
		Description:          "orders at rest",
		Enabled:              true,
		Aliases:              []string{"alias/orders"},
		Tags:                 map[string]string{"env": "prod"},
		ManagedAliases:       []string{"alias/orders"},
		ManagedTagKeys:       []string{"env"},
		RotationPeriodInDays: 365,
	}
	seen := &backend.Key{
		ID:           "key-1",
		Spec:         keyspec.SymmetricDefault,
		Usage:        keyspec.EncryptDecrypt,
		State:        backend.StateEnabled,
		Description:  "orders at rest",
		Tags:         ordersA.TagsWith(map[string]string{"env": "prod"}),
		Aliases:      []string{"alias/orders"},
		Rotation:     backend.Rotation{Enabled: true, PeriodInDays: 365},
		CreationTime: created,
	}
	return want, seen
}

type diffCase struct {
	name string
	// edit turns the settled pair into the case.
	edit func(want *Key, seen *backend.Key)
	want Changes
}

func checkDiff(t *testing.T, cases []diffCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			want, seen := settled()
			c.edit(&want, seen)
			if diff := cmp.Diff(c.want, Diff(want, seen, now)); diff != "" {
				t.Errorf("changes differ (-want +got):\n%s", diff)
			}
		})
	}
}

func do(changes ...backend.Change) Changes { return Changes{Now: changes} }

func TestAKeyThatIsAsDeclaredNeedsNothing(t *testing.T) {
	checkDiff(t, []diffCase{
		{"enabled", func(*Key, *backend.Key) {}, Changes{}},
		{"disabled", func(want *Key, seen *backend.Key) {
			want.Enabled, seen.State = false, backend.StateDisabled
		}, Changes{}},
		{"without anything optional", func(want *Key, seen *backend.Key) {
			*want = Key{Owner: ordersA, Enabled: true}
			*seen = backend.Key{State: backend.StateEnabled, Tags: ordersA.Tags(), CreationTime: created}
		}, Changes{}},
		{"with its aliases in another order", func(want *Key, seen *backend.Key) {
			want.Aliases = []string{"alias/b", "alias/a"}
			seen.Aliases = []string{"alias/a", "alias/b"}
		}, Changes{}},
	})
}

func TestEachFieldIsSetChangedAndCleared(t *testing.T) {
	checkDiff(t, []diffCase{
		{"description set", func(_ *Key, seen *backend.Key) { seen.Description = "" },
			do(backend.SetDescription{From: "", To: "orders at rest"})},
		{"description changed", func(want *Key, _ *backend.Key) { want.Description = "orders" },
			do(backend.SetDescription{From: "orders at rest", To: "orders"})},
		{"description cleared", func(want *Key, _ *backend.Key) { want.Description = "" },
			do(backend.SetDescription{From: "orders at rest", To: ""})},

		{"tag set", func(want *Key, _ *backend.Key) { want.Tags["cost"] = "42" },
			do(backend.SetTags{Tags: map[string]string{"cost": "42"}})},
		{"tag with an empty value set", func(want *Key, _ *backend.Key) { want.Tags["cost"] = "" },
			do(backend.SetTags{Tags: map[string]string{"cost": ""}})},
		{"tag changed", func(want *Key, _ *backend.Key) { want.Tags["env"] = "test" },
			do(backend.SetTags{Tags: map[string]string{"env": "test"}})},
		{"tag emptied", func(want *Key, _ *backend.Key) { want.Tags["env"] = "" },
			do(backend.SetTags{Tags: map[string]string{"env": ""}})},
		{"tags cleared", func(want *Key, _ *backend.Key) { want.Tags = nil },
			do(backend.RemoveTags{Keys: []string{"env"}})},

		{"alias set", func(_ *Key, seen *backend.Key) { seen.Aliases = nil },
			do(backend.PutAlias{Name: "alias/orders"})},
		{"alias changed", func(want *Key, _ *backend.Key) { want.Aliases = []string{"alias/sales"} },
			do(backend.RemoveAlias{Name: "alias/orders"}, backend.PutAlias{Name: "alias/sales"})},
		{"aliases cleared", func(want *Key, _ *backend.Key) { want.Aliases = nil },
			do(backend.RemoveAlias{Name: "alias/orders"})},

		{"rotation set", func(_ *Key, seen *backend.Key) { seen.Rotation = backend.Rotation{} },
			do(backend.SetRotation{FromDays: 0, ToDays: 365})},
		{"rotation changed", func(want *Key, _ *backend.Key) { want.RotationPeriodInDays = 90 },
			do(backend.SetRotation{FromDays: 365, ToDays: 90})},
		{"rotation cleared", func(want *Key, _ *backend.Key) { want.RotationPeriodInDays = 0 },
			do(backend.SetRotation{FromDays: 365, ToDays: 0})},
		{"rotation set on a key that still tells the period it once had", func(_ *Key, seen *backend.Key) { seen.Rotation.Enabled = false },
			do(backend.SetRotation{FromDays: 0, ToDays: 365})},

		{"enabled", func(_ *Key, seen *backend.Key) { seen.State = backend.StateDisabled }, do(backend.Enable{})},
		{"disabled", func(want *Key, _ *backend.Key) { want.Enabled = false }, do(backend.Disable{})},
	})
}

func TestWhatOthersGaveTheKeyIsLeftAlone(t *testing.T) {
	checkDiff(t, []diffCase{
		{"a foreign tag", func(_ *Key, seen *backend.Key) { seen.Tags["aws-backup"] = "daily" }, Changes{}},
		{"the tag that lets a namespace adopt the key", func(_ *Key, seen *backend.Key) { seen.Tags[v1alpha1.AdoptableByTag] = "team" }, Changes{}},
		{"a foreign alias", func(_ *Key, seen *backend.Key) { seen.Aliases = []string{"alias/legacy", "alias/orders"} }, Changes{}},
		{"foreign ones, while the own ones are cleared", func(want *Key, seen *backend.Key) {
			want.Tags, want.Aliases = nil, nil
			seen.Tags["aws-backup"] = "daily"
			seen.Aliases = []string{"alias/legacy", "alias/orders"}
		}, do(backend.RemoveTags{Keys: []string{"env"}}, backend.RemoveAlias{Name: "alias/orders"})},
		{"one that was never this Key's and is not declared", func(want *Key, seen *backend.Key) {
			want.Tags, want.ManagedTagKeys = nil, nil
			want.Aliases, want.ManagedAliases = nil, nil
			seen.Tags["env"] = "prod"
		}, Changes{}},
	})
}

func TestWhatThisKeyGaveEarlierIsRemovedOnlyWhereItIs(t *testing.T) {
	checkDiff(t, []diffCase{
		{"managed, and gone already", func(want *Key, _ *backend.Key) {
			want.ManagedTagKeys = []string{"env", "gone"}
			want.ManagedAliases = []string{"alias/gone", "alias/orders"}
		}, Changes{}},
		{"several managed tags are removed in one change, sorted", func(want *Key, seen *backend.Key) {
			want.ManagedTagKeys = []string{"z", "env", "a"}
			seen.Tags["z"], seen.Tags["a"] = "1", "2"
		}, do(backend.RemoveTags{Keys: []string{"a", "z"}})},
		{"old tags make room before new ones come", func(want *Key, _ *backend.Key) {
			want.Tags = map[string]string{"stage": "prod"}
		}, do(backend.RemoveTags{Keys: []string{"env"}}, backend.SetTags{Tags: map[string]string{"stage": "prod"}})},
		{"declared and managed is not removed", func(_ *Key, seen *backend.Key) {
			seen.Tags["env"] = "changed outside"
		}, do(backend.SetTags{Tags: map[string]string{"env": "prod"}})},
	})
}

func TestOwnerTagsAreRestored(t *testing.T) {
	all := ordersA.Tags()
	checkDiff(t, []diffCase{
		{"all of them lost", func(_ *Key, seen *backend.Key) {
			seen.Tags = map[string]string{"env": "prod"}
		}, do(backend.SetTags{Tags: all})},
		{"no tags at all", func(want *Key, seen *backend.Key) {
			want.Tags, seen.Tags = nil, nil
		}, do(backend.SetTags{Tags: all})},
		{"the UID of an earlier Key of this name", func(_ *Key, seen *backend.Key) {
			seen.Tags[backend.TagUID] = "uid-0"
		}, do(backend.SetTags{Tags: map[string]string{backend.TagUID: "uid-1"}})},
		{"they win over declared tags of the same name", func(want *Key, _ *backend.Key) {
			want.Tags = maps.Clone(want.Tags)
			want.Tags[backend.TagUID] = "forged"
		}, Changes{}},
		{"they are not removed even when they are listed as managed", func(want *Key, _ *backend.Key) {
			want.ManagedTagKeys = []string{backend.TagUID}
		}, Changes{}},
	})
}

// everything is a key that differs in each field, and the changes it needs in their order, without the key's state.
func everything(want *Key, seen *backend.Key) []backend.Change {
	want.RotationRequestedAt = now
	seen.Description = "?"
	seen.Tags = ordersA.TagsWith(map[string]string{"old": "1"})
	want.ManagedTagKeys = []string{"old"}
	seen.Rotation = backend.Rotation{}
	seen.Aliases = []string{"alias/old"}
	want.ManagedAliases = []string{"alias/old"}
	return []backend.Change{
		backend.SetDescription{From: "?", To: "orders at rest"},
		backend.RemoveTags{Keys: []string{"old"}},
		backend.SetTags{Tags: map[string]string{"env": "prod"}},
		backend.SetRotation{FromDays: 0, ToDays: 365},
		backend.Rotate{RequestedAt: now},
		backend.RemoveAlias{Name: "alias/old"},
		backend.PutAlias{Name: "alias/orders"},
	}
}

func TestAKeyIsEnabledFirstAndDisabledLast(t *testing.T) {
	for _, c := range []struct {
		name          string
		enabled       bool
		state         backend.State
		before, after []backend.Change
	}{
		{"stays enabled", true, backend.StateEnabled, nil, nil},
		{"becomes enabled", true, backend.StateDisabled, []backend.Change{backend.Enable{}}, nil},
		{"becomes disabled", false, backend.StateEnabled, nil, []backend.Change{backend.Disable{}}},
		{"comes back from deletion", true, backend.StatePendingDeletion,
			[]backend.Change{backend.CancelDeletion{}, backend.Enable{}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			want, seen := settled()
			changes := everything(&want, seen)
			want.Enabled, seen.State = c.enabled, c.state
			expected := append(append(c.before, changes...), c.after...)
			if diff := cmp.Diff(do(expected...), Diff(want, seen, now)); diff != "" {
				t.Errorf("changes differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAKeyPendingDeletionIsBroughtBack(t *testing.T) {
	checkDiff(t, []diffCase{
		{"to be enabled", func(_ *Key, seen *backend.Key) {
			seen.State = backend.StatePendingDeletion
		}, do(backend.CancelDeletion{}, backend.Enable{})},
		{"to stay disabled, which it is once its deletion is cancelled", func(want *Key, seen *backend.Key) {
			want.Enabled, seen.State = false, backend.StatePendingDeletion
		}, do(backend.CancelDeletion{})},
		{"to stay disabled, with settings of rotation due when it is enabled", func(want *Key, seen *backend.Key) {
			want.Enabled, seen.State = false, backend.StatePendingDeletion
			want.RotationPeriodInDays = 90
		}, Changes{
			Now:      []backend.Change{backend.CancelDeletion{}},
			Deferred: []backend.Change{backend.SetRotation{FromDays: 365, ToDays: 90}},
		}},
	})
}

func TestAKeyThatWaitsForItsMaterialIsNeitherEnabledNorDisabled(t *testing.T) {
	checkDiff(t, []diffCase{
		{"enabled", func(_ *Key, seen *backend.Key) { seen.State = backend.StatePendingImport }, Changes{}},
		{"disabled", func(want *Key, seen *backend.Key) {
			want.Enabled, seen.State = false, backend.StatePendingImport
		}, Changes{}},
	})
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

func TestDifferencesSayFromWhatIsDeclaredToWhatWasFound(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(want *Key, seen *backend.Key)
		want []Difference
	}{
		{"nothing", func(*Key, *backend.Key) {}, nil},
		{"disabled outside", func(_ *Key, seen *backend.Key) { seen.State = backend.StateDisabled },
			[]Difference{{"enabled", "Enabled", "Disabled"}}},
		{"enabled outside", func(want *Key, _ *backend.Key) { want.Enabled = false },
			[]Difference{{"enabled", "Disabled", "Enabled"}}},
		{"deletion scheduled outside", func(_ *Key, seen *backend.Key) { seen.State = backend.StatePendingDeletion },
			[]Difference{{"enabled", "Enabled", "PendingDeletion"}}},
		{"deletion scheduled of a disabled key", func(want *Key, seen *backend.Key) {
			want.Enabled, seen.State = false, backend.StatePendingDeletion
		}, []Difference{{"enabled", "Disabled", "PendingDeletion"}}},
		{"description changed", func(_ *Key, seen *backend.Key) { seen.Description = "meddled" },
			[]Difference{{"description", "orders at rest", "meddled"}}},
		{"description gone", func(_ *Key, seen *backend.Key) { seen.Description = "" },
			[]Difference{{"description", "orders at rest", ""}}},
		{"tags changed, gone, and left over", func(want *Key, seen *backend.Key) {
			want.Tags = map[string]string{"env": "prod", "team": "a", "same": "same"}
			want.ManagedTagKeys = []string{"env", "team", "same", "old"}
			seen.Tags["env"], seen.Tags["same"], seen.Tags["old"], seen.Tags["theirs"] = "test", "same", "1", "x"
		}, []Difference{{"tags", "env=prod, team=a", "old=1, env=test"}}},
		{"an empty tag is not none", func(_ *Key, seen *backend.Key) { seen.Tags["env"] = "" },
			[]Difference{{"tags", "env=prod", "env="}}},
		{"aliases gone and left over", func(want *Key, seen *backend.Key) {
			want.Aliases = []string{"alias/a", "alias/b", "alias/c"}
			want.ManagedAliases = []string{"alias/old"}
			seen.Aliases = []string{"alias/b", "alias/old", "alias/theirs"}
		}, []Difference{{"aliases", "alias/a, alias/c", "alias/old"}}},
		{"rotation off", func(_ *Key, seen *backend.Key) { seen.Rotation = backend.Rotation{} },
			[]Difference{{"rotation", "every 365 days", "off"}}},
		{"rotation on", func(want *Key, _ *backend.Key) { want.RotationPeriodInDays = 0 },
			[]Difference{{"rotation", "off", "every 365 days"}}},
		{"a rotation that is due is none", func(want *Key, _ *backend.Key) { want.RotationRequestedAt = now }, nil},
		{"each field once, in the order of what is to be done", func(_ *Key, seen *backend.Key) {
			seen.State, seen.Description, seen.Aliases = backend.StatePendingDeletion, "x", nil
		}, []Difference{
			{"enabled", "Enabled", "PendingDeletion"}, {"description", "orders at rest", "x"}, {"aliases", "alias/orders", ""},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			want, seen := settled()
			c.edit(&want, seen)
			got := Differences(want, seen, Diff(want, seen, now).Now)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("differences (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDifferenceReadsLikeASentence(t *testing.T) {
	if got := (Difference{"aliases", "alias/orders", ""}).String(); got != `aliases from "alias/orders" to nothing` {
		t.Error(got)
	}
}

// TestEveryChangeOfTheConfigurationIsInAFieldThatIsListed keeps ConfigurationFields complete: what is not in it is never
// found to be as declared again.
func TestEveryChangeOfTheConfigurationIsInAFieldThatIsListed(t *testing.T) {
	want, seen := settled()
	changes := []backend.Change{
		backend.CancelDeletion{}, backend.Enable{}, backend.Disable{}, backend.SetDescription{}, backend.SetRotation{},
		backend.SetTags{Tags: map[string]string{"a": "1"}}, backend.RemoveTags{Keys: []string{"env"}}, backend.PutAlias{Name: "alias/a"},
		backend.RemoveAlias{Name: "alias/b"},
	}
	var fields []string
	for _, difference := range Differences(want, seen, changes) {
		fields = append(fields, difference.Field)
	}
	byName := cmpopts.SortSlices(func(a, b string) bool { return a < b })
	if diff := cmp.Diff(ConfigurationFields, fields, byName); diff != "" {
		t.Errorf("fields (-listed +changed):\n%s", diff)
	}
}

var (
	meddled = Difference{"description", "declared", "meddled"}
	again   = Difference{"description", "declared", "meddled again"}
	lost    = Difference{"aliases", "alias/a", ""}
	t1, t2  = now, now.Add(time.Hour)
)

// entry is one of status; resolved may be the zero time.
func entry(d Difference, detected, resolved time.Time) v1alpha1.KeyDrift {
	e := v1alpha1.KeyDrift{Field: d.Field, From: d.From, To: d.To, DetectedAt: new(metav1.NewTime(detected))}
	if !resolved.IsZero() {
		e.ResolvedAt = new(metav1.NewTime(resolved))
	}
	return e
}

func TestDriftIsNotedOnceAndEndsWithTheDifference(t *testing.T) {
	never := time.Time{}
	for _, c := range []struct {
		name string
		old  []v1alpha1.KeyDrift
		pass func(*Drift)
		// want is status after a pass at t2.
		want                         []v1alpha1.KeyDrift
		remaining, noticed, repaired []Difference
	}{
		{name: "nothing was and is", pass: func(d *Drift) { d.AsDeclared("description") }},
		{
			name: "noticed", pass: func(d *Drift) { d.Differs(meddled) },
			want: []v1alpha1.KeyDrift{entry(meddled, t2, never)}, remaining: []Difference{meddled}, noticed: []Difference{meddled},
		},
		{
			name: "still there: nothing changes, nothing is told", old: []v1alpha1.KeyDrift{entry(meddled, t1, never)},
			pass: func(d *Drift) { d.Differs(meddled) },
			want: []v1alpha1.KeyDrift{entry(meddled, t1, never)}, remaining: []Difference{meddled},
		},
		{
			name: "still there and another one: told, and since when stays", old: []v1alpha1.KeyDrift{entry(meddled, t1, never)},
			pass: func(d *Drift) { d.Differs(again) },
			want: []v1alpha1.KeyDrift{entry(again, t1, never)}, remaining: []Difference{again}, noticed: []Difference{again},
		},
		{
			name: "noticed and put right", pass: func(d *Drift) { d.Repaired(meddled) },
			want: []v1alpha1.KeyDrift{entry(meddled, t2, t2)}, repaired: []Difference{meddled},
		},
		{
			name: "put right later", old: []v1alpha1.KeyDrift{entry(meddled, t1, never)}, pass: func(d *Drift) { d.Repaired(meddled) },
			want: []v1alpha1.KeyDrift{entry(meddled, t1, t2)}, repaired: []Difference{meddled},
		},
		{
			name: "put right by somebody else", old: []v1alpha1.KeyDrift{entry(meddled, t1, never)},
			pass: func(d *Drift) { d.AsDeclared("description", "tags") },
			want: []v1alpha1.KeyDrift{entry(meddled, t1, t2)},
		},
		{
			name: "what is over stays as it is", old: []v1alpha1.KeyDrift{entry(meddled, t1, t1)},
			pass: func(d *Drift) { d.AsDeclared("description") },
			want: []v1alpha1.KeyDrift{entry(meddled, t1, t1)},
		},
		{
			name: "the same once more, after it was over, is new", old: []v1alpha1.KeyDrift{entry(meddled, t1, t1)},
			pass: func(d *Drift) { d.Differs(meddled) },
			want: []v1alpha1.KeyDrift{entry(meddled, t2, never)}, remaining: []Difference{meddled}, noticed: []Difference{meddled},
		},
		{
			name: "put right once more", old: []v1alpha1.KeyDrift{entry(meddled, t1, t1)}, pass: func(d *Drift) { d.Repaired(meddled) },
			want: []v1alpha1.KeyDrift{entry(meddled, t2, t2)}, repaired: []Difference{meddled},
		},
		{
			name: "what nobody looked at stays", old: []v1alpha1.KeyDrift{entry(lost, t1, never), entry(meddled, t1, t1)},
			pass: func(*Drift) {},
			want: []v1alpha1.KeyDrift{entry(lost, t1, never), entry(meddled, t1, t1)}, remaining: []Difference{lost},
		},
		{
			name: "by field", pass: func(d *Drift) { d.Differs(meddled); d.Repaired(lost) },
			want:      []v1alpha1.KeyDrift{entry(lost, t2, t2), entry(meddled, t2, never)},
			remaining: []Difference{meddled}, noticed: []Difference{meddled}, repaired: []Difference{lost},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			drift := NewDrift(c.old, t2.Add(time.Millisecond))
			c.pass(drift)
			if diff := cmp.Diff(c.want, drift.Entries()); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.remaining, drift.Remaining()); diff != "" {
				t.Errorf("remaining (-want +got):\n%s", diff)
			}
			noticed, repaired := drift.News()
			if diff := cmp.Diff(c.noticed, noticed) + cmp.Diff(c.repaired, repaired); diff != "" {
				t.Errorf("news (-want +got):\n%s", diff)
			}
			for _, remaining := range c.remaining {
				if !drift.Noted(remaining.Field) {
					t.Errorf("%s is not known to differ", remaining.Field)
				}
			}
		})
	}
}

func TestDriftLeavesWhatItStartedFromAlone(t *testing.T) {
	old := []v1alpha1.KeyDrift{entry(meddled, t1, time.Time{}), entry(lost, t1, time.Time{})}
	drift := NewDrift(old, t2)
	drift.Repaired(again)
	drift.AsDeclared("aliases")
	drift.Entries()
	if diff := cmp.Diff([]v1alpha1.KeyDrift{entry(meddled, t1, time.Time{}), entry(lost, t1, time.Time{})}, old); diff != "" {
		t.Errorf("status before the pass changed:\n%s", diff)
	}
}

func TestDriftHasRoomInStatusAndReadsTheSameFromThere(t *testing.T) {
	for name, text := range map[string]string{
		"long": strings.Repeat("鍵", 8192), "no UTF-8": strings.Repeat("a\xff", 4000), "just fits": strings.Repeat("鍵", 512),
	} {
		drift := NewDrift(nil, t1)
		drift.Differs(Difference{"description", text, text})
		got := drift.Entries()[0]
		for _, side := range []string{got.From, got.To} {
			if n := utf8.RuneCountInString(side); n > 512 || !utf8.ValidString(side) {
				t.Errorf("%s: %d characters, valid: %t", name, n, utf8.ValidString(side))
			}
		}
		if (len(text) == len(got.From)) != (name == "just fits") {
			t.Errorf("%s: cut or not: %q", name, got.From)
		}
		next := NewDrift([]v1alpha1.KeyDrift{got}, t2)
		next.Differs(Difference{"description", text, text})
		if noticed, _ := next.News(); len(noticed) != 0 {
			t.Errorf("%s: the same difference is told of again", name)
		}
	}
}

func TestDriftInAnotherRegionIsNotedUnderItsName(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	drift := NewDrift(nil, now)
	drift.Differs(Difference{Field: "tags", From: "a=1"})
	south := drift.Of("south", now)
	south.Differs(Difference{Field: "enabled", From: "Enabled", To: "Disabled"})
	south.Repaired(Difference{Field: "tags", From: "b=1"})
	drift.Absorb("south", south)

	fields := func() (all []string) {
		for _, entry := range drift.Entries() {
			all = append(all, entry.Field)
		}
		return all
	}
	if diff := cmp.Diff([]string{"replicas[south].enabled", "replicas[south].tags", "tags"}, fields()); diff != "" {
		t.Error(diff)
	}
	noticed, repaired := drift.News()
	if len(noticed) != 2 || noticed[1].Field != "replicas[south].enabled" || len(repaired) != 1 || repaired[0].Field != "replicas[south].tags" {
		t.Errorf("noticed %v, repaired %v", noticed, repaired)
	}

	later := NewDrift(drift.Entries(), now.Add(time.Hour))
	south = later.Of("south", now.Add(time.Hour))
	if !south.Noted("enabled") || south.Noted("tags") || later.Of("north", now).Noted("tags") {
		t.Error("the Regions are mixed up")
	}
	south.AsDeclared("enabled", "tags")
	later.Absorb("south", south)
	if left := later.Remaining(); len(left) != 1 || left[0].Field != "tags" {
		t.Errorf("remaining are %v", left)
	}
	later.Forget("south")
	if got := later.Entries(); len(got) != 1 || got[0].Field != "tags" {
		t.Errorf("entries are %v", got)
	}
}

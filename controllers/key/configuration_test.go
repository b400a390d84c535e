// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

func TestEveryFieldIsSetChangedAndCleared(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", nil)
	steps := []struct {
		name   string
		change func(*v1alpha1.Key)
		want   func(*backend.Key, v1alpha1.KeyStatus) bool
	}{
		{"description set", func(k *v1alpha1.Key) { k.Spec.Description = "a" },
			func(k *backend.Key, _ v1alpha1.KeyStatus) bool { return k.Description == "a" }},
		{"description cleared", func(k *v1alpha1.Key) { k.Spec.Description = "" },
			func(k *backend.Key, _ v1alpha1.KeyStatus) bool { return k.Description == "" }},
		{"tags set", func(k *v1alpha1.Key) { k.Spec.Tags = map[string]v1alpha1.TagValue{"a": "1", "b": "1"} },
			func(k *backend.Key, s v1alpha1.KeyStatus) bool {
				return k.Tags["a"] == "1" && k.Tags["b"] == "1" && slices.Equal(s.TagKeys, []string{"a", "b"})
			}},
		{"tags changed", func(k *v1alpha1.Key) { k.Spec.Tags = map[string]v1alpha1.TagValue{"b": "2"} },
			func(k *backend.Key, _ v1alpha1.KeyStatus) bool { _, a := k.Tags["a"]; return !a && k.Tags["b"] == "2" }},
		{"tags cleared", func(k *v1alpha1.Key) { k.Spec.Tags = nil },
			func(k *backend.Key, s v1alpha1.KeyStatus) bool {
				return len(k.Tags) == len(backend.Owner{}.Tags()) && s.TagKeys == nil
			}},
		{"aliases set", func(k *v1alpha1.Key) { k.Spec.Aliases = []string{"alias/a", "alias/b"} },
			func(k *backend.Key, s v1alpha1.KeyStatus) bool {
				return slices.Equal(k.Aliases, []string{"alias/a", "alias/b"}) && slices.Equal(s.Aliases, k.Aliases)
			}},
		{"aliases cleared", func(k *v1alpha1.Key) { k.Spec.Aliases = nil },
			func(k *backend.Key, s v1alpha1.KeyStatus) bool { return len(k.Aliases) == 0 && s.Aliases == nil }},
		{"rotation on", func(k *v1alpha1.Key) { k.Spec.Rotation = &v1alpha1.KeyRotation{Enabled: new(true)} },
			func(k *backend.Key, s v1alpha1.KeyStatus) bool {
				return k.Rotation.PeriodInDays == 365 && s.Rotation != nil && s.Rotation.NextTime != nil
			}},
		{"rotation period", func(k *v1alpha1.Key) { k.Spec.Rotation.PeriodInDays = 90 },
			func(k *backend.Key, _ v1alpha1.KeyStatus) bool { return k.Rotation.PeriodInDays == 90 }},
		{"rotation cleared", func(k *v1alpha1.Key) { k.Spec.Rotation = nil },
			func(k *backend.Key, s v1alpha1.KeyStatus) bool { return !k.Rotation.Enabled && s.Rotation == nil }},
	}
	for _, step := range steps {
		r.update(made, step.change)
		ready := r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
		if seen := r.seen(made.Status.KeyID); !step.want(seen, ready.Status) {
			t.Errorf("after %s: key %+v, status %+v", step.name, seen, ready.Status)
		}
	}
}

func TestWhatOthersGaveTheKeyIsLeftAlone(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", nil)
	foreign := []backend.Change{
		backend.SetTags{Tags: map[string]string{"organisation": "added"}}, backend.PutAlias{Name: "alias/theirs"},
	}
	if _, err := r.fake.Apply(r.ctx, made.Status.KeyID, foreign); err != nil {
		t.Fatal(err)
	}
	r.update(made, func(k *v1alpha1.Key) { k.Spec.Aliases = []string{"alias/ours"} })
	ready := r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	seen := r.seen(made.Status.KeyID)
	if seen.Tags["organisation"] != "added" || !slices.Equal(seen.Aliases, []string{"alias/ours", "alias/theirs"}) {
		t.Errorf("key = %+v", seen)
	}
	if !slices.Equal(ready.Status.Aliases, []string{"alias/ours"}) {
		t.Errorf("status.aliases = %v, want only what the Key gave", ready.Status.Aliases)
	}
}

func TestDisabledKeyIsReadyAndSaysThatItIsDisabled(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", func(k *v1alpha1.Key) { k.Spec.Enabled = new(false) })
	if made.Status.KeyState != "Disabled" {
		t.Errorf("status.keyState = %s", made.Status.KeyState)
	}
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonDisabled)
	wantMessage(t, r.get(made), v1alpha1.ConditionReady, "cannot be used")

	r.update(made, func(k *v1alpha1.Key) { k.Spec.Rotation = &v1alpha1.KeyRotation{Enabled: new(true)} })
	waiting := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionTrue, "")
	wantMessage(t, waiting, v1alpha1.ConditionSynced, "when the key is enabled", "365 days")

	r.update(made, func(k *v1alpha1.Key) { k.Spec.Enabled = new(true) })
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady)
	if seen := r.seen(made.Status.KeyID); seen.State != backend.StateEnabled || seen.Rotation.PeriodInDays != 365 {
		t.Errorf("key = %+v", seen)
	}
}

func TestRotationIsDoneOnceForEachRequestEvenWhenTheBackendsClockIsBehind(t *testing.T) {
	r := newRig(t) // the fake's clock is an hour behind
	request := func(at time.Time) func(*v1alpha1.Key) {
		return func(k *v1alpha1.Key) { k.Spec.Rotation = &v1alpha1.KeyRotation{RequestedAt: &metav1.Time{Time: at}} }
	}
	first := time.Now().Add(-time.Second).Truncate(time.Second)
	made := r.createReady("orders", request(first))
	rotations := func() int { return r.seen(made.Status.KeyID).Rotation.OnDemandCount }
	time.Sleep(time.Second) // several resyncs
	if got := rotations(); got != 1 {
		t.Errorf("rotations after several resyncs = %d, want 1", got)
	}
	r.awaitEvent(made, "Rotated")

	r.update(made, request(first.Add(time.Second)))
	again := r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if got := rotations(); got != 2 || again.Status.Rotation.OnDemandCount != 2 || !again.Status.Rotation.RequestedAt.Time.Equal(first.Add(time.Second)) {
		t.Errorf("rotations after a second request = %d, status %+v", got, again.Status.Rotation)
	}
	r.update(made, request(first))
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if got := rotations(); got != 2 {
		t.Errorf("rotations after an older request = %d, want 2", got)
	}
}

func TestRotationWhoseAnswerWasLostIsNotRepeated(t *testing.T) {
	r := newRig(t)
	r.fake.Advance(time.Hour)
	made := r.createReady("orders", nil)
	r.fake.Advance(time.Hour) // it rotates after the request, however long the machine takes until then
	r.fake.Inject(backendtest.Fault{
		Verb: backendtest.VerbApply, Times: 1, AfterEffect: true,
		Err: &backend.Error{Class: backend.Unavailable, Message: "connection reset"},
	})
	requested := metav1.NewTime(time.Now().Add(time.Second)).Rfc3339Copy()
	r.update(made, func(k *v1alpha1.Key) { k.Spec.Rotation = &v1alpha1.KeyRotation{RequestedAt: &requested} })
	if !poll(func() bool { s := r.get(made).Status.Rotation; return s != nil && s.RequestedAt != nil }) {
		t.Fatal("the request was never carried out")
	}
	if got := r.seen(made.Status.KeyID).Rotation.OnDemandCount; got != 1 {
		t.Errorf("rotations = %d, want 1", got)
	}
}

func TestRotationRequestedForLaterHappensThen(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", rotating(r.now().Add(time.Hour)))
	r.calm(3, made)
	if rotation := r.get(made).Status.Rotation; rotation != nil {
		t.Errorf("rotated before the time: %+v", rotation)
	}
	r.step(time.Hour)
	if !poll(func() bool { s := r.get(made).Status.Rotation; return s != nil && s.OnDemandCount == 1 }) {
		t.Errorf("never rotated: %+v", r.get(made).Status.Rotation)
	}
}

func TestDriftIsRepairedAndTold(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", func(k *v1alpha1.Key) {
		k.Spec.Description, k.Spec.Aliases = "declared", []string{"alias/orders"}
	})
	drift := []backend.Change{backend.SetDescription{To: "meddled"}, backend.RemoveAlias{Name: "alias/orders"}, backend.Disable{}}
	if _, err := r.fake.Apply(r.ctx, made.Status.KeyID, drift); err != nil {
		t.Fatal(err)
	}
	repaired := func() bool {
		seen := r.seen(made.Status.KeyID)
		return seen.Description == "declared" && seen.State == backend.StateEnabled && slices.Equal(seen.Aliases, []string{"alias/orders"})
	}
	if !poll(repaired) {
		t.Errorf("drift stays: %+v", r.seen(made.Status.KeyID))
	}
	wantNotes(r, made, "DriftRepaired",
		`aliases from "alias/orders" to nothing, and was put right`,
		`description from "declared" to "meddled", and was put right`,
		`enabled from "Enabled" to "Disabled", and was put right`)
}

func TestDeletionScheduledOutsideIsCancelled(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", nil)
	if _, err := r.fake.ScheduleDeletion(r.ctx, made.Status.KeyID, 7); err != nil {
		t.Fatal(err)
	}
	if !poll(func() bool { return r.seen(made.Status.KeyID).State == backend.StateEnabled }) {
		t.Errorf("the key is %s", r.seen(made.Status.KeyID).State)
	}
	wantNotes(r, made, "DriftRepaired", `enabled from "Enabled" to "PendingDeletion"`)
}

func TestEventAboutMuchDriftIsCutToWhatTheAPIServerTakes(t *testing.T) {
	r := newRig(t)
	var aliases []string
	var drift []backend.Change
	for i := range 20 {
		alias := "alias/" + strings.Repeat("a", 200) + string(rune('a'+i))
		aliases = append(aliases, alias)
		drift = append(drift, backend.RemoveAlias{Name: alias})
	}
	made := r.createReady("orders", withAliases(aliases...))
	if _, err := r.fake.Apply(r.ctx, made.Status.KeyID, drift); err != nil {
		t.Fatal(err)
	}
	if note := r.awaitEvent(made, "DriftRepaired"); len(note) > 1024 || !contains(note, "alias/aaaa") || !contains(note, "put right") {
		t.Errorf("event of %d bytes: %s", len(note), note)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package conditions

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

func TestProblemsAreThoseOfThisPassOnly(t *testing.T) {
	first := New(nil, 1)
	unsynced(dead)(first)
	first.Summarize(of, "Ready", "")
	if diff := cmp.Diff([]Problem{dead}, first.Problems()); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}

	second := New(first.List, 1)
	if problems := second.Problems(); problems != nil {
		t.Errorf("a new pass begins with problems: %v", problems)
	}
	second.True(v1alpha1.ConditionSynced, "Met", "")
	second.Summarize(of, "Ready", "")
	for conditionType, want := range map[string]bool{
		v1alpha1.ConditionReady: true, v1alpha1.ConditionStalled: false, v1alpha1.ConditionReconciling: false,
	} {
		if second.IsTrue(conditionType) != want {
			t.Errorf("after the problem is gone, %s is %v", conditionType, saidOf(second, conditionType))
		}
	}
}

func TestEachReportedConditionCarriesThePassesGeneration(t *testing.T) {
	old := New(nil, 1)
	allTrue(old)
	old.True("Audited", "Met", "")
	old.Summarize(of, "Ready", "")

	c := New(old.List, 2)
	c.True(v1alpha1.ConditionBackendReady, "Met", "")
	c.Fail(v1alpha1.ConditionCreated, busy)
	c.Wait(v1alpha1.ConditionSynced, "waits for Created")
	c.Summarize(of, "Ready", "")
	for _, condition := range c.List {
		want := int64(2)
		if condition.Type == "Audited" { // not reported in this pass: it speaks of the generation it was reported for
			want = 1
		}
		if condition.ObservedGeneration != want {
			t.Errorf("%s speaks of generation %d, want %d", condition.Type, condition.ObservedGeneration, want)
		}
	}
}

func TestTheListThatAPassBeginsWithIsNotChanged(t *testing.T) {
	old := New(nil, 1)
	allTrue(old)
	old.Summarize(of, "Ready", "")
	before := slices.Clone(old.List)

	c := New(old.List, 2)
	c.Fail(v1alpha1.ConditionSynced, busy)
	c.Summarize(of, "Ready", "")
	if diff := cmp.Diff(before, old.List); diff != "" {
		t.Errorf("the old list changed:\n%s", diff)
	}
}

// aged is a pass that reported what report does, long ago.
func aged(report func(*Conditions)) []metav1.Condition {
	c := New(nil, 1)
	report(c)
	c.Summarize(of, "Ready", "")
	for i := range c.List {
		c.List[i].LastTransitionTime = metav1.NewTime(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
	}
	return c.List
}

func TestAPassThatReportsTheSameChangesNothing(t *testing.T) {
	for name, report := range map[string]func(*Conditions){
		"ready":   allTrue,
		"retried": unsynced(busy),
		"stalled": func(c *Conditions) {
			c.Fail(v1alpha1.ConditionBackendReady, dead)
			c.Wait(v1alpha1.ConditionCreated, "waits")
			c.Wait(v1alpha1.ConditionSynced, "waits")
		},
		"a message that had to be cut": unsynced(Stalled("Long", strings.Repeat("ü", 40000))),
	} {
		t.Run(name, func(t *testing.T) {
			old := aged(report)
			again := New(old, 1)
			report(again)
			again.Summarize(of, "Ready", "")
			if diff := cmp.Diff(old, again.List); diff != "" {
				t.Errorf("it changed:\n%s", diff)
			}
		})
	}
}

func TestLastTransitionTimeMovesWithTheStatusOnly(t *testing.T) {
	old := aged(allTrue)
	c := New(old, 2)
	c.True(v1alpha1.ConditionBackendReady, "OtherReason", "other message")
	c.Fail(v1alpha1.ConditionSynced, busy)
	c.Summarize(of, "Ready", "")
	moved := map[string]bool{}
	for _, condition := range c.List {
		moved[condition.Type] = !condition.LastTransitionTime.Equal(&old[0].LastTransitionTime)
	}
	want := map[string]bool{
		v1alpha1.ConditionBackendReady: false,
		v1alpha1.ConditionCreated:      false,
		v1alpha1.ConditionSynced:       true,
		v1alpha1.ConditionReady:        true,
		v1alpha1.ConditionReconciling:  true,
		v1alpha1.ConditionStalled:      false,
	}
	if diff := cmp.Diff(want, moved); diff != "" {
		t.Errorf("moved (-want +got):\n%s", diff)
	}
}

func TestOneConditionOfEachTypeIsKept(t *testing.T) {
	c := New(aged(allTrue), 1)
	unsynced(busy)(c)
	c.Summarize(of, "Ready", "")
	c.Summarize(of, "Ready", "")
	types := make([]string, 0, len(c.List))
	for _, condition := range c.List {
		types = append(types, condition.Type)
	}
	want := append(slices.Clone(of), v1alpha1.ConditionReady, v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled)
	if diff := cmp.Diff(want, types, cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
}

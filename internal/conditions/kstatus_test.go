// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package conditions

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

func TestKstatusReadsAKeyAsItIs(t *testing.T) {
	waiting := func(c *Conditions) {
		c.Fail(v1alpha1.ConditionBackendReady, idle)
		c.Wait(v1alpha1.ConditionCreated, "waits for BackendReady")
		c.Wait(v1alpha1.ConditionSynced, "waits for BackendReady")
	}
	deleted := func(key *v1alpha1.Key) {
		key.DeletionTimestamp = &metav1.Time{Time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
		key.Finalizers = []string{v1alpha1.KeyFinalizer}
	}
	for _, c := range []struct {
		name    string
		report  func(c *Conditions)
		reason  string // of Ready when everything is met
		edit    func(key *v1alpha1.Key)
		want    status.Status
		message string // empty: whatever kstatus says by itself
	}{
		{"ready", allTrue, v1alpha1.ReasonReady, nil, status.CurrentStatus, ""},
		{"disabled as declared", allTrue, v1alpha1.ReasonDisabled, nil, status.CurrentStatus, ""},
		{"drifted, and nothing else", func(c *Conditions) {
			allTrue(c)
			c.True(v1alpha1.ConditionDrifted, v1alpha1.ReasonDriftRemains, "tags")
		}, v1alpha1.ReasonReady, nil, status.CurrentStatus, ""},
		{"observed, and not as declared", unsynced(Stalled(v1alpha1.ReasonObserved, "is Observe")), "", nil, status.FailedStatus, "is Observe"},
		{"waiting for its backend", waiting, "", nil, status.InProgressStatus, idle.Message},
		{"waiting without a problem", func(c *Conditions) {
			allTrue(c)
			c.Wait(v1alpha1.ConditionSynced, "waits for Created")
		}, "", nil, status.InProgressStatus, "waits for Created"},
		{"retried", unsynced(busy), "", nil, status.InProgressStatus, busy.Message},
		{"stalled", unsynced(dead), "", nil, status.FailedStatus, dead.Message},
		{"stalled and progressing at once", func(c *Conditions) {
			allTrue(c)
			c.Fail(v1alpha1.ConditionCreated, busy)
			c.Fail(v1alpha1.ConditionSynced, dead)
		}, "", nil, status.FailedStatus, dead.Message},
		{"deleted while ready", allTrue, v1alpha1.ReasonReady, deleted, status.TerminatingStatus, ""},
		{"deleted while stalled", unsynced(dead), "", deleted, status.TerminatingStatus, ""},
		{"ready in an earlier generation", allTrue, v1alpha1.ReasonReady,
			func(key *v1alpha1.Key) { key.Generation++ }, status.InProgressStatus, ""},
		{"stalled in an earlier generation", unsynced(dead), "", func(key *v1alpha1.Key) { key.Generation++ }, status.InProgressStatus, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			key := &v1alpha1.Key{
				TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "Key"},
				ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "orders", Generation: 3},
			}
			conditions := New(nil, key.Generation)
			c.report(conditions)
			conditions.Summarize(of, c.reason, "")
			key.Status.Conditions, key.Status.ObservedGeneration = conditions.List, key.Generation
			if c.edit != nil {
				c.edit(key)
			}
			got := compute(t, key)
			if got.Status != c.want {
				t.Errorf("kstatus says %s (%s), want %s", got.Status, got.Message, c.want)
			}
			if c.message != "" && got.Message != c.message {
				t.Errorf("kstatus shows %q, want %q", got.Message, c.message)
			}
		})
	}
}

// A Key that was just made has the status that its schema gives it.
func TestKstatusDoesNotTakeAKeyForDoneThatNoPassHasSeen(t *testing.T) {
	key := &v1alpha1.Key{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "Key"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "orders", Generation: 1},
		Status:     v1alpha1.KeyStatus{ObservedGeneration: -1},
	}
	if got := compute(t, key); got.Status != status.InProgressStatus {
		t.Errorf("kstatus says %s (%s)", got.Status, got.Message)
	}
}

// TestKstatusHearsTheNextPass follows one Key from pass to pass: no condition of an earlier one is left to mislead.
func TestKstatusHearsTheNextPass(t *testing.T) {
	key := &v1alpha1.Key{TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "Key"}}
	for i, step := range []struct {
		problem *Problem
		want    status.Status
	}{
		{&busy, status.InProgressStatus}, {&dead, status.FailedStatus}, {&busy, status.InProgressStatus},
		{nil, status.CurrentStatus}, {&dead, status.FailedStatus}, {nil, status.CurrentStatus},
	} {
		key.Generation++
		conditions := New(key.Status.Conditions, key.Generation)
		if step.problem == nil {
			allTrue(conditions)
		} else {
			unsynced(*step.problem)(conditions)
		}
		conditions.Summarize(of, v1alpha1.ReasonReady, "")
		key.Status.Conditions, key.Status.ObservedGeneration = conditions.List, key.Generation
		if got := compute(t, key); got.Status != step.want {
			t.Errorf("pass %d: kstatus says %s (%s), want %s", i, got.Status, got.Message, step.want)
		}
	}
}

func compute(t *testing.T, key *v1alpha1.Key) *status.Result {
	t.Helper()
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(key)
	if err != nil {
		t.Fatal(err)
	}
	result, err := status.Compute(&unstructured.Unstructured{Object: object})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

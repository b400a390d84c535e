// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
)

func TestEveryErrorClassShowsAndHeals(t *testing.T) {
	for class, want := range map[backend.Class]struct {
		reason  string
		stalled bool
	}{
		backend.Throttled:    {v1alpha1.ReasonThrottled, false},
		backend.Unavailable:  {v1alpha1.ReasonUnavailable, false},
		backend.NotReady:     {v1alpha1.ReasonProgressing, false},
		backend.Conflict:     {v1alpha1.ReasonConflict, false},
		backend.AccessDenied: {v1alpha1.ReasonAccessDenied, true},
		backend.InvalidInput: {v1alpha1.ReasonInvalidInput, true},
	} {
		t.Run(string(class), func(t *testing.T) {
			r := newRig(t)
			r.fake.Inject(backendtest.Fault{Verb: backendtest.VerbCreate, Err: &backend.Error{Class: class, Message: "what happened"}})
			made := r.newKey("orders", nil)
			r.create(made)
			stuck := r.await(made, v1alpha1.ConditionCreated, metav1.ConditionFalse, want.reason)
			wantMessage(t, stuck, v1alpha1.ConditionReady, "what happened")
			if want.stalled {
				r.await(made, v1alpha1.ConditionStalled, metav1.ConditionTrue, want.reason)
				r.await(made, v1alpha1.ConditionReconciling, metav1.ConditionFalse, "")
			} else {
				r.await(made, v1alpha1.ConditionReconciling, metav1.ConditionTrue, "")
				r.await(made, v1alpha1.ConditionStalled, metav1.ConditionFalse, "")
			}
			r.fake.Heal()
			if want.stalled {
				r.update(made, func(k *v1alpha1.Key) { k.Spec.Description = "nudge" })
			}
			r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
		})
	}
}

func TestWhatOnlyAPersonCanHelpWithIsNotRetriedHot(t *testing.T) {
	r := newRig(t)
	r.fake.Inject(backendtest.Fault{Verb: backendtest.VerbCreate, Err: &backend.Error{Class: backend.AccessDenied, Message: "denied"}})
	made := r.newKey("orders", nil)
	r.create(made)
	r.await(made, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonAccessDenied)
	before := r.fake.Calls(backendtest.VerbCreate)
	time.Sleep(2 * time.Second)
	if more := r.fake.Calls(backendtest.VerbCreate) - before; more > 0 {
		t.Errorf("%d more attempts within two seconds", more)
	}
}

func TestIndependentPhasesRunWhenOneFails(t *testing.T) {
	r := newRig(t)
	r.fake.Inject(backendtest.Fault{
		Verb: backendtest.VerbApply, Err: &backend.Error{Class: backend.Throttled, Message: "slow down"},
	})
	made := r.newKey("orders", func(k *v1alpha1.Key) {
		k.Spec.Aliases = []string{"alias/orders"}
		publishing("orders-key")(k)
	})
	r.create(made)
	stuck := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonThrottled)
	if stuck.Status.KeyID == "" || stuck.Status.ConfigMapName != "orders-key" {
		t.Errorf("status = %+v, want the key published all the same", stuck.Status)
	}
	r.fake.Heal()
	ready := r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if got := r.configMap("orders-key").Data["KMS_KEY_ALIAS"]; got != "alias/orders" || len(ready.Status.Aliases) != 1 {
		t.Errorf("after healing the ConfigMap has alias %q, status %v", got, ready.Status.Aliases)
	}
}

func TestKeyInSteadyStateIsNotWritten(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", func(k *v1alpha1.Key) {
		k.Spec.Aliases = []string{"alias/orders"}
		publishing("orders-key")(k)
	})
	applied, looked := r.fake.Calls(backendtest.VerbApply), r.fake.Calls(backendtest.VerbGet)
	if !poll(func() bool { return r.fake.Calls(backendtest.VerbGet) >= looked+10 }) {
		t.Fatal("the Key is not resynced")
	}
	if got := r.get(made); got.ResourceVersion != made.ResourceVersion {
		t.Errorf("the Key was written: %s, was %s", got.ResourceVersion, made.ResourceVersion)
	}
	if more := r.fake.Calls(backendtest.VerbApply) - applied; more != 0 {
		t.Errorf("%d writes to the backend", more)
	}
}

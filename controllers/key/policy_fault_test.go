// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// faultOf fails so many calls of a verb; 0 for all until the Fake is healed.
func faultOf(verb backendtest.Verb, class backend.Class, times int) backendtest.Fault {
	return backendtest.Fault{Verb: verb, Err: &backend.Error{Class: class, Message: "what happened"}, Times: times}
}

func TestPolicyThatCannotBeReadOrPutShowsAndHeals(t *testing.T) {
	for _, verb := range []backendtest.Verb{backendtest.VerbPolicy, backendtest.VerbApply} {
		for class, reason := range map[backend.Class]string{
			backend.Throttled: v1alpha1.ReasonThrottled, backend.Unavailable: v1alpha1.ReasonUnavailable,
			backend.AccessDenied: v1alpha1.ReasonAccessDenied, backend.InvalidInput: v1alpha1.ReasonInvalidInput,
		} {
			t.Run(string(verb)+" "+string(class), func(t *testing.T) {
				r := newRig(t)
				orders := r.createReady("orders", nil)
				r.fake.Inject(faultOf(verb, class, 0))
				r.apply("readers", "orders", allow("Use", "app"))
				stuck := r.await(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, reason)
				wantMessage(t, stuck, v1alpha1.ConditionPolicyApplied, "what happened")
				r.await(orders, v1alpha1.ConditionReady, metav1.ConditionFalse, reason)
				if len(stuck.Status.Policy.Sources) != 0 {
					t.Errorf("sources = %q", sources(stuck))
				}
				r.fake.Heal()
				r.look(orders)
				r.awaitSids(orders, "readers Use")
				r.await(orders, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
			})
		}
	}
}

func TestPolicyOfWhichThePutWasNotAnsweredIsNotPutAgain(t *testing.T) {
	r := newRig(t)
	orders := r.createReady("orders", nil)
	fault := faultOf(backendtest.VerbApply, backend.Unavailable, 1)
	fault.AfterEffect = true
	r.fake.Inject(fault)
	r.apply("readers", "orders", allow("Use", "app"))
	r.awaitSids(orders, "readers Use")
	r.await(orders, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if puts := r.fake.PolicyPuts(); puts != 1 {
		t.Errorf("the policy was put %d times", puts)
	}
}

func TestPolicyChangedOutsideThatCannotBePutRightIsTold(t *testing.T) {
	r := newRig(t)
	orders := r.createReady("orders", nil)
	r.apply("readers", "orders", allow("Use", "app"))
	r.awaitSids(orders, "readers Use")
	r.fake.Inject(faultOf(backendtest.VerbApply, backend.Throttled, 0))
	r.meddle(orders, policy.Default(account).String())
	r.await(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, v1alpha1.ReasonThrottled)
	if note := r.awaitEvent(orders, "DriftRemains"); !strings.Contains(note, "what happened") || !strings.Contains(note, `"readers Use" is missing`) {
		t.Errorf("the Event says %s", note)
	}
	if repaired := r.events(orders, "DriftRepaired"); len(repaired) != 0 {
		t.Errorf("it was not repaired, and told so: %+v", repaired)
	}
	r.fake.Heal()
	r.awaitSids(orders, "readers Use")
	r.awaitEvent(orders, "DriftRepaired")
}

// A role that does not exist (yet) is for AWS a reason to refuse the whole policy.
func TestKeyIsMadeAlthoughTheBackendRefusesItsPolicy(t *testing.T) {
	r := newRig(t)
	r.fake.DeleteRole(role("later"))
	r.apply("readers", "orders", allow("Use", "later"))
	orders := r.newKey("orders", nil)
	r.create(orders)
	r.await(orders, v1alpha1.ConditionCreated, metav1.ConditionTrue, "")
	stuck := r.await(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, v1alpha1.ReasonInvalidInput)
	wantMessage(t, stuck, v1alpha1.ConditionPolicyApplied, role("later"))
	wantSame(t, "made with", r.document(orders), policy.BaseDocument(operator, account))
	if keys := r.owned(orders); len(keys) != 1 {
		t.Errorf("%d keys were made", len(keys))
	}
	r.fake.CreateRole(role("later"))
	r.look(orders)
	r.awaitSids(orders, "readers Use")
	r.await(orders, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func TestOneMissingRoleDoesNotHideItselfBehindAnUpdate(t *testing.T) {
	r := newRig(t)
	orders := r.createReady("orders", nil)
	readers := r.apply("readers", "orders", allow("Use", "app"))
	r.awaitSids(orders, "readers Use")
	before := r.policyText(orders)
	r.fake.DeleteRole(role("gone"))
	r.change(readers, allow("Use", "app"), allow("Gone", "gone"))
	stuck := r.await(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, v1alpha1.ReasonInvalidInput)
	wantMessage(t, stuck, v1alpha1.ConditionPolicyApplied, role("gone"))
	r.await(orders, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonInvalidInput)
	if r.policyText(orders) != before {
		t.Errorf("the policy in force was replaced by %s", r.policyText(orders))
	}
}

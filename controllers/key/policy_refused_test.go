// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
)

// halfRefused is a Key with two KeyPolicies, both in force, of which readers was then changed into one that is refused.
func (r *rig) halfRefused() (orders *v1alpha1.Key, readers, writers *v1alpha1.KeyPolicy) {
	r.t.Helper()
	orders = r.createReady("orders", nil)
	readers = r.apply("readers", "orders", allow("Use", "app"))
	writers = r.apply("writers", "orders", allow("Use", "web"))
	r.awaitSids(orders, "readers Use", "writers Use")
	r.change(readers, allow("Use", "somebody"), mistaken("Mistake"))
	r.await(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, v1alpha1.ReasonPolicyRefused)
	return orders, readers, writers
}

func TestOfARefusedPolicyWhatIsInForceStaysAndTheOthersGoOn(t *testing.T) {
	r := newRig(t)
	orders, readers, writers := r.halfRefused()
	before := r.statements(orders)
	if !strings.Contains(before["readers Use"], role("app")) || len(before) != 2 {
		t.Fatalf("statements = %v", before)
	}
	wantMessage(t, r.get(orders), v1alpha1.ConditionPolicyApplied, "KeyPolicy readers is refused", "spec.rules[Mistake].actions", "kms:Decipher")
	r.await(orders, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonPolicyRefused)
	r.await(orders, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonPolicyRefused)

	r.change(writers, allow("Use", "web"), allow("More", "back-office"))
	fresh := r.awaitSids(orders, "readers Use", "writers Use", "writers More")
	if got := r.statements(orders)["readers Use"]; got != before["readers Use"] {
		t.Errorf("of the refused policy there is %s, and was %s", got, before["readers Use"])
	}
	if got := sources(fresh); !slices.Equal(got, []string{"readers", "writers"}) {
		t.Errorf("sources = %q", got)
	}
	r.await(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, v1alpha1.ReasonPolicyRefused)

	r.change(readers, allow("Corrected", "app"))
	r.awaitSids(orders, "readers Corrected", "writers Use", "writers More")
	r.await(orders, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func TestPolicyRefusedFromTheStartTakesNoEffect(t *testing.T) {
	r := newRig(t)
	orders := r.createReady("orders", nil)
	readers := r.apply("readers", "orders", allow("Use", "app"), mistaken("Mistake"))
	r.await(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, v1alpha1.ReasonPolicyRefused)
	fresh := r.awaitSids(orders)
	if len(fresh.Status.Policy.Sources) != 0 {
		t.Errorf("sources = %q", sources(fresh))
	}
	r.delete(readers)
	r.await(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionTrue, v1alpha1.ReasonNoPolicies)
}

func TestDeletingARefusedPolicyRemovesWhatIsInForceOfIt(t *testing.T) {
	r := newRig(t)
	orders, readers, _ := r.halfRefused()
	r.delete(readers)
	r.awaitSids(orders, "writers Use")
	r.await(orders, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func TestOfARefusedPolicyThatWasChangedOutsideNothingIsKept(t *testing.T) {
	for what, change := range map[string]func(string) string{
		"somebody else named": func(document string) string { return strings.ReplaceAll(document, role("app"), role("intruder")) },
		"another statement in its name": func(document string) string {
			added := `{"Sid":"readers Intruder","Effect":"Allow","Principal":{"AWS":"` + role("intruder") + `"},"Action":"kms:Decrypt","Resource":"*"}`
			return strings.TrimSuffix(document, "]}") + "," + added + "]}"
		},
	} {
		t.Run(what, func(t *testing.T) {
			r := newRig(t)
			orders, _, _ := r.halfRefused()
			r.meddle(orders, change(r.document(orders).String()))
			r.look(orders)
			fresh := r.awaitSids(orders, "writers Use")
			if got := sources(fresh); !slices.Equal(got, []string{"writers"}) {
				t.Errorf("sources = %q", got)
			}
		})
	}
}

func TestRefusedPolicyIsKeptWhenSomethingElseWasChangedOutside(t *testing.T) {
	r := newRig(t)
	orders, _, _ := r.halfRefused()
	before := r.statements(orders)
	r.meddle(orders, strings.ReplaceAll(r.document(orders).String(), role("web"), role("intruder")))
	r.look(orders)
	r.awaitSids(orders, "readers Use", "writers Use")
	for sid, want := range before {
		if got := r.statements(orders)[sid]; got != want {
			t.Errorf("%s is %s, and was %s", sid, got, want)
		}
	}
}

// The operator put a policy and does not know it: the answer was lost, or it died before it wrote status.
func TestRefusedPolicyIsKeptWhenTheLastPutIsNotInStatus(t *testing.T) {
	r := newRig(t)
	orders, _, writers := r.halfRefused()
	fault := faultOf(backendtest.VerbApply, backend.Unavailable, 1)
	fault.AfterEffect = true
	r.fake.Inject(fault)
	puts := r.fake.PolicyPuts()
	r.change(writers, allow("Other", "web"))
	r.awaitSids(orders, "readers Use", "writers Other")
	if more := r.fake.PolicyPuts() - puts; more != 1 {
		t.Errorf("the policy was put %d times", more)
	}
	if got := r.statements(orders)["readers Use"]; !strings.Contains(got, role("app")) {
		t.Errorf("of the refused policy there is %s", got)
	}
}

func TestRefusedPolicyIsKeptWhenARoleOfAnotherOneWasDeleted(t *testing.T) {
	r := newRig(t)
	orders, _, writers := r.halfRefused()
	r.fake.DeleteRole(role("web"))
	r.change(writers, allow("Other", "back-office"))
	r.awaitSids(orders, "readers Use", "writers Other")
}

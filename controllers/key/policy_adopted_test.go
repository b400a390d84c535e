// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"fmt"
	"strings"
	"testing"

	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// adoptedKey adopts a key that came with a policy of its own, in which so many principals have a statement each.
func (r *rig) adoptedKey(principals int) *v1alpha1.Key {
	r.t.Helper()
	document := policy.Default(account)
	for i := range principals {
		document.Statements = append(document.Statements, policy.Statement{
			Sid: fmt.Sprintf("Schlüssel für %d", i), Effect: policy.Allow, Action: []string{"kms:Decrypt"}, Resource: []string{"*"},
			Principal: policy.Principals{AWS: []string{role(fmt.Sprintf("legacy-%d", i))}},
		})
	}
	outside := r.adoptable()
	if !r.fake.Meddle(outside.ID, backend.SetPolicy{Document: document.String()}) {
		r.t.Fatal("the backend does not take the policy")
	}
	return r.createReady("orders", adopting(outside.ID))
}

// told is what was told of the policy replaced, put together again.
func told(events []eventsv1.Event) string {
	if len(events) == 1 {
		return events[0].Note
	}
	parts := map[string]string{}
	for _, event := range events {
		number, part, _ := strings.Cut(event.Note, " ")
		parts[number] = part
	}
	var whole strings.Builder
	for i := range events {
		whole.WriteString(parts[fmt.Sprintf("(%d/%d)", i+1, len(events))])
	}
	return whole.String()
}

func TestAdoptedKeyKeepsItsPolicyUntilAKeyPolicySelectsIt(t *testing.T) {
	for name, principals := range map[string]int{"in one Event": 1, "in several": 40} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			orders := r.adoptedKey(principals)
			own, puts := r.policyText(orders), r.fake.PolicyPuts()
			r.await(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionTrue, v1alpha1.ReasonPolicyKept)
			before := r.fake.Calls(backendtest.VerbGet)
			poll(func() bool { return r.fake.Calls(backendtest.VerbGet) > before+5 })
			if more := r.fake.PolicyPuts() - puts; more != 0 || r.get(orders).Status.Policy != nil {
				t.Fatalf("the policy was replaced %d times; status.policy is %+v", more, r.get(orders).Status.Policy)
			}

			readers := r.apply("readers", "orders", allow("Use", "app"))
			r.awaitSids(orders, "readers Use")
			r.await(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionTrue, v1alpha1.ReasonPolicyApplied)
			if principal := role("legacy-0"); contains(r.policyText(orders), principal) {
				t.Errorf("%s is still in the policy", principal)
			}
			r.calm(3, orders)
			replaced := r.events(orders, "PolicyReplaced")
			if !strings.HasSuffix(told(replaced), " was: "+own) {
				t.Errorf("%d Events do not tell of the policy replaced, whole: %s\nit was\n%s", len(replaced), told(replaced), own)
			}
			r.delete(readers)
			r.awaitSids(orders)
			wantSame(t, "after the last KeyPolicy", r.document(orders), policy.BaseDocument(operator, account))
			r.await(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionTrue, v1alpha1.ReasonNoPolicies)
			if more := r.events(orders, "PolicyReplaced"); len(more) != len(replaced) {
				t.Errorf("%d Events tell of the policy replaced, and %d did", len(more), len(replaced))
			}
		})
	}
}

func TestPolicyOfAnAdoptedKeyIsToldOnceHoweverOftenReplacingItFails(t *testing.T) {
	r := newRig(t)
	orders := r.adoptedKey(40)
	own := r.policyText(orders)
	r.fake.Inject(faultOf(backendtest.VerbApply, backend.Throttled, 4))
	r.apply("readers", "orders", allow("Use", "app"))
	r.await(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, v1alpha1.ReasonThrottled)
	r.awaitSids(orders, "readers Use")
	if replaced := r.events(orders, "PolicyReplaced"); !strings.HasSuffix(told(replaced), " was: "+own) {
		t.Errorf("%d Events tell: %s\nit was\n%s", len(replaced), told(replaced), own)
	}
}

func TestRefusedKeyPolicyLeavesAnAdoptedKeyItsPolicy(t *testing.T) {
	r := newRig(t)
	orders := r.adoptedKey(1)
	own, puts := r.policyText(orders), r.fake.PolicyPuts()
	readers := r.apply("readers", "orders", mistaken("Use"))
	r.await(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, v1alpha1.ReasonPolicyRefused)
	if more := r.fake.PolicyPuts() - puts; more != 0 || r.policyText(orders) != own {
		t.Errorf("it was replaced by %s", r.policyText(orders))
	}
	if events := r.events(orders, "PolicyReplaced"); len(events) > 0 {
		t.Errorf("told: %s", told(events))
	}
	r.change(readers, allow("Use", "app"))
	r.awaitSids(orders, "readers Use")
}

func TestAdoptedKeyThatIsFoundToHaveItsPolicyIsNotPutAnother(t *testing.T) {
	r := newRig(t)
	orders := r.createReady("orders", nil)
	r.apply("readers", "orders", allow("Use", "app"))
	r.awaitSids(orders, "readers Use")
	r.delete(orders)
	r.awaitGone(orders)
	puts := r.fake.PolicyPuts()
	again := r.createReady("orders", adopting(orders.Status.KeyID))
	r.awaitSids(again, "readers Use")
	if more := r.fake.PolicyPuts() - puts; more != 0 || len(r.events(again, "PolicyReplaced")) > 0 {
		t.Errorf("its policy was put %d times, and told in %+v", more, r.events(again, "PolicyReplaced"))
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// large is a rule of some 20 KB.
func large(sid string) v1alpha1.KeyPolicyRule {
	rule := allow(sid, "app")
	var values []string
	for i := range 50 {
		values = append(values, fmt.Sprintf("%03d%s", i, strings.Repeat("x", 400)))
	}
	rule.Conditions = []v1alpha1.KeyPolicyCondition{{Operator: "StringEquals", Key: "kms:EncryptionContext:tenant", Values: values}}
	return rule
}

func TestPoliciesThatAreTooLargeTogetherLeaveTheOneInForce(t *testing.T) {
	r := newRig(t)
	orders := r.createReady("orders", nil)
	r.apply("first", "orders", large("Use"))
	r.awaitSids(orders, "first Use")
	r.apply("small", "orders", allow("Use", "web"))
	r.awaitSids(orders, "first Use", "small Use")
	before, puts := r.policyText(orders), r.fake.PolicyPuts()

	second := r.apply("second", "orders", large("Use"), allow("More", "app"))
	stuck := r.await(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, v1alpha1.ReasonPolicyTooLarge)
	sizes := map[string]int{}
	for _, name := range []string{"first", "second", "small"} {
		_, after, found := strings.Cut(message(stuck, v1alpha1.ConditionPolicyApplied), name+" ")
		var size int
		if _, err := fmt.Sscanf(after, "%d bytes", &size); !found || err != nil {
			t.Fatalf("the size of %s is not told: %s", name, message(stuck, v1alpha1.ConditionPolicyApplied))
		}
		sizes[name] = size
	}
	if sizes["first"] < 20_000 || sizes["second"] <= sizes["first"] || sizes["small"] > 1000 {
		t.Errorf("sizes = %v", sizes)
	}
	r.await(orders, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonPolicyTooLarge)
	if more := r.fake.PolicyPuts() - puts; more != 0 || r.policyText(orders) != before {
		t.Errorf("the policy in force was replaced by %s", r.policyText(orders))
	}
	if got := sources(stuck); len(got) != 2 {
		t.Errorf("sources = %q", got)
	}
	r.change(second, allow("More", "app"))
	r.awaitSids(orders, "first Use", "second More", "small Use")
	r.await(orders, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func TestKeyWhosePoliciesAreTooLargeIsMadeWithoutThem(t *testing.T) {
	r := newRig(t)
	witness := r.createReady("witness", nil)
	for _, name := range []string{"first", "second"} {
		object := r.apply(name, "witness", large("Use"))
		object.Spec.Targets = append(object.Spec.Targets, v1alpha1.KeyPolicyTarget{Name: "orders"})
		if err := r.client.Update(r.ctx, object); err != nil {
			t.Fatal(err)
		}
	}
	r.await(witness, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, v1alpha1.ReasonPolicyTooLarge)
	orders := r.newKey("orders", nil)
	r.create(orders)
	r.await(orders, v1alpha1.ConditionCreated, metav1.ConditionTrue, "")
	r.await(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, v1alpha1.ReasonPolicyTooLarge)
	wantSame(t, "made with", r.document(orders), policy.BaseDocument(operator, account))
	r.delete(&v1alpha1.KeyPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "first"}})
	r.awaitSids(orders, "second Use")
	r.await(orders, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

// The backend answers no document as it was put: order, lists, accounts and white space are other ones.
func TestTwentyResyncsOfRewrittenPoliciesPutNothing(t *testing.T) {
	r := newRig(t)
	conditional := allow("Conditional", "app")
	conditional.Principals = append(conditional.Principals,
		v1alpha1.KeyPolicyPrincipal{Account: "444455556666"}, v1alpha1.KeyPolicyPrincipal{Account: account},
		v1alpha1.KeyPolicyPrincipal{Service: "logs.eu-west-1.amazonaws.com"})
	conditional.Conditions = []v1alpha1.KeyPolicyCondition{
		{Operator: "StringEquals", Key: "kms:EncryptionContext:tenant", Values: []string{"b", "a", "鍵"}},
		{Operator: "IpAddress", Key: "aws:SourceIp", Values: []string{"203.0.113.0/24"}},
	}
	everybody := allow("Everybody", "")
	everybody.Effect, everybody.Principals = v1alpha1.EffectDeny, []v1alpha1.KeyPolicyPrincipal{{AWS: "*"}}
	everybody.Conditions = []v1alpha1.KeyPolicyCondition{{Operator: "NotIpAddress", Key: "aws:SourceIp", Values: []string{"203.0.113.0/24"}}}
	account := allow("Account", "")
	account.Principals = []v1alpha1.KeyPolicyPrincipal{{Account: "444455556666"}}

	plain := r.createReady("plain", nil)
	rich := r.createReady("rich", nil)
	r.apply("z", "rich", conditional, everybody)
	r.apply("a.b", "rich", account, allow("Second", "other"))
	r.apply("a", "rich", allow("First", "app"))
	r.awaitSids(rich, "z Conditional", "z Everybody", "a b Account", "a b Second", "a First")

	orphaned := r.createReady("orphaned", nil)
	r.apply("gone", "orphaned", allow("Gone", "gone"), allow("There", "there"))
	r.awaitSids(orphaned, "gone Gone", "gone There")
	id := r.fake.DeleteRole(role("gone"))
	if !poll(func() bool { return contains(message(r.get(orphaned), v1alpha1.ConditionPolicyApplied), id) }) {
		t.Fatalf("the deleted role is not named:\n%s", describe(r.get(orphaned)))
	}
	wantMessage(t, r.get(orphaned), v1alpha1.ConditionPolicyApplied, role("gone"))

	waiting := r.createReady("waiting", nil)
	for _, name := range []string{"c", "a-1", "b", "d"} {
		r.apply("waiting-"+name, "waiting", allowAccount("Use", "missing-"+name), allowAccount("Again", "missing"))
	}
	if !poll(func() bool {
		return contains(message(r.get(waiting), v1alpha1.ConditionPolicyApplied), "KeyPolicy waiting-d")
	}) {
		t.Fatalf("the missing ServiceAccounts are not named:\n%s", describe(r.get(waiting)))
	}
	keys := []*v1alpha1.Key{plain, rich, orphaned, waiting}
	r.resync(1, len(keys))
	r.calm(20, keys...)
	for _, object := range keys {
		r.await(object, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	}
}

func TestRoleThatExistsAgainIsInForceOnceThePolicyIsPutAgain(t *testing.T) {
	r := newRig(t)
	orders := r.createReady("orders", nil)
	readers := r.apply("readers", "orders", allow("Use", "app"))
	r.awaitSids(orders, "readers Use")
	id := r.fake.DeleteRole(role("app"))
	poll(func() bool { return contains(message(r.get(orders), v1alpha1.ConditionPolicyApplied), id) })
	r.fake.CreateRole(role("app"))
	r.calm(3, orders)
	r.change(readers, allow("Use", "app"), allow("Other", "other"))
	after := r.awaitSids(orders, "readers Use", "readers Other")
	if contains(r.policyText(orders), id) || contains(message(after, v1alpha1.ConditionPolicyApplied), id) {
		t.Errorf("the deleted role's ID is still there: %s\n%s", r.policyText(orders), describe(after))
	}
}

func TestMessageAboutSeveralRefusedPoliciesStaysTheSame(t *testing.T) {
	r := newRig(t)
	orders := r.createReady("orders", nil)
	for _, name := range []string{"c", "a", "d", "b"} {
		r.apply(name, "orders", mistaken("One"), mistaken("Two"))
	}
	if !poll(func() bool { // each of them is seen when it is seen, in no order
		text := message(r.get(orders), v1alpha1.ConditionPolicyApplied)
		return !slices.ContainsFunc([]string{"a", "b", "c", "d"}, func(name string) bool {
			return !contains(text, "KeyPolicy "+name+" is refused")
		})
	}) {
		t.Fatal(describe(r.get(orders)))
	}
	first := message(r.get(orders), v1alpha1.ConditionPolicyApplied)
	for range 8 {
		r.look(orders)
		if got := message(r.get(orders), v1alpha1.ConditionPolicyApplied); got != first {
			t.Fatalf("it says %q, and said %q", got, first)
		}
	}
}

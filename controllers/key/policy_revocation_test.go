// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

func TestMistakeInASelectorTakesNothingOutOfForce(t *testing.T) {
	r := newRig(t)
	orders := r.createReady("orders", func(k *v1alpha1.Key) { k.Labels = map[string]string{"app": "orders"} })
	r.apply("readers", "orders", allow("Use", "mallory"))
	out := allow("Out", "mallory")
	out.Effect = v1alpha1.EffectDeny
	guard := &v1alpha1.KeyPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "guard"},
		Spec: v1alpha1.KeyPolicySpec{
			Targets: []v1alpha1.KeyPolicyTarget{{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "orders"}}}},
			Rules:   []v1alpha1.KeyPolicyRule{out},
		},
	}
	r.create(guard)
	r.awaitSids(orders, "readers Use", "guard Out")
	guard.Spec.Targets[0].Selector = &metav1.LabelSelector{
		MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "app", Operator: "Inn", Values: []string{"orders"}}},
	}
	if err := r.client.Update(r.ctx, guard); err != nil {
		t.Fatal(err)
	}
	refused := r.await(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, v1alpha1.ReasonPolicyRefused)
	wantMessage(t, refused, v1alpha1.ConditionPolicyApplied, "KeyPolicy guard", "spec.targets[0].selector")
	r.awaitSids(orders, "readers Use", "guard Out")
}

// A role that was deleted at AWS makes AWS refuse every policy that names it, whoever's KeyPolicy that is in.
func TestRoleThatIsGoneHoldsUpNoOtherPolicy(t *testing.T) {
	r := newRig(t)
	orders := r.createReady("orders", nil)
	contractors := r.apply("contractors", "orders", allow("Use", "mallory"))
	team := r.apply("team", "orders", allow("Use", "app"), allow("More", "batch"))
	r.apply("writers", "orders", allow("Use", "web"), allow("Look", "app"))
	r.awaitSids(orders, "contractors Use", "team Use", "team More", "writers Use", "writers Look")
	r.fake.DeleteRole(role("web"))

	r.delete(contractors)
	r.awaitSids(orders, "team Use", "team More", "writers Look")
	r.change(team, allow("Use", "app"), allow("New", "cron"))
	r.awaitSids(orders, "team Use", "team New", "writers Look")
	refused := r.await(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, v1alpha1.ReasonInvalidInput)
	wantMessage(t, refused, v1alpha1.ConditionPolicyApplied, role("web"))

	r.fake.CreateRole(role("web"))
	r.look(orders)
	r.awaitSids(orders, "team Use", "team New", "writers Use", "writers Look")
	r.await(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionTrue, v1alpha1.ReasonPolicyApplied)
}

func TestPolicyThatIsTooLargeHoldsUpNoRevocationAndNoRepair(t *testing.T) {
	r := newRig(t)
	orders := r.createReady("orders", nil)
	contractors := r.apply("contractors", "orders", allow("Use", "mallory"))
	r.awaitSids(orders, "contractors Use")
	r.apply("first", "orders", large("Use"))
	r.awaitSids(orders, "contractors Use", "first Use")
	r.apply("second", "orders", large("Use"))
	r.await(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, v1alpha1.ReasonPolicyTooLarge)
	r.awaitSids(orders, "contractors Use", "first Use")
	r.delete(contractors)
	r.awaitSids(orders, "first Use")

	document := r.document(orders)
	document.Statements = append(document.Statements, policy.Statement{
		Sid: "x", Effect: policy.Allow, Action: []string{"kms:*"}, Resource: []string{"*"},
		Principal: policy.Principals{AWS: []string{role("intruder")}},
	})
	r.meddle(orders, document.String())
	r.look(orders)
	r.awaitSids(orders, "first Use")
	r.await(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, v1alpha1.ReasonPolicyTooLarge)
}

func TestKeyAdoptedAgainHasNothingOfAKeyPolicyThatIsGone(t *testing.T) {
	r := newRig(t)
	outside := r.adoptable()
	orders := r.createReady("orders", adopting(outside.ID))
	contractors := r.apply("contractors", "orders", allow("Use", "mallory"))
	r.awaitSids(orders, "contractors Use")
	r.delete(orders)
	r.awaitGone(orders)
	r.delete(contractors)
	r.awaitSids(r.createReady("orders", adopting(outside.ID)))
}

func TestPolicyThatAKeyCameWithIsToldHoweverItIsFound(t *testing.T) {
	r := newRig(t)
	orders := r.adoptedKey(1)
	r.await(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionTrue, v1alpha1.ReasonPolicyKept)
	r.delete(orders)
	r.awaitGone(orders)
	again := r.createReady("orders", nil)
	r.awaitSids(again)
	if events := r.events(again, "PolicyReplaced"); len(events) == 0 || !strings.Contains(events[0].Note, role("legacy-0")) {
		t.Errorf("told %+v, want the policy that is gone", events)
	}
}

func TestPolicyThatNamesNobodyLeavesAnAdoptedKeyItsOwn(t *testing.T) {
	r := newRig(t)
	orders := r.adoptedKey(1)
	own := r.policyText(orders)
	r.apply("readers", "orders", allowAccount("Use", "mispelt"))
	r.await(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionTrue, v1alpha1.ReasonPrincipalsUnresolved)
	if r.policyText(orders) != own {
		t.Errorf("replaced by %s", r.policyText(orders))
	}
}

func TestKeyPolicyOfTheBaseStatementsNameIsLikeAnyOther(t *testing.T) {
	r := newRig(t)
	orders := r.createReady("orders", nil)
	r.apply("chatelaine", "orders", allow("administration", "app"))
	r.awaitSids(orders, "chatelaine administration")
	r.apply("readers", "orders", allow("Use", "web"))
	r.awaitSids(orders, "chatelaine administration", "readers Use")
}

func TestRefusedPolicyLetsGoOfAServiceAccountThatIsGone(t *testing.T) {
	r := newRig(t)
	r.fake.NamesServiceAccounts(true)
	r.openBackend(r.backendName, r.fake)
	orders := r.createReady("orders", nil)
	api := r.serviceAccount(r.namespace, "api", "")
	r.serviceAccount(r.namespace, "web", "")
	both := allowAccount("Both", "api")
	both.Principals = append(both.Principals, allowAccount("", "web").Principals...)
	readers := r.apply("readers", "orders", allowAccount("Use", "api"), both)
	r.awaitSids(orders, "readers Use", "readers Both")
	r.change(readers, allowAccount("Use", "api"), both, mistaken("Mistake"))
	r.await(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, v1alpha1.ReasonPolicyRefused)
	r.awaitSids(orders, "readers Use", "readers Both")
	r.delete(api)
	r.awaitSids(orders, "readers Both")
	if text := r.policyText(orders); strings.Contains(text, "/api\"") {
		t.Errorf("the ServiceAccount that is gone can use the key: %s", text)
	}
}

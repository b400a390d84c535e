// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
	"github.com/chatelaine-dev/chatelaine/internal/policy/compile"
)

func TestKeyWithoutPoliciesIsNobodysToUse(t *testing.T) {
	r := newRig(t)
	orders := r.createReady("orders", nil)
	r.await(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionTrue, v1alpha1.ReasonNoPolicies)
	wantSame(t, "the default", r.document(orders), policy.BaseDocument(operator, account))
	if got := r.get(orders).Status.Policy; got == nil || got.Hash != compile.Hash(r.document(orders)) || len(got.Sources) != 0 {
		t.Errorf("status.policy = %+v", got)
	}
	if puts := r.fake.PolicyPuts(); puts != 0 {
		t.Errorf("the policy was put %d times after the key was made with it", puts)
	}
}

func TestKeyIsMadeWithThePolicyThatNamesIt(t *testing.T) {
	r := newRig(t)
	object := r.apply("readers", "orders", allow("Use", "app"))
	object.Spec.Targets = append(object.Spec.Targets, v1alpha1.KeyPolicyTarget{Name: "witness"})
	if err := r.client.Update(r.ctx, object); err != nil {
		t.Fatal(err)
	}
	r.awaitSids(r.createReady("witness", nil), "readers Use") // the controller knows of the KeyPolicy
	puts := r.fake.PolicyPuts()
	orders := r.awaitSids(r.createReady("orders", nil), "readers Use")
	r.await(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionTrue, v1alpha1.ReasonPolicyApplied)
	if more := r.fake.PolicyPuts() - puts; more != 0 {
		t.Errorf("its policy was put %d times after the key was made", more)
	}
	if got := sources(orders); !slices.Equal(got, []string{"readers"}) {
		t.Errorf("sources = %q", got)
	}
}

func TestDeletingAPolicyRemovesExactlyItsStatements(t *testing.T) {
	r := newRig(t)
	orders := r.createReady("orders", nil)
	readers := r.apply("readers", "orders", allow("Use", "app"))
	r.awaitSids(orders, "readers Use")
	alone := r.document(orders)
	// Its name begins as the other one's does, and it says the same of the same role.
	others := r.apply("readers.other", "orders", allow("Use", "app"), allow("More", "app"))
	r.awaitSids(orders, "readers Use", "readers other Use", "readers other More")
	r.delete(others)
	after := r.awaitSids(orders, "readers Use")
	if diff := cmp.Diff(alone.String(), r.document(orders).String()); diff != "" {
		t.Errorf("a policy came and went (-before +after):\n%s", diff)
	}
	if got := sources(after); !slices.Equal(got, []string{"readers"}) {
		t.Errorf("sources = %q", got)
	}
	r.delete(readers)
	after = r.awaitSids(orders)
	wantSame(t, "after the last one", r.document(orders), policy.BaseDocument(operator, account))
	if len(after.Status.Policy.Sources) != 0 {
		t.Errorf("sources = %q", sources(after))
	}
	r.await(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionTrue, v1alpha1.ReasonNoPolicies)
}

func TestLabelsSelectAndDeselectAKey(t *testing.T) {
	r := newRig(t)
	orders := r.createReady("orders", nil)
	object := &v1alpha1.KeyPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "payments"},
		Spec: v1alpha1.KeyPolicySpec{
			Targets: []v1alpha1.KeyPolicyTarget{{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"team": "payments"}}}},
			Rules:   []v1alpha1.KeyPolicyRule{allow("Use", "app")},
		},
	}
	r.create(object)
	r.resync(1, 1)
	r.awaitSids(orders)
	for range 2 {
		r.update(orders, func(k *v1alpha1.Key) { k.Labels = map[string]string{"team": "payments"} })
		r.awaitSids(orders, "payments Use")
		r.update(orders, func(k *v1alpha1.Key) { k.Labels = map[string]string{"team": "shop"} })
		r.awaitSids(orders)
	}
}

func TestPolicyThatSelectsAKeyNoLongerLetsItGo(t *testing.T) {
	r := newRig(t)
	orders, bills := r.createReady("orders", nil), r.createReady("bills", nil)
	object := r.apply("readers", "orders", allow("Use", "app"))
	r.awaitSids(orders, "readers Use")
	object.Spec.Targets = []v1alpha1.KeyPolicyTarget{{Name: "bills"}}
	if err := r.client.Update(r.ctx, object); err != nil {
		t.Fatal(err)
	}
	r.awaitSids(bills, "readers Use")
	r.awaitSids(orders)
}

func TestPolicyChangedOutsideIsPutRightOnceAndTold(t *testing.T) {
	r := newRig(t)
	orders := r.createReady("orders", nil)
	r.apply("readers", "orders", allow("Use", "app"))
	r.awaitSids(orders, "readers Use")
	declared, puts := r.document(orders), r.fake.PolicyPuts()

	r.meddle(orders, strings.Replace(declared.String(), `"kms:Encrypt"`, `"kms:CreateGrant"`, 1))
	note := r.awaitEvent(orders, "DriftRepaired")
	for _, part := range []string{`"readers Use"`, "Action: kms:Encrypt is missing", "Action: kms:CreateGrant is there and not declared"} {
		if !strings.Contains(note, part) {
			t.Errorf("the Event lacks %q: %s", part, note)
		}
	}
	r.awaitSids(orders, "readers Use")
	if !poll(func() bool { _, over := drifts(r.get(orders)); return over == 1 }) { // status is written after the Event
		t.Errorf("status.drift is %+v", r.get(orders).Status.Drift)
	}
	wantSame(t, "put right", r.document(orders), declared)
	r.calm(5, orders)
	if more := r.fake.PolicyPuts() - puts; more != 2 {
		t.Errorf("the policy was replaced %d times, want once outside and once to put it right", more)
	}

	r.meddle(orders, "\n"+strings.Replace(declared.String(), `"arn:aws:iam::`+account+`:root"`, `"`+account+`"`, 1)+"\n")
	puts = r.fake.PolicyPuts()
	r.resync(5, 1)
	if more := r.fake.PolicyPuts() - puts; more != 0 {
		t.Errorf("a document of the same meaning was replaced %d times", more)
	}
}

func TestChangeOfThePolicyAndOfTheRestOutsideAreBothTold(t *testing.T) {
	r := newRig(t)
	orders := r.createReady("orders", func(k *v1alpha1.Key) { k.Spec.Description = "declared" })
	if !r.fake.Meddle(orders.Status.KeyID, backend.SetDescription{To: "changed"}) {
		t.Fatal("the backend does not take a description")
	}
	r.meddle(orders, policy.Default(account).String())
	ok := poll(func() bool { return len(r.events(orders, "DriftRepaired")) == 2 })
	notes := r.events(orders, "DriftRepaired")
	if !ok || !strings.Contains(notes[0].Note, "description") || !strings.Contains(notes[1].Note, "policy") {
		t.Errorf("told: %+v", notes)
	}
}

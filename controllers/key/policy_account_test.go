// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

// serviceAccount creates a ServiceAccount; roleARN is its annotation, or empty.
func (r *rig) serviceAccount(namespace, name, roleARN string) *corev1.ServiceAccount {
	r.t.Helper()
	object := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	if roleARN != "" {
		object.Annotations = map[string]string{v1alpha1.RoleARNAnnotation: roleARN}
	}
	r.create(object)
	return object
}

// annotate changes a ServiceAccount's role; empty takes the annotation away.
func (r *rig) annotate(object *corev1.ServiceAccount, roleARN string) {
	r.t.Helper()
	before := object.DeepCopy()
	object.Annotations = map[string]string{}
	if roleARN != "" {
		object.Annotations[v1alpha1.RoleARNAnnotation] = roleARN
	}
	if err := r.client.Patch(r.ctx, object, client.MergeFrom(before)); err != nil {
		r.t.Fatal(err)
	}
}

// unresolved waits until PolicyApplied is met but for what it says.
func (r *rig) unresolved(object *v1alpha1.Key, parts ...string) {
	r.t.Helper()
	var fresh *v1alpha1.Key
	ok := poll(func() bool {
		fresh = r.await(object, v1alpha1.ConditionPolicyApplied, metav1.ConditionTrue, v1alpha1.ReasonPrincipalsUnresolved)
		said := message(fresh, v1alpha1.ConditionPolicyApplied)
		for _, part := range parts {
			if !strings.Contains(said, part) {
				return false
			}
		}
		return true
	})
	if !ok {
		r.t.Fatalf("it does not say %q:\n%s", parts, describe(fresh))
	}
	r.await(object, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func TestServiceAccountThatIsMissingHoldsUpNobodyElse(t *testing.T) {
	other := env.Namespace(t)
	r := newRig(t, other)
	r.fake.NamesServiceAccounts(true)
	r.openBackend(r.backendName, r.fake)
	orders := r.createReady("orders", nil)
	mixed := allowAccount("Mixed", "api")
	mixed.Principals = append(mixed.Principals, v1alpha1.KeyPolicyPrincipal{AWS: role("web")},
		v1alpha1.KeyPolicyPrincipal{ServiceAccount: &v1alpha1.ServiceAccountReference{Namespace: other, Name: "api"}})
	r.apply("readers", "orders", allowAccount("Api", "api"), mixed, allow("Web", "web"))
	r.awaitSids(orders, "readers Mixed", "readers Web")
	r.unresolved(orders, "KeyPolicy readers", r.namespace+"/api does not exist", other+"/api does not exist")

	own := r.serviceAccount(r.namespace, "api", "")
	r.awaitSids(orders, "readers Api", "readers Mixed", "readers Web")
	r.unresolved(orders, other+"/api does not exist")
	if said := message(r.get(orders), v1alpha1.ConditionPolicyApplied); strings.Contains(said, r.namespace+"/api") {
		t.Errorf("it still says %s", said)
	}
	theirs := r.serviceAccount(other, "api", "")
	r.await(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionTrue, v1alpha1.ReasonPolicyApplied)
	for _, namespace := range []string{r.namespace, other} {
		if got := r.statements(orders)["readers Mixed"]; !strings.Contains(got, role(namespace+"/api")) {
			t.Errorf("ServiceAccount %s/api is not in %s", namespace, got)
		}
	}
	r.delete(own)
	r.awaitSids(orders, "readers Mixed", "readers Web")
	r.delete(theirs)
	r.unresolved(orders, r.namespace+"/api does not exist", other+"/api does not exist")
	if got := r.statements(orders)["readers Mixed"]; strings.Contains(got, "/api") {
		t.Errorf("ServiceAccounts that were deleted are in %s", got)
	}
}

func TestServiceAccountIsTheRoleOfItsAnnotationWhereItIsNoneItself(t *testing.T) {
	r := newRig(t)
	orders := r.createReady("orders", nil)
	r.apply("readers", "orders", allowAccount("Api", "api"), allow("Web", "web"))
	r.awaitSids(orders, "readers Web")
	r.unresolved(orders, r.namespace+"/api does not exist")
	object := r.serviceAccount(r.namespace, "api", "")
	r.unresolved(orders, "has no annotation "+v1alpha1.RoleARNAnnotation)
	r.annotate(object, "orders-api")
	r.unresolved(orders, "not the ARN of an IAM role")
	r.annotate(object, "arn:aws:iam::111122223333:user/api")
	r.unresolved(orders, "not the ARN of an IAM role")
	for _, name := range []string{"orders-api", "path/orders-api-2"} {
		r.annotate(object, role(name))
		if !poll(func() bool { return strings.Contains(r.statements(orders)["readers Api"], `"`+role(name)+`"`) }) {
			t.Fatalf("the policy lacks %s: %s", name, r.policyText(orders))
		}
		r.await(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionTrue, v1alpha1.ReasonPolicyApplied)
	}
	if strings.Contains(r.policyText(orders), `"`+role("orders-api")+`"`) {
		t.Errorf("the former role is still in %s", r.policyText(orders))
	}
	r.annotate(object, "")
	r.awaitSids(orders, "readers Web")
	r.annotate(object, role("orders-api"))
	r.awaitSids(orders, "readers Api", "readers Web")
	r.delete(object)
	r.awaitSids(orders, "readers Web")
	r.unresolved(orders, r.namespace+"/api does not exist")
}

func TestPolicyThatNamesOnlyWhoIsMissingLeavesNothingOfItself(t *testing.T) {
	r := newRig(t)
	orders := r.createReady("orders", nil)
	r.apply("readers", "orders", allowAccount("Api", "api"))
	r.unresolved(orders, "api does not exist")
	if fresh := r.awaitSids(orders); len(fresh.Status.Policy.Sources) != 0 {
		t.Errorf("sources = %q", sources(fresh))
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kstatus "sigs.k8s.io/cli-utils/pkg/kstatus/status"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

// allow is a rule that lets a ServiceAccount of the policy's namespace use the key.
func allow(sid, account string) v1alpha1.KeyPolicyRule {
	return v1alpha1.KeyPolicyRule{
		Sid: sid, Permissions: []v1alpha1.Permission{v1alpha1.PermissionUse},
		Principals: []v1alpha1.KeyPolicyPrincipal{{ServiceAccount: &v1alpha1.ServiceAccountReference{Name: account}}},
	}
}

// mistaken is a rule that no policy may have.
func mistaken(sid, account string) v1alpha1.KeyPolicyRule {
	rule := allow(sid, account)
	rule.Permissions, rule.Actions = nil, []string{"kms:Decipher"}
	return rule
}

// policy creates a KeyPolicy for the Keys of these names; for those with the label team=payments if there are none.
func (w *world) policy(name string, rules []v1alpha1.KeyPolicyRule, keys ...string) *v1alpha1.KeyPolicy {
	w.t.Helper()
	object := &v1alpha1.KeyPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}, Spec: v1alpha1.KeyPolicySpec{Rules: rules},
	}
	for _, key := range keys {
		object.Spec.Targets = append(object.Spec.Targets, v1alpha1.KeyPolicyTarget{Name: key})
	}
	if len(keys) == 0 {
		object.Spec.Targets = []v1alpha1.KeyPolicyTarget{{
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"team": "payments"}},
		}}
	}
	w.create(object)
	return object
}

func rules(rules ...v1alpha1.KeyPolicyRule) []v1alpha1.KeyPolicyRule { return rules }

// updatePolicy changes a KeyPolicy.
func (w *world) updatePolicy(object *v1alpha1.KeyPolicy, change func(*v1alpha1.KeyPolicySpec)) {
	w.t.Helper()
	modify(w, object, func(fresh *v1alpha1.KeyPolicy) { change(&fresh.Spec) })
}

func (w *world) podAccount(name string) *corev1.ServiceAccount {
	w.t.Helper()
	object := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}}
	w.create(object)
	return object
}

// awaitTarget waits until the KeyPolicy says of the Key that its state is the one given, and returns what it says of it.
func (w *world) awaitTarget(object *v1alpha1.KeyPolicy, key string, state v1alpha1.KeyPolicyTargetState) v1alpha1.KeyPolicyTargetStatus {
	w.t.Helper()
	var target v1alpha1.KeyPolicyTargetStatus
	w.await(func() (bool, string) {
		fresh := &v1alpha1.KeyPolicy{}
		if err := w.env.Client.Get(w.ctx, client.ObjectKeyFromObject(object), fresh); err != nil {
			w.t.Fatal(err)
		}
		i := slices.IndexFunc(fresh.Status.Targets, func(t v1alpha1.KeyPolicyTargetStatus) bool { return t.Name == key })
		if i >= 0 {
			target = fresh.Status.Targets[i]
		}
		return i >= 0 && target.State == state && fresh.Status.ObservedGeneration == fresh.Generation,
			object.Name + " " + string(state) + " on " + key + "; it has:\n" + describe(fresh.Status.Conditions)
	})
	return target
}

// wantCounts fails the test if status does not count as many Keys.
func wantCounts(t *testing.T, object *v1alpha1.KeyPolicy, matched, applied int32) {
	t.Helper()
	if s := object.Status; s.Matched == nil || s.Applied == nil || *s.Matched != matched || *s.Applied != applied {
		t.Errorf("KeyPolicy %s: matched %v, applied %v, want %d and %d", object.Name, s.Matched, s.Applied, matched, applied)
	}
}

func TestKeyPolicySaysWhereItIsInForce(t *testing.T) {
	w := newWorld(t, nil)
	w.podAccount("api")
	orders := w.readyKey("orders", nil)
	readers := w.policy("readers", rules(allow("Use", "api")), "orders", "later")
	target := w.awaitTarget(readers, "orders", v1alpha1.TargetApplied)
	if hash := w.getKey(orders).Status.Policy.Hash; target.PolicyHash != hash || hash == "" || target.Message != "" {
		t.Errorf("target %+v, and the Key's policy has hash %s", target, hash)
	}
	if pending := w.awaitTarget(readers, "later", v1alpha1.TargetPending); !strings.Contains(pending.Message, "there is no Key") {
		t.Errorf("of a Key that is not there: %+v", pending)
	}
	waiting := w.awaitPolicy(readers, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonProgressing)
	wantCounts(t, waiting, 2, 1)
	w.awaitKstatus(readers, kstatus.InProgressStatus)

	later := w.key("later", nil)
	w.awaitKstatus(readers, kstatus.CurrentStatus)
	ready := w.awaitPolicy(readers, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady)
	wantCounts(t, ready, 2, 2)
	if target := w.awaitTarget(readers, "later", v1alpha1.TargetApplied); target.PolicyHash != w.getKey(later).Status.Policy.Hash {
		t.Errorf("target %+v", target)
	}

	w.policy("writers", rules(allow("Use", "api")), "orders") // another hash of the whole, and readers is in force as before
	w.await(func() (bool, string) {
		target := w.awaitTarget(readers, "orders", v1alpha1.TargetApplied)
		policy := w.getKey(orders).Status.Policy
		return len(policy.Sources) == 2 && target.PolicyHash == policy.Hash, "readers with the hash of the policy that has writers too"
	})
	w.delete(later)
	w.awaitTarget(readers, "later", v1alpha1.TargetPending)
	w.updatePolicy(readers, func(s *v1alpha1.KeyPolicySpec) { s.Targets = s.Targets[:1] })
	wantCounts(t, w.awaitPolicy(readers, v1alpha1.ConditionReady, metav1.ConditionTrue, ""), 1, 1)
}

func TestKeyPolicyThatSelectsNothingIsCalm(t *testing.T) {
	w := newWorld(t, nil)
	w.podAccount("api")
	orders := w.readyKey("orders", nil)
	payments := w.policy("payments", rules(allow("Use", "api")))
	w.awaitKstatus(payments, kstatus.CurrentStatus)
	calm := w.awaitPolicy(payments, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonNoTargets)
	wantCounts(t, calm, 0, 0)
	label := func(team string) {
		modify(w, orders, func(key *v1alpha1.Key) { key.Labels = map[string]string{"team": team} })
	}
	label("payments")
	w.awaitTarget(payments, "orders", v1alpha1.TargetApplied)
	wantCounts(t, w.awaitPolicy(payments, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady), 1, 1)
	label("shop")
	wantCounts(t, w.awaitPolicy(payments, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonNoTargets), 0, 0)
}

func TestRefusedKeyPolicyIsAConflictAndTheOtherOneIsNot(t *testing.T) {
	w := newWorld(t, nil)
	w.podAccount("api")
	orders := w.readyKey("orders", nil)
	readers := w.policy("readers", rules(mistaken("Use", "api")), "orders")
	writers := w.policy("writers", rules(allow("Use", "api")), "orders")
	if target := w.awaitTarget(readers, "orders", v1alpha1.TargetConflict); !strings.Contains(target.Message, "kms:Decipher") {
		t.Errorf("target %+v", target)
	}
	refused := w.awaitPolicy(readers, v1alpha1.ConditionValid, metav1.ConditionFalse, v1alpha1.ReasonErrors)
	wantMessage(t, refused.Status.Conditions, v1alpha1.ConditionValid, "Error: spec.rules[Use].actions", "kms:Decipher")
	w.awaitPolicy(readers, v1alpha1.ConditionApplied, metav1.ConditionFalse, v1alpha1.ReasonTargetConflict)
	w.awaitPolicy(readers, v1alpha1.ConditionStalled, metav1.ConditionTrue, "")
	w.awaitKstatus(readers, kstatus.FailedStatus)
	w.awaitPolicy(writers, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady)
	w.awaitTarget(writers, "orders", v1alpha1.TargetApplied)
	w.awaitKey(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, v1alpha1.ReasonPolicyRefused)

	w.updatePolicy(readers, func(s *v1alpha1.KeyPolicySpec) { s.Rules = rules(allow("Use", "api")) })
	w.awaitKstatus(readers, kstatus.CurrentStatus)
	w.awaitKey(orders, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func TestMistakeIsKnownBeforeThereIsAKey(t *testing.T) {
	w := newWorld(t, nil)
	payments := w.policy("payments", rules(mistaken("Use", "api")))
	w.awaitPolicy(payments, v1alpha1.ConditionValid, metav1.ConditionFalse, v1alpha1.ReasonErrors)
	w.awaitPolicy(payments, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonErrors)
}

func TestKeyPolicyNamesTheServiceAccountsThatItDoesWithout(t *testing.T) {
	w := newWorld(t, nil)
	w.podAccount("web")
	orders := w.readyKey("orders", nil)
	readers := w.policy("readers", rules(allow("Api", "api"), allow("Web", "web")), "orders")
	missing := w.awaitPolicy(readers, v1alpha1.ConditionPrincipalsResolved, metav1.ConditionFalse, v1alpha1.ReasonPrincipalsUnresolved)
	wantMessage(t, missing.Status.Conditions, v1alpha1.ConditionPrincipalsResolved, w.namespace+"/api does not exist")
	w.awaitTarget(readers, "orders", v1alpha1.TargetApplied) // what there is of it
	w.awaitKstatus(readers, kstatus.InProgressStatus)
	w.awaitKey(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionTrue, v1alpha1.ReasonPrincipalsUnresolved)

	api := w.podAccount("api")
	w.awaitPolicy(readers, v1alpha1.ConditionPrincipalsResolved, metav1.ConditionTrue, v1alpha1.ReasonResolved)
	w.awaitKstatus(readers, kstatus.CurrentStatus)
	w.awaitKey(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionTrue, v1alpha1.ReasonPolicyApplied)
	w.delete(api)
	w.awaitPolicy(readers, v1alpha1.ConditionPrincipalsResolved, metav1.ConditionFalse, "")
}

func TestKeyPolicyWithSomethingOddIsInForceAndSaysSo(t *testing.T) {
	w := newWorld(t, nil)
	w.podAccount("api")
	w.readyKey("orders", nil)
	odd := allow("Grant", "api")
	odd.Permissions, odd.Actions = nil, []string{"kms:CreateGrant"}
	readers := w.policy("readers", rules(odd), "orders")
	fresh := w.awaitPolicy(readers, v1alpha1.ConditionValid, metav1.ConditionTrue, v1alpha1.ReasonWarnings)
	wantMessage(t, fresh.Status.Conditions, v1alpha1.ConditionValid, "Warning: spec.rules[Grant].", "kms:CreateGrant")
	w.awaitTarget(readers, "orders", v1alpha1.TargetApplied)
	w.awaitKstatus(readers, kstatus.CurrentStatus)
}

func TestKubectlShowsWhetherAKeyPolicyIsInForce(t *testing.T) {
	w := newWorld(t, nil)
	w.podAccount("api")
	w.key("orders", nil)
	w.policy("readers", rules(allow("Use", "api")), "orders")
	w.policy("waiting", rules(allow("Use", "api")), "orders", "later")
	w.kubectl("wait", "--for=condition=Ready", "--timeout=30s", "-n", w.namespace, "keypolicy/readers")
	w.kubectl("wait", "--for=jsonpath={.status.applied}=1", "--timeout=30s", "-n", w.namespace, "kmspolicy/waiting")
	lines := strings.Split(strings.TrimSpace(w.kubectl("get", "keypolicies", "-n", w.namespace)), "\n")
	var table [][]string
	for _, line := range lines {
		fields := strings.Fields(line)
		table = append(table, fields[:len(fields)-1]) // without the age
	}
	want := [][]string{{"NAME", "READY", "KEYS", "APPLIED", "VALID"}, {"readers", "True", "1", "1", "Valid"}, {"waiting", "False", "2", "1", "Valid"}}
	if !slices.EqualFunc(table, want, slices.Equal) {
		t.Errorf("kubectl get keypolicies:\n%s", strings.Join(lines, "\n"))
	}
	if wide := w.kubectl("get", "keypolicies", "-n", w.namespace, "-o", "wide"); !strings.Contains(wide, "there is no Key") {
		t.Errorf("kubectl get keypolicies -o wide does not say why:\n%s", wide)
	}
}

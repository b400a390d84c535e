// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

// keyWithID is the Key of the world's namespace that declares the key, or nil.
func (w *world) keyWithID(keyID string) *v1alpha1.Key {
	w.t.Helper()
	keys := &v1alpha1.KeyList{}
	if err := w.env.Client.List(w.ctx, keys, client.InNamespace(w.namespace)); err != nil {
		w.t.Fatal(err)
	}
	i := slices.IndexFunc(keys.Items, func(key v1alpha1.Key) bool { return key.Status.KeyID == keyID })
	if i < 0 {
		return nil
	}
	return &keys.Items[i]
}

// createPolicy lets the principal do the actions on the Key, and waits until that is in force.
func (w *world) createPolicy(key *v1alpha1.Key, principal string, actions ...string) *v1alpha1.KeyPolicy {
	w.t.Helper()
	object := w.declarePolicy(key, principal, actions...)
	w.awaitPolicy(object, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	return object
}

// declarePolicy declares that the principal may do the actions on the Key.
func (w *world) declarePolicy(key *v1alpha1.Key, principal string, actions ...string) *v1alpha1.KeyPolicy {
	w.t.Helper()
	object := &v1alpha1.KeyPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, GenerateName: "allow-"},
		Spec: v1alpha1.KeyPolicySpec{
			Targets: []v1alpha1.KeyPolicyTarget{{Name: key.Name}},
			Rules: []v1alpha1.KeyPolicyRule{{
				Sid: "Allow", Principals: []v1alpha1.KeyPolicyPrincipal{{AWS: principal}}, Actions: actions,
			}},
		},
	}
	w.create(object)
	return object
}

// awaitPolicy waits until the condition of the KeyPolicy's current generation has the status and, unless empty, the reason.
func (w *world) awaitPolicy(object *v1alpha1.KeyPolicy, conditionType string, status metav1.ConditionStatus, reason string) *v1alpha1.KeyPolicy {
	w.t.Helper()
	fresh := &v1alpha1.KeyPolicy{}
	w.await(func() (bool, string) {
		if err := w.env.Client.Get(w.ctx, client.ObjectKeyFromObject(object), fresh); err != nil {
			w.t.Fatal(err)
		}
		return holds(fresh.Status.Conditions, fresh.Generation, conditionType, status, reason),
			fmt.Sprintf("KeyPolicy %s at %s=%s %s; it has:\n%s", object.Name, conditionType, status, reason, describe(fresh.Status.Conditions))
	})
	return fresh
}

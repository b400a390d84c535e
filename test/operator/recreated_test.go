// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

func TestBackendThatIsDeletedLeavesItsKeysAndFindsThemAgain(t *testing.T) {
	w := newWorld(t, nil)
	key := w.readyKey("orders", nil)
	w.delete(w.getBackend())
	stuck := w.awaitKey(key, v1alpha1.ConditionBackendReady, metav1.ConditionFalse, v1alpha1.ReasonBackendNotFound)
	wantMessage(t, stuck.Status.Conditions, v1alpha1.ConditionStalled, w.backend.Name)

	again := &v1alpha1.KMSBackend{ObjectMeta: metav1.ObjectMeta{Name: w.backend.Name}, Spec: *w.backend.Spec.DeepCopy()}
	w.create(again)
	back := w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if back.Status.KeyID != key.Status.KeyID {
		t.Errorf("key = %s, want %s", back.Status.KeyID, key.Status.KeyID)
	}
}

func TestBackendCreatedAgainAsAnotherKeyringDoesNotHaveTheKeysOfTheFirst(t *testing.T) {
	w := newWorld(t, nil)
	key := w.readyKey("orders", nil)
	w.delete(w.getBackend())
	other := &v1alpha1.KMSBackend{ObjectMeta: metav1.ObjectMeta{Name: w.backend.Name}, Spec: *w.backend.Spec.DeepCopy()}
	other.Spec.Software.Region = "another-" + w.backend.Spec.Software.Region
	w.create(other)
	elsewhere := w.awaitKey(key, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonAdoptMismatch)
	wantMessage(t, elsewhere.Status.Conditions, v1alpha1.ConditionStalled, key.Status.ARN)
	if elsewhere.Status.KeyID != key.Status.KeyID {
		t.Errorf("key = %s, want %s kept in status", elsewhere.Status.KeyID, key.Status.KeyID)
	}
	fresh := w.readyKey("fresh", nil)
	if got := w.getKey(fresh).Status.ARN; got == "" {
		t.Error("a new Key has no ARN")
	}

	w.delete(w.getBackend())
	w.create(&v1alpha1.KMSBackend{ObjectMeta: metav1.ObjectMeta{Name: w.backend.Name}, Spec: *w.backend.Spec.DeepCopy()})
	back := w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if back.Status.ARN != key.Status.ARN {
		t.Errorf("key = %s, want %s again", back.Status.ARN, key.Status.ARN)
	}
}

func TestBackendThatWaitsForAFinalizerStopsItsKeysAndSaysSo(t *testing.T) {
	w := newWorld(t, nil)
	key := w.readyKey("orders", nil)
	going := modify(w, w.backend, func(b *v1alpha1.KMSBackend) { b.Finalizers = append(b.Finalizers, "example.com/keep") })
	w.delete(going)
	stuck := w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonBackendNotFound)
	wantMessage(t, stuck.Status.Conditions, v1alpha1.ConditionStalled, "is being deleted")
	rule := w.declarePolicy(key, "arn:aws:iam::111122223333:role/app", "kms:Decrypt")
	w.awaitPolicy(rule, v1alpha1.ConditionReady, metav1.ConditionFalse, "")

	modify(w, going, func(b *v1alpha1.KMSBackend) { b.Finalizers = nil })
	w.create(&v1alpha1.KMSBackend{ObjectMeta: metav1.ObjectMeta{Name: w.backend.Name}, Spec: *w.backend.Spec.DeepCopy()})
	w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	w.awaitPolicy(rule, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

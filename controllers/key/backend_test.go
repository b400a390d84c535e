// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"sigs.k8s.io/controller-runtime/pkg/client"

	corev1 "k8s.io/api/core/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
)

func TestKeyWithoutBackendRefTakesTheDefaultBackendAndStaysThere(t *testing.T) {
	r := newRig(t)
	waiting := r.newKey("orders", func(k *v1alpha1.Key) { k.Spec.BackendRef = nil })
	r.create(waiting)
	stuck := r.await(waiting, v1alpha1.ConditionBackendReady, metav1.ConditionFalse, v1alpha1.ReasonNoDefaultBackend)
	wantMessage(t, stuck, v1alpha1.ConditionReady, "spec.backendRef", v1alpha1.DefaultBackendAnnotation)

	r.annotateDefault(r.backendName, "true")
	ready := r.await(waiting, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if ready.Status.Backend != r.backendName {
		t.Errorf("status.backend = %q, want %q", ready.Status.Backend, r.backendName)
	}

	second := r.secondBackend(backendtest.NewFake(ready.CreationTimestamp.Time))
	r.annotateDefault(second, "true")
	undecided := r.newKey("undecided", func(k *v1alpha1.Key) { k.Spec.BackendRef = nil })
	r.create(undecided)
	stuck = r.await(undecided, v1alpha1.ConditionBackendReady, metav1.ConditionFalse, v1alpha1.ReasonSeveralDefaultBackends)
	wantMessage(t, stuck, v1alpha1.ConditionReady, r.backendName, second)

	r.annotateDefault(r.backendName, "false")
	moved := r.await(undecided, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	stayed := r.await(waiting, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if moved.Status.Backend != second || stayed.Status.Backend != r.backendName {
		t.Errorf("backends are %q and %q, want %q and %q", moved.Status.Backend, stayed.Status.Backend, second, r.backendName)
	}
	r.annotateDefault(second, "false")
}

func TestKeyOnABackendThatDoesNotExistWaitsForIt(t *testing.T) {
	r := newRig(t)
	name := "later-" + rand.String(8)
	made := r.newKey("orders", func(k *v1alpha1.Key) { k.Spec.BackendRef.Name = name })
	r.create(made)
	stuck := r.await(made, v1alpha1.ConditionBackendReady, metav1.ConditionFalse, v1alpha1.ReasonBackendNotFound)
	wantMessage(t, stuck, v1alpha1.ConditionStalled, "spec.backendRef", name, "create it")
	if len(stuck.Finalizers) != 0 {
		t.Errorf("finalizers = %v before anything was made", stuck.Finalizers)
	}
	r.create(&v1alpha1.KMSBackend{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.KMSBackendSpec{Software: &v1alpha1.SoftwareBackend{}},
	})
	r.openBackend(name, r.fake)
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func TestKeyOnABackendThatCannotBeUsedSaysWhyAndHeals(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", nil)
	r.backends.Set(r.backendName, backend.Entry{Err: &backend.Error{Class: backend.Unavailable, Message: "the lights are out"}})
	stuck := r.await(made, v1alpha1.ConditionBackendReady, metav1.ConditionFalse, v1alpha1.ReasonBackendNotReady)
	wantMessage(t, stuck, v1alpha1.ConditionReady, r.backendName, "the lights are out")
	if stuck.Status.KeyID != made.Status.KeyID {
		t.Errorf("status.keyID = %q, want %q kept", stuck.Status.KeyID, made.Status.KeyID)
	}
	r.openBackend(r.backendName, r.fake)
	healed := r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if healed.Status.KeyID != made.Status.KeyID {
		t.Errorf("the key became another one: %s, was %s", healed.Status.KeyID, made.Status.KeyID)
	}
}

func TestNamespaceThatTheBackendDoesNotAllowGetsNoKey(t *testing.T) {
	r := newRig(t)
	r.changeBackend(func(b *v1alpha1.KMSBackend) {
		b.Spec.AllowedNamespaces = &v1alpha1.AllowedNamespaces{
			From: v1alpha1.NamespacesSelector, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"keys": "yes"}},
		}
	})
	made := r.newKey("orders", nil)
	r.create(made)
	stuck := r.await(made, v1alpha1.ConditionBackendReady, metav1.ConditionFalse, v1alpha1.ReasonNamespaceNotAllowed)
	wantMessage(t, stuck, v1alpha1.ConditionStalled, r.namespace, "keys=yes")
	if calls := r.fake.Calls(backendtest.VerbCreate); calls != 0 {
		t.Errorf("%d keys were created outside", calls)
	}

	namespace := &corev1.Namespace{}
	if err := r.client.Get(r.ctx, client.ObjectKey{Name: r.namespace}, namespace); err != nil {
		t.Fatal(err)
	}
	namespace.Labels["keys"] = "yes"
	if err := r.client.Update(r.ctx, namespace); err != nil {
		t.Fatal(err)
	}
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func (r *rig) annotateDefault(name, value string) {
	r.t.Helper()
	r.changeNamed(name, func(b *v1alpha1.KMSBackend) {
		b.Annotations = map[string]string{v1alpha1.DefaultBackendAnnotation: value}
	})
}

// changeBackend changes the KMSBackend, and waits until the controller knows.
func (r *rig) changeBackend(change func(*v1alpha1.KMSBackend)) {
	r.t.Helper()
	r.changeNamed(r.backendName, change)
}

func (r *rig) changeNamed(name string, change func(*v1alpha1.KMSBackend)) {
	r.t.Helper()
	object := &v1alpha1.KMSBackend{}
	if err := r.client.Get(r.ctx, client.ObjectKey{Name: name}, object); err != nil {
		r.t.Fatal(err)
	}
	change(object)
	if err := r.client.Update(r.ctx, object); err != nil {
		r.t.Fatal(err)
	}
	r.awaitKnown(object)
}

func (r *rig) secondBackend(b backend.Backend) string {
	r.t.Helper()
	name := "backend-" + rand.String(8)
	r.create(&v1alpha1.KMSBackend{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.KMSBackendSpec{Software: &v1alpha1.SoftwareBackend{}},
	})
	r.openBackend(name, b)
	return name
}

// keepTerminating deletes the KMSBackend, which waits for somebody's finalizer.
func (r *rig) keepTerminating() {
	r.t.Helper()
	const finalizer = "example.com/keep"
	r.changeBackend(func(b *v1alpha1.KMSBackend) { b.Finalizers = append(b.Finalizers, finalizer) })
	object := &v1alpha1.KMSBackend{}
	if err := r.client.Get(r.ctx, client.ObjectKey{Name: r.backendName}, object); err != nil {
		r.t.Fatal(err)
	}
	r.delete(object)
	r.backends.Delete(r.backendName) // as the controller of KMSBackends does
}

func TestKeysSayThatTheirBackendIsBeingDeleted(t *testing.T) {
	r := newRig(t)
	made, gone := r.createReady("orders", nil), r.createReady("gone", scheduling(0))
	r.keepTerminating()
	r.update(made, described("changed"))
	r.delete(gone)
	stuck := r.await(made, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonBackendNotFound)
	wantMessage(t, stuck, v1alpha1.ConditionStalled, r.backendName, "is being deleted", "example.com/keep")
	waits := r.await(gone, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonBackendNotFound)
	wantMessage(t, waits, v1alpha1.ConditionSynced, "deletion waits", "is being deleted", "Retain")
	r.update(gone, func(k *v1alpha1.Key) { k.Spec.Deletion.Policy = v1alpha1.DeletionRetain })
	r.awaitGone(gone)
}

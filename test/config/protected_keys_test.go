// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

func TestProtectedKeyIsNotDeletedUntilItsProtectionIsTakenOff(t *testing.T) {
	namespace := env.Namespace(t)
	key := createKey(t, namespace, "protected", new(true))
	awaitPolicy(t, key)

	err := env.Client.Delete(t.Context(), key)
	assertForbidden(t, err, "Key "+namespace+"/protected is protected from deletion: set spec.deletion.protected to false first")
	assertExists(t, key)

	key.Spec.Deletion.Protected = new(false)
	if err := env.Client.Update(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if err := env.Client.Delete(t.Context(), key); err != nil {
		t.Errorf("deleting the Key without its protection: %v", err)
	}
}

func TestUnprotectedKeysAreDeleted(t *testing.T) {
	namespace := env.Namespace(t)
	awaitPolicy(t, createKey(t, namespace, "protected", new(true)))
	for name, protected := range map[string]*bool{"false": new(false), "omitted": nil} {
		key := createKey(t, namespace, name, protected)
		if err := env.Client.Delete(t.Context(), key); err != nil {
			t.Errorf("deleting a Key with protected %s: %v", name, err)
		}
	}
}

func TestProtectedKeyOutlivesTheDeletionOfAll(t *testing.T) {
	namespace := env.Namespace(t)
	protected := createKey(t, namespace, "protected", new(true))
	awaitPolicy(t, protected)
	for _, name := range []string{"a", "z"} {
		createKey(t, namespace, name, nil)
	}

	err := env.Client.DeleteAllOf(t.Context(), &v1alpha1.Key{}, client.InNamespace(namespace))
	assertForbidden(t, err, "set spec.deletion.protected to false first")
	assertExists(t, protected)
}

func TestProtectedKeyThatIsBeingDeletedCanLoseItsFinalizer(t *testing.T) {
	namespace := env.Namespace(t)
	awaitPolicy(t, createKey(t, namespace, "protected", new(true)))
	key := createKey(t, namespace, "going", nil, v1alpha1.KeyFinalizer)
	if err := env.Client.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	// Too late to protect it: its key is being seen to already.
	if err := env.Client.Get(t.Context(), client.ObjectKeyFromObject(key), key); err != nil {
		t.Fatal(err)
	}
	key.Spec.Deletion.Protected = new(true)
	key.Finalizers = nil
	if err := env.Client.Update(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if err := env.Client.Get(t.Context(), client.ObjectKeyFromObject(key), key); !apierrors.IsNotFound(err) {
		t.Errorf("getting the Key: %v, want NotFound", err)
	}
}

func createKey(t *testing.T, namespace, name string, protected *bool, finalizers ...string) *v1alpha1.Key {
	t.Helper()
	key := &v1alpha1.Key{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Finalizers: finalizers},
		Spec:       v1alpha1.KeySpec{KeySpec: "SYMMETRIC_DEFAULT", Deletion: v1alpha1.KeyDeletion{Protected: protected}},
	}
	if err := env.Client.Create(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	return key
}

// awaitPolicy waits until the admission policy that forbids the deletion of object is in force: the API server takes
// it up a moment after it is created.
func awaitPolicy(t *testing.T, object client.Object) {
	t.Helper()
	const patience = time.Minute
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		err := env.Client.Delete(t.Context(), object, client.DryRunAll)
		if apierrors.IsForbidden(err) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %s no policy forbids to delete %T %s: %v", patience, object, object.GetName(), err)
		}
	}
}

func assertForbidden(t *testing.T, err error, wayOut string) {
	t.Helper()
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), wayOut) {
		t.Errorf("got %v, want Forbidden with %q", err, wayOut)
	}
}

func assertExists(t *testing.T, object client.Object) {
	t.Helper()
	if err := env.Client.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
		t.Errorf("getting %T %s: %v", object, object.GetName(), err)
	}
	if object.GetDeletionTimestamp() != nil {
		t.Errorf("%T %s is being deleted", object, object.GetName())
	}
}

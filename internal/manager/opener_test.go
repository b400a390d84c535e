// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

// vault is a keyring in these tests.
var vault = keyring{accountID: "111122223333", region: "local"}

func enter(t *testing.T, o *opener, name, rootKey string) *shared {
	t.Helper()
	has, err := o.enter(name, vault, rootKey)
	if err != nil {
		t.Fatal(err)
	}
	return has
}

// The two have caches of their own: the controllers may have opened the KMSBackend that was created in the place of another one
// before the door hears that this is gone.
func TestTheControllersLookAgainAtAKMSBackendWhoseKeyringTheDoorCloses(t *testing.T) {
	o := newOpener(t.Context(), nil, Defaults(), "cluster", kms.NewPartition())
	var told []string
	o.onClose(func(name string) { told = append(told, name) })
	opened := enter(t, o, "a", "root")
	d := newDoor(o)
	d.client = fake.NewClientBuilder().WithScheme(Scheme()).Build()
	for range 2 {
		if _, err := d.Reconcile(t.Context(), ctrl.Request{NamespacedName: types.NamespacedName{Name: "a"}}); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(told, []string{"a"}) || !opened.closed {
		t.Errorf("told of %q, closed %t", told, opened.closed)
	}
}

func TestAKMSBackendCreatedAgainWithAnotherRootKeyDoesNotConflictWithItself(t *testing.T) {
	o := newOpener(t.Context(), nil, Defaults(), "cluster", kms.NewPartition())
	first := enter(t, o, "a", "first")
	second := enter(t, o, "a", "second") // nobody heard of the deletion in between
	if second == first || !first.closed || second.closed {
		t.Errorf("the same keyring %t, closed %t and %t", second == first, first.closed, second.closed)
	}
	enter(t, o, "b", "second")
	if _, err := o.enter("a", vault, "third"); backend.ClassOf(err) != backend.InvalidInput || !strings.Contains(err.Error(), "KMSBackend b serves") {
		t.Errorf("with a keyring that another one uses, too: %v", err)
	}
	if second.closed {
		t.Error("it was closed")
	}
}

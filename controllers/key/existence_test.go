// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

func (r *rig) ownerOf(k *v1alpha1.Key) backend.Owner {
	return backend.Owner{Cluster: clusterUID, Namespace: k.Namespace, Name: k.Name, UID: string(k.UID)}
}

func (r *rig) owned(k *v1alpha1.Key) []*backend.Key {
	r.t.Helper()
	owned, err := r.fake.Owned(r.ctx, r.ownerOf(k))
	if err != nil {
		r.t.Fatal(err)
	}
	return owned
}

func TestKeyIsCreatedWithOwnerTagsAndFinalizer(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", func(k *v1alpha1.Key) {
		k.Spec.Description = "orders at rest"
		k.Spec.Tags = map[string]v1alpha1.TagValue{"team": "payments"}
		k.Spec.Aliases = []string{"alias/orders"}
	})
	seen := r.seen(made.Status.KeyID)
	if holder, _ := backend.OwnerFromTags(seen.Tags); holder != r.ownerOf(made) {
		t.Errorf("owner tags = %+v, want %+v", holder, r.ownerOf(made))
	}
	if seen.Description != "orders at rest" || seen.Tags["team"] != "payments" || !slices.Equal(seen.Aliases, []string{"alias/orders"}) {
		t.Errorf("key = %+v", seen)
	}
	if made.Status.ARN != seen.ARN || made.Status.KeyState != "Enabled" || !slices.Equal(made.Status.Aliases, seen.Aliases) {
		t.Errorf("status = %+v", made.Status)
	}
	if !slices.Contains(made.Finalizers, v1alpha1.KeyFinalizer) {
		t.Errorf("finalizers = %v", made.Finalizers)
	}
}

func TestLostAnswerToCreateMakesOneKey(t *testing.T) {
	r := newRig(t)
	r.fake.Inject(backendtest.Fault{
		Verb: backendtest.VerbCreate, Times: 1, AfterEffect: true,
		Err: &backend.Error{Class: backend.Unavailable, Message: "connection reset"},
	})
	made := r.createReady("orders", nil)
	if owned := r.owned(made); len(owned) != 1 || owned[0].ID != made.Status.KeyID {
		t.Errorf("keys = %v, want the one in status, %s", owned, made.Status.KeyID)
	}
}

func TestKeyThatVanishedOutsideIsLostAndNeverReplaced(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", nil)
	r.fake.Destroy(made.Status.KeyID)
	lost := r.await(made, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonKeyLost)
	wantMessage(t, lost, v1alpha1.ConditionReady, made.Status.KeyID, "not replaced")
	if lost.Status.KeyID != made.Status.KeyID || lost.Status.KeyState != "" {
		t.Errorf("status = %s %q, want the lost key's ID and no state", lost.Status.KeyID, lost.Status.KeyState)
	}
	r.awaitEvent(made, "KeyLost")
	r.update(made, func(k *v1alpha1.Key) { k.Spec.Description = "poked" })
	r.await(made, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonKeyLost)
	if owned := r.owned(made); len(owned) != 0 {
		t.Errorf("a key was made in its place: %v", owned)
	}
}

func TestKeyCreatedAgainFindsItsRetainedKey(t *testing.T) {
	r := newRig(t)
	first := r.createReady("orders", func(k *v1alpha1.Key) { k.Spec.Aliases = []string{"alias/orders"} })
	r.delete(first)
	r.awaitGone(first)
	if got := r.seen(first.Status.KeyID); got.State != backend.StateEnabled {
		t.Errorf("the retained key is %s", got.State)
	}
	second := r.createReady("orders", nil)
	if second.UID == first.UID || second.Status.KeyID != first.Status.KeyID {
		t.Errorf("key = %s, want %s again", second.Status.KeyID, first.Status.KeyID)
	}
	if got := r.seen(second.Status.KeyID).Tags[backend.TagUID]; got != string(second.UID) {
		t.Errorf("owner's UID = %s, want that of the new Key", got)
	}
	r.awaitEvent(second, "Recovered")
}

func TestKeyCreatedAgainWithinTheWindowIsTakenBackFromDeletion(t *testing.T) {
	r := newRig(t)
	schedule := func(k *v1alpha1.Key) { k.Spec.Deletion.Policy = v1alpha1.DeletionSchedule }
	first := r.createReady("orders", schedule)
	r.delete(first)
	r.awaitGone(first)
	if got := r.seen(first.Status.KeyID); got.State != backend.StatePendingDeletion {
		t.Fatalf("the key is %s", got.State)
	}
	second := r.createReady("orders", schedule)
	if got := r.seen(second.Status.KeyID); got.ID != first.Status.KeyID || got.State != backend.StateEnabled {
		t.Errorf("key = %s (%s), want %s enabled", got.ID, got.State, first.Status.KeyID)
	}
}

func TestKeyCreatedAgainAsAnotherSpecIsRefused(t *testing.T) {
	r := newRig(t)
	first := r.createReady("orders", nil)
	r.delete(first)
	r.awaitGone(first)
	second := r.newKey("orders", func(k *v1alpha1.Key) {
		k.Spec.KeySpec, k.Spec.KeyUsage = string(keyspec.HMAC256), v1alpha1.KeyUsage(keyspec.GenerateVerifyMAC)
	})
	r.create(second)
	stuck := r.await(second, v1alpha1.ConditionCreated, metav1.ConditionFalse, v1alpha1.ReasonAdoptMismatch)
	wantMessage(t, stuck, v1alpha1.ConditionStalled, first.Status.KeyID, "SYMMETRIC_DEFAULT", "HMAC_256")
}

func TestSeveralKeysOfOneOwnerAreForAPersonToTellApart(t *testing.T) {
	r := newRig(t)
	var keys []string
	for _, uid := range []string{"an-earlier-uid", "an-even-earlier-uid"} {
		made, err := r.fake.Create(r.ctx, backend.CreateInput{
			Owner: backend.Owner{Cluster: clusterUID, Namespace: r.namespace, Name: "orders", UID: uid},
			Spec:  keyspec.SymmetricDefault, Usage: keyspec.EncryptDecrypt,
		})
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, made.ID)
	}
	made := r.newKey("orders", nil)
	r.create(made)
	stuck := r.await(made, v1alpha1.ConditionCreated, metav1.ConditionFalse, v1alpha1.ReasonSeveralKeys)
	wantMessage(t, stuck, v1alpha1.ConditionStalled, keys[0], keys[1], "spec.adopt.keyID")
	r.update(made, func(k *v1alpha1.Key) { k.Spec.Adopt = &v1alpha1.KeyAdoption{KeyID: keys[1]} })
	ready := r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if ready.Status.KeyID != keys[1] {
		t.Errorf("key = %s, want the one chosen, %s", ready.Status.KeyID, keys[1])
	}
}

func TestDamagedKeyStallsItsKeyAndIsNotReplaced(t *testing.T) {
	r := newRig(t)
	r.fake.Inject(backendtest.Fault{
		Verb: backendtest.VerbOwned,
		Err:  &backend.Error{Class: backend.Damaged, Message: "record kms-key-1 was altered: restore it"},
	})
	made := r.newKey("orders", nil)
	r.create(made)
	stuck := r.await(made, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonKeyDamaged)
	wantMessage(t, stuck, v1alpha1.ConditionReady, "kms-key-1")
	if calls := r.fake.Calls(backendtest.VerbCreate); calls != 0 {
		t.Errorf("%d keys were made beside the damaged one", calls)
	}
}

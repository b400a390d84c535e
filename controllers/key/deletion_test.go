// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
)

func scheduling(window int32) func(*v1alpha1.Key) {
	return func(k *v1alpha1.Key) {
		k.Spec.Deletion = v1alpha1.KeyDeletion{Policy: v1alpha1.DeletionSchedule, PendingWindowInDays: window}
	}
}

func TestDeletionIsScheduledWithTheDeclaredWindow(t *testing.T) {
	for name, test := range map[string]struct {
		window int32
		days   int
	}{"declared": {7, 7}, "default": {0, 30}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			made := r.createReady("orders", scheduling(test.window))
			r.delete(made)
			r.awaitGone(made)
			r.wantPending(made, test.days)
			r.awaitEvent(made, "DeletionScheduled")
		})
	}
}

// wantPending looks whether the Key's key is to be destroyed so many days after it was made.
func (r *rig) wantPending(object *v1alpha1.Key, want int) {
	r.t.Helper()
	seen := r.seen(object.Status.KeyID)
	if days := int(seen.DeletionTime.Sub(seen.CreationTime) / (24 * time.Hour)); seen.State != backend.StatePendingDeletion || days != want {
		r.t.Errorf("key is %s for %d days, want %d", seen.State, days, want)
	}
}

func TestKeyAlreadyPendingDeletionOrGoneCountsAsDone(t *testing.T) {
	r := newRig(t)
	pending := r.createReady("pending", scheduling(0))
	gone := r.createReady("gone", scheduling(0))
	// Nobody can take the deletion for drift and cancel it before the Key is deleted.
	r.fake.Inject(denied(backendtest.VerbApply, "kms:CancelKeyDeletion is denied"))
	if _, err := r.fake.ScheduleDeletion(r.ctx, pending.Status.KeyID, 7); err != nil {
		t.Fatal(err)
	}
	r.wantPending(pending, 7)
	r.fake.Destroy(gone.Status.KeyID)
	for _, object := range []*v1alpha1.Key{pending, gone} {
		r.delete(object)
		r.awaitGone(object.DeepCopy())
	}
	r.wantPending(pending, 7)
}

func TestDeletionWaitsForABackendThatFailsAndSaysSo(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", scheduling(0))
	r.fake.Inject(backendtest.Fault{
		Verb: backendtest.VerbScheduleDeletion,
		Err:  &backend.Error{Class: backend.AccessDenied, Message: "kms:ScheduleKeyDeletion is denied"},
	})
	r.delete(made)
	stuck := r.await(made, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonAccessDenied)
	wantMessage(t, stuck, v1alpha1.ConditionReady, "deletion waits", "kms:ScheduleKeyDeletion is denied")
	r.fake.Heal()
	r.update(made, func(k *v1alpha1.Key) { k.Spec.Description = "nudge" })
	r.awaitGone(made)
}

func TestDeletionWithoutItsBackendCanBeLetGoByRetaining(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", scheduling(0))
	object := &v1alpha1.KMSBackend{}
	if err := r.client.Get(r.ctx, client.ObjectKey{Name: r.backendName}, object); err != nil {
		t.Fatal(err)
	}
	r.delete(object)
	r.backends.Delete(r.backendName)
	r.await(made, v1alpha1.ConditionBackendReady, metav1.ConditionFalse, v1alpha1.ReasonBackendNotFound)
	r.delete(made)
	stuck := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonBackendNotFound)
	wantMessage(t, stuck, v1alpha1.ConditionStalled, r.backendName, "spec.deletion.policy", "Retain")
	r.update(made, func(k *v1alpha1.Key) { k.Spec.Deletion.Policy = v1alpha1.DeletionRetain })
	r.awaitGone(made)
	if seen := r.seen(made.Status.KeyID); seen.State != backend.StateEnabled {
		t.Errorf("the key that was let go is %s", seen.State)
	}
}

func TestDeletionSparesAKeyThatNowBelongsToAnother(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", scheduling(0))
	other := backend.SetTags{Tags: backend.Owner{Cluster: clusterUID, Namespace: "another", Name: "key", UID: "u"}.Tags()}
	if _, err := r.fake.Apply(r.ctx, made.Status.KeyID, []backend.Change{other}); err != nil {
		t.Fatal(err)
	}
	r.await(made, v1alpha1.ConditionCreated, metav1.ConditionFalse, v1alpha1.ReasonAdoptRefused)
	r.delete(made)
	r.awaitGone(made)
	if seen := r.seen(made.Status.KeyID); seen.State != backend.StateEnabled {
		t.Errorf("another one's key is %s", seen.State)
	}
}

func TestDeletionFindsAKeyWhoseStatusWasNeverWritten(t *testing.T) {
	r := newRig(t)
	made := r.newKey("orders", func(k *v1alpha1.Key) {
		scheduling(0)(k)
		k.Finalizers = []string{v1alpha1.KeyFinalizer}
		k.Spec.BackendRef.Name = r.backendName
	})
	r.fake.Inject(backendtest.Fault{
		Verb: backendtest.VerbCreate, Times: 1, AfterEffect: true,
		Err: &backend.Error{Class: backend.AccessDenied, Message: "the answer was lost"},
	})
	r.create(made)
	r.await(made, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonAccessDenied)
	if id := r.get(made).Status.KeyID; id != "" {
		t.Fatalf("status.keyID = %s: the test's premise is gone", id)
	}
	r.delete(made)
	r.awaitGone(made)
	owned := r.owned(made)
	if len(owned) != 1 || owned[0].State != backend.StatePendingDeletion {
		t.Errorf("keys = %+v, want one, pending deletion", owned)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// rotating asks for a rotation at that time.
func rotating(at time.Time) func(*v1alpha1.Key) {
	return func(k *v1alpha1.Key) {
		k.Spec.Rotation = &v1alpha1.KeyRotation{RequestedAt: &metav1.Time{Time: at.Truncate(time.Second)}}
	}
}

// closeRegion removes the KMSBackend of a Region, and the Region.
func (r *realm) closeRegion(region string) {
	r.t.Helper()
	r.delete(&v1alpha1.KMSBackend{ObjectMeta: metav1.ObjectMeta{Name: r.names[region]}})
	r.backends.Delete(r.names[region])
	r.at[region].Leave(true)
}

func TestARotationThatWaitsForARegionIsToldAndNotTakenForCarriedOut(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south})
	r.update(made, in(nil)) // deletion.policy is Retain: the replica stays
	r.awaitRegions(made)
	r.closeRegion(south)
	r.fake.Advance(2 * time.Hour)
	requested := time.Now().Add(-time.Second).Truncate(time.Second)
	r.update(made, rotating(requested))
	waits := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonRotationWaits)
	wantMessage(t, waits, v1alpha1.ConditionSynced, "rotation waits for Region south-1", "no KMSBackend of account 111122223333 is open there", "create it again")
	if status := waits.Status.Rotation; status != nil && status.RequestedAt != nil {
		t.Errorf("the request is taken for carried out: %+v", status)
	}

	again := requested.Add(time.Second)
	r.update(made, rotating(again)) // which the one that waits will do
	waits = r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonRotationWaits)
	wantMessage(t, waits, v1alpha1.ConditionStalled, "rotation waits for Region south-1")

	r.at[south].Leave(false)
	r.update(made, annotate(v1alpha1.ReconcileAtAnnotation, "2026-01-01T00:00:00Z")) // a backend that can be watched tells by itself
	ready := r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if got := ready.Status.Rotation; got == nil || got.OnDemandCount != 1 || got.LastTime == nil || got.RequestedAt == nil || !got.RequestedAt.Time.Equal(again) {
		t.Errorf("after the Region came back status says %+v, and requested was %s", got, again)
	}
	r.awaitEvent(made, "Rotated")
}

func TestARotationThatWaitsForARegionWithAKMSBackendIsUnderWay(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south})
	r.at[south].Leave(true)
	r.fake.Advance(2 * time.Hour)
	r.update(made, rotating(time.Now().Add(-time.Second)))
	waits := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonRotationWaits)
	wantMessage(t, waits, v1alpha1.ConditionReconciling, "rotation waits for Region south-1")
	r.await(made, v1alpha1.ConditionStalled, metav1.ConditionFalse, "")
	r.at[south].Leave(false)
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func TestAPrimaryThatWaitsForTheEndOfItsReplicasSaysSo(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south})
	observe(r.rig, made)
	if _, err := r.fake.ScheduleDeletion(r.ctx, made.Status.KeyID, 7); err != nil {
		t.Fatal(err)
	}
	r.awaitKey(made, home, "to be deleted", inState(backend.StatePendingDeletion))
	r.awaitSays(made, v1alpha1.ConditionSynced, "waits for the end of the replicas in south-1")
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// awaitSaysGone waits until status says no more of the replica in the south than that it is to be there, and once was.
func (r *realm) awaitSaysGone(made *v1alpha1.Key, generation int64) {
	r.t.Helper()
	want := []v1alpha1.KeyReplicaStatus{{Region: south, Backend: r.names[south], SyncedGeneration: generation}}
	if !poll(func() bool { return cmp.Equal(want, r.get(made).Status.Replicas) }) {
		r.t.Fatalf("status.replicas: %+v, want %+v\n%s", r.get(made).Status.Replicas, want, describe(r.get(made)))
	}
}

func TestAReplicaThatSomebodyElseMakesWhereTheKeysIsGoneIsNotTaken(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south}, scheduled)
	observe(r.rig, made)
	r.at[south].Destroy(made.Status.KeyID)
	r.awaitSaysGone(made, made.Generation)
	r.meddleWith(made, backend.Replicate{Region: south, Description: "another's"})
	r.update(made, func(k *v1alpha1.Key) { delete(k.Annotations, v1alpha1.ReconcileAnnotation) })
	refused := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonAdoptRefused)
	wantMessage(t, refused, v1alpha1.ConditionSynced, "spec.replicas, south-1: ", v1alpha1.AdoptableByTag+"="+r.namespace)
	r.delete(made)
	r.awaitGone(made.DeepCopy())
	if key := r.key(made, south); key.State != backend.StateEnabled || key.Description != "another's" {
		t.Errorf("in the south it is %+v", key)
	}
}

func TestAReplicaThatIsAdoptedWhereTheKeysIsGoneHasNotDrifted(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south}, described("declared"))
	observe(r.rig, made)
	r.at[south].Destroy(made.Status.KeyID)
	r.awaitSaysGone(made, made.Generation)
	r.meddleWith(made, backend.Replicate{Region: south, Description: "another's", Tags: map[string]string{v1alpha1.AdoptableByTag: r.namespace}})
	r.update(made, func(k *v1alpha1.Key) { delete(k.Annotations, v1alpha1.ReconcileAnnotation) })
	r.awaitKey(made, south, "as declared", func(key *backend.Key) bool { return key.Description == "declared" })
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	r.awaitDrift(made, 1, "replicas: south-1 -> ")
}

func TestAReplicaIsMadeAgainThoughStatusSaysNothingOfItMeanwhile(t *testing.T) {
	r := newRealm(t)
	remembers := &forgetful{Fake: r.fake, known: map[string]*backend.Key{}}
	r.openBackend(r.backendName, remembers)
	made := r.createSpread("orders", []string{south}, withAliases("alias/orders"))
	before := made.Status.Replicas[0]
	r.at[south].Destroy(made.Status.KeyID) // which home, asked anew, says at first, and then it is made again
	r.awaitDrift(made, 2, "replicas: south-1 -> ", "replicas[south-1].aliases: alias/orders -> ")
	ready := r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if diff := cmp.Diff(before, ready.Status.Replicas[0]); diff != "" {
		t.Errorf("status.replicas differs: %s", diff)
	}
}

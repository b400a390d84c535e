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

// remakeBackend has a KMSBackend take the name of the rig's own, in the same account and Region, with b behind it.
func (r *rig) remakeBackend(spec v1alpha1.KMSBackendSpec, b backend.Backend) {
	r.t.Helper()
	object := &v1alpha1.KMSBackend{ObjectMeta: metav1.ObjectMeta{Name: r.backendName}}
	r.backends.Delete(r.backendName)
	r.delete(object.DeepCopy())
	object.Spec = spec
	r.create(object)
	r.openBackend(r.backendName, b)
}

var (
	onAWS      = v1alpha1.KMSBackendSpec{AWS: &v1alpha1.AWSBackend{}}
	onSoftware = v1alpha1.KMSBackendSpec{Software: &v1alpha1.SoftwareBackend{}}
)

func TestAKeyIsNotLostBecauseItsBackendBecameOneOfAnotherKind(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", scheduled)
	if kind := made.Status.BackendKind; kind != "software" {
		t.Errorf("status.backendKind = %q", kind)
	}
	r.remakeBackend(onAWS, backendtest.NewFake(time.Now()))
	refused := r.await(made, v1alpha1.ConditionCreated, metav1.ConditionFalse, v1alpha1.ReasonAdoptMismatch)
	wantMessage(t, refused, v1alpha1.ConditionStalled, "it has spec.aws, and the key "+made.Status.ARN+" is on one that had spec.software")

	r.delete(made)
	waits := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonAdoptMismatch)
	wantMessage(t, waits, v1alpha1.ConditionSynced, "deletion waits", "spec.deletion.policy to Retain")
	r.remakeBackend(onSoftware, r.fake)
	r.awaitGone(made.DeepCopy())
	if state := r.seen(made.Status.KeyID).State; state != backend.StatePendingDeletion {
		t.Errorf("the key is %s", state)
	}
}

func TestAKeyWithoutAKindTakesThatOfTheBackendOnWhichItIsFound(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", nil)
	r.backends.Delete(r.backendName) // from now on nobody finds it
	base := r.get(made)
	fresh := base.DeepCopy()
	fresh.Status.BackendKind = "" // as an earlier version wrote it
	if err := r.client.Status().Patch(r.ctx, fresh, client.MergeFrom(base)); err != nil {
		t.Fatal(err)
	}
	r.remakeBackend(onAWS, r.fake)
	if !poll(func() bool { return r.get(made).Status.BackendKind == "aws" }) {
		t.Errorf("status.backendKind = %q", r.get(made).Status.BackendKind)
	}
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func TestALostKeyMayBeWhereItsBackendLedBefore(t *testing.T) {
	r := newRig(t)
	r.remakeBackend(onAWS, r.fake)
	made := r.createReady("orders", nil)
	r.openBackend(r.backendName, backendtest.NewFake(time.Now()))
	lost := r.await(made, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonKeyLost)
	wantMessage(t, lost, v1alpha1.ConditionStalled, "or the KMSBackend is not the one that it was (its spec.aws.endpoint, say): look at that first")
	r.openBackend(r.backendName, r.fake)
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

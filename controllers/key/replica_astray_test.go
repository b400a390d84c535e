// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// withoutHome has a test run with a Key whose own KMSBackend is gone, with a Key that knows of which kind that was, and with one
// that does not.
func withoutHome(t *testing.T, change func(*v1alpha1.Key), test func(r *realm, made *v1alpha1.Key, apps *v1alpha1.KeyPolicy)) {
	for name, knows := range map[string]bool{"of a known kind": true, "of an unknown kind": false} {
		t.Run(name, func(t *testing.T) {
			r := newRealm(t)
			apps := r.apply("apps", "orders", allow("use", "app"))
			made := r.createSpread("orders", []string{south, west}, change)
			r.awaitRule(made, south, "app", true)
			r.delete(&v1alpha1.KMSBackend{ObjectMeta: metav1.ObjectMeta{Name: r.backendName}})
			r.backends.Delete(r.backendName)
			gone := r.await(made, v1alpha1.ConditionBackendReady, metav1.ConditionFalse, v1alpha1.ReasonBackendNotFound)
			if base := gone.DeepCopy(); !knows {
				gone.Status.BackendKind = ""
				if err := r.client.Status().Patch(r.ctx, gone, client.MergeFrom(base)); err != nil {
					t.Fatal(err)
				}
			}
			test(r, gone, apps)
		})
	}
}

func TestReplicasAreKeptWhileTheKeysOwnBackendIsAnotherOfAnotherKind(t *testing.T) {
	withoutHome(t, described("declared"), func(r *realm, made *v1alpha1.Key, apps *v1alpha1.KeyPolicy) {
		r.create(&v1alpha1.KMSBackend{
			ObjectMeta: metav1.ObjectMeta{Name: r.backendName}, Spec: v1alpha1.KMSBackendSpec{AWS: &v1alpha1.AWSBackend{}},
		})
		r.openBackend(r.backendName, r.fake.Elsewhere("east-1"))
		r.await(made, v1alpha1.ConditionCreated, metav1.ConditionFalse, v1alpha1.ReasonAdoptMismatch)
		r.delete(apps)
		r.awaitRule(made, south, "app", false)
		r.awaitRule(made, west, "app", false)
	})
}

func TestAReplicaIsNotLookedForWhereItsBackendBecameAnother(t *testing.T) {
	disabledInTheSouth := func(k *v1alpha1.Key) { k.Spec.Replicas[0].Enabled = new(false) }
	withoutHome(t, disabledInTheSouth, func(r *realm, made *v1alpha1.Key, _ *v1alpha1.KeyPolicy) {
		r.openBackend(r.names[south], r.at[west])
		astray := r.awaitSays(made, v1alpha1.ConditionSynced, "spec.replicas, south-1: ")
		wantMessage(r.t, astray, v1alpha1.ConditionSynced, " is in south-1 with account "+account)
		if state := r.key(made, west).State; state != backend.StateEnabled {
			r.t.Errorf("in the west it is %s, as only in the south it is to be", state)
		}
	})
}

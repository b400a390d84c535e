// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

// elsewhere makes a KMSBackend of the world's account in another Region, and returns the Region.
func (w *world) elsewhere() string {
	w.t.Helper()
	region := w.backend.Name + "-2"
	w.create(&v1alpha1.KMSBackend{
		ObjectMeta: metav1.ObjectMeta{Name: region},
		Spec:       v1alpha1.KMSBackendSpec{Software: &v1alpha1.SoftwareBackend{Region: region}},
	})
	return region
}

// keysIn are the records of keys in a Region.
func (w *world) keysIn(region string) []corev1.Secret {
	w.t.Helper()
	list := &corev1.SecretList{}
	err := w.env.Client.List(w.ctx, list, client.InNamespace(operatorNamespace), client.MatchingLabels{
		"kms.chatelaine.dev/record": "key", "kms.chatelaine.dev/keyring": w.getBackend().Status.AccountID + "." + region,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return list.Items
}

func TestKilledAtAnyPointTheOperatorMakesOneReplicaAndMovesThePrimaryOnce(t *testing.T) {
	server := quietServer(t)
	for _, failpoint := range []string{"key-created", "replicated", "primary-moved", "before-status"} {
		t.Run(failpoint, func(t *testing.T) {
			w := emptyWorld(t, server, nil)
			region := w.elsewhere()
			doomed := w.run(failpoint)
			w.awaitBackend(v1alpha1.ConditionReady, metav1.ConditionTrue, "")
			key := w.key("orders", func(s *v1alpha1.KeySpec) {
				s.MultiRegion, s.PrimaryRegion, s.Replicas = new(true), region, []v1alpha1.KeyReplica{{Region: region}}
				s.Rotation = &v1alpha1.KeyRotation{Enabled: new(true), PeriodInDays: 100}
			})
			doomed.awaitDeath()
			next := w.run("")
			w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
			status := w.getKey(key).Status
			if status.PrimaryRegion != region || len(status.Replicas) != 1 || len(status.Drift) != 0 ||
				status.Rotation == nil || status.Rotation.NextTime == nil {
				t.Errorf("status: primary in %s, replicas %+v, drift %+v, rotation %+v", status.PrimaryRegion, status.Replicas, status.Drift, status.Rotation)
			}
			for _, in := range []string{w.region(), region} {
				if keys := w.keysIn(in); len(keys) != 1 || !strings.Contains(keys[0].Name, status.KeyID) {
					t.Errorf("in %s there are %d keys, that in status is %s", in, len(keys), status.KeyID)
				}
			}
			next.kill()
		})
	}
}

func TestKilledBetweenTheRegionsTheOperatorFinishesADeletion(t *testing.T) {
	w := emptyWorld(t, quietServer(t), nil)
	region := w.elsewhere()
	doomed := w.run("replica-deletion-scheduled")
	key := w.key("orders", func(s *v1alpha1.KeySpec) {
		s.MultiRegion, s.Replicas = new(true), []v1alpha1.KeyReplica{{Region: region}}
		s.Deletion.Policy = v1alpha1.DeletionSchedule
	})
	key = w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	w.delete(key)
	doomed.awaitDeath()
	next := w.run("")
	w.awaitGone(key.DeepCopy())
	if record := w.open(key.Status.KeyID); !record.State.ToBeDeleted() {
		t.Errorf("the primary is %s", record.State)
	}
	again := w.awaitKey(w.key("orders", func(s *v1alpha1.KeySpec) {
		s.MultiRegion, s.Replicas = new(true), []v1alpha1.KeyReplica{{Region: region}}
	}), v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if again.Status.KeyID != key.Status.KeyID || again.Status.KeyState != "Enabled" || again.Status.Replicas[0].KeyState != "Enabled" {
		t.Errorf("the key came back as %+v", again.Status)
	}
	next.kill()
}

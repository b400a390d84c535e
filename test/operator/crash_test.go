// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

func itoa(i int) string { return strconv.Itoa(i) }

// fullKey is a Key with something to do at every failpoint.
func (w *world) fullKey() *v1alpha1.Key {
	w.t.Helper()
	return w.key("orders", func(s *v1alpha1.KeySpec) {
		s.Aliases = []string{"alias/first", "alias/second"}
		s.Publish = &v1alpha1.KeyPublication{ConfigMapName: "orders-key"}
		s.Deletion.Policy = v1alpha1.DeletionSchedule
	})
}

// records are the Secrets of this world's keyring of one kind.
func (w *world) records(kind string) []corev1.Secret {
	w.t.Helper()
	status := w.getBackend().Status
	list := &corev1.SecretList{}
	err := w.env.Client.List(w.ctx, list, client.InNamespace(operatorNamespace), client.MatchingLabels{
		"kms.chatelaine.dev/record": kind, "kms.chatelaine.dev/keyring": status.AccountID + "." + status.Region,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return list.Items
}

// checkOnce holds the world against what one Key shall have made: one key, owned by it, its aliases and its ConfigMap.
func (w *world) checkOnce(key *v1alpha1.Key) {
	w.t.Helper()
	keys, aliases := w.records("key"), w.records("alias")
	if len(keys) != 1 || len(aliases) != 2 {
		w.t.Fatalf("%d keys and %d aliases were made, want 1 and 2", len(keys), len(aliases))
	}
	if !strings.Contains(keys[0].Name, key.Status.KeyID) {
		w.t.Errorf("the key made is %s, that in status %s", keys[0].Name, key.Status.KeyID)
	}
	owner, owned := backend.OwnerFromTags(w.open(key.Status.KeyID).Tags)
	if !owned || owner.UID != string(key.UID) || owner.Namespace != key.Namespace || owner.Name != key.Name {
		w.t.Errorf("owner = %+v", owner)
	}
	published := &corev1.ConfigMap{}
	if err := w.env.Client.Get(w.ctx, client.ObjectKey{Namespace: w.namespace, Name: "orders-key"}, published); err != nil {
		w.t.Fatal(err)
	}
	if published.Data["KMS_KEY_ID"] != key.Status.KeyID {
		w.t.Errorf("the ConfigMap names key %s, status %s", published.Data["KMS_KEY_ID"], key.Status.KeyID)
	}
}

func TestKilledAtAnyPointTheOperatorMakesOneKey(t *testing.T) {
	server := quietServer(t) // whatever reaches the failpoint is the Key that the test is about
	for _, failpoint := range []string{
		"finalizer-written", "before-create", "key-created", "alias-created", "configured", "configmap-written", "before-status",
	} {
		t.Run(failpoint, func(t *testing.T) {
			w := emptyWorld(t, server, nil)
			doomed := w.run(failpoint)
			w.awaitBackend(v1alpha1.ConditionReady, metav1.ConditionTrue, "")
			key := w.fullKey()
			doomed.awaitDeath()
			if id := w.getKey(key).Status.KeyID; id != "" {
				t.Fatalf("status had key %s before the operator died", id)
			}
			next := w.run("")
			ready := w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
			w.checkOnce(ready)
			next.kill()
		})
	}
}

func TestKilledAfterTheDeletionWasScheduledTheOperatorFinishesIt(t *testing.T) {
	w := emptyWorld(t, quietServer(t), nil)
	doomed := w.run("deletion-done")
	key := w.fullKey()
	key = w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	w.delete(key)
	doomed.awaitDeath()
	deletion := w.open(key.Status.KeyID).DeletionTime
	next := w.run("")
	w.awaitGone(key.DeepCopy())
	if record := w.open(key.Status.KeyID); !record.DeletionTime.Equal(deletion) || deletion.IsZero() {
		t.Errorf("deletion time = %s, was %s: it was scheduled twice", record.DeletionTime, deletion)
	}
	next.kill()
}

// TestLeaderThatIsPausedMidCreation takes the Lease from a leader at its most awkward moments, lets the next leader
// finish, and then wakes the old one up in the middle of what it was doing. It lives on, and leads again one day.
func TestLeaderThatIsPausedMidCreationMakesNoSecondKey(t *testing.T) {
	server := quietServer(t)
	for _, failpoint := range []string{"finalizer-written", "before-create", "key-created", "before-status"} {
		t.Run(failpoint, func(t *testing.T) {
			w := emptyWorld(t, server, nil)
			old := w.run(failpoint+"=stop", election...)
			w.awaitBackend(v1alpha1.ConditionReady, metav1.ConditionTrue, "")
			key := w.fullKey()
			old.awaitStopped()
			_, ended := old.terms()
			next := w.run("", election...) // not earlier: the old one may lose the Lease to it at any moment
			ready := w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
			old.resume()
			w.await(func() (bool, string) {
				_, now := old.terms()
				return now > ended, "the old leader notice that it is none; its log:\n" + old.log.String()
			})
			next.kill()
			w.update(key, func(s *v1alpha1.KeySpec) { s.Description = "declared while the old one leads again" })
			after := w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
			if after.Status.KeyID != ready.Status.KeyID {
				t.Errorf("key = %s, was %s before the old leader woke up", after.Status.KeyID, ready.Status.KeyID)
			}
			w.checkOnce(after)
			next.kill()
		})
	}
}

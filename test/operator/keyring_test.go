// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

const allowDeletion = "kms.chatelaine.dev/allow-deletion"

// ownRootKey gives the backend a root key of its own, so that a test can harm it.
func ownRootKey(b *v1alpha1.KMSBackend) {
	b.Spec.Software.RootKey = &v1alpha1.RootKey{SecretRef: &v1alpha1.SecretReference{Name: "root-key-" + rand.String(8)}}
}

func (w *world) secret(name string) *corev1.Secret {
	w.t.Helper()
	secret := &corev1.Secret{}
	if err := w.env.Client.Get(w.ctx, client.ObjectKey{Namespace: operatorNamespace, Name: name}, secret); err != nil {
		w.t.Fatal(err)
	}
	return secret
}

func (w *world) rootKeySecret() *corev1.Secret {
	w.t.Helper()
	return w.secret(w.backend.Spec.Software.RootKey.SecretRef.Name)
}

func (w *world) write(secret *corev1.Secret) {
	w.t.Helper()
	if err := w.env.Client.Update(w.ctx, secret); err != nil {
		w.t.Fatal(err)
	}
}

// takeAway deletes a Secret as a person may who means it, and returns it as it was.
func (w *world) takeAway(secret *corev1.Secret) *corev1.Secret {
	w.t.Helper()
	backup := secret.DeepCopy()
	if secret.Annotations == nil {
		secret.Annotations = map[string]string{}
	}
	secret.Annotations[allowDeletion] = "true"
	w.write(secret)
	w.delete(secret)
	backup.ResourceVersion, backup.UID = "", ""
	return backup
}

func TestKeyThatVanishedOutsideIsLostUntilItIsRestored(t *testing.T) {
	w := newWorld(t, nil)
	key := w.readyKey("orders", nil)
	backup := w.takeAway(w.record(key.Status.KeyID))
	lost := w.awaitKey(key, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonKeyLost)
	wantMessage(t, lost.Status.Conditions, v1alpha1.ConditionReady, key.Status.KeyID, "Restore it from a backup")
	w.create(backup)
	restored := w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if restored.Status.KeyID != key.Status.KeyID {
		t.Errorf("key = %s, want %s", restored.Status.KeyID, key.Status.KeyID)
	}
}

func TestDamagedRecordIsNamedAndTheOthersServeOn(t *testing.T) {
	harm := map[string]func(*world, *corev1.Secret, *corev1.Secret){
		"edited": func(_ *world, mine, _ *corev1.Secret) {
			for name, data := range mine.Data {
				mine.Data[name] = append(bytes.Clone(data[:len(data)-1]), data[len(data)-1]^1)
			}
		},
		"swapped":   func(_ *world, mine, other *corev1.Secret) { mine.Data = other.Data },
		"truncated": func(_ *world, mine, _ *corev1.Secret) { mine.Data = map[string][]byte{"sealed": {1, 2, 3}} },
		"emptied":   func(_ *world, mine, _ *corev1.Secret) { mine.Data = nil },
	}
	for name, do := range harm {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			key, other := w.readyKey("orders", nil), w.readyKey("other", nil)
			record := w.record(key.Status.KeyID)
			intact := record.DeepCopy()
			do(w, record, w.record(other.Status.KeyID))
			w.write(record)

			stuck := w.awaitKey(key, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonKeyDamaged)
			wantMessage(t, stuck.Status.Conditions, v1alpha1.ConditionReady, record.Name)
			backend := w.awaitBackend(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonRecordsDamaged)
			wantMessage(t, backend.Status.Conditions, v1alpha1.ConditionStalled, record.Name, "restore")
			w.awaitEvent(w.backend, v1alpha1.ReasonRecordsDamaged)
			w.awaitBackend(v1alpha1.ConditionAvailable, metav1.ConditionTrue, "")
			w.update(other, func(s *v1alpha1.KeySpec) { s.Description = "changed meanwhile" })
			w.awaitKey(other, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
			w.readyKey("third", nil)

			record = w.record(key.Status.KeyID)
			record.Data = intact.Data
			w.write(record)
			w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
			w.awaitBackend(v1alpha1.ConditionReady, metav1.ConditionTrue, "")
		})
	}
}

func TestDamagedRecordOfARetainedKeyIsNotReplacedByANewKey(t *testing.T) {
	w := newWorld(t, nil)
	w.readyKey("other", nil)
	key := w.readyKey("orders", nil)
	w.delete(key)
	w.awaitGone(key)
	record := w.record(key.Status.KeyID)
	record.Data = map[string][]byte{"sealed": {1, 2, 3}}
	w.write(record)
	w.awaitBackend(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonRecordsDamaged)
	stuck := w.awaitKey(w.key("orders", nil), v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonKeyDamaged)
	wantMessage(t, stuck.Status.Conditions, v1alpha1.ConditionReady, record.Name)
}

func TestMissingRootKeyIsLoudAndNeverReplaced(t *testing.T) {
	w := newWorld(t, ownRootKey)
	key := w.readyKey("orders", nil)
	backup := w.takeAway(w.rootKeySecret())

	alarm := w.awaitBackend(v1alpha1.ConditionKeyringIntact, metav1.ConditionFalse, v1alpha1.ReasonRootKeyMissing)
	wantMessage(t, alarm.Status.Conditions, v1alpha1.ConditionReady, backup.Name, operatorNamespace)
	w.update(key, func(s *v1alpha1.KeySpec) { s.Description = "memory serves on" })
	w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")

	w.stop()
	w.start()
	dark := w.awaitBackend(v1alpha1.ConditionAvailable, metav1.ConditionFalse, v1alpha1.ReasonRootKeyMissing)
	wantMessage(t, dark.Status.Conditions, v1alpha1.ConditionStalled, backup.Name, "backup")
	w.awaitKey(key, v1alpha1.ConditionBackendReady, metav1.ConditionFalse, v1alpha1.ReasonBackendNotReady)
	if err := w.env.Client.Get(w.ctx, client.ObjectKeyFromObject(backup), &corev1.Secret{}); client.IgnoreNotFound(err) != nil || err == nil {
		t.Fatalf("the root key was made anew: %v", err)
	}

	w.create(backup)
	w.awaitBackend(v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func TestWrongRootKeyIsLoudAndOverwritesNothing(t *testing.T) {
	w := newWorld(t, ownRootKey)
	key := w.readyKey("orders", nil)
	w.stop()
	other := newWorld(t, ownRootKey)
	other.readyKey("any", nil)
	wrong := other.rootKeySecret().Data
	other.stop()

	secret := w.rootKeySecret()
	right := secret.Data
	secret.Data = wrong
	w.write(secret)
	sealed := w.record(key.Status.KeyID).Data
	w.start()
	alarm := w.awaitBackend(v1alpha1.ConditionAvailable, metav1.ConditionFalse, v1alpha1.ReasonRootKeyMismatch)
	wantMessage(t, alarm.Status.Conditions, v1alpha1.ConditionStalled, secret.Name)

	secret = w.rootKeySecret()
	secret.Data = right
	w.write(secret)
	w.awaitBackend(v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	for name, data := range sealed {
		if !bytes.Equal(w.record(key.Status.KeyID).Data[name], data) {
			t.Error("the record was written while the root key was the wrong one")
		}
	}
}

func TestRootKeyThatIsNoneIsSaidToBe(t *testing.T) {
	var name string
	w := newWorld(t, func(b *v1alpha1.KMSBackend) {
		ownRootKey(b)
		name = b.Spec.Software.RootKey.SecretRef.Name
		secret := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: operatorNamespace, Name: name},
			Data:       map[string][]byte{"current": []byte("0123456789abcdef"), "key-0123456789abcdef": []byte("too short")},
		}
		if err := env.Client.Create(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
	})
	alarm := w.awaitBackend(v1alpha1.ConditionAvailable, metav1.ConditionFalse, v1alpha1.ReasonRootKeyInvalid)
	wantMessage(t, alarm.Status.Conditions, v1alpha1.ConditionStalled, name, "key-0123456789abcdef")
	if message := describe(alarm.Status.Conditions); strings.Contains(message, "too short") {
		t.Errorf("the content of the Secret is in the status: %s", message)
	}
}

func TestRootKeyIsRotatedWhileKeysServe(t *testing.T) {
	w := newWorld(t, ownRootKey)
	key := w.readyKey("orders", func(s *v1alpha1.KeySpec) { s.Aliases = []string{"alias/orders"} })
	before := w.getBackend().Status.RootKey
	material := w.open(key.Status.KeyID).Materials[0].ID
	w.clock.Step(time.Hour)

	requested := metav1.NewTime(time.Now().Add(time.Minute)).Rfc3339Copy()
	modify(w, w.backend, func(b *v1alpha1.KMSBackend) {
		b.Spec.Software.RootKey.Rotation = &v1alpha1.RootKeyRotation{RequestedAt: requested}
	})
	w.await(func() (bool, string) {
		now := w.getBackend().Status.RootKey
		return now != nil && now.ID != before.ID && now.LastRotationTime != nil, "another root key"
	})
	w.awaitEvent(w.backend, "Resealed")
	w.awaitBackend(v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if after := w.open(key.Status.KeyID); after.Materials[0].ID != material {
		t.Error("the key is another one after its record was sealed again")
	}

	after := w.getBackend().Status.RootKey.ID
	secret := w.rootKeySecret()
	if len(secret.Data["key-"+before.ID]) == 0 || len(secret.Data["key-"+after]) == 0 {
		t.Errorf("the Secret has %d entries, want the earlier root key kept beside the new one", len(secret.Data))
	}
	delete(secret.Data, "key-"+before.ID)
	w.write(secret)
	w.stop()
	w.start()
	w.awaitBackend(v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	w.update(key, func(s *v1alpha1.KeySpec) { s.Description = "without the earlier root key" })
	w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if got := w.getBackend().Status.RootKey.ID; got != after {
		t.Errorf("root key %s, want %s: one request rotated twice", got, after)
	}
}

func TestTwoBackendsOnOneKeyringShareItOrConflict(t *testing.T) {
	w := newWorld(t, ownRootKey)
	key := w.readyKey("orders", func(s *v1alpha1.KeySpec) { s.Aliases = []string{"alias/orders"} })
	second := func(name string, rootKey *v1alpha1.RootKey) *v1alpha1.KMSBackend {
		made := &v1alpha1.KMSBackend{ObjectMeta: metav1.ObjectMeta{Name: w.backend.Name + name}, Spec: *w.backend.Spec.DeepCopy()}
		made.Spec.Software.RootKey = rootKey
		w.create(made)
		return made
	}
	first := w.backend
	w.backend = second("-other-root-key", nil)
	refused := w.awaitBackend(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonBackendConflict)
	wantMessage(t, refused.Status.Conditions, v1alpha1.ConditionStalled, first.Name, "same root key")

	w.backend = second("-same-root-key", first.Spec.Software.RootKey)
	w.awaitBackend(v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	loser := w.key("loser", func(s *v1alpha1.KeySpec) { s.Aliases = []string{"alias/orders"} })
	stuck := w.awaitKey(loser, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonAliasConflict)
	wantMessage(t, stuck.Status.Conditions, v1alpha1.ConditionReady, key.Status.KeyID, "orders")
}

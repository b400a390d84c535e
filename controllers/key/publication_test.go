// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"crypto/x509"
	"encoding/pem"
	"maps"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

func publishing(name string) func(*v1alpha1.Key) {
	return func(k *v1alpha1.Key) { k.Spec.Publish = &v1alpha1.KeyPublication{ConfigMapName: name} }
}

func (r *rig) configMap(name string) *corev1.ConfigMap {
	r.t.Helper()
	object := &corev1.ConfigMap{}
	if err := r.client.Get(r.ctx, client.ObjectKey{Namespace: r.namespace, Name: name}, object); err != nil {
		r.t.Fatal(err)
	}
	return object
}

func TestKeyIsPublishedForApplications(t *testing.T) {
	r := newRig(t)
	made := r.createReady("signing", func(k *v1alpha1.Key) {
		publishing("signing-key")(k)
		k.Spec.KeySpec, k.Spec.KeyUsage = string(keyspec.ECCNISTP256), v1alpha1.KeyUsage(keyspec.SignVerify)
		k.Spec.Aliases = []string{"alias/signing", "alias/second"}
	})
	published := r.configMap("signing-key")
	want := map[string]string{
		"KMS_KEY_ID": made.Status.KeyID, "KMS_KEY_ARN": made.Status.ARN, "KMS_KEY_ALIAS": "alias/signing",
		"KMS_KEY_REGION": "fake-1", "KMS_KEY_ACCOUNT": "111122223333", "KMS_PUBLIC_KEY": made.Status.PublicKey,
	}
	if !maps.Equal(published.Data, want) {
		t.Errorf("ConfigMap has %v, want %v", published.Data, want)
	}
	if !metav1.IsControlledBy(published, made) {
		t.Errorf("owner = %v, want the Key, so that it goes with it", published.OwnerReferences)
	}
	block, _ := pem.Decode([]byte(made.Status.PublicKey))
	if block == nil || block.Type != "PUBLIC KEY" {
		t.Fatalf("status.publicKey is no PEM public key: %q", made.Status.PublicKey)
	}
	if _, err := x509.ParsePKIXPublicKey(block.Bytes); err != nil {
		t.Error(err)
	}
}

func TestPublishedConfigMapIsKeptTrueMovedAndRemoved(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", publishing("first"))
	meddled := r.configMap("first")
	meddled.Data["KMS_KEY_ID"] = "wrong"
	if err := r.client.Update(r.ctx, meddled); err != nil {
		t.Fatal(err)
	}
	if !poll(func() bool { return r.configMap("first").Data["KMS_KEY_ID"] == made.Status.KeyID }) {
		t.Error("a changed ConfigMap was not repaired")
	}

	r.update(made, publishing("second"))
	moved := r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	r.configMap("second")
	r.awaitGone(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "first"}})
	if moved.Status.ConfigMapName != "second" {
		t.Errorf("status.configMapName = %q", moved.Status.ConfigMapName)
	}

	r.update(made, func(k *v1alpha1.Key) { k.Spec.Publish = nil })
	cleared := r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	r.awaitGone(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "second"}})
	if cleared.Status.ConfigMapName != "" {
		t.Errorf("status.configMapName = %q", cleared.Status.ConfigMapName)
	}
}

func TestConfigMapOfSomebodyElseIsLeftUntouched(t *testing.T) {
	r := newRig(t)
	theirs := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "settings"}, Data: map[string]string{"theirs": "1"},
	}
	r.create(theirs)
	made := r.newKey("orders", publishing("settings"))
	r.create(made)
	stuck := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonConfigMapConflict)
	wantMessage(t, stuck, v1alpha1.ConditionStalled, "spec.publish.configMapName", "settings", "untouched")
	if got := r.configMap("settings"); got.ResourceVersion != theirs.ResourceVersion {
		t.Errorf("the ConfigMap was changed: %v", got.Data)
	}
	r.update(made, func(k *v1alpha1.Key) { k.Spec.Publish = nil })
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	r.configMap("settings")
}

func TestConfigMapOfAnotherKeyIsLeftUntouched(t *testing.T) {
	r := newRig(t)
	first := r.createReady("first", publishing("shared"))
	second := r.newKey("second", publishing("shared"))
	r.create(second)
	r.await(second, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonConfigMapConflict)
	if got := r.configMap("shared").Data["KMS_KEY_ID"]; got != first.Status.KeyID {
		t.Errorf("KMS_KEY_ID = %s, want the first Key's", got)
	}
}

func TestKeyCreatedAgainTakesItsConfigMapOver(t *testing.T) {
	r := newRig(t)
	first := r.createReady("orders", publishing("orders-key"))
	r.delete(first)
	r.awaitGone(first)
	second := r.createReady("orders", publishing("orders-key"))
	if got := r.configMap("orders-key"); !metav1.IsControlledBy(got, second) || len(got.OwnerReferences) != 1 {
		t.Errorf("owners = %v, want the new Key alone", got.OwnerReferences)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
)

// word is key material for SYMMETRIC_DEFAULT that is easy to find where it must not be; other is another.
const (
	word  = "secret noise that nobody is told"
	other = "another noise that nobody's told"
)

// imported gives a Key the material in the Secret "material"; expires is from now, and 0 for never.
func imported(expires time.Duration) func(*v1alpha1.Key) {
	return func(k *v1alpha1.Key) {
		k.Spec.Origin = v1alpha1.OriginExternal
		k.Spec.ImportedMaterial = &v1alpha1.ImportedKeyMaterial{SecretRef: &v1alpha1.KeyMaterialSecretReference{Name: "material"}}
		if expires != 0 {
			k.Spec.ImportedMaterial.ExpirationTime = &metav1.Time{Time: time.Now().Add(expires).Truncate(time.Second)}
		}
	}
}

func (r *rig) materialSecret(entry, content string) *corev1.Secret {
	r.t.Helper()
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "material"}, Data: map[string][]byte{entry: []byte(content)},
	}
	r.create(secret)
	return secret
}

func (r *rig) fill(secret *corev1.Secret, content string) {
	r.t.Helper()
	secret.Data = map[string][]byte{"material": []byte(content)}
	if err := r.client.Update(r.ctx, secret); err != nil {
		r.t.Fatal(err)
	}
}

// awaitMaterial looks until the key is in that state and its material expires when it should.
func (r *rig) awaitMaterial(object *v1alpha1.Key, state backend.State, expires time.Time) *v1alpha1.Key {
	r.t.Helper()
	var fresh *v1alpha1.Key
	ok := poll(func() bool {
		fresh = r.get(object)
		if fresh.Status.KeyID == "" || fresh.Status.KeyState != string(state) {
			return false
		}
		seen, said := r.seen(fresh.Status.KeyID), time.Time{}
		if status := fresh.Status.ImportedMaterial; status != nil && status.ExpirationTime != nil {
			said = status.ExpirationTime.Time
		}
		return seen.State == state && seen.ExpirationTime.Equal(expires) && said.Equal(expires)
	})
	if !ok {
		r.t.Fatalf("the key is not %s with material until %s:\n%+v\n%s", state, expires, fresh.Status.ImportedMaterial, describe(fresh))
	}
	return fresh
}

// wantNothingTold looks for the material wherever people look.
func (r *rig) wantNothingTold(object *v1alpha1.Key) {
	r.t.Helper()
	text := describe(r.get(object))
	for _, reason := range []string{"MaterialImported", "DriftRepaired", v1alpha1.ReasonMaterialExpires} {
		for _, event := range r.events(object, reason) {
			text += event.Note
		}
	}
	if strings.Contains(text, "noise") {
		r.t.Errorf("the key material is told:\n%s", text)
	}
}

func TestKeyMaterialIsImportedOnce(t *testing.T) {
	r := newRig(t)
	secret := r.materialSecret("material", word)
	made := r.createReady("orders", imported(0))
	r.awaitMaterial(made, backend.StateEnabled, time.Time{})
	if version := made.Status.ImportedMaterial.SecretVersion; version != string(secret.UID)+"/"+secret.ResourceVersion {
		t.Errorf("status.importedMaterial.secretVersion = %s", version)
	}
	if made.Status.Drift != nil {
		t.Errorf("the import is told as drift: %+v", made.Status.Drift)
	}
	r.awaitEvent(made, "MaterialImported")
	r.calm(5, made)
	if calls := r.fake.Calls(backendtest.VerbImportMaterial); calls != 1 {
		t.Errorf("imported %d times", calls)
	}
	r.wantNothingTold(made)
}

func TestAKeyWithoutMaterialWaitsForIt(t *testing.T) {
	r := newRig(t)
	made := r.newKey("orders", func(k *v1alpha1.Key) {
		k.Spec.Origin, k.Spec.Enabled, k.Spec.Aliases = v1alpha1.OriginExternal, new(false), []string{"alias/" + r.namespace}
	})
	r.create(made)
	waiting := r.await(made, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonMaterialMissing)
	wantMessage(t, waiting, v1alpha1.ConditionReady, "spec.importedMaterial", "ImportKeyMaterial")
	if seen := r.seen(waiting.Status.KeyID); seen.State != backend.StatePendingImport || len(seen.Aliases) != 1 || waiting.Status.KeyState != "PendingImport" {
		t.Errorf("the key is %+v, status says %s", seen, waiting.Status.KeyState)
	}
	r.update(made, imported(0))
	unreadable := r.await(made, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonMaterialNotReadable)
	wantMessage(t, unreadable, v1alpha1.ConditionSynced, "there is no Secret material")
	secret := r.materialSecret("misnamed", word)
	r.lookAgain()
	if !poll(func() bool {
		return contains(message(r.get(made), v1alpha1.ConditionSynced), "has nothing in entry material")
	}) {
		t.Errorf("nobody misses the entry:\n%s", describe(r.get(made)))
	}
	r.fill(secret, word)
	r.lookAgain()
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonDisabled)
	r.awaitMaterial(made, backend.StateDisabled, time.Time{})
}

func TestMaterialOfTheWrongFormIsRefusedWithTheRightOne(t *testing.T) {
	r := newRig(t)
	r.materialSecret("material", word+"!")
	made := r.newKey("orders", imported(0))
	r.create(made)
	refused := r.await(made, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonMaterialRefused)
	wantMessage(t, refused, v1alpha1.ConditionSynced, "SYMMETRIC_DEFAULT (32 bytes)", "entry material of Secret material")
	r.wantNothingTold(made)
}

func TestOtherMaterialIsRefusedAndTheKeyKeepsItsOwn(t *testing.T) {
	r := newRig(t)
	secret := r.materialSecret("material", word)
	made := r.createReady("orders", imported(0))
	r.fill(secret, other)
	refused := r.await(made, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonMaterialRefused)
	wantMessage(t, refused, v1alpha1.ConditionSynced, "only the same material again", "other material needs another Key")
	r.awaitMaterial(made, backend.StateEnabled, time.Time{})
	r.fill(secret, word)
	r.lookAgain()
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	r.wantNothingTold(made)
}

func TestTheSecretIsNotNeededOnceTheMaterialIsImported(t *testing.T) {
	r := newRig(t)
	secret := r.materialSecret("material", word)
	made := r.createReady("orders", imported(0))
	secret.Data = nil
	if err := r.client.Update(r.ctx, secret); err != nil {
		t.Fatal(err)
	}
	r.calm(2, made)
	r.delete(secret)
	r.calm(2, made)
	r.update(made, func(k *v1alpha1.Key) { k.Spec.ImportedMaterial = nil })
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	r.awaitMaterial(made, backend.StateEnabled, time.Time{})
	if calls := r.fake.Calls(backendtest.VerbImportMaterial); calls != 1 {
		t.Errorf("imported %d times", calls)
	}
}

func TestMaterialThatWasDeletedOutsideIsImportedAgainAndTold(t *testing.T) {
	r := newRig(t)
	r.materialSecret("material", word)
	made := r.createReady("orders", imported(30*24*time.Hour))
	r.fake.DropMaterial(made.Status.KeyID)
	until := made.Spec.ImportedMaterial.ExpirationTime.Time
	r.awaitDrift(made, 1, "importedMaterial: key material that expires at "+until.UTC().Format(time.RFC3339)+" -> no key material")
	r.awaitMaterial(made, backend.StateEnabled, until)
	r.wantNothingTold(made)
}

func TestAnObservedKeyIsGivenNoMaterial(t *testing.T) {
	r := newRig(t)
	secret := r.materialSecret("material", word)
	made := r.createReady("orders", imported(0))
	observe(r, made)
	r.fill(secret, other)
	r.fake.DropMaterial(made.Status.KeyID)
	held := r.await(made, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonObserved)
	wantMessage(t, held, v1alpha1.ConditionReady, "import the key material")
	r.awaitDrift(made, 0, "importedMaterial: key material that does not expire -> no key material")
	if calls := r.fake.Calls(backendtest.VerbImportMaterial); calls != 1 {
		t.Errorf("imported %d times", calls)
	}
	r.fill(secret, word)
	r.update(made, unobserved)
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func TestAnImportWhoseAnswerIsLostIsMadeAgain(t *testing.T) {
	r := newRig(t)
	r.materialSecret("material", word)
	r.fake.Inject(backendtest.Fault{
		Verb: backendtest.VerbImportMaterial, Times: 2, AfterEffect: true, Err: &backend.Error{Class: backend.Unavailable, Message: "gone"},
	})
	made := r.createReady("orders", imported(0))
	r.awaitMaterial(made, backend.StateEnabled, time.Time{})
	r.calm(3, made)
	if list := r.owned(made); len(list) != 1 {
		t.Errorf("%d keys were made", len(list))
	}
}

func TestAKeyThatIsTakenBackGetsItsMaterial(t *testing.T) {
	r := newRig(t)
	r.materialSecret("material", word)
	schedule := func(k *v1alpha1.Key) { imported(0)(k); k.Spec.Deletion.Policy = v1alpha1.DeletionSchedule }
	first := r.newKey("orders", schedule)
	first.Spec.ImportedMaterial = nil
	r.create(first)
	first = r.await(first, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonMaterialMissing)
	r.delete(first)
	r.awaitGone(first.DeepCopy())
	if seen := r.seen(first.Status.KeyID); seen.State != backend.StatePendingDeletion {
		t.Fatalf("the key is %s", seen.State)
	}
	again := r.createReady("orders", schedule)
	if again.Status.KeyID != first.Status.KeyID {
		t.Errorf("it is another key: %s, was %s", again.Status.KeyID, first.Status.KeyID)
	}
	r.awaitMaterial(again, backend.StateEnabled, time.Time{})
}

func TestAnImportedPublicKeyIsPublishedWithTheMaterial(t *testing.T) {
	r := newRig(t)
	made := r.newKey("orders", func(k *v1alpha1.Key) {
		k.Spec.Origin, k.Spec.KeySpec, k.Spec.KeyUsage = v1alpha1.OriginExternal, "ECC_NIST_P256", "SIGN_VERIFY"
	})
	r.create(made)
	waiting := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonMaterialMissing)
	if waiting.Status.PublicKey != "" {
		t.Errorf("a key without material has a public key:\n%s", waiting.Status.PublicKey)
	}
	der, public := newECKey(t)
	r.materialSecret("material", string(der))
	r.update(made, func(k *v1alpha1.Key) {
		k.Spec.ImportedMaterial = &v1alpha1.ImportedKeyMaterial{SecretRef: &v1alpha1.KeyMaterialSecretReference{Name: "material"}}
	})
	ready := r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if !bytes.Equal([]byte(ready.Status.PublicKey), public) {
		t.Errorf("the public key is\n%s, want\n%s", ready.Status.PublicKey, public)
	}
}

// newECKey is a private key as it is imported, and its public half in PEM.
func newECKey(t *testing.T) (pkcs8, public []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if pkcs8, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return pkcs8, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

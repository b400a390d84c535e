// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
)

func TestTheExpiryIsAsDeclaredAndWarnedAboutOnce(t *testing.T) {
	r := newRig(t)
	r.materialSecret("material", word)
	made := r.createReady("orders", imported(30*24*time.Hour))
	r.awaitMaterial(made, backend.StateEnabled, made.Spec.ImportedMaterial.ExpirationTime.Time)
	r.await(made, v1alpha1.ConditionSynced, metav1.ConditionTrue, v1alpha1.ReasonSynced)

	made = r.update(made, imported(13*24*time.Hour))
	soon := made.Spec.ImportedMaterial.ExpirationTime.Time
	r.awaitMaterial(made, backend.StateEnabled, soon)
	warned := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionTrue, v1alpha1.ReasonMaterialExpires)
	wantMessage(t, warned, v1alpha1.ConditionSynced, soon.UTC().Format(time.RFC3339), "set a later spec.importedMaterial.expirationTime")
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	r.calm(3, made)
	wantNotes(r, made, v1alpha1.ReasonMaterialExpires, soon.UTC().Format(time.RFC3339))

	r.update(made, imported(0))
	quiet := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	r.awaitMaterial(made, backend.StateEnabled, time.Time{})
	if quiet.Status.ImportedMaterial.WarnedTime != nil || quiet.Status.Drift != nil {
		t.Errorf("status = %+v, drift %+v", quiet.Status.ImportedMaterial, quiet.Status.Drift)
	}

	r.update(made, imported(-time.Minute))
	expired := r.await(made, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonMaterialExpired)
	wantMessage(t, expired, v1alpha1.ConditionSynced, "has passed: set a later time")
	r.update(made, imported(366*24*time.Hour))
	r.await(made, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonMaterialRefused)
}

func TestMaterialWhoseTimeHasPassedIsDeletedWhateverItWasImportedWith(t *testing.T) {
	for name, first := range map[string]time.Duration{"never": 0, "later": 30 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.materialSecret("material", word)
			made := r.createReady("orders", imported(first))
			made = r.update(made, imported(-time.Minute))
			r.awaitMaterial(made, backend.StatePendingImport, time.Time{})
			expired := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonMaterialExpired)
			if expired.Status.Drift != nil {
				t.Errorf("the end of the material is told as drift: %+v", expired.Status.Drift)
			}
			wantNotes(r, made, v1alpha1.ReasonMaterialExpired, "which was deleted: spec.importedMaterial.expirationTime "+
				made.Spec.ImportedMaterial.ExpirationTime.UTC().Format(time.RFC3339)+" has passed")
			r.update(made, imported(0))
			r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
			r.awaitMaterial(made, backend.StateEnabled, time.Time{})
		})
	}
}

func TestMaterialThatCannotBeDeletedInItsTimeIsSaidToBeThere(t *testing.T) {
	r := newRig(t)
	r.materialSecret("material", word)
	made := r.createReady("orders", imported(0))
	r.fake.Inject(backendtest.Fault{
		Verb: backendtest.VerbDeleteMaterial, Err: &backend.Error{Class: backend.AccessDenied, Message: "kms:DeleteImportedKeyMaterial is denied"},
	})
	r.update(made, imported(-time.Minute))
	still := r.await(made, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonAccessDenied)
	wantMessage(t, still, v1alpha1.ConditionSynced, "has passed, and the key still has key material that does not expire", "kms:DeleteImportedKeyMaterial is denied")
	r.awaitMaterial(made, backend.StateEnabled, time.Time{})
}

func TestAnObservedKeyKeepsItsMaterialPastItsTime(t *testing.T) {
	r := newRig(t)
	r.materialSecret("material", word)
	made := r.createReady("orders", imported(0))
	r.update(made, observing)
	r.update(made, imported(-time.Minute))
	held := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonObserved)
	wantMessage(t, held, v1alpha1.ConditionSynced, "the key still has key material that does not expire", "delete the key material")
	r.awaitDrift(made, 0, "importedMaterial: no key material -> key material that does not expire")
	if calls := r.fake.Calls(backendtest.VerbDeleteMaterial); calls != 0 {
		t.Errorf("asked %d times to delete it", calls)
	}
	r.update(made, unobserved)
	r.awaitMaterial(made, backend.StatePendingImport, time.Time{})
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/material"
)

func TestOnlyTheSameMaterialComesBack(t *testing.T) {
	for name, in := range map[string]kms.CreateKeyInput{
		"symmetric": {}, "HMAC": {Spec: keyspec.HMAC256, Usage: keyspec.GenerateVerifyMAC},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			i := w.external(in)
			id := i.put(secretOf("a"), nil)
			out := w.must(root(), "DeleteImportedKeyMaterial", object{"KeyId": i.keyID})
			if diff := cmp.Diff(object{"KeyId": arnOf(i.keyID), "KeyMaterialId": id}, out); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			elements := object{"keyId": arnOf(i.keyID), "keyMaterialId": id}
			if diff := cmp.Diff(elements, w.events.last().ResponseElements); diff != "" {
				t.Errorf("recorded (-want +got):\n%s", diff)
			}
			w.must(root(), "DeleteImportedKeyMaterial", object{"KeyId": i.keyID}) // again: no effect
			if state := w.stateOf(i.keyID); state != "PendingImport" {
				t.Errorf("without material it is %s", state)
			}
			w.refused(root(), "ImportKeyMaterial", i.request(secretOf("b"), nil), kms.IncorrectKeyMaterialException)
			if again := i.put(secretOf("a"), nil); again != id || w.stateOf(i.keyID) != "Enabled" {
				t.Errorf("imported again it is %s, was %s", again, id)
			}
		})
	}
}

func TestDeletingMaterialThatAKeyNeverHad(t *testing.T) {
	w := newWorld(t)
	i := w.external(kms.CreateKeyInput{})
	out := w.must(root(), "DeleteImportedKeyMaterial", object{"KeyId": i.keyID})
	if diff := cmp.Diff(object{"KeyId": arnOf(i.keyID)}, out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	none := strings.Repeat("0", 64)
	got := w.refused(root(), "DeleteImportedKeyMaterial", object{"KeyId": i.keyID, "KeyMaterialId": none}, kms.NotFoundException)
	if want := "Key material '" + none + "' of key '" + arnOf(i.keyID) + "' does not exist"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestMaterialExpiresOnItsDateAndNotWhenItWasImportedAgainFromThen(t *testing.T) {
	w := newWorld(t)
	i := w.external(kms.CreateKeyInput{})
	expiring := func(at time.Time) object {
		return object{"ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": at.Unix()}
	}
	i.put(secretOf("a"), expiring(begin.Add(2*hour)))
	if got := w.describe(i.keyID); got["ExpirationModel"] != "KEY_MATERIAL_EXPIRES" || got["ValidTo"] != seconds(begin.Add(2*hour)) {
		t.Errorf("the key is %v", got)
	}
	service := w.partition.Service(account, home)
	due := func() time.Time {
		t.Helper()
		next, err := service.RunDue(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return next
	}
	w.clock.Step(hour)
	i.put(secretOf("a"), expiring(begin.Add(3*hour)))
	w.clock.Step(2*hour - time.Second)
	if next := due(); !next.Equal(begin.Add(3*hour)) || w.stateOf(i.keyID) != "Enabled" {
		t.Errorf("a second before it expires it is %s, next at %s", w.stateOf(i.keyID), next)
	}
	w.clock.Step(time.Second)
	if next := due(); !next.IsZero() || w.stateOf(i.keyID) != "PendingImport" {
		t.Errorf("expired it is %s, next at %s", w.stateOf(i.keyID), next)
	}
	w.refused(root(), "Encrypt", object{"KeyId": i.keyID, "Plaintext": []byte("x")}, kms.KMSInvalidStateException)
	i.put(secretOf("a"), nil)
	if next := due(); !next.IsZero() || w.stateOf(i.keyID) != "Enabled" {
		t.Errorf("imported again for good it is %s, next at %s", w.stateOf(i.keyID), next)
	}
}

func TestASymmetricKeyTakesNewMaterialForItsNextRotation(t *testing.T) {
	w := newWorld(t)
	i := w.external(kms.CreateKeyInput{})
	newer := object{"ImportType": "NEW_KEY_MATERIAL"}
	first := i.put(secretOf("a"), newer)
	before := w.sealed(i.keyID)
	text := w.refused(root(), "RotateKeyOnDemand", object{"KeyId": i.keyID}, kms.KMSInvalidStateException)
	if want := "No available key material pending rotation for the key: " + arnOf(i.keyID) + "."; text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	second := i.put(secretOf("b"), with(newer, object{"KeyMaterialDescription": "second"}))
	if again := i.put(secretOf("b"), newer); again != second { // the answer to the first try was lost
		t.Errorf("the same material is %s and %s", second, again)
	}
	text = w.refused(root(), "ImportKeyMaterial", i.request(secretOf("c"), newer), kms.KMSInvalidStateException)
	third, err := material.ParseImported(keyspec.SymmetricDefault, secretOf("c"))
	if err != nil {
		t.Fatal(err)
	}
	want := "New key material (id: " + third.ID() + ") cannot be imported into KMS key " + i.keyID +
		", because another key material (id: " + second + ") is pending rotation."
	if text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	w.refused(root(), "ImportKeyMaterial", i.request(secretOf("a"), newer), kms.IncorrectKeyMaterialException)
	if got := w.describe(i.keyID)["CurrentKeyMaterialId"]; got != first {
		t.Errorf("the current material is %v", got)
	}
	w.must(root(), "RotateKeyOnDemand", object{"KeyId": i.keyID})
	if got := w.describe(i.keyID)["CurrentKeyMaterialId"]; got != second {
		t.Errorf("after the rotation the current material is %v", got)
	}
	w.must(root(), "Decrypt", object{"CiphertextBlob": before})

	// It takes all of its material to be usable, and the description stays.
	w.must(root(), "DeleteImportedKeyMaterial", object{"KeyId": i.keyID, "KeyMaterialId": first})
	w.must(root(), "DeleteImportedKeyMaterial", object{"KeyId": i.keyID})
	i.put(secretOf("b"), nil)
	if state := w.stateOf(i.keyID); state != "PendingImport" {
		t.Errorf("with one of two materials it is %s", state)
	}
	i.put(secretOf("a"), object{"KeyMaterialId": first})
	if state := w.stateOf(i.keyID); state != "Enabled" {
		t.Errorf("with all of its material it is %s", state)
	}
	w.must(root(), "Decrypt", object{"CiphertextBlob": before})
}

func TestPendingMaterialIsNotNeededAndCanBeGivenUp(t *testing.T) {
	w := newWorld(t)
	i := w.external(kms.CreateKeyInput{})
	i.put(secretOf("a"), nil)
	w.must(root(), "DisableKey", object{"KeyId": i.keyID})
	pending := i.put(secretOf("b"), object{
		"ImportType": "NEW_KEY_MATERIAL", "ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": begin.Add(hour).Unix(),
	})
	w.clock.Step(hour)
	if _, err := w.partition.Service(account, home).RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if state := w.stateOf(i.keyID); state != "Disabled" {
		t.Errorf("when pending material expired the key became %s", state)
	}
	w.must(root(), "EnableKey", object{"KeyId": i.keyID})
	w.refused(root(), "RotateKeyOnDemand", object{"KeyId": i.keyID}, kms.KMSInvalidStateException)
	w.must(root(), "DisableKey", object{"KeyId": i.keyID})
	w.must(root(), "DeleteImportedKeyMaterial", object{"KeyId": i.keyID, "KeyMaterialId": pending})
	if state := w.stateOf(i.keyID); state != "Disabled" {
		t.Errorf("without pending material the key is %s", state)
	}
	i.put(secretOf("c"), object{"ImportType": "NEW_KEY_MATERIAL"})
}

func TestAKeyTakenBackFromDeletionWithoutItsMaterialWaitsForIt(t *testing.T) {
	w := newWorld(t)
	i := w.external(kms.CreateKeyInput{})
	i.put(secretOf("a"), nil)
	w.must(root(), "ScheduleKeyDeletion", object{"KeyId": i.keyID})
	w.must(root(), "DeleteImportedKeyMaterial", object{"KeyId": i.keyID})
	w.must(root(), "CancelKeyDeletion", object{"KeyId": i.keyID})
	if state := w.stateOf(i.keyID); state != "PendingImport" {
		t.Errorf("it is %s", state)
	}
}

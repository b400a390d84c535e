// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

func TestEachRegionImportsTheSameMaterial(t *testing.T) {
	w := newWorld(t)
	i := w.external(kms.CreateKeyInput{MultiRegion: true})
	first := i.put(secretOf("a"), nil)
	w.must(root(), "ReplicateKey", object{"KeyId": i.keyID, "ReplicaRegion": abroad})
	replica := w.importerIn(abroad, i.keyID)
	state := func() any {
		t.Helper()
		return part(t, w.mustAbroad("DescribeKey", object{"KeyId": i.keyID}), "KeyMetadata")["KeyState"]
	}
	if got := state(); got != "PendingImport" {
		t.Errorf("a new replica is %s", got)
	}
	newer := object{"ImportType": "NEW_KEY_MATERIAL"}
	w.refusedAbroad("ImportKeyMaterial", replica.request(secretOf("b"), nil), kms.IncorrectKeyMaterialException)
	w.refusedAbroad("ImportKeyMaterial", replica.request(secretOf("a"), newer), kms.UnsupportedOperationException)
	if got := replica.put(secretOf("a"), nil); got != first || state() != "Enabled" {
		t.Errorf("with the material it is %s", state())
	}
	ciphertext := w.sealed(i.keyID)
	w.mustAbroad("Decrypt", object{"CiphertextBlob": ciphertext})

	second := i.put(secretOf("b"), newer)
	pending := func(want string) {
		t.Helper()
		entries := w.rotations(object{"KeyId": i.keyID, "IncludeKeyMaterial": "ALL_KEY_MATERIAL"})
		if got := entries[len(entries)-1]; got["KeyMaterialId"] != second || got["KeyMaterialState"] != want {
			t.Errorf("the pending material is %v, want %s", got, want)
		}
	}
	pending("PENDING_MULTI_REGION_IMPORT_AND_ROTATION")
	w.refused(root(), "RotateKeyOnDemand", object{"KeyId": i.keyID}, kms.KMSInvalidStateException)
	if got := state(); got != "Enabled" {
		t.Errorf("a replica that lacks pending material is %s", got)
	}
	replica.put(secretOf("b"), nil)
	pending("PENDING_ROTATION")
	w.must(root(), "RotateKeyOnDemand", object{"KeyId": i.keyID})
	after := w.mustAbroad("Encrypt", object{"KeyId": i.keyID, "Plaintext": []byte("x")})
	w.must(root(), "Decrypt", object{"CiphertextBlob": blob(t, after, "CiphertextBlob")})
	if got := part(t, w.mustAbroad("DescribeKey", object{"KeyId": i.keyID}), "KeyMetadata")["CurrentKeyMaterialId"]; got != second {
		t.Errorf("the replica's current material is %v", got)
	}
}

func TestAReplicaIsImportedIntoAfterItsPrimary(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{MultiRegion: true, Origin: keyring.OriginExternal})
	w.edit(keyID, func(r *keyring.KeyRecord) { r.State = lifecycle.Enabled }) // for a moment, as it was replicated
	w.must(root(), "ReplicateKey", object{"KeyId": keyID, "ReplicaRegion": abroad})
	w.edit(keyID, func(r *keyring.KeyRecord) { r.State = lifecycle.PendingImport })
	replica := w.importerIn(abroad, keyID)
	text := w.refusedAbroad("ImportKeyMaterial", replica.request(secretOf("a"), nil), kms.UnsupportedOperationException)
	if want := arnAbroad(keyID) + " is not a multi-region primary key."; text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	w.importerIn(home, keyID).put(secretOf("a"), nil)
	replica.put(secretOf("a"), nil)
}

func TestPendingMaterialThatThePrimaryGivesUpIsGivenUpByItsReplicas(t *testing.T) {
	w := newWorld(t)
	i := w.external(kms.CreateKeyInput{MultiRegion: true})
	first := i.put(secretOf("a"), nil)
	w.must(root(), "ReplicateKey", object{"KeyId": i.keyID, "ReplicaRegion": abroad})
	replica := w.importerIn(abroad, i.keyID)
	replica.put(secretOf("a"), nil)
	second := i.put(secretOf("b"), object{"ImportType": "NEW_KEY_MATERIAL"})
	replica.put(secretOf("b"), nil)

	// What a replica deletes, the others keep.
	w.mustAbroad("DeleteImportedKeyMaterial", object{"KeyId": i.keyID, "KeyMaterialId": second})
	w.mustAbroad("DeleteImportedKeyMaterial", object{"KeyId": i.keyID, "KeyMaterialId": first})
	if state := w.stateOf(i.keyID); state != "Enabled" {
		t.Errorf("the primary is %s", state)
	}
	replica.put(secretOf("a"), nil)
	replica.put(secretOf("b"), nil)
	w.must(root(), "DeleteImportedKeyMaterial", object{"KeyId": i.keyID, "KeyMaterialId": second})
	key, err := w.partition.Service(account, abroad).Key(i.keyID)
	if err != nil {
		t.Fatal(err)
	}
	if record := key.Record(); record.Pending != nil || record.State != lifecycle.Enabled {
		t.Errorf("the replica is %+v", record)
	}
}

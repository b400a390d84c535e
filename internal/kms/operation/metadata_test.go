// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/memstore"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

func seconds(at time.Time) float64 { return float64(at.Unix()) }

func TestTheMetadataOfASymmetricKeyIsWhole(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{Description: "orders"})
	got := w.must(root(), "DescribeKey", object{"KeyId": keyID})["KeyMetadata"]
	want := object{
		"AWSAccountId": account, "KeyId": keyID, "Arn": arnOf(keyID), "CreationDate": seconds(begin), "Enabled": true,
		"Description": "orders", "KeyUsage": "ENCRYPT_DECRYPT", "KeyState": "Enabled", "Origin": "AWS_KMS",
		"KeyManager": "CUSTOMER", "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT", "KeySpec": "SYMMETRIC_DEFAULT",
		"EncryptionAlgorithms": []any{"SYMMETRIC_DEFAULT"}, "MultiRegion": false,
		"CurrentKeyMaterialId": w.record(keyID).Current().ID,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheMetadataListsTheAlgorithmsOfTheUsageAndNoOthers(t *testing.T) {
	lists := map[keyspec.Usage]string{
		keyspec.EncryptDecrypt: "EncryptionAlgorithms", keyspec.SignVerify: "SigningAlgorithms",
		keyspec.GenerateVerifyMAC: "MacAlgorithms", keyspec.KeyAgreement: "KeyAgreementAlgorithms",
		keyspec.EncapsulateDecapsulate: "EncapsulationAlgorithms",
	}
	w := newWorld(t)
	for _, spec := range keyspec.All() {
		for _, usage := range spec.Usages() {
			t.Run(fmt.Sprintf("%s %s", spec, usage), func(t *testing.T) {
				w.t = t
				// Without material: making RSA keys takes long.
				keyID := w.newKey(kms.CreateKeyInput{Spec: spec, Usage: usage, Origin: keyring.OriginExternal})
				got := w.describe(keyID)
				var want []any
				for _, algorithm := range keyspec.Algorithms(spec, usage) {
					want = append(want, string(algorithm))
				}
				for of, list := range lists {
					if of == usage {
						if diff := cmp.Diff(any(want), got[list]); diff != "" {
							t.Errorf("%s (-want +got):\n%s", list, diff)
						}
					} else if _, ok := got[list]; ok {
						t.Errorf("it has %s, too", list)
					}
				}
				if got["CustomerMasterKeySpec"] != string(spec) {
					t.Errorf("CustomerMasterKeySpec is %v", got["CustomerMasterKeySpec"])
				}
				if _, ok := got["CurrentKeyMaterialId"]; ok {
					t.Error("it tells of material that is not there")
				}
			})
		}
	}
}

func TestTheMetadataTellsOfImportedMaterialWhenTheFirstOfItExpires(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{Origin: keyring.OriginExternal})
	got := w.describe(keyID)
	if got["Origin"] != "EXTERNAL" || got["KeyState"] != "PendingImport" || got["Enabled"] != false ||
		got["ExpirationModel"] != nil || got["ValidTo"] != nil {
		t.Errorf("before the import: %v", got)
	}
	material := func(id string, expires time.Time) keyring.Material {
		return keyring.Material{ID: id, CreatedAt: begin, Bytes: keyring.NewSecretBytes(make([]byte, 32)), ExpirationTime: expires}
	}
	w.edit(keyID, func(r *keyring.KeyRecord) {
		r.State, r.Materials = lifecycle.Enabled, []keyring.Material{material("a", time.Time{})}
	})
	got = w.describe(keyID)
	if got["ExpirationModel"] != "KEY_MATERIAL_DOES_NOT_EXPIRE" || got["ValidTo"] != nil || got["CurrentKeyMaterialId"] != "a" {
		t.Errorf("material that stays: %v", got)
	}
	w.edit(keyID, func(r *keyring.KeyRecord) {
		r.Materials = append(r.Materials, material("b", begin.Add(48*time.Hour)), material("c", begin.Add(72*time.Hour)))
	})
	got = w.describe(keyID)
	if got["ExpirationModel"] != "KEY_MATERIAL_EXPIRES" || got["ValidTo"] != seconds(begin.Add(48*time.Hour)) {
		t.Errorf("material that expires: %v", got)
	}
}

func TestTheMetadataOfAMultiRegionKeyNamesItsRelatives(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{MultiRegion: true})
	in := func(region string) object {
		return object{"Region": region, "Arn": "arn:aws:kms:" + region + ":" + account + ":key/" + keyID}
	}
	want := object{"MultiRegionKeyType": "PRIMARY", "PrimaryKey": in(home), "ReplicaKeys": []any{}}
	if got := w.describe(keyID); got["MultiRegion"] != true || !cmp.Equal(got["MultiRegionConfiguration"], any(want)) {
		t.Errorf("alone: %v", got)
	}
	record := *w.record(keyID)
	if _, err := w.ring(account, abroad).CreateKey(t.Context(), &record); err != nil {
		t.Fatal(err)
	}
	want["ReplicaKeys"] = []any{in(abroad)}
	if diff := cmp.Diff(any(want), w.describe(keyID)["MultiRegionConfiguration"]); diff != "" {
		t.Errorf("the primary (-want +got):\n%s", diff)
	}
	out, err := w.callIn(abroad, root(), "DescribeKey", object{"KeyId": keyID})
	if err != nil {
		t.Fatal(err)
	}
	want["MultiRegionKeyType"] = "REPLICA"
	if diff := cmp.Diff(any(want), part(t, out, "KeyMetadata")["MultiRegionConfiguration"]); diff != "" {
		t.Errorf("the replica (-want +got):\n%s", diff)
	}
}

func TestTheMetadataOfAPrimaryThatWaitsForItsReplicasTellsItsWindowAndNoDate(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{MultiRegion: true})
	w.edit(keyID, func(r *keyring.KeyRecord) { r.State, r.PendingWindowInDays = lifecycle.PendingReplicaDeletion, 9 })
	got := w.describe(keyID)
	if got["KeyState"] != "PendingReplicaDeletion" || got["PendingDeletionWindowInDays"] != 9. || got["DeletionDate"] != nil {
		t.Errorf("got %v", got)
	}
}

func (w *world) ring(accountID, region string) *keyring.Keyring {
	return w.rings[keyring.ID{AccountID: accountID, Region: region}]
}

// record is what is stored of a key of the home Region.
func (w *world) record(keyID string) *keyring.KeyRecord {
	w.t.Helper()
	record, err := w.ring(account, home).Key(keyID)
	if err != nil {
		w.t.Fatal(err)
	}
	return record
}

// edit changes the record of a key of the home Region past every rule.
func (w *world) edit(keyID string, change func(*keyring.KeyRecord)) {
	w.t.Helper()
	_, err := w.ring(account, home).UpdateKey(w.t.Context(), keyID, func(r *keyring.KeyRecord) error {
		change(r)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// describe is the KeyMetadata of a key of the home Region.
func (w *world) describe(keyID string) object {
	w.t.Helper()
	return part(w.t, w.must(root(), "DescribeKey", object{"KeyId": keyID}), "KeyMetadata")
}

// part is a member of an answer that is a structure.
func part(t testing.TB, out object, member string) object {
	t.Helper()
	structure, ok := out[member].(object)
	if !ok {
		t.Fatalf("%s is %v", member, out[member])
	}
	return structure
}

// items are a member of an answer that is a list of structures.
func items(t testing.TB, out object, member string) []object {
	t.Helper()
	list, ok := out[member].([]any)
	if !ok {
		t.Fatalf("%s is %v", member, out[member])
	}
	structures := make([]object, len(list))
	for i, item := range list {
		if structures[i], ok = item.(object); !ok {
			t.Fatalf("%s has %v", member, item)
		}
	}
	return structures
}

// text is a member of an answer that is a text.
func text(t testing.TB, out object, member string) string {
	t.Helper()
	value, ok := out[member].(string)
	if !ok {
		t.Fatalf("%s is %v", member, out[member])
	}
	return value
}

// plus is a request with one more member.
func plus(in object, member string, value any) object {
	out := maps.Clone(in)
	out[member] = value
	return out
}

var errAway = errors.New("the store is away")

// storeFails has every write to the home Region's store fail from now on, or none.
func (w *world) storeFails(err error) {
	w.t.Helper()
	store := w.stores[keyring.ID{AccountID: account, Region: home}]
	store.Before = func(op memstore.Op, _ string) error {
		if op == memstore.OpCreate || op == memstore.OpUpdate || op == memstore.OpDelete {
			return err
		}
		return nil
	}
}

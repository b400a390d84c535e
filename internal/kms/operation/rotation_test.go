// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

// rotationOperations are those of this group, with a request that lacks only the key, and what they are in the states in
// which they do not go.
var rotationOperations = []struct {
	name    string
	in      object
	refused map[lifecycle.State]kms.Code
}{
	{"EnableKeyRotation", object{}, settingRefused},
	{"DisableKeyRotation", object{}, settingRefused},
	{"GetKeyRotationStatus", object{}, map[lifecycle.State]kms.Code{lifecycle.PendingImport: kms.UnsupportedOperationException}},
	{"RotateKeyOnDemand", object{}, map[lifecycle.State]kms.Code{
		lifecycle.Disabled: kms.DisabledException, lifecycle.PendingImport: kms.KMSInvalidStateException,
		lifecycle.PendingDeletion: kms.KMSInvalidStateException, lifecycle.PendingReplicaDeletion: kms.KMSInvalidStateException,
	}},
	{"ListKeyRotations", object{}, nil},
}

var settingRefused = map[lifecycle.State]kms.Code{
	lifecycle.Disabled: kms.DisabledException, lifecycle.PendingImport: kms.UnsupportedOperationException,
	lifecycle.PendingDeletion: kms.KMSInvalidStateException, lifecycle.PendingReplicaDeletion: kms.KMSInvalidStateException,
}

func TestAKeyRotatesInTheStatesThatAWSsTableNames(t *testing.T) {
	for _, op := range rotationOperations {
		for _, state := range everyState {
			t.Run(op.name+" "+string(state), func(t *testing.T) {
				w := newWorld(t)
				keyID := w.newKey(kms.CreateKeyInput{})
				w.edit(keyID, func(r *keyring.KeyRecord) { r.State = state })
				if code, refused := op.refused[state]; refused {
					w.refused(root(), op.name, plus(op.in, "KeyId", keyID), code)
				} else {
					w.must(root(), op.name, plus(op.in, "KeyId", keyID))
				}
			})
		}
	}
}

func TestKeysThatDoNotRotateSaySoWhateverTheirState(t *testing.T) {
	w := newWorld(t)
	pair := w.newKey(kms.CreateKeyInput{Spec: keyspec.ECCNISTP256, Usage: keyspec.SignVerify, Disabled: true})
	imported := w.newKey(kms.CreateKeyInput{Origin: keyring.OriginExternal})
	for _, op := range rotationOperations {
		got := w.refused(root(), op.name, plus(op.in, "KeyId", pair), kms.UnsupportedOperationException)
		if want := arnOf(pair) + " key spec is ECC_NIST_P256 which is not valid for this operation."; got != want {
			t.Errorf("%s: got  %s\nwant %s", op.name, got, want)
		}
		switch op.name {
		case "ListKeyRotations":
			w.must(root(), op.name, plus(op.in, "KeyId", imported))
		case "RotateKeyOnDemand":
			w.refused(root(), op.name, plus(op.in, "KeyId", imported), kms.KMSInvalidStateException)
		default:
			got = w.refused(root(), op.name, plus(op.in, "KeyId", imported), kms.UnsupportedOperationException)
			if want := arnOf(imported) + " origin is EXTERNAL which is not valid for this operation."; got != want {
				t.Errorf("%s: got  %s\nwant %s", op.name, got, want)
			}
		}
	}
}

func TestRotationIsForWhomTheKeyPolicyNames(t *testing.T) {
	ann, bob := user("ann"), user("bob")
	for _, op := range rotationOperations {
		t.Run(op.name, func(t *testing.T) {
			w := newWorld(t)
			keyID := w.newKey(kms.CreateKeyInput{Policy: allow(ann.ARN(), "kms:"+op.name)})
			w.refused(bob, op.name, plus(op.in, "KeyId", keyID), kms.AccessDeniedException)
			w.refused(ann, op.name, plus(op.in, "KeyId", "alias/none"), kms.NotFoundException)
			w.must(ann, op.name, plus(op.in, "KeyId", arnOf(keyID)))
			event := w.events.last()
			reads := slices.Contains([]string{"GetKeyRotationStatus", "ListKeyRotations"}, op.name)
			if event.ReadOnly != reads || event.Resources[0].ARN != arnOf(keyID) || (event.ResponseElements == nil) != reads {
				t.Errorf("the record is %+v", event)
			}
			if !reads && event.ResponseElements["keyId"] != arnOf(keyID) {
				t.Errorf("the elements are %v", event.ResponseElements)
			}
		})
	}
}

func TestTheRotationStatusOfAnotherAccountsKeyIsForWhomItsPolicyNames(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{Policy: allow(rootOf(stranger), "kms:GetKeyRotationStatus", "kms:ListKeyRotations")})
	w.must(as(rootOf(stranger)), "GetKeyRotationStatus", object{"KeyId": arnOf(keyID)})
	w.refused(as(rootOf(stranger)), "ListKeyRotations", object{"KeyId": arnOf(keyID)}, kms.AccessDeniedException)
}

func TestTheStatusTellsPeriodAndNextDate(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	status := func(want object) {
		t.Helper()
		got := w.must(root(), "GetKeyRotationStatus", object{"KeyId": keyID})
		if diff := cmp.Diff(with(object{"KeyId": keyID}, want), got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	off := object{"KeyRotationEnabled": false}
	status(off)
	w.must(root(), "EnableKeyRotation", object{"KeyId": keyID})
	status(object{
		"KeyRotationEnabled": true, "RotationPeriodInDays": 365., "NextRotationDate": seconds(begin.Add(365 * 24 * hour)),
	})
	w.must(root(), "EnableKeyRotation", object{"KeyId": keyID, "RotationPeriodInDays": 90})
	if got := w.events.last().RequestParameters; !cmp.Equal(got, object{"keyId": keyID, "rotationPeriodInDays": int32(90)}) {
		t.Errorf("recorded as %v", got)
	}
	on := object{
		"KeyRotationEnabled": true, "RotationPeriodInDays": 90., "NextRotationDate": seconds(begin.Add(90 * 24 * hour)),
	}
	status(on)
	w.must(root(), "DisableKey", object{"KeyId": keyID})
	status(on)
	w.must(root(), "ScheduleKeyDeletion", object{"KeyId": keyID})
	status(off)
	w.must(root(), "CancelKeyDeletion", object{"KeyId": keyID})
	status(on)
	w.must(root(), "EnableKey", object{"KeyId": keyID})
	w.must(root(), "DisableKeyRotation", object{"KeyId": keyID})
	status(off)
	for _, period := range []int{89, 2561} {
		w.refused(root(), "EnableKeyRotation", object{"KeyId": keyID, "RotationPeriodInDays": period}, kms.ValidationException)
	}
}

func TestThePeriodIsAConditionOfRotation(t *testing.T) {
	w := newWorld(t)
	ann := user("ann")
	keyID := w.newKey(kms.CreateKeyInput{Policy: statements(object{
		"Effect": "Allow", "Principal": object{"AWS": ann.ARN()}, "Action": "kms:EnableKeyRotation", "Resource": "*",
		"Condition": object{"NumericLessThanEquals": object{"kms:RotationPeriodInDays": "180"}},
	})})
	w.must(ann, "EnableKeyRotation", object{"KeyId": keyID, "RotationPeriodInDays": 180})
	w.refused(ann, "EnableKeyRotation", object{"KeyId": keyID, "RotationPeriodInDays": 181}, kms.AccessDeniedException)
}

func TestOldCiphertextsOutliveRotationAndTheLimitHolds(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	old := w.sealed(keyID)
	for range lifecycle.MaxOnDemandRotations {
		out := w.must(root(), "RotateKeyOnDemand", object{"KeyId": arnOf(keyID)})
		if diff := cmp.Diff(object{"KeyId": keyID}, out); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
	got := w.refused(root(), "RotateKeyOnDemand", object{"KeyId": keyID}, kms.LimitExceededException)
	want := "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed " +
		"for this key: " + arnOf(keyID)
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	w.must(root(), "Decrypt", object{"CiphertextBlob": old})
	w.must(root(), "Decrypt", object{"CiphertextBlob": w.sealed(keyID)})
}

// rotations are the entries of ListKeyRotations.
func (w *world) rotations(in object) []object {
	w.t.Helper()
	return rotationsOf(w.t, w.must(root(), "ListKeyRotations", in))
}

func rotationsOf(t *testing.T, answer object) []object {
	t.Helper()
	list, ok := answer["Rotations"].([]any)
	if !ok {
		t.Fatalf("the answer is %v", answer)
	}
	entries := make([]object, len(list))
	for i := range list {
		if entries[i], ok = list[i].(object); !ok {
			t.Fatalf("entry %d is %v", i, list[i])
		}
	}
	return entries
}

func TestRotationsAreListedInTheirOrder(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{RotationPeriodInDays: 90})
	if got := w.rotations(object{"KeyId": keyID}); len(got) != 0 {
		t.Errorf("before any rotation: %v", got)
	}
	first := w.describe(keyID)["CurrentKeyMaterialId"]
	w.clock.Step(24 * hour)
	w.must(root(), "RotateKeyOnDemand", object{"KeyId": keyID})
	second := w.describe(keyID)["CurrentKeyMaterialId"]
	w.clock.Step(89 * 24 * hour)
	if _, err := w.partition.Service(account, home).RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	third := w.describe(keyID)["CurrentKeyMaterialId"]
	want := []object{
		{
			"KeyId": keyID, "KeyMaterialId": second, "KeyMaterialState": "NON_CURRENT",
			"RotationDate": seconds(begin.Add(24 * hour)), "RotationType": "ON_DEMAND",
		},
		{
			"KeyId": keyID, "KeyMaterialId": third, "KeyMaterialState": "CURRENT",
			"RotationDate": seconds(begin.Add(90 * 24 * hour)), "RotationType": "AUTOMATIC",
		},
	}
	if diff := cmp.Diff(want, w.rotations(object{"KeyId": keyID})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want = slices.Insert(want, 0, object{"KeyId": keyID, "KeyMaterialId": first, "KeyMaterialState": "NON_CURRENT"})
	if diff := cmp.Diff(want, w.rotations(object{"KeyId": keyID, "IncludeKeyMaterial": "ALL_KEY_MATERIAL"})); diff != "" {
		t.Errorf("with all material (-want +got):\n%s", diff)
	}
}

func TestRotationsComeInPages(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	for range 12 {
		w.must(root(), "RotateKeyOnDemand", object{"KeyId": keyID})
	}
	all := w.rotations(object{"KeyId": keyID})
	var got []object
	in := object{"KeyId": keyID, "Limit": 5}
	for pages := 1; ; pages++ {
		out := w.must(root(), "ListKeyRotations", in)
		got = append(got, rotationsOf(t, out)...)
		if out["Truncated"] != true {
			if pages != 3 || out["NextMarker"] != nil {
				t.Errorf("%d pages, the last with marker %v", pages, out["NextMarker"])
			}
			break
		}
		in["Marker"] = out["NextMarker"]
	}
	if diff := cmp.Diff(all, got); diff != "" || len(all) != 12 {
		t.Errorf("the pages are not the whole (-want +got):\n%s", diff)
	}
	w.refused(root(), "ListKeyRotations", object{"KeyId": keyID, "Marker": "nonsense"}, kms.InvalidMarkerException)
	for _, limit := range []int{0, 1001} {
		w.refused(root(), "ListKeyRotations", object{"KeyId": keyID, "Limit": limit}, kms.ValidationException)
	}
}

func TestImportedMaterialIsListedWithItsImport(t *testing.T) {
	w := newWorld(t)
	i := w.external(kms.CreateKeyInput{})
	expires := begin.Add(48 * hour)
	first := i.put(secretOf("a"), object{
		"ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": expires.Unix(), "KeyMaterialDescription": "first",
	})
	second := i.put(secretOf("b"), object{"ImportType": "NEW_KEY_MATERIAL"})
	all := object{"KeyId": i.keyID, "IncludeKeyMaterial": "ALL_KEY_MATERIAL"}
	if got := w.rotations(object{"KeyId": i.keyID}); len(got) != 0 {
		t.Errorf("before any rotation: %v", got)
	}
	entryOfFirst := object{
		"KeyId": i.keyID, "KeyMaterialId": first, "KeyMaterialState": "CURRENT", "ImportState": "IMPORTED",
		"KeyMaterialDescription": "first", "ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": seconds(expires),
	}
	entryOfSecond := object{
		"KeyId": i.keyID, "KeyMaterialId": second, "KeyMaterialState": "PENDING_ROTATION", "ImportState": "IMPORTED",
		"ExpirationModel": doesNotExpire,
	}
	if diff := cmp.Diff([]object{entryOfFirst, entryOfSecond}, w.rotations(all)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w.clock.Step(time.Minute)
	w.must(root(), "RotateKeyOnDemand", object{"KeyId": i.keyID})
	w.must(root(), "DeleteImportedKeyMaterial", object{"KeyId": i.keyID, "KeyMaterialId": first})
	entryOfFirst = object{
		"KeyId": i.keyID, "KeyMaterialId": first, "KeyMaterialState": "NON_CURRENT", "ImportState": "PENDING_IMPORT",
		"KeyMaterialDescription": "first",
	}
	entryOfSecond["KeyMaterialState"], entryOfSecond["RotationType"] = "CURRENT", "ON_DEMAND"
	entryOfSecond["RotationDate"] = seconds(begin.Add(time.Minute))
	if diff := cmp.Diff([]object{entryOfFirst, entryOfSecond}, w.rotations(all)); diff != "" {
		t.Errorf("after the rotation (-want +got):\n%s", diff)
	}
}

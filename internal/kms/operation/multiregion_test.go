// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

func arnAbroad(keyID string) string { return "arn:aws:kms:" + abroad + ":" + account + ":key/" + keyID }

// mustAbroad is must in the other Region.
func (w *world) mustAbroad(name string, in object) object {
	w.t.Helper()
	out, err := w.callIn(abroad, root(), name, in)
	if err != nil {
		w.t.Fatalf("%s: %v", name, err)
	}
	return out
}

func (w *world) refusedAbroad(name string, in object, code kms.Code) string {
	w.t.Helper()
	_, err := w.callIn(abroad, root(), name, in)
	known, ok := errors.AsType[*kms.Error](err)
	if !ok || known.Code != code {
		w.t.Fatalf("%s: got %v, want %s", name, err, code)
	}
	return known.Message
}

// family is a multi-Region key with its primary at home and a replica abroad.
func (w *world) family(in kms.CreateKeyInput) (keyID string) {
	w.t.Helper()
	in.MultiRegion = true
	keyID = w.newKey(in)
	w.must(root(), "ReplicateKey", object{"KeyId": keyID, "ReplicaRegion": abroad})
	return keyID
}

func TestReplicateKeyAnswersWithTheReplicaAndRecordsIt(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{MultiRegion: true, Description: "primary"})
	document := allow(rootOf(account), "kms:*")
	out := w.must(root(), "ReplicateKey", object{
		"KeyId": keyID, "ReplicaRegion": abroad, "Description": "replica", "Policy": document,
		"Tags": []object{{"TagKey": "team", "TagValue": "orders"}},
	})
	metadata := part(t, out, "ReplicaKeyMetadata")
	want := object{
		"MultiRegionKeyType": "REPLICA", "PrimaryKey": object{"Arn": arnOf(keyID), "Region": home},
		"ReplicaKeys": []any{object{"Arn": arnAbroad(keyID), "Region": abroad}},
	}
	if diff := cmp.Diff(want, part(t, metadata, "MultiRegionConfiguration")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if metadata["Arn"] != arnAbroad(keyID) || metadata["Description"] != "replica" || metadata["KeyState"] != "Enabled" {
		t.Errorf("the replica is %v", metadata)
	}
	if out["ReplicaPolicy"] != document || !cmp.Equal(out["ReplicaTags"], []any{object{"TagKey": "team", "TagValue": "orders"}}) {
		t.Errorf("its policy is %v and its tags %v", out["ReplicaPolicy"], out["ReplicaTags"])
	}
	event := w.events.last()
	if event.RequestParameters["replicaRegion"] != abroad || event.ResponseElements["replicaPolicy"] != document {
		t.Errorf("the record is %+v", event)
	}
	recorded, _ := event.ResponseElements["replicaKeyMetadata"].(map[string]any)
	if recorded["arn"] != arnAbroad(keyID) {
		t.Errorf("recorded as %v", recorded)
	}
	ciphertext := w.sealed(keyID)
	w.mustAbroad("Decrypt", object{"CiphertextBlob": ciphertext})
}

func TestAReplicaWithoutAPolicyHasAWSsDefault(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{MultiRegion: true, Policy: allow(user("ann").ARN(), "kms:*")})
	out := w.must(user("ann"), "ReplicateKey", object{"KeyId": keyID, "ReplicaRegion": abroad})
	got := w.mustAbroad("GetKeyPolicy", object{"KeyId": keyID})
	if out["ReplicaPolicy"] != got["Policy"] || got["Policy"] == "" {
		t.Errorf("answered %v, and it has %v", out["ReplicaPolicy"], got["Policy"])
	}
	if _, err := w.callIn(abroad, user("ann"), "DescribeKey", object{"KeyId": keyID}); !kms.HasCode(err, kms.AccessDeniedException) {
		t.Errorf("the primary's policy counts for the replica: %v", err)
	}
}

func TestAReplicationThatIsNotRightIsRefused(t *testing.T) {
	w := newWorld(t)
	keyID := w.family(kms.CreateKeyInput{})
	single := w.newKey(kms.CreateKeyInput{})
	fresh := w.newKey(kms.CreateKeyInput{MultiRegion: true})
	for name, tt := range map[string]struct {
		in   object
		code kms.Code
		text string
	}{
		"a key of one Region": {
			object{"KeyId": single, "ReplicaRegion": abroad}, kms.UnsupportedOperationException,
			arnOf(single) + " is not a multi-region primary key.",
		},
		"a second replica": {
			object{"KeyId": keyID, "ReplicaRegion": abroad}, kms.AlreadyExistsException,
			"Key '" + arnAbroad(keyID) + "' already exists",
		},
		"an unknown Region": {
			object{"KeyId": fresh, "ReplicaRegion": "moon"}, kms.UnsupportedOperationException,
			"Account " + account + " has no Region moon here.",
		},
		"no Region": {object{"KeyId": fresh}, kms.ValidationException, ""},
		"a policy that locks the caller out": {
			object{"KeyId": fresh, "ReplicaRegion": abroad, "Policy": allow(user("ann").ARN(), "kms:*")},
			kms.MalformedPolicyException, "The new key policy will not allow you to update the key policy in the future.",
		},
		"a tag twice": {
			object{"KeyId": fresh, "ReplicaRegion": abroad, "Tags": []object{
				{"TagKey": "a", "TagValue": "1"}, {"TagKey": "a", "TagValue": "2"},
			}}, kms.TagException, "Duplicate tag keys",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			if got := w.refused(root(), "ReplicateKey", tt.in, tt.code); tt.text != "" && got != tt.text {
				t.Errorf("got  %s\nwant %s", got, tt.text)
			}
		})
	}
	w.t = t
	text := w.refusedAbroad("ReplicateKey", object{"KeyId": keyID, "ReplicaRegion": home}, kms.UnsupportedOperationException)
	if want := arnAbroad(keyID) + " is not a multi-region primary key."; text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	w.must(root(), "ReplicateKey", object{
		"KeyId": fresh, "ReplicaRegion": abroad, "Policy": allow(user("ann").ARN(), "kms:*"), "BypassPolicyLockoutSafetyCheck": true,
	})
}

func TestReplicationNeedsThePrimarysPermissionAndItsCondition(t *testing.T) {
	w := newWorld(t)
	ann, bob := user("ann"), user("bob")
	keyID := w.newKey(kms.CreateKeyInput{MultiRegion: true, Policy: statements(object{
		"Effect": "Allow", "Principal": object{"AWS": ann.ARN()}, "Action": "kms:ReplicateKey", "Resource": "*",
		"Condition": object{"StringEquals": object{"kms:ReplicaRegion": abroad}},
	})})
	w.refused(bob, "ReplicateKey", object{"KeyId": keyID, "ReplicaRegion": abroad}, kms.AccessDeniedException)
	w.refused(ann, "ReplicateKey", object{"KeyId": keyID, "ReplicaRegion": "moon"}, kms.AccessDeniedException)
	w.must(ann, "ReplicateKey", object{"KeyId": keyID, "ReplicaRegion": abroad})
}

func TestTheSharedOperationsGoInTheStatesThatAWSsTableNames(t *testing.T) {
	refused := map[lifecycle.State]kms.Code{
		lifecycle.Disabled: kms.DisabledException, lifecycle.PendingImport: kms.KMSInvalidStateException,
		lifecycle.PendingDeletion: kms.KMSInvalidStateException, lifecycle.PendingReplicaDeletion: kms.KMSInvalidStateException,
	}
	w := newWorld(t)
	replicated, lonely := w.family(kms.CreateKeyInput{}), w.newKey(kms.CreateKeyInput{MultiRegion: true})
	for state, code := range refused {
		for _, keyID := range []string{replicated, lonely} {
			w.edit(keyID, func(r *keyring.KeyRecord) { r.State = state })
		}
		w.refused(root(), "ReplicateKey", object{"KeyId": lonely, "ReplicaRegion": abroad}, code)
		w.refused(root(), "UpdatePrimaryRegion", object{"KeyId": replicated, "PrimaryRegion": abroad}, code)
	}
}

func TestUpdatePrimaryRegionSwapsTheRoles(t *testing.T) {
	w := newWorld(t)
	keyID := w.family(kms.CreateKeyInput{})
	if out := w.must(root(), "UpdatePrimaryRegion", object{"KeyId": keyID, "PrimaryRegion": abroad}); len(out) != 0 {
		t.Errorf("the answer is %v", out)
	}
	event := w.events.last()
	if len(event.Resources) != 2 || event.Resources[0].ARN != arnOf(keyID) || event.Resources[1].ARN != arnAbroad(keyID) ||
		event.ResponseElements["keyId"] != arnOf(keyID) {
		t.Errorf("the record is %+v", event)
	}
	if got := part(t, w.describe(keyID), "MultiRegionConfiguration"); got["MultiRegionKeyType"] != "REPLICA" {
		t.Errorf("at home it is %v", got)
	}
	abroadNow := part(t, part(t, w.mustAbroad("DescribeKey", object{"KeyId": keyID}), "KeyMetadata"), "MultiRegionConfiguration")
	if abroadNow["MultiRegionKeyType"] != "PRIMARY" {
		t.Errorf("abroad it is %v", abroadNow)
	}
	text := w.refused(root(), "UpdatePrimaryRegion", object{"KeyId": keyID, "PrimaryRegion": abroad}, kms.UnsupportedOperationException)
	if want := arnOf(keyID) + " is not a multi-region primary key."; text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	w.mustAbroad("RotateKeyOnDemand", object{"KeyId": keyID})
	w.must(root(), "Decrypt", object{"CiphertextBlob": w.sealed(keyID)})
}

func TestUpdatePrimaryRegionNeedsThePermissionOnBothKeys(t *testing.T) {
	w := newWorld(t)
	ann := user("ann")
	keyID := w.newKey(kms.CreateKeyInput{MultiRegion: true, Policy: allow(ann.ARN(), "kms:UpdatePrimaryRegion")})
	w.must(root(), "ReplicateKey", object{"KeyId": keyID, "ReplicaRegion": abroad})
	in := object{"KeyId": keyID, "PrimaryRegion": abroad}
	w.refused(user("bob"), "UpdatePrimaryRegion", in, kms.AccessDeniedException)
	text := w.refused(ann, "UpdatePrimaryRegion", in, kms.AccessDeniedException)
	want := "User: " + ann.ARN() + " is not authorized to perform: kms:UpdatePrimaryRegion on resource: " + arnAbroad(keyID) +
		" because no identity-based policy allows the kms:UpdatePrimaryRegion action"
	if text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	w.mustAbroad("PutKeyPolicy", object{
		"KeyId": keyID, "Policy": statements(
			object{"Effect": "Allow", "Principal": object{"AWS": rootOf(account)}, "Action": "kms:*", "Resource": "*"},
			object{"Effect": "Allow", "Principal": object{"AWS": ann.ARN()}, "Action": "kms:UpdatePrimaryRegion", "Resource": "*"},
		),
	})
	w.must(ann, "UpdatePrimaryRegion", in)
}

func TestUpdatePrimaryRegionNeedsAReplicaThere(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{MultiRegion: true})
	single := w.newKey(kms.CreateKeyInput{})
	text := w.refused(root(), "UpdatePrimaryRegion", object{"KeyId": keyID, "PrimaryRegion": abroad}, kms.NotFoundException)
	if want := "Key '" + arnAbroad(keyID) + "' does not exist"; text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	w.refused(root(), "UpdatePrimaryRegion", object{"KeyId": keyID, "PrimaryRegion": home}, kms.ValidationException)
	w.refused(root(), "UpdatePrimaryRegion", object{"KeyId": single, "PrimaryRegion": abroad}, kms.UnsupportedOperationException)
}

func TestAPrimaryWithReplicasIsScheduledWithoutADate(t *testing.T) {
	w := newWorld(t)
	keyID := w.family(kms.CreateKeyInput{})
	out := w.must(root(), "ScheduleKeyDeletion", object{"KeyId": keyID, "PendingWindowInDays": 9})
	want := object{"KeyId": arnOf(keyID), "KeyState": "PendingReplicaDeletion", "PendingWindowInDays": 9.}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

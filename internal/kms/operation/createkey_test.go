// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

// made is the KeyMetadata of a key that CreateKey makes.
func (w *world) made(in object) object {
	w.t.Helper()
	return part(w.t, w.must(root(), "CreateKey", in), "KeyMetadata")
}

func TestCreateKeyMakesASymmetricKeyOfTheAccountUnlessToldOtherwise(t *testing.T) {
	w := newWorld(t)
	got := w.made(object{})
	keyID := text(t, got, "KeyId")
	if _, err := uuid.Parse(keyID); err != nil {
		t.Errorf("the key ID %s is no UUID", keyID)
	}
	if diff := cmp.Diff(w.describe(keyID), got); diff != "" {
		t.Errorf("(-described +created):\n%s", diff)
	}
	if got["KeySpec"] != "SYMMETRIC_DEFAULT" || got["KeyState"] != "Enabled" || got["Origin"] != "AWS_KMS" {
		t.Errorf("the key is %v", got)
	}
	want := `{"Version":"2012-10-17","Id":"key-default-1","Statement":[{"Sid":"Enable IAM User Permissions",` +
		`"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}]}`
	if got := w.record(keyID).Policy; got != want {
		t.Errorf("its policy is %s", got)
	}
	w.must(root(), "Encrypt", object{"KeyId": keyID, "Plaintext": []byte("x")})
}

func TestCreateKeyMakesWhatIsAskedFor(t *testing.T) {
	w := newWorld(t)
	document := allow(rootOf(account), "kms:*")
	got := w.made(object{
		"KeySpec": "ECC_NIST_P256", "KeyUsage": "KEY_AGREEMENT", "Description": "orders", "Policy": document,
		"Tags": []object{{"TagKey": "team", "TagValue": "orders"}, {"TagKey": "empty", "TagValue": ""}},
	})
	keyID := text(t, got, "KeyId")
	if got["KeySpec"] != "ECC_NIST_P256" || got["KeyUsage"] != "KEY_AGREEMENT" || got["Description"] != "orders" {
		t.Errorf("the key is %v", got)
	}
	record := w.record(keyID)
	if !cmp.Equal(record.Tags, map[string]string{"team": "orders", "empty": ""}) || record.Policy != document {
		t.Errorf("the record is %+v", record)
	}
	if got := w.made(object{"CustomerMasterKeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}); got["KeySpec"] != "HMAC_256" {
		t.Errorf("by the old name of KeySpec: %v", got)
	}
}

func TestCreateKeyForImportMakesAKeyThatWaits(t *testing.T) {
	w := newWorld(t)
	got := w.made(object{"Origin": "EXTERNAL"})
	if got["KeyState"] != "PendingImport" || got["Origin"] != "EXTERNAL" || got["Enabled"] != false {
		t.Errorf("the key is %v", got)
	}
	if record := w.record(text(t, got, "KeyId")); len(record.Materials) != 0 {
		t.Error("it has material")
	}
	w.refused(root(), "Encrypt", object{"KeyId": got["KeyId"], "Plaintext": []byte("x")}, kms.KMSInvalidStateException)
}

func TestCreateKeyMakesThePrimaryOfAMultiRegionKey(t *testing.T) {
	w := newWorld(t)
	got := w.made(object{"MultiRegion": true})
	keyID := text(t, got, "KeyId")
	if !regexp.MustCompile(`^mrk-[0-9a-f]{32}$`).MatchString(keyID) {
		t.Errorf("the key ID is %s", keyID)
	}
	configuration, _ := got["MultiRegionConfiguration"].(object)
	if got["MultiRegion"] != true || configuration["MultiRegionKeyType"] != "PRIMARY" {
		t.Errorf("the key is %v", got)
	}
}

func TestTheRecordOfCreateKeyHasTheKeyAndItsMetadata(t *testing.T) {
	w := newWorld(t)
	keyID := text(t, w.made(object{"Description": "orders", "Tags": []object{tag("team", "orders")}}), "KeyId")
	event := w.events.last()
	want := object{"keyMetadata": object{
		"aWSAccountId": account, "keyId": keyID, "arn": arnOf(keyID), "creationDate": "Mar 1, 2026, 12:00:00 PM",
		"enabled": true, "description": "orders", "keyUsage": "ENCRYPT_DECRYPT", "keyState": "Enabled", "origin": "AWS_KMS",
		"keyManager": "CUSTOMER", "customerMasterKeySpec": "SYMMETRIC_DEFAULT", "keySpec": "SYMMETRIC_DEFAULT",
		"encryptionAlgorithms": []string{"SYMMETRIC_DEFAULT"}, "multiRegion": false,
		"currentKeyMaterialId": w.record(keyID).Current().ID,
	}}
	if diff := cmp.Diff(want, event.ResponseElements); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if event.ReadOnly || len(event.Resources) != 1 || event.Resources[0].ARN != arnOf(keyID) {
		t.Errorf("the record is %+v", event)
	}
	parameters := object{
		"description": "orders", "keySpec": "SYMMETRIC_DEFAULT", "origin": "AWS_KMS",
		"tags": []any{object{"tagKey": "team", "tagValue": "orders"}},
	}
	if diff := cmp.Diff(parameters, event.RequestParameters); diff != "" {
		t.Errorf("the parameters (-want +got):\n%s", diff)
	}
}

func TestCreateKeyIsTheRootUsers(t *testing.T) {
	w := newWorld(t)
	got := w.refused(user("ann"), "CreateKey", object{}, kms.AccessDeniedException)
	want := "User: " + user("ann").ARN() + " is not authorized to perform: kms:CreateKey on resource: * " +
		"because no identity-based policy allows the kms:CreateKey action"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if event := w.events.last(); event.ErrorCode != "AccessDenied" || event.ResponseElements != nil || len(event.Resources) != 0 {
		t.Errorf("the record is %+v", event)
	}
}

func TestCreateKeyRefusesWhatIsNotAKeyAndMakesNothing(t *testing.T) {
	w := newWorld(t)
	tags := func(keys ...string) []object {
		var list []object
		for _, key := range keys {
			list = append(list, object{"TagKey": key, "TagValue": "v"})
		}
		return list
	}
	var many []string
	for i := range 51 {
		many = append(many, fmt.Sprint(i))
	}
	const noStores = "The software KMS has no custom key stores."
	tests := map[string]struct {
		in   object
		code kms.Code
		want string
	}{
		"two specs": {
			object{"KeySpec": "RSA_2048", "CustomerMasterKeySpec": "RSA_3072", "KeyUsage": "SIGN_VERIFY"}, kms.ValidationException,
			"You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.",
		},
		"no usage": {
			object{"KeySpec": "HMAC_256"}, kms.ValidationException,
			"You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
		},
		"wrong usage": {
			object{"KeySpec": "RSA_2048", "KeyUsage": "KEY_AGREEMENT"}, kms.ValidationException,
			"KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048",
		},
		"SM2": {
			object{"KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY"}, kms.UnsupportedOperationException,
			"KeySpec SM2 is supported only in China Regions.",
		},
		"unknown spec":         {object{"KeySpec": "ROT13"}, kms.ValidationException, ""},
		"CloudHSM":             {object{"Origin": "AWS_CLOUDHSM"}, kms.UnsupportedOperationException, noStores},
		"external store":       {object{"Origin": "EXTERNAL_KEY_STORE"}, kms.UnsupportedOperationException, noStores},
		"custom key store":     {object{"CustomKeyStoreId": "cks-1"}, kms.UnsupportedOperationException, noStores},
		"external key":         {object{"XksKeyId": "bb8562717f809024"}, kms.UnsupportedOperationException, noStores},
		"duplicate tags":       {object{"Tags": tags("a", "b", "a")}, kms.TagException, "Duplicate tag keys"},
		"reserved tag":         {object{"Tags": tags("aws:owner")}, kms.TagException, "Tags beginning with aws: are reserved"},
		"too many tags":        {object{"Tags": tags(many...)}, kms.TagException, "Too many tags"},
		"tag without a value":  {object{"Tags": []object{{"TagKey": "a"}}}, kms.ValidationException, ""},
		"description too long": {object{"Description": strings.Repeat("x", 8193)}, kms.ValidationException, ""},
		"no policy":            {object{"Policy": "{}"}, kms.MalformedPolicyException, ""},
		"a policy that locks the caller out": {
			object{"Policy": allow(user("ann").ARN(), "kms:*")}, kms.MalformedPolicyException,
			"The new key policy will not allow you to update the key policy in the future.",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w.t = t
			got := w.refused(root(), "CreateKey", tt.in, tt.code)
			if tt.want != "" && got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	w.t = t
	if out := w.must(root(), "ListKeys", object{}); len(items(t, out, "Keys")) != 0 {
		t.Errorf("there are keys: %v", out)
	}
	locked := allow(user("ann").ARN(), "kms:*")
	keyID := text(t, w.made(object{"Policy": locked, "BypassPolicyLockoutSafetyCheck": true}), "KeyId")
	if got := w.record(keyID).Policy; got != locked {
		t.Errorf("with the check bypassed, the policy is %s", got)
	}
}

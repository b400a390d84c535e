// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

// management are the operations of this group on one key, with a request that lacks only the key, and the states in which
// they go. Those that are not named are KMSInvalidStateException.
var management = []struct {
	name   string
	in     object
	states []lifecycle.State
}{

	{"DescribeKey", object{}, everyState},
	{"GetKeyLastUsage", object{}, everyState},
	{"ListResourceTags", object{}, everyState},
	{"EnableKey", object{}, []lifecycle.State{lifecycle.Enabled, lifecycle.Disabled}},
	{"DisableKey", object{}, []lifecycle.State{lifecycle.Enabled, lifecycle.Disabled}},
	{"UpdateKeyDescription", object{"Description": "new"}, notDeleted},
	{"TagResource", object{"Tags": []object{{"TagKey": "k", "TagValue": "v"}}}, notDeleted},
	{"UntagResource", object{"TagKeys": []string{"k"}}, notDeleted},
	{"ScheduleKeyDeletion", object{}, notDeleted},
	{"CancelKeyDeletion", object{}, []lifecycle.State{lifecycle.PendingDeletion, lifecycle.PendingReplicaDeletion}},
}

var (
	everyState = []lifecycle.State{
		lifecycle.Enabled, lifecycle.Disabled, lifecycle.PendingImport, lifecycle.PendingDeletion, lifecycle.PendingReplicaDeletion,
	}
	notDeleted = everyState[:3]
)

func TestAKeyIsManagedInTheStatesThatAWSsTableNames(t *testing.T) {
	for _, op := range management {
		for _, state := range everyState {
			t.Run(op.name+" "+string(state), func(t *testing.T) {
				w := newWorld(t)
				keyID := w.newKey(kms.CreateKeyInput{})
				w.edit(keyID, func(r *keyring.KeyRecord) { r.State = state })
				if slices.Contains(op.states, state) {
					w.must(root(), op.name, plus(op.in, "KeyId", keyID))
				} else {
					w.refused(root(), op.name, plus(op.in, "KeyId", keyID), kms.KMSInvalidStateException)
				}
			})
		}
	}
}

func TestAKeyIsManagedByWhomItsPolicyNamesAndBySuchAnARN(t *testing.T) {
	ann, bob := user("ann"), user("bob")
	for _, op := range management {
		t.Run(op.name, func(t *testing.T) {
			w := newWorld(t)
			keyID := w.newKey(kms.CreateKeyInput{Policy: allow(ann.ARN(), "kms:"+op.name)})
			if op.name == "CancelKeyDeletion" {
				w.edit(keyID, func(r *keyring.KeyRecord) { r.State = lifecycle.PendingDeletion })
			}
			message := w.refused(bob, op.name, plus(op.in, "KeyId", arnOf(keyID)), kms.AccessDeniedException)
			want := "User: " + bob.ARN() + " is not authorized to perform: kms:" + op.name + " on resource: " + arnOf(keyID) +
				" because no resource-based policy allows the kms:" + op.name + " action"
			if message != want {
				t.Errorf("got  %s\nwant %s", message, want)
			}
			if event := w.events.last(); event.ErrorCode != "AccessDenied" || event.Resources[0].ARN != arnOf(keyID) {
				t.Errorf("the record is %+v", event)
			}
			w.must(ann, op.name, plus(op.in, "KeyId", arnOf(keyID)))
		})
	}
}

func TestOnlyDescribeKeyTakesAliasesAndOtherAccountsKeys(t *testing.T) {
	for _, op := range management {
		t.Run(op.name, func(t *testing.T) {
			w := newWorld(t)
			keyID := w.newKey(kms.CreateKeyInput{Policy: allow("*", "kms:*")})
			w.must(root(), "CreateAlias", object{"AliasName": "alias/app", "TargetKeyId": keyID})
			other := as(rootOf(stranger))
			if op.name == "DescribeKey" {
				for _, alias := range []string{"alias/app", "arn:aws:kms:" + home + ":" + account + ":alias/app"} {
					w.must(root(), op.name, object{"KeyId": alias})
				}
				w.must(other, op.name, object{"KeyId": arnOf(keyID)})
				return
			}
			w.refused(root(), op.name, plus(op.in, "KeyId", "alias/app"), kms.NotFoundException)
			w.refused(other, op.name, plus(op.in, "KeyId", arnOf(keyID)), kms.AccessDeniedException)
		})
	}
}

func TestAReferenceToNoKeySaysSoInAWSsWords(t *testing.T) {
	w := newWorld(t)
	for ref, want := range map[string]struct {
		code kms.Code
		text string
	}{
		zeroKeyID:        {kms.NotFoundException, "Key '" + arnOf(zeroKeyID) + "' does not exist"},
		arnOf(zeroKeyID): {kms.NotFoundException, "Key '" + arnOf(zeroKeyID) + "' does not exist"},
		"No/Such Thing":  {kms.NotFoundException, "Invalid keyId 'No/Such Thing'"},
		"alias/none":     {kms.NotFoundException, "Alias arn:aws:kms:" + home + ":" + account + ":alias/none is not found."},
		"arn:aws:s3:::b": {kms.InvalidArnException, "Invalid arn 'arn:aws:s3:::b'"},
		"arn:aws:kms:x:" + account + ":key/" + zeroKeyID: {kms.NotFoundException, "Invalid arn x"},
	} {
		if got := w.refused(root(), "DescribeKey", object{"KeyId": ref}, want.code); got != want.text {
			t.Errorf("%s: got  %s\nwant %s", ref, got, want.text)
		}
	}
}

func TestAKeyIsDisabledEnabledAndDescribedAnew(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	for _, step := range []struct {
		name, state string
		in          object
	}{
		{"DisableKey", "Disabled", object{}}, {"DisableKey", "Disabled", object{}}, {"EnableKey", "Enabled", object{}},
	} {
		if out := w.must(root(), step.name, plus(step.in, "KeyId", keyID)); len(out) != 0 {
			t.Errorf("%s answers %v", step.name, out)
		}
		event := w.events.last()
		if event.ReadOnly || !cmp.Equal(event.ResponseElements, object{"keyId": arnOf(keyID)}) {
			t.Errorf("the record of %s is %+v", step.name, event)
		}
		if got := w.describe(keyID); got["KeyState"] != step.state || got["Enabled"] != (step.state == "Enabled") {
			t.Errorf("after %s: %v", step.name, got)
		}
	}
	w.must(root(), "UpdateKeyDescription", object{"KeyId": keyID, "Description": "new"})
	if got := w.describe(keyID)["Description"]; got != "new" {
		t.Errorf("the description is %v", got)
	}
	w.must(root(), "UpdateKeyDescription", object{"KeyId": keyID, "Description": ""})
	if got := w.describe(keyID)["Description"]; got != "" {
		t.Errorf("the cleared description is %v", got)
	}
	w.refused(root(), "UpdateKeyDescription", object{"KeyId": keyID}, kms.ValidationException)
}

func TestListKeysTellsTheRootUserOfEveryKeyPageByPage(t *testing.T) {
	w := newWorld(t)
	var want []string
	for range 5 {
		want = append(want, w.newKey(kms.CreateKeyInput{}))
	}
	w.edit(want[0], func(r *keyring.KeyRecord) { r.State = lifecycle.PendingDeletion })
	slices.Sort(want)
	var got []string
	in := object{"Limit": 2}
	for {
		out := w.must(root(), "ListKeys", in)
		for _, key := range items(t, out, "Keys") {
			keyID := text(t, key, "KeyId")
			if key["KeyArn"] != arnOf(keyID) {
				t.Errorf("its ARN is %v", key)
			}
			got = append(got, keyID)
		}
		if out["Truncated"] == false {
			if out["NextMarker"] != nil {
				t.Errorf("the last page has a marker: %v", out)
			}
			break
		}
		in["Marker"] = out["NextMarker"]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if event := w.events.last(); !event.ReadOnly || len(event.Resources) != 0 || event.ResponseElements != nil {
		t.Errorf("the record is %+v", event)
	}
	if out := w.must(as(rootOf(stranger)), "ListKeys", object{}); len(items(t, out, "Keys")) != 0 || out["Truncated"] != false {
		t.Errorf("another account sees %v", out)
	}
	w.refused(root(), "ListKeys", object{"Marker": "bad"}, kms.InvalidMarkerException)
	w.refused(root(), "ListKeys", object{"Limit": 1001}, kms.ValidationException)
	w.refused(root(), "ListKeys", object{"Limit": 0}, kms.ValidationException)
	message := w.refused(user("ann"), "ListKeys", object{}, kms.AccessDeniedException)
	if want := "User: " + user("ann").ARN() + " is not authorized to perform: kms:ListKeys on resource: * " +
		"because no identity-based policy allows the kms:ListKeys action"; message != want {
		t.Errorf("got  %s\nwant %s", message, want)
	}
}

func TestAnAccountThatIsNotServedHereHasNoKeysToTell(t *testing.T) {
	w := newWorld(t)
	for name, in := range map[string]object{
		"ListKeys": {}, "ListAliases": {}, "CreateKey": {}, "DeleteAlias": {"AliasName": "alias/x"},
		"UpdateAlias": {"AliasName": "alias/x", "TargetKeyId": zeroKeyID}, "DescribeKey": {"KeyId": zeroKeyID},
	} {
		if _, err := w.callIn("nowhere", root(), name, in); !kms.HasCode(err, kms.AccessDeniedException) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestGetKeyLastUsageTellsTheLastUseThatSucceeded(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	want := object{
		"KeyId": keyID, "KeyLastUsage": object{}, "TrackingStartDate": seconds(begin), "KeyCreationDate": seconds(begin),
	}
	if diff := cmp.Diff(want, w.must(root(), "GetKeyLastUsage", object{"KeyId": keyID})); diff != "" {
		t.Errorf("never used (-want +got):\n%s", diff)
	}
	w.clock.Step(time.Hour)
	w.must(root(), "Encrypt", object{"KeyId": keyID, "Plaintext": []byte("x")})
	used := w.events.last()
	w.clock.Step(time.Hour)
	w.refused(user("ann"), "Encrypt", object{"KeyId": keyID, "Plaintext": []byte("x")}, kms.AccessDeniedException)
	w.must(root(), "DescribeKey", object{"KeyId": keyID})
	want["KeyLastUsage"] = object{
		"Operation": "Encrypt", "Timestamp": seconds(begin.Add(time.Hour)), "CloudTrailEventId": used.EventID,
		"KmsRequestId": used.RequestID,
	}
	if diff := cmp.Diff(want, w.must(root(), "GetKeyLastUsage", object{"KeyId": keyID})); diff != "" {
		t.Errorf("used once (-want +got):\n%s", diff)
	}
}

func TestAChangeThatTheStoreDoesNotTakeCanBeTriedAgain(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	w.storeFails(errAway)
	w.refused(root(), "DisableKey", object{"KeyId": keyID}, kms.DependencyTimeoutException)
	w.refused(root(), "CreateKey", object{}, kms.DependencyTimeoutException)
	w.must(root(), "DescribeKey", object{"KeyId": keyID})
	w.storeFails(nil)
	w.must(root(), "DisableKey", object{"KeyId": keyID})
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

func aliasARN(name string) string { return "arn:aws:kms:" + home + ":" + account + ":" + name }

// aliases are what ListAliases tells, without the times.
func (w *world) aliases(in object) map[string]string {
	w.t.Helper()
	targets := map[string]string{}
	for _, alias := range items(w.t, w.must(root(), "ListAliases", in), "Aliases") {
		targets[text(w.t, alias, "AliasName")] = text(w.t, alias, "TargetKeyId")
	}
	return targets
}

// resources are the ARNs in the last record.
func (w *world) resources() []string {
	var arns []string
	for _, resource := range w.events.last().Resources {
		if resource.Type != "AWS::KMS::Key" || resource.AccountID != account {
			w.t.Errorf("a resource is %+v", resource)
		}
		arns = append(arns, resource.ARN)
	}
	return arns
}

func TestAnAliasIsGivenMovedAndTakenAway(t *testing.T) {
	w := newWorld(t)
	first, second := w.newKey(kms.CreateKeyInput{}), w.newKey(kms.CreateKeyInput{})
	w.must(root(), "CreateAlias", object{"AliasName": "alias/app", "TargetKeyId": arnOf(first)})
	if diff := cmp.Diff([]string{aliasARN("alias/app"), arnOf(first)}, w.resources()); diff != "" {
		t.Errorf("CreateAlias's resources (-want +got):\n%s", diff)
	}
	if got := w.events.last().ResponseElements; !cmp.Equal(got, object{"keyId": arnOf(first)}) {
		t.Errorf("CreateAlias's elements are %v", got)
	}
	w.clock.Step(time.Hour)
	w.must(root(), "UpdateAlias", object{"AliasName": "alias/app", "TargetKeyId": second})
	if diff := cmp.Diff([]string{aliasARN("alias/app"), arnOf(second), arnOf(first)}, w.resources()); diff != "" {
		t.Errorf("UpdateAlias's resources (-want +got):\n%s", diff)
	}
	if got := w.events.last().ResponseElements; !cmp.Equal(got, object{"keyId": arnOf(second)}) {
		t.Errorf("UpdateAlias's elements are %v", got)
	}
	want := object{"Truncated": false, "Aliases": []any{object{
		"AliasName": "alias/app", "AliasArn": aliasARN("alias/app"), "TargetKeyId": second,
		"CreationDate": seconds(begin), "LastUpdatedDate": seconds(begin.Add(time.Hour)),
	}}}
	if diff := cmp.Diff(want, w.must(root(), "ListAliases", object{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := w.describe("alias/app")["KeyId"]; got != second {
		t.Errorf("the alias leads to %v", got)
	}
	w.must(root(), "DeleteAlias", object{"AliasName": "alias/app"})
	if diff := cmp.Diff([]string{aliasARN("alias/app"), arnOf(second)}, w.resources()); diff != "" {
		t.Errorf("DeleteAlias's resources (-want +got):\n%s", diff)
	}
	for name, in := range map[string]object{
		"DeleteAlias": {"AliasName": "alias/app"}, "UpdateAlias": {"AliasName": "alias/app", "TargetKeyId": first},
	} {
		got := w.refused(root(), name, in, kms.NotFoundException)
		if want := "Alias " + aliasARN("alias/app") + " is not found."; got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestAliasesAreListedOfAllKeysOrOfOneAndPageByPage(t *testing.T) {
	w := newWorld(t)
	keys := []string{w.newKey(kms.CreateKeyInput{}), w.newKey(kms.CreateKeyInput{})}
	want := []map[string]string{{}, {}}
	for i := range 7 {
		name := fmt.Sprintf("alias/%d", i)
		w.must(root(), "CreateAlias", object{"AliasName": name, "TargetKeyId": keys[i%2]})
		want[i%2][name] = keys[i%2]
	}
	for i, keyID := range keys {
		if diff := cmp.Diff(want[i], w.aliases(object{"KeyId": arnOf(keyID)})); diff != "" {
			t.Errorf("of a key (-want +got):\n%s", diff)
		}
	}
	if got := w.aliases(object{}); len(got) != 7 {
		t.Errorf("of all keys: %v", got)
	}
	first := w.must(root(), "ListAliases", object{"Limit": 5})
	w.must(root(), "DeleteAlias", object{"AliasName": "alias/4"})
	rest := w.must(root(), "ListAliases", object{"Marker": first["NextMarker"]})
	if list := items(t, rest, "Aliases"); len(list) != 2 || list[0]["AliasName"] != "alias/5" {
		t.Errorf("the rest is %v", rest)
	}
	w.refused(root(), "ListAliases", object{"Marker": "bad"}, kms.InvalidMarkerException)
	w.refused(root(), "ListAliases", object{"KeyId": zeroKeyID}, kms.NotFoundException)
	w.refused(root(), "ListAliases", object{"KeyId": "alias/1"}, kms.NotFoundException)
	if got := w.aliases(object{"KeyId": w.newKey(kms.CreateKeyInput{})}); len(got) != 0 {
		t.Errorf("of a key without: %v", got)
	}
}

func TestAllAliasesAreTheRootUsersToListAndAKeysWhoseItsPolicySays(t *testing.T) {
	w := newWorld(t)
	ann := user("ann")
	hers := w.newKey(kms.CreateKeyInput{Policy: allow(ann.ARN(), "kms:ListAliases")})
	other := w.newKey(kms.CreateKeyInput{})
	w.must(ann, "ListAliases", object{"KeyId": hers})
	w.refused(ann, "ListAliases", object{"KeyId": other}, kms.AccessDeniedException)
	w.refused(ann, "ListAliases", object{}, kms.AccessDeniedException)
}

func TestAliasesAreChangedByWhomTheKeysPoliciesAllow(t *testing.T) {
	w := newWorld(t)
	ann, bob := user("ann"), user("bob")
	everything := []string{"kms:CreateAlias", "kms:UpdateAlias", "kms:DeleteAlias"}
	hers := w.newKey(kms.CreateKeyInput{Policy: allow(ann.ARN(), everything...)})
	also := w.newKey(kms.CreateKeyInput{Policy: allow(ann.ARN(), everything...)})
	his := w.newKey(kms.CreateKeyInput{Policy: allow(bob.ARN(), everything...)})
	w.must(ann, "CreateAlias", object{"AliasName": "alias/hers", "TargetKeyId": hers})
	w.must(bob, "CreateAlias", object{"AliasName": "alias/his", "TargetKeyId": his})
	for _, tt := range []struct {
		name string
		in   object
		on   string
	}{
		{"CreateAlias", object{"AliasName": "alias/new", "TargetKeyId": his}, his},
		{"UpdateAlias", object{"AliasName": "alias/hers", "TargetKeyId": his}, his}, // gives it away
		{"UpdateAlias", object{"AliasName": "alias/his", "TargetKeyId": hers}, his}, // takes it
		{"DeleteAlias", object{"AliasName": "alias/his"}, his},
	} {
		got := w.refused(ann, tt.name, tt.in, kms.AccessDeniedException)
		want := "User: " + ann.ARN() + " is not authorized to perform: kms:" + tt.name + " on resource: " + arnOf(tt.on) +
			" because no resource-based policy allows the kms:" + tt.name + " action"
		if got != want {
			t.Errorf("%s\ngot  %s\nwant %s", tt.name, got, want)
		}
		if arns := w.resources(); arns[0] != aliasARN(text(t, tt.in, "AliasName")) {
			t.Errorf("%s's resources are %v", tt.name, arns)
		}
	}
	want := map[string]string{"alias/hers": hers, "alias/his": his}
	if diff := cmp.Diff(want, w.aliases(object{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w.must(ann, "UpdateAlias", object{"AliasName": "alias/hers", "TargetKeyId": also})
	w.must(ann, "DeleteAlias", object{"AliasName": "alias/hers"})
}

func TestToHaveOnesKeyByAnAliasDoesNotMakeTheAliasOnes(t *testing.T) {
	w := newWorld(t)
	ann := user("ann")
	keyID := w.newKey(kms.CreateKeyInput{Policy: statements(object{
		"Effect": "Allow", "Principal": object{"AWS": ann.ARN()}, "Action": "kms:*", "Resource": "*",
		"Condition": object{"StringEquals": object{"kms:RequestAlias": "alias/app"}},
	})})
	w.must(root(), "CreateAlias", object{"AliasName": "alias/app", "TargetKeyId": keyID})
	w.must(ann, "DescribeKey", object{"KeyId": "alias/app"})
	w.refused(ann, "DescribeKey", object{"KeyId": keyID}, kms.AccessDeniedException)
	w.refused(ann, "DeleteAlias", object{"AliasName": "alias/app"}, kms.AccessDeniedException)
}

func TestAnAliasMovesOnlyBetweenKeysOfATypeAndAUsage(t *testing.T) {
	w := newWorld(t)
	key := func(spec keyspec.Spec, usage keyspec.Usage) string {
		return w.newKey(kms.CreateKeyInput{Spec: spec, Usage: usage, Origin: keyring.OriginExternal})
	}
	symmetric := key(keyspec.SymmetricDefault, keyspec.EncryptDecrypt)
	mac := key(keyspec.HMAC256, keyspec.GenerateVerifyMAC)
	rsaSigning := key(keyspec.RSA2048, keyspec.SignVerify)
	rsaEncrypting := key(keyspec.RSA2048, keyspec.EncryptDecrypt)
	for _, tt := range []struct {
		from, to string
		moves    bool
	}{
		{symmetric, key(keyspec.SymmetricDefault, keyspec.EncryptDecrypt), true},
		{symmetric, symmetric, true},
		{symmetric, rsaEncrypting, false}, // the same usage, another type
		{rsaSigning, rsaEncrypting, false},
		{rsaSigning, key(keyspec.ECCNISTP256, keyspec.SignVerify), true},
		{rsaSigning, mac, false},
		{mac, key(keyspec.HMAC512, keyspec.GenerateVerifyMAC), true},
		{mac, symmetric, false},
	} {
		w.must(root(), "CreateAlias", object{"AliasName": "alias/x", "TargetKeyId": tt.from})
		in := object{"AliasName": "alias/x", "TargetKeyId": tt.to}
		want := tt.to
		if tt.moves {
			w.must(root(), "UpdateAlias", in)
		} else {
			w.refused(root(), "UpdateAlias", in, kms.ValidationException)
			want = tt.from
		}
		if got := w.aliases(object{})["alias/x"]; got != want {
			t.Errorf("the alias leads to %s, want %s", got, want)
		}
		w.must(root(), "DeleteAlias", object{"AliasName": "alias/x"})
	}
}

func TestAliasesThatCannotBeAreRefusedInAWSsWords(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	w.must(root(), "CreateAlias", object{"AliasName": "alias/taken", "TargetKeyId": keyID})
	const prefix = `Alias must start with the prefix "alias/". Please see ` +
		"https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
	for _, tt := range []struct {
		name, alias, target string
		code                kms.Code
		want                string
	}{
		{"CreateAlias", "app", keyID, kms.ValidationException, prefix},
		{"UpdateAlias", "app", keyID, kms.ValidationException, prefix},
		{"DeleteAlias", "app", "", kms.ValidationException, prefix},
		{"CreateAlias", "alias/", keyID, kms.ValidationException, ""},
		{"CreateAlias", "alias/a:b", keyID, kms.ValidationException, ""},
		{"CreateAlias", "alias/a b", keyID, kms.ValidationException, ""},
		{"CreateAlias", "alias/aws/s3", keyID, kms.InvalidAliasNameException, ""},
		{
			"CreateAlias", "alias/taken", keyID, kms.AlreadyExistsException,
			"An alias with the name " + aliasARN("alias/taken") + " already exists",
		},
		{"CreateAlias", "alias/x", "alias/taken", kms.ValidationException, "Aliases must refer to keys. Not aliases"},
		{"UpdateAlias", "alias/taken", aliasARN("alias/taken"), kms.ValidationException, "Aliases must refer to keys. Not aliases"},
		{"CreateAlias", "alias/x", zeroKeyID, kms.NotFoundException, "Key '" + arnOf(zeroKeyID) + "' does not exist"},
		{"UpdateAlias", "alias/taken", zeroKeyID, kms.NotFoundException, "Key '" + arnOf(zeroKeyID) + "' does not exist"},
	} {
		in := object{"AliasName": tt.alias}
		if tt.target != "" {
			in["TargetKeyId"] = tt.target
		}
		got := w.refused(root(), tt.name, in, tt.code)
		if tt.want != "" && got != tt.want {
			t.Errorf("%s %s\ngot  %s\nwant %s", tt.name, tt.alias, got, tt.want)
		}
	}
	strangers := "arn:aws:kms:" + home + ":" + stranger + ":key/" + zeroKeyID
	w.refused(root(), "CreateAlias", object{"AliasName": "alias/x", "TargetKeyId": strangers}, kms.AccessDeniedException)
}

func TestAliasesComeToKeysThatStayAndLeaveAny(t *testing.T) {
	for _, state := range everyState {
		t.Run(string(state), func(t *testing.T) {
			w := newWorld(t)
			keyID, other := w.newKey(kms.CreateKeyInput{}), w.newKey(kms.CreateKeyInput{})
			w.must(root(), "CreateAlias", object{"AliasName": "alias/old", "TargetKeyId": keyID})
			w.must(root(), "CreateAlias", object{"AliasName": "alias/others", "TargetKeyId": other})
			w.edit(keyID, func(r *keyring.KeyRecord) { r.State = state })
			create := object{"AliasName": "alias/new", "TargetKeyId": keyID}
			move := object{"AliasName": "alias/others", "TargetKeyId": keyID}
			if state == lifecycle.PendingDeletion || state == lifecycle.PendingReplicaDeletion {
				w.refused(root(), "CreateAlias", create, kms.KMSInvalidStateException)
				w.refused(root(), "UpdateAlias", move, kms.KMSInvalidStateException)
			} else {
				w.must(root(), "CreateAlias", create)
				w.must(root(), "UpdateAlias", move)
			}
			w.must(root(), "UpdateAlias", object{"AliasName": "alias/old", "TargetKeyId": other})
			w.must(root(), "CreateAlias", object{"AliasName": "alias/last", "TargetKeyId": other})
			w.must(root(), "DeleteAlias", object{"AliasName": "alias/last"})
		})
	}
}

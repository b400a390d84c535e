// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

func TestAPolicyIsReadAsItWasPutAndInForceAtOnce(t *testing.T) {
	w := newWorld(t)
	ann := user("ann")
	keyID := w.newKey(kms.CreateKeyInput{})
	first := w.must(root(), "GetKeyPolicy", object{"KeyId": keyID})
	if want := policy.Default(account).String(); first["Policy"] != want || first["PolicyName"] != "default" {
		t.Errorf("a key without a policy answers %v", first)
	}
	w.refused(ann, "GetKeyPolicy", object{"KeyId": keyID}, kms.AccessDeniedException)
	put := "\n" + statements(rule("Allow", aws(rootOf(account)), "kms:*"), rule("Allow", aws(ann.ARN()), "kms:GetKeyPolicy", "kms:PutKeyPolicy"))
	w.must(root(), "PutKeyPolicy", object{"KeyId": arnOf(keyID), "PolicyName": "default", "Policy": put})
	event := w.events.last()
	parameters := map[string]any{"keyId": arnOf(keyID), "policyName": "default", "policy": put}
	if diff := cmp.Diff(parameters, event.RequestParameters); diff != "" || event.ReadOnly || event.ResponseElements["keyId"] != arnOf(keyID) {
		t.Errorf("the record is %+v, its parameters (-want +got):\n%s", event, diff)
	}
	if got := w.must(ann, "GetKeyPolicy", object{"KeyId": keyID})["Policy"]; got != put {
		t.Errorf("got  %s\nwant %s", got, put)
	}
	if event := w.events.last(); !event.ReadOnly || event.ResponseElements != nil || event.Reason != "allowed by statement 1 of the key policy" {
		t.Errorf("the record of GetKeyPolicy is %+v", event)
	}
}

func TestAPolicyThatLocksItsAuthorOutNeedsTheBypass(t *testing.T) {
	w := newWorld(t)
	ann := user("ann")
	keyID := w.newKey(kms.CreateKeyInput{Policy: allow(ann.ARN(), "kms:PutKeyPolicy")})
	in := object{"KeyId": keyID, "Policy": allow(ann.ARN(), "kms:Encrypt")}
	const want = "The new key policy will not allow you to update the key policy in the future."
	if got := w.refused(ann, "PutKeyPolicy", in, kms.MalformedPolicyException); got != want {
		t.Errorf("got %q", got)
	}
	w.must(ann, "PutKeyPolicy", plus(in, "BypassPolicyLockoutSafetyCheck", true))
	if event := w.events.last(); event.RequestParameters["bypassPolicyLockoutSafetyCheck"] != true {
		t.Errorf("the record does not tell of the bypass: %v", event.RequestParameters)
	}
	w.refused(ann, "PutKeyPolicy", in, kms.AccessDeniedException)
}

func TestBadPolicyRequestsAreRefused(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	if err := w.partition.Service(account, home).CreateAlias(t.Context(), "alias/a", keyID); err != nil {
		t.Fatal(err)
	}
	good := statements(rule("Allow", aws(account), "kms:*"))
	for name, tt := range map[string]struct {
		operation string
		in        object
		code      kms.Code
		want      string
	}{
		"get another policy":   {"GetKeyPolicy", object{"KeyId": keyID, "PolicyName": "mine"}, kms.NotFoundException, "No such policy exists"},
		"get by alias":         {"GetKeyPolicy", object{"KeyId": "alias/a"}, kms.NotFoundException, "Invalid keyId 'alias/a'"},
		"get of no key":        {"GetKeyPolicy", object{"KeyId": zeroKeyID}, kms.NotFoundException, "Key '" + arnOf(zeroKeyID) + "' does not exist"},
		"put another policy":   {"PutKeyPolicy", object{"KeyId": keyID, "PolicyName": "mine", "Policy": good}, kms.UnsupportedOperationException, `Only the policy name "default" is supported.`},
		"put nothing":          {"PutKeyPolicy", object{"KeyId": keyID}, kms.ValidationException, "Value null at 'policy'"},
		"put by alias":         {"PutKeyPolicy", object{"KeyId": "alias/a", "Policy": good}, kms.NotFoundException, "Invalid keyId"},
		"put no JSON":          {"PutKeyPolicy", object{"KeyId": keyID, "Policy": "x"}, kms.MalformedPolicyException, "is not JSON"},
		"put a dead principal": {"PutKeyPolicy", object{"KeyId": keyID, "Policy": allow("AROAEXAMPLEEXAMPLE12", "*")}, kms.MalformedPolicyException, "one or more invalid principals"},
		"put too much":         {"PutKeyPolicy", object{"KeyId": keyID, "Policy": good + strings.Repeat(" ", policy.MaxBytes)}, kms.LimitExceededException, "32768"},
		"list of no key":       {"ListKeyPolicies", object{"KeyId": zeroKeyID}, kms.NotFoundException, "does not exist"},
		"list after nonsense":  {"ListKeyPolicies", object{"KeyId": keyID, "Marker": "x"}, kms.InvalidMarkerException, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			if got := w.refused(root(), tt.operation, tt.in, tt.code); !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want ...%s", got, tt.want)
			}
		})
	}
}

func TestAKeyHasOnePolicyInEveryState(t *testing.T) {
	w := newWorld(t)
	ann := user("ann")
	keyID := w.newKey(kms.CreateKeyInput{Policy: allow(ann.ARN(), "kms:*")})
	w.update(keyID, kms.DisableKey(), kms.ScheduleKeyDeletion(7))
	want := object{"PolicyNames": []any{"default"}, "Truncated": false}
	if diff := cmp.Diff(want, w.must(ann, "ListKeyPolicies", object{"KeyId": keyID, "Limit": 1})); diff != "" {
		t.Errorf("ListKeyPolicies (-want +got):\n%s", diff)
	}
	w.must(ann, "PutKeyPolicy", object{"KeyId": keyID, "Policy": allow(ann.ARN(), "kms:Put*")})
	w.refused(ann, "ListKeyPolicies", object{"KeyId": keyID}, kms.AccessDeniedException)
	w.refused(ann, "GetKeyPolicy", object{"KeyId": keyID}, kms.AccessDeniedException)
	w.must(root(), "GetKeyPolicy", object{"KeyId": keyID})
}

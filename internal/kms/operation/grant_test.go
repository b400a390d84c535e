// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

// grant creates a grant as the root user.
func (w *world) grant(keyID, grantee string, operations []string, more object) (grantID, token string) {
	w.t.Helper()
	in := object{"KeyId": keyID, "GranteePrincipal": grantee, "Operations": operations}
	maps.Copy(in, more)
	out := w.must(root(), "CreateGrant", in)
	return text(w.t, out, "GrantId"), text(w.t, out, "GrantToken")
}

func (w *world) grants(keyID string, more object) []object {
	w.t.Helper()
	in := object{"KeyId": keyID}
	maps.Copy(in, more)
	return items(w.t, w.must(root(), "ListGrants", in), "Grants")
}

var nobodysGrant = strings.Repeat("0", 64)

func TestAGrantIsCreatedListedAndRecordedWithoutItsToken(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	ann, bob := user("ann").ARN(), user("bob").ARN()
	grantID, token := w.grant(keyID, ann, []string{"Decrypt", "Encrypt", "Decrypt"}, object{
		"Name": "n", "RetiringPrincipal": bob, "GrantTokens": []string{},
		"Constraints": object{"EncryptionContextSubset": object{"Tenant": "42"}, "EncryptionContextEquals": object{}},
	})
	event := w.events.last()
	parameters := map[string]any{
		"keyId": keyID, "granteePrincipal": ann, "retiringPrincipal": bob, "name": "n",
		"operations": []string{"Decrypt", "Encrypt", "Decrypt"}, "grantTokens": nil,
	}
	constraints, _ := event.RequestParameters["constraints"].(map[string]any)
	if diff := cmp.Diff(map[string]string{"Tenant": "42"}, constraints["encryptionContextSubset"]); diff != "" {
		t.Errorf("the recorded constraints (-want +got):\n%s", diff)
	}
	delete(parameters, "grantTokens")
	delete(event.RequestParameters, "constraints")
	if diff := cmp.Diff(parameters, event.RequestParameters); diff != "" {
		t.Errorf("the recorded parameters (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"grantId": grantID, "keyId": arnOf(keyID)}, event.ResponseElements); diff != "" || event.ReadOnly {
		t.Errorf("the recorded answer (-want +got):\n%s", diff)
	}
	want := []object{{
		"KeyId": arnOf(keyID), "GrantId": grantID, "Name": "n", "CreationDate": float64(begin.Unix()),
		"GranteePrincipal": ann, "RetiringPrincipal": bob, "IssuingAccount": rootOf(account),
		"Operations": []any{"Decrypt", "Encrypt"}, "Constraints": object{"EncryptionContextSubset": object{"Tenant": "42"}},
	}}
	if diff := cmp.Diff(want, w.grants(keyID, nil)); diff != "" {
		t.Errorf("ListGrants (-want +got):\n%s", diff)
	}
	if token == "" || strings.Contains(token, grantID) {
		t.Errorf("the token is %q", token)
	}
	again, _ := w.grant(keyID, ann, []string{"Encrypt", "Decrypt"}, object{
		"Name": "n", "RetiringPrincipal": bob, "Constraints": object{"EncryptionContextSubset": object{"Tenant": "42"}},
	})
	if again != grantID {
		t.Errorf("the same request made another grant")
	}
}

func TestAForeignCallersGrantIsItsAccounts(t *testing.T) {
	w := newWorld(t)
	zoe := as("arn:aws:iam::" + stranger + ":user/zoe")
	keyID := w.newKey(kms.CreateKeyInput{Policy: allow(zoe.ARN(), "kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant")})
	out := w.must(zoe, "CreateGrant", object{"KeyId": arnOf(keyID), "GranteePrincipal": rootOf(stranger), "Operations": []string{"Encrypt"}})
	entry := items(t, w.must(zoe, "ListGrants", object{"KeyId": arnOf(keyID)}), "Grants")[0]
	if entry["IssuingAccount"] != rootOf(stranger) {
		t.Errorf("the grant is %v", entry)
	}
	w.must(zoe, "RevokeGrant", object{"KeyId": arnOf(keyID), "GrantId": out["GrantId"]})
	w.refused(zoe, "ListGrants", object{"KeyId": keyID}, kms.NotFoundException)
}

func TestListGrantsFiltersAndPages(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	var ids []string
	for i := range 120 {
		w.clock.Step(time.Millisecond)
		id, _ := w.grant(keyID, user([]string{"ann", "bob", "cid"}[i%3]).ARN(), []string{"Encrypt"}, nil)
		ids = append(ids, id)
	}
	var sizes []int
	var listed []string
	for limit, marker := any(nil), ""; ; {
		in := object{"KeyId": keyID}
		if marker != "" {
			in["Marker"], in["Limit"] = marker, limit
		}
		out := w.must(root(), "ListGrants", in)
		grants := items(t, out, "Grants")
		sizes = append(sizes, len(grants))
		for _, grant := range grants {
			listed = append(listed, text(t, grant, "GrantId"))
		}
		next, more := out["NextMarker"].(string)
		if out["Truncated"] != more {
			t.Errorf("truncated: %v, marker %q", out["Truncated"], next)
		}
		if !more {
			break
		}
		limit, marker = 60, next
	}
	if diff := cmp.Diff([]int{50, 60, 10}, sizes); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(ids, listed); diff != "" {
		t.Errorf("the grants, the oldest first (-want +got):\n%s", diff)
	}
	if got := len(w.grants(keyID, object{"Limit": 1000})); got != 100 {
		t.Errorf("a page has %d grants at most", got)
	}
	for name, tt := range map[string]struct {
		filter object
		want   int
	}{
		"grantee":           {object{"GranteePrincipal": user("bob").ARN()}, 40},
		"no such grantee":   {object{"GranteePrincipal": roleARN}, 0},
		"grant":             {object{"GrantId": ids[7]}, 1},
		"grant and grantee": {object{"GrantId": ids[7], "GranteePrincipal": user("ann").ARN()}, 0},
		"no such grant":     {object{"GrantId": nobodysGrant}, 0},
	} {
		if got := len(w.grants(keyID, tt.filter)); got != tt.want {
			t.Errorf("%s: %d grants, want %d", name, got, tt.want)
		}
	}
}

func TestRevokeGrantIsForWhomTheKeyPolicyAllowsIt(t *testing.T) {
	w := newWorld(t)
	admin, ann := user("admin"), user("ann")
	keyID := w.newKey(kms.CreateKeyInput{Policy: statements(
		rule("Allow", aws(admin.ARN()), "kms:RevokeGrant"), rule("Allow", aws(ann.ARN()), "kms:RetireGrant"),
	)})
	grantID, _ := w.grant(keyID, ann.ARN(), []string{"Encrypt", "RetireGrant"}, nil)
	in := object{"KeyId": keyID, "GrantId": grantID}
	w.refused(ann, "RevokeGrant", in, kms.AccessDeniedException)
	w.refused(admin, "RevokeGrant", plus(in, "DryRun", true), kms.DryRunOperationException)
	w.must(ann, "Encrypt", forms("Encrypt", keyID))
	w.update(keyID, kms.DisableKey())
	w.must(admin, "RevokeGrant", in)
	event := w.events.last()
	if diff := cmp.Diff(map[string]any{"keyId": keyID, "grantId": grantID}, event.RequestParameters); diff != "" ||
		event.ResponseElements["keyId"] != arnOf(keyID) || event.ReadOnly {
		t.Errorf("the record is %+v (-want +got):\n%s", event, diff)
	}
	w.update(keyID, kms.EnableKey())
	w.refused(ann, "Encrypt", forms("Encrypt", keyID), kms.AccessDeniedException)
	if got := w.refused(admin, "RevokeGrant", in, kms.NotFoundException); got != "Grant ID "+grantID+" not found" {
		t.Errorf("got %q", got)
	}
	w.refused(admin, "RevokeGrant", plus(in, "DryRun", true), kms.NotFoundException)
}

func TestRevokeGrantFindsAGrantThatThisProcessHasNotHeardOf(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	id := keyring.ID{AccountID: account, Region: home}
	second := w.openDeaf(id)
	grantID, _ := w.grant(keyID, user("ann").ARN(), []string{"Encrypt"}, nil)
	w.partition.Add(second)
	w.must(root(), "RevokeGrant", object{"KeyId": keyID, "GrantId": grantID})
	if got := len(w.grants(keyID, nil)); got != 0 {
		t.Errorf("the key has %d grants", got)
	}
}

func TestBadGrantRequestsAreRefused(t *testing.T) {
	w := newWorld(t)
	keyID, disabled := w.newKey(kms.CreateKeyInput{}), w.newKey(kms.CreateKeyInput{Disabled: true})
	good := object{"KeyId": keyID, "GranteePrincipal": user("ann").ARN(), "Operations": []string{"Encrypt"}}
	const invalid = kms.ValidationException
	for name, tt := range map[string]struct {
		operation string
		in        object
		code      kms.Code
		want      string
	}{
		"dry run":               {"CreateGrant", plus(good, "DryRun", true), kms.DryRunOperationException, "The request would have succeeded"},
		"dry run of nonsense":   {"CreateGrant", plus(plus(good, "DryRun", true), "Operations", []string{"Sign"}), invalid, "Sign is not supported"},
		"no operations":         {"CreateGrant", plus(good, "Operations", nil), invalid, "Value null at 'operations'"},
		"unknown operation":     {"CreateGrant", plus(good, "Operations", []string{"PutKeyPolicy"}), invalid, "enum value set"},
		"no grantee":            {"CreateGrant", plus(good, "GranteePrincipal", nil), invalid, "You must specify either GranteePrincipal"},
		"bad grantee":           {"CreateGrant", plus(good, "GranteePrincipal", "ann"), kms.InvalidArnException, "ARN does not refer to a valid principal: ann"},
		"only CreateGrant":      {"CreateGrant", plus(good, "Operations", []string{"CreateGrant", "CreateGrant"}), invalid, "Grants must not contain only the CreateGrant operation."},
		"bad name":              {"CreateGrant", plus(good, "Name", "a b"), invalid, "regular expression"},
		"no such key":           {"CreateGrant", plus(good, "KeyId", zeroKeyID), kms.NotFoundException, "does not exist"},
		"by alias":              {"CreateGrant", plus(good, "KeyId", "alias/a"), kms.NotFoundException, "Invalid keyId"},
		"disabled key":          {"CreateGrant", plus(good, "KeyId", disabled), kms.DisabledException, "is disabled"},
		"list by bad grant ID":  {"ListGrants", object{"KeyId": keyID, "GrantId": "x"}, kms.InvalidGrantIDException, "The grant ID 'x' is not valid"},
		"list by service":       {"ListGrants", object{"KeyId": keyID, "GranteeServicePrincipal": "s3.amazonaws.com"}, invalid, "AWS services only"},
		"list by marker":        {"ListGrants", object{"KeyId": keyID, "Marker": "x"}, kms.InvalidMarkerException, ""},
		"list of no key":        {"ListGrants", object{"KeyId": zeroKeyID}, kms.NotFoundException, "does not exist"},
		"revoke by bad ID":      {"RevokeGrant", object{"KeyId": keyID, "GrantId": "x"}, kms.InvalidGrantIDException, "64 hexadecimal digits"},
		"revoke of no key":      {"RevokeGrant", object{"KeyId": zeroKeyID, "GrantId": nobodysGrant}, kms.NotFoundException, "does not exist"},
		"revoke of no grant":    {"RevokeGrant", object{"KeyId": keyID, "GrantId": nobodysGrant}, kms.NotFoundException, "not found"},
		"list, limit too small": {"ListGrants", object{"KeyId": keyID, "Limit": 0}, invalid, "greater than or equal to 1"},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			if got := w.refused(root(), tt.operation, tt.in, tt.code); !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want ...%s", got, tt.want)
			}
		})
	}
	if got := len(w.grants(keyID, nil)); got != 0 {
		t.Errorf("the key got %d grants nevertheless", got)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
	"github.com/chatelaine-dev/chatelaine/internal/policy/compile"
)

func TestNoKeyPolicyTakesTheBaseStatementsSid(t *testing.T) {
	squatter := newPolicy("chatelaine", allow("administration", v1alpha1.PermissionUse, serviceAccount("api")))
	merged := mergeAll([]*v1alpha1.KeyPolicy{squatter, newPolicy("other", allow("Use", v1alpha1.PermissionUse, serviceAccount("web")))}, nil)
	if _, err := policy.Parse([]byte(merged.Text)); err != nil {
		t.Errorf("accepted without a finding, and the whole document is unusable: %v", err)
	}
}

func TestWildcardActionBySelectorIsAWarning(t *testing.T) {
	about := software(keyspec.RSA2048, keyspec.SignVerify)
	about.ByName = false
	guard := newPolicy("guard",
		v1alpha1.KeyPolicyRule{Sid: "NoDataKeys", Effect: v1alpha1.EffectDeny, Principals: []v1alpha1.KeyPolicyPrincipal{serviceAccount("mallory")}, Actions: []string{"kms:GenerateDataKey*"}},
		v1alpha1.KeyPolicyRule{Sid: "NoSign", Effect: v1alpha1.EffectDeny, Principals: []v1alpha1.KeyPolicyPrincipal{serviceAccount("mallory")}, Actions: []string{"kms:Sign"}})
	part := compile.Compile(guard, about, everyAccount)
	if part.Refused() || len(part.Statements) == 0 {
		t.Errorf("selected by labels: refused, %d statements, the Deny of kms:Sign is not in force: %q", len(part.Statements), describe(part.Findings))
	}
}

func TestDenyIsNotDroppedWithItsPrincipal(t *testing.T) {
	nobody := func(string, string) (compile.ServiceAccount, bool) { return compile.ServiceAccount{}, false }
	bare := func(string, string) (compile.ServiceAccount, bool) { return compile.ServiceAccount{}, true }
	rule := allow("NoUse", v1alpha1.PermissionUse, serviceAccount("contractor"))
	rule.Effect = v1alpha1.EffectDeny
	part := compile.Compile(newPolicy("guard", rule), encrypting, nobody)
	if len(part.Statements) != 1 {
		t.Error("software: the Deny's principal can be named whether it exists or not, and the Deny is gone")
	}
	onAWS := encrypting
	onAWS.NamesServiceAccounts = false
	part = compile.Compile(newPolicy("guard", rule), onAWS, bare)
	if len(part.Statements) == 0 && !part.Refused() {
		t.Errorf("AWS: removing an annotation removes a Deny, and the part is sound: %v", part.Unresolved)
	}
}

func TestSessionIsNoMistakeBeforeTheBackendIsKnown(t *testing.T) {
	object := newPolicy("p", allow("Use", v1alpha1.PermissionUse, v1alpha1.KeyPolicyPrincipal{AWS: "arn:aws:sts::111122223333:assumed-role/ci/deploy"}))
	if part := compile.Compile(object, compile.AnyKey(), everyAccount); part.Refused() {
		t.Errorf("no key yet: %q", describe(part.Findings))
	}
}

func TestAnnotationOfAServiceAccountDoesNotRefuseThePolicy(t *testing.T) {
	onAWS := encrypting
	onAWS.NamesServiceAccounts = false
	object := newPolicy("p", allow("Use", v1alpha1.PermissionUse, serviceAccount("api")),
		allow("Other", v1alpha1.PermissionUse, v1alpha1.KeyPolicyPrincipal{AWS: "arn:aws:iam::111122223333:role/web"}))
	foreign := func(string, string) (compile.ServiceAccount, bool) {
		return compile.ServiceAccount{RoleARN: "arn:aws-cn:iam::111122223333:role/x"}, true
	}
	part := compile.Compile(object, onAWS, foreign)
	if part.Refused() || len(part.Unresolved) == 0 {
		t.Errorf("the annotation refuses the policy (unresolved %v): %q", part.Unresolved, describe(part.Findings))
	}
	// A Deny and the operator's own role in the annotation.
	deny := allow("No", v1alpha1.PermissionAdminister, serviceAccount("api"))
	deny.Effect = v1alpha1.EffectDeny
	own := func(string, string) (compile.ServiceAccount, bool) {
		return compile.ServiceAccount{RoleARN: operator}, true
	}
	part = compile.Compile(newPolicy("p", deny), onAWS, own)
	if text := strings.Join(describe(part.Findings), ""); !part.Refused() || strings.Contains(text, operator) {
		t.Errorf("a Deny for the operator, by an annotation: %q, want it refused, and the annotation's value not told", text)
	}
}

func TestRoleOfAnotherAccountIsTold(t *testing.T) {
	onAWS := encrypting
	onAWS.NamesServiceAccounts = false
	foreign := func(string, string) (compile.ServiceAccount, bool) {
		return compile.ServiceAccount{RoleARN: "arn:aws:iam::999999999999:role/evil"}, true
	}
	part := compile.Compile(newPolicy("p", allow("Use", v1alpha1.PermissionUse, serviceAccount("api"))), onAWS, foreign)
	if len(part.Findings) == 0 {
		t.Errorf("no finding; in the key policy: %+v", part.Statements[0].Principal)
	}
}

func TestServiceWithoutASourceIsTold(t *testing.T) {
	part := compile.Compile(newPolicy("p", allow("Use", v1alpha1.PermissionUse, v1alpha1.KeyPolicyPrincipal{Service: "cloudtrail.amazonaws.com"})), encrypting, everyAccount)
	if len(part.Findings) == 0 {
		t.Error("no finding")
	}
}

func TestActionsOutsideKeysBySelectorSayWhy(t *testing.T) {
	about := encrypting
	about.ByName = false
	rule := v1alpha1.KeyPolicyRule{Sid: "List", Principals: []v1alpha1.KeyPolicyPrincipal{serviceAccount("a")}, Actions: []string{"kms:ListKeys", "kms:RetireGrant"}}
	part := compile.Compile(newPolicy("p", rule), about, everyAccount)
	for _, found := range describe(part.Findings) {
		if strings.Contains(found, "keyUsage ENCRYPT_DECRYPT can do") {
			t.Errorf("wrong reason: %s", found)
		}
	}
}

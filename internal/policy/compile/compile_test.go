// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
	"github.com/chatelaine-dev/chatelaine/internal/policy/compile"
	"github.com/chatelaine-dev/chatelaine/internal/policy/lint"
)

const (
	account  = "111122223333"
	operator = "arn:aws:iam::111122223333:role/chatelaine-system/chatelaine-manager"
)

func software(spec keyspec.Spec, usage keyspec.Usage) compile.About {
	return compile.About{
		Spec: spec, Usage: usage, OperatorARN: operator, AccountID: account, NamesServiceAccounts: true, ByName: true,
	}
}

var encrypting = software(keyspec.SymmetricDefault, keyspec.EncryptDecrypt)

// everyAccount exists, and has a role.
func everyAccount(namespace, name string) (compile.ServiceAccount, bool) {
	return compile.ServiceAccount{RoleARN: "arn:aws:iam::" + account + ":role/irsa/" + namespace + "-" + name}, true
}

func newPolicy(name string, rules ...v1alpha1.KeyPolicyRule) *v1alpha1.KeyPolicy {
	return &v1alpha1.KeyPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name},
		Spec:       v1alpha1.KeyPolicySpec{Targets: []v1alpha1.KeyPolicyTarget{{Name: "orders"}}, Rules: rules},
	}
}

func serviceAccount(name string) v1alpha1.KeyPolicyPrincipal {
	return v1alpha1.KeyPolicyPrincipal{ServiceAccount: &v1alpha1.ServiceAccountReference{Name: name}}
}

func allow(sid string, permission v1alpha1.Permission, principals ...v1alpha1.KeyPolicyPrincipal) v1alpha1.KeyPolicyRule {
	return v1alpha1.KeyPolicyRule{Sid: sid, Principals: principals, Permissions: []v1alpha1.Permission{permission}}
}

func describe(findings []lint.Finding) []string {
	var described []string
	for _, finding := range findings {
		described = append(described, compile.Describe(finding))
	}
	return described
}

func TestRuleBecomesAStatementThatSuitsTheKey(t *testing.T) {
	rule := allow("Use", v1alpha1.PermissionUse, serviceAccount("api"))
	for _, test := range []struct {
		about compile.About
		want  []string
	}{
		{encrypting, []string{
			"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyPair",
			"kms:GenerateDataKeyPairWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo",
		}},
		{software(keyspec.RSA2048, keyspec.EncryptDecrypt), []string{
			"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GetPublicKey", "kms:ReEncryptFrom", "kms:ReEncryptTo",
		}},
		{software(keyspec.ECCNISTP256, keyspec.SignVerify), []string{"kms:DescribeKey", "kms:GetPublicKey", "kms:Sign", "kms:Verify"}},
		{software(keyspec.HMAC256, keyspec.GenerateVerifyMAC), []string{"kms:DescribeKey", "kms:GenerateMac", "kms:VerifyMac"}},
		{software(keyspec.ECCNISTP256, keyspec.KeyAgreement), []string{"kms:DeriveSharedSecret", "kms:DescribeKey", "kms:GetPublicKey"}},
		{software(keyspec.MLKEM768, keyspec.EncapsulateDecapsulate), []string{
			"kms:Decapsulate", "kms:DescribeKey", "kms:Encapsulate", "kms:GetPublicKey",
		}},
	} {
		part := compile.Compile(newPolicy("team.readers", rule), test.about, everyAccount)
		if diff := cmp.Diff([]string(nil), describe(part.Findings)); diff != "" {
			t.Errorf("%s: findings:\n%s", test.about.Spec, diff)
		}
		want := []policy.Statement{{
			Sid: "team readers Use", Effect: policy.Allow, Action: test.want, Resource: []string{"*"},
			Principal:  policy.Principals{AWS: []string{"arn:aws:iam::111122223333:role/shop/api"}},
			Conditions: []policy.Condition{},
		}}
		if diff := cmp.Diff(want, part.Statements); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", test.about.Spec, test.about.Usage, diff)
		}
	}
}

func TestPrincipalsAreNamedAsTheBackendNamesThem(t *testing.T) {
	rule := allow("Use", v1alpha1.PermissionUse,
		serviceAccount("api"),
		v1alpha1.KeyPolicyPrincipal{ServiceAccount: &v1alpha1.ServiceAccountReference{Namespace: "other", Name: "web"}},
		v1alpha1.KeyPolicyPrincipal{AWS: "arn:aws:iam::111122223333:user/alice"},
		v1alpha1.KeyPolicyPrincipal{Account: account},
		v1alpha1.KeyPolicyPrincipal{Service: "logs.eu-west-1.amazonaws.com"})
	onAWS := encrypting
	onAWS.NamesServiceAccounts = false
	for name, test := range map[string]struct {
		about compile.About
		roles []string
	}{
		"software": {encrypting, []string{"arn:aws:iam::111122223333:role/shop/api", "arn:aws:iam::111122223333:role/other/web"}},
		"AWS":      {onAWS, []string{"arn:aws:iam::111122223333:role/irsa/shop-api", "arn:aws:iam::111122223333:role/irsa/other-web"}},
	} {
		part := compile.Compile(newPolicy("p", rule), test.about, everyAccount)
		want := policy.Principals{
			AWS:     append(test.roles, "arn:aws:iam::111122223333:user/alice", "arn:aws:iam::111122223333:root"),
			Service: []string{"logs.eu-west-1.amazonaws.com"},
		}
		if len(part.Statements) != 1 {
			t.Fatalf("%s: %d statements: %v", name, len(part.Statements), describe(part.Findings))
		}
		if diff := cmp.Diff(want, part.Statements[0].Principal); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestServiceAccountThatCannotBeNamedIsLeftOutAndTheOthersStay(t *testing.T) {
	object := newPolicy("p",
		allow("Both", v1alpha1.PermissionUse, serviceAccount("missing"), serviceAccount("api")),
		allow("Alone", v1alpha1.PermissionRead, serviceAccount("missing")),
		allow("Bare", v1alpha1.PermissionRead, serviceAccount("bare"), serviceAccount("wrong")))
	accounts := func(namespace, name string) (compile.ServiceAccount, bool) {
		switch name {
		case "bare":
			return compile.ServiceAccount{}, true
		case "wrong":
			return compile.ServiceAccount{RoleARN: "arn:aws:iam::111122223333:user/alice"}, true
		case "api":
			return everyAccount(namespace, name)
		}
		return compile.ServiceAccount{}, false
	}
	onAWS := encrypting
	onAWS.NamesServiceAccounts = false
	part := compile.Compile(object, onAWS, accounts)
	if part.Refused() {
		t.Fatalf("refused: %v", describe(part.Findings))
	}
	if len(part.Statements) != 1 || part.Statements[0].Sid != "p Both" {
		t.Errorf("statements: %+v, want p Both alone", part.Statements)
	}
	var unresolved []string
	for _, u := range part.Unresolved {
		unresolved = append(unresolved, u.String())
	}
	want := []string{
		"ServiceAccount shop/bare has no annotation eks.amazonaws.com/role-arn: annotate it with the ARN of the IAM role of its pods",
		"ServiceAccount shop/missing does not exist: create it, or correct the name",
		"ServiceAccount shop/wrong has an annotation eks.amazonaws.com/role-arn that is not the ARN of an IAM role in the key's partition: correct it",
	}
	if diff := cmp.Diff(want, unresolved); diff != "" {
		t.Errorf("unresolved (-want +got):\n%s", diff)
	}
	if software := compile.Compile(object, encrypting, accounts); len(software.Unresolved) != 1 || len(software.Statements) != 2 {
		t.Errorf("on the software backend: %+v, want one unresolved and the rules Both and Bare", software)
	}
}

func TestMistakeRefusesThePolicyAndNamesTheField(t *testing.T) {
	everybody := v1alpha1.KeyPolicyPrincipal{AWS: "*"}
	limited := func(rule v1alpha1.KeyPolicyRule, operator, key string, values ...string) v1alpha1.KeyPolicyRule {
		rule.Conditions = append(rule.Conditions, v1alpha1.KeyPolicyCondition{Operator: operator, Key: key, Values: values})
		return rule
	}
	deny := func(rule v1alpha1.KeyPolicyRule) v1alpha1.KeyPolicyRule {
		rule.Effect = v1alpha1.EffectDeny
		return rule
	}
	raw := func(actions ...string) v1alpha1.KeyPolicyRule {
		return v1alpha1.KeyPolicyRule{Sid: "R", Principals: []v1alpha1.KeyPolicyPrincipal{serviceAccount("api")}, Actions: actions}
	}
	for name, test := range map[string]struct {
		rule v1alpha1.KeyPolicyRule
		want string // the beginning of the one error; empty for none
	}{
		"everybody":                      {allow("R", v1alpha1.PermissionUse, everybody), "Error: spec.rules[R].principals: "},
		"everybody of an account":        {limited(allow("R", v1alpha1.PermissionUse, everybody), "StringEquals", "kms:CallerAccount", account), ""},
		"an action that does not exist":  {raw("kms:Foo"), "Error: spec.rules[R].actions: "},
		"a pattern of actions":           {raw("kms:GenerateDataKey*"), ""},
		"a condition key that is none":   {limited(raw("kms:Decrypt"), "StringEquals", "kms:Nothing", "x"), "Error: spec.rules[R].conditions: "},
		"an operator that is none":       {limited(raw("kms:Decrypt"), "StringIs", "kms:ViaService", "x"), "Error: spec.rules[R].conditions: "},
		"an action that the key has not": {raw("kms:Sign"), "Error: spec.rules[R].actions: "},
		"a permission likewise":          {allow("R", v1alpha1.PermissionSign, serviceAccount("api")), "Error: spec.rules[R].permissions: "},
		"a Deny for the operator":        {deny(allow("R", v1alpha1.PermissionAdminister, everybody)), "Error: spec.rules[R]"},
		"a Deny of its account":          {deny(allow("R", v1alpha1.PermissionRead, v1alpha1.KeyPolicyPrincipal{Account: account})), "Error: spec.rules[R]"},
		"a Deny that spares it": {
			limited(deny(allow("R", v1alpha1.PermissionAdminister, everybody)), "ArnNotEquals", "aws:PrincipalArn", operator), "",
		},
		"a Deny of use":                {limited(deny(raw("kms:Decrypt")), "NotIpAddress", "aws:SourceIp", "203.0.113.0/24"), ""},
		"a principal that AWS refuses": {allow("R", v1alpha1.PermissionUse, v1alpha1.KeyPolicyPrincipal{AWS: "arn:aws:iam::111122223333:role/*"}), "Error: spec.rules[R].principals: "},
		"a group":                      {allow("R", v1alpha1.PermissionUse, v1alpha1.KeyPolicyPrincipal{AWS: "arn:aws:iam::111122223333:group/g"}), "Error: spec.rules[R].principals: "},
		"a session":                    {allow("R", v1alpha1.PermissionUse, v1alpha1.KeyPolicyPrincipal{AWS: "arn:aws:sts::111122223333:assumed-role/r/s"}), "Error: spec.rules[R].principals: "},
	} {
		t.Run(name, func(t *testing.T) {
			part := compile.Compile(newPolicy("p", test.rule), encrypting, everyAccount)
			errors := slices.DeleteFunc(describe(part.Findings), func(line string) bool { return !strings.HasPrefix(line, "Error: ") })
			switch {
			case test.want == "" && len(errors) > 0:
				t.Errorf("refused: %v", errors)
			case test.want != "" && (len(errors) != 1 || !strings.HasPrefix(errors[0], test.want)):
				t.Errorf("errors %q, want one that begins with %q", errors, test.want)
			}
			if part.Refused() != (test.want != "") || part.Refused() && len(part.Statements) > 0 {
				t.Errorf("refused: %v, statements: %v", part.Refused(), part.Statements)
			}
		})
	}
}

func TestWhatASelectedKeyCannotDoIsAWarningAndLeftOut(t *testing.T) {
	signing := software(keyspec.ECCNISTP256, keyspec.SignVerify)
	signing.ByName = false
	rule := allow("R", v1alpha1.PermissionEncrypt, serviceAccount("api"))
	rule.Permissions = append(rule.Permissions, v1alpha1.PermissionVerify)
	rule.Actions = []string{"kms:Decrypt", "kms:TagResource"}
	part := compile.Compile(newPolicy("p", rule), signing, everyAccount)
	if part.Refused() || len(part.Statements) != 1 || len(part.Findings) < 2 {
		t.Fatalf("findings %v, statements %+v", describe(part.Findings), part.Statements)
	}
	want := []string{"kms:DescribeKey", "kms:GetPublicKey", "kms:TagResource", "kms:Verify"}
	if diff := cmp.Diff(want, part.Statements[0].Action); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
	nothing := compile.Compile(newPolicy("p", allow("R", v1alpha1.PermissionEncrypt, serviceAccount("api"))), signing, everyAccount)
	if nothing.Refused() || len(nothing.Statements) != 0 {
		t.Errorf("a rule that can do nothing: %+v, want no statement and no refusal", nothing)
	}
}

func TestMistakesAreKnownBeforeThereIsAKey(t *testing.T) {
	bad := compile.Compile(newPolicy("p", allow("R", v1alpha1.PermissionUse, v1alpha1.KeyPolicyPrincipal{AWS: "*"})), compile.AnyKey(), everyAccount)
	if !bad.Refused() {
		t.Error("everybody is let in, which needs no key to be a mistake")
	}
	for _, permission := range []v1alpha1.Permission{v1alpha1.PermissionUse, v1alpha1.PermissionSign, v1alpha1.PermissionGrant} {
		part := compile.Compile(newPolicy("p", allow("R", permission, serviceAccount("api"),
			v1alpha1.KeyPolicyPrincipal{AWS: "arn:aws-cn:iam::111122223333:role/x"})), compile.AnyKey(), everyAccount)
		if part.Refused() {
			t.Errorf("%s: %v", permission, describe(part.Findings))
		}
	}
	object := newPolicy("p", allow("R", v1alpha1.PermissionUse, serviceAccount("api")))
	object.Spec.Targets = []v1alpha1.KeyPolicyTarget{{Selector: &metav1.LabelSelector{
		MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Is", Values: []string{"b"}}},
	}}}
	if part := compile.Compile(object, compile.AnyKey(), everyAccount); !part.Refused() ||
		!strings.Contains(fmt.Sprint(describe(part.Findings)), "Error: spec.targets[0].selector: ") {
		t.Errorf("a selector that cannot be read: %v", describe(part.Findings))
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
	"github.com/chatelaine-dev/chatelaine/internal/policy/compile"
)

func TestDenialOfUseDoesNotKeepAnybodyFromLookingAtTheKey(t *testing.T) {
	everybody := v1alpha1.KeyPolicyPrincipal{AWS: "*"}
	for _, about := range []compile.About{encrypting, software(keyspec.ECCNISTP256, keyspec.SignVerify)} {
		rule := allow("Use", v1alpha1.PermissionUse, everybody)
		rule.Effect = v1alpha1.EffectDeny
		part := compile.Compile(newPolicy("deny", rule), about, everyAccount)
		if part.Refused() || len(part.Statements) != 1 {
			t.Fatalf("refused: %q", describe(part.Findings))
		}
		for _, look := range []string{"kms:DescribeKey", "kms:GetPublicKey"} {
			if slices.Contains(part.Statements[0].Action, look) {
				t.Errorf("%s is among what is denied: %q", look, part.Statements[0].Action)
			}
		}
	}
}

func TestDenialOfReadingIsAboutLookingAtTheKey(t *testing.T) {
	rule := allow("Read", v1alpha1.PermissionRead, serviceAccount("api"))
	rule.Effect = v1alpha1.EffectDeny
	part := compile.Compile(newPolicy("deny", rule), encrypting, everyAccount)
	if len(part.Statements) != 1 || !slices.Contains(part.Statements[0].Action, "kms:DescribeKey") {
		t.Errorf("statements = %+v, findings %q", part.Statements, describe(part.Findings))
	}
}

func TestMistakeIsFoundInARuleWhosePrincipalsAreNotThere(t *testing.T) {
	nobody := func(string, string) (compile.ServiceAccount, bool) { return compile.ServiceAccount{}, false }
	for what, change := range map[string]func(*v1alpha1.KeyPolicyRule){
		"actions": func(rule *v1alpha1.KeyPolicyRule) { rule.Actions = []string{"kms:Decipher"} },
		"conditions": func(rule *v1alpha1.KeyPolicyRule) {
			rule.Conditions = []v1alpha1.KeyPolicyCondition{{Operator: "Like", Key: "aws:SourceIp", Values: []string{"x"}}}
		},
	} {
		for _, about := range []compile.About{encrypting, compile.AnyKey()} {
			sound := allow("Use", v1alpha1.PermissionUse, serviceAccount("api"))
			if part := compile.Compile(newPolicy("readers", sound), about, nobody); len(part.Findings)+len(part.Statements) > 0 {
				t.Fatalf("of a rule without mistakes: %+v", part)
			}
			change(&sound)
			part := compile.Compile(newPolicy("readers", sound), about, nobody)
			if found := describe(part.Findings); !part.Refused() || !strings.HasPrefix(found[0], "Error: spec.rules[Use]."+what+": ") {
				t.Errorf("%s: %q", what, found)
			}
		}
	}
}

func TestEveryPolicyInTheDocumentationIsWithoutMistakes(t *testing.T) {
	text, err := os.ReadFile("../../../docs/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		for manifest := range strings.SplitSeq(block[1], "\n---\n") {
			object := &v1alpha1.KeyPolicy{}
			if err := yaml.UnmarshalStrict([]byte(manifest), object); err != nil {
				t.Errorf("%v in\n%s", err, manifest)
				continue
			}
			found++
			part := compile.Compile(object, encrypting, everyAccount)
			if len(part.Findings) > 0 || len(part.Statements) != len(object.Spec.Rules) {
				t.Errorf("%d statements of %s: %q", len(part.Statements), object.Name, describe(part.Findings))
			}
		}
	}
	if found < 4 {
		t.Errorf("%d policies were found", found)
	}
}

func TestIntactIsWhatSomebodyElseLeftAlone(t *testing.T) {
	objects := []*v1alpha1.KeyPolicy{
		newPolicy("a", allow("Use", v1alpha1.PermissionUse, serviceAccount("a"))),
		newPolicy("a.b", allow("Use", v1alpha1.PermissionUse, serviceAccount("b")), allow("Read", v1alpha1.PermissionRead, serviceAccount("b"))),
	}
	merged := mergeAll(objects, nil)
	var put []v1alpha1.KeyPolicySource
	for _, source := range merged.Sources {
		put = append(put, v1alpha1.KeyPolicySource{Name: source.Name, Hash: source.Hash})
	}
	for name, test := range map[string]struct {
		document string
		want     []string
	}{
		"nothing changed":     {merged.Text, []string{"a Use", "a b Read", "a b Use"}},
		"a principal changed": {strings.Replace(merged.Text, "role/shop/a", "role/shop/c", 1), []string{"a b Read", "a b Use"}},
		"a statement removed": {strings.Replace(merged.Text, `"a b Use"`, `"x"`, 1), []string{"a Use"}},
		"a statement added":   {strings.Replace(merged.Text, policy.BaseSid, "a More", 1), []string{"a b Read", "a b Use"}},
		"one of nobody added": {strings.Replace(merged.Text, policy.BaseSid, "c Use", 1), []string{"a Use", "a b Read", "a b Use"}},
		"all of it was lost":  {policy.Default(account).String(), nil},
	} {
		var got []string
		for _, statement := range compile.Intact(parse(t, test.document), put, nil).Statements {
			got = append(got, statement.Sid)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q is intact, want %q", name, got, test.want)
		}
	}
}

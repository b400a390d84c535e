// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

// newKeyPolicy is a valid KeyPolicy, the base that a test changes: one target, and one rule for one principal.
func newKeyPolicy(namespace string) *v1alpha1.KeyPolicy {
	return &v1alpha1.KeyPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "policy-"},
		Spec: v1alpha1.KeyPolicySpec{
			Targets: []v1alpha1.KeyPolicyTarget{{Name: "orders"}},
			Rules:   []v1alpha1.KeyPolicyRule{newRule("Use")},
		},
	}
}

func newRule(sid string) v1alpha1.KeyPolicyRule {
	return v1alpha1.KeyPolicyRule{
		Sid:         sid,
		Principals:  []v1alpha1.KeyPolicyPrincipal{{ServiceAccount: &v1alpha1.ServiceAccountReference{Name: "api"}}},
		Permissions: []v1alpha1.Permission{v1alpha1.PermissionUse},
	}
}

// policyCases are changes to the valid KeyPolicy, by what is special about them, and what comes of creating it.
type policyCases map[string]struct {
	change func(*v1alpha1.KeyPolicySpec)
	want   verdict
}

func (cases policyCases) run(t *testing.T) {
	namespace := env.Namespace(t)
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			policy := newKeyPolicy(namespace)
			test.change(&policy.Spec)
			test.want.check(t, env.Client.Create(t.Context(), policy))
		})
	}
}

func TestKeyPolicyDefaults(t *testing.T) {
	policy := newKeyPolicy(env.Namespace(t))
	if err := env.Client.Create(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	rule := policy.Spec.Rules[0]
	if rule.Effect != v1alpha1.EffectAllow {
		t.Errorf("effect is %q, want Allow", rule.Effect)
	}
	if rule.Actions != nil || rule.Conditions != nil || rule.Principals[0].ServiceAccount.Namespace != "" {
		t.Errorf("more than effect was set: %+v", rule)
	}
	if policy.Status.ObservedGeneration != -1 {
		t.Errorf("the KeyPolicy was created with status %+v, want that nobody has seen it", policy.Status)
	}
}

func TestATargetIsNamedOrSelected(t *testing.T) {
	with := func(targets ...v1alpha1.KeyPolicyTarget) func(*v1alpha1.KeyPolicySpec) {
		return func(spec *v1alpha1.KeyPolicySpec) { spec.Targets = targets }
	}
	named := func(name string) v1alpha1.KeyPolicyTarget { return v1alpha1.KeyPolicyTarget{Name: name} }
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "orders"}}
	either := refused("spec.targets[0]", "exactly one of the fields in [name selector] must be set")
	policyCases{
		"name":               {with(named("orders")), accepted},
		"253 characters":     {with(named(repeat("a", 253))), accepted},
		"254 characters":     {with(named(repeat("a", 254))), refused("spec.targets[0].name", "may not be more than 253")},
		"selector":           {with(v1alpha1.KeyPolicyTarget{Selector: selector}), accepted},
		"selector of all":    {with(v1alpha1.KeyPolicyTarget{Selector: &metav1.LabelSelector{}}), accepted},
		"several":            {with(named("orders"), v1alpha1.KeyPolicyTarget{Selector: selector}), accepted},
		"one twice":          {with(named("orders"), named("orders")), accepted},
		"name and selector":  {with(v1alpha1.KeyPolicyTarget{Name: "orders", Selector: selector}), either},
		"neither":            {with(v1alpha1.KeyPolicyTarget{}), either},
		"second of two":      {with(named("orders"), v1alpha1.KeyPolicyTarget{}), refused("spec.targets[1]", "exactly one of the fields")},
		"32 targets":         {with(make32(named("orders"))...), accepted},
		"33 targets":         {with(append(make32(named("orders")), named("a"))...), refused("spec.targets", "must have at most 32 items")},
		"omitted altogether": {with(), refused("spec.targets", "Required value")},
	}.run(t)
}

func make32(target v1alpha1.KeyPolicyTarget) []v1alpha1.KeyPolicyTarget {
	targets := make([]v1alpha1.KeyPolicyTarget, 32)
	for i := range targets {
		targets[i] = target
	}
	return targets
}

func TestEachRuleHasItsOwnSid(t *testing.T) {
	with := func(sids ...string) func(*v1alpha1.KeyPolicySpec) {
		return func(spec *v1alpha1.KeyPolicySpec) {
			spec.Rules = nil
			for _, sid := range sids {
				spec.Rules = append(spec.Rules, newRule(sid))
			}
		}
	}
	const field = "spec.rules[0].sid"
	form := refused(field, "sid may have letters and digits only, as in IAM")
	policyCases{
		"letters and digits":    {with("AllowDecrypt2"), accepted},
		"one letter":            {with("a"), accepted},
		"64 characters":         {with(repeat("S", 64)), accepted},
		"65 characters":         {with(repeat("S", 65)), refused(field, "may not be more than 64")},
		"omitted":               {with(""), refused(field, "Required value")},
		"hyphen":                {with("allow-decrypt"), form},
		"space":                 {with("allow decrypt"), form},
		"letter outside ASCII":  {with("Schlüssel"), form},
		"line break at the end": {with("AllowDecrypt\n"), form},
		"two":                   {with("A", "B"), accepted},
		"same in another case":  {with("use", "Use"), accepted},
		"one sid twice":         {with("A", "B", "A"), refused("spec.rules[2]", `"A"`)},
		"50 rules":              {with(numbered("S", 50)...), accepted},
		"51 rules":              {with(numbered("S", 51)...), refused("spec.rules", "must have at most 50 items")},
		"no rule":               {with(), refused("spec.rules", "Required value")},
	}.run(t)
}

// The API server also bounds what checking one object may cost, which the bounds of single fields do not show.
func TestAKeyPolicyMayHaveAsMuchOfEverythingAsItSays(t *testing.T) {
	policy := newKeyPolicy(env.Namespace(t))
	policy.Spec.Targets = make32(v1alpha1.KeyPolicyTarget{Name: repeat("a", 253)})
	policy.Spec.Rules = nil
	for _, sid := range numbered(repeat("S", 62), 50) {
		rule := newRule(sid)
		rule.Principals = nil
		for i, service := range numbered(repeat("s", 32), 50) {
			principal := v1alpha1.KeyPolicyPrincipal{Service: service + ".eu-west-1.amazonaws.com"}
			if i%2 == 0 {
				principal = v1alpha1.KeyPolicyPrincipal{ServiceAccount: &v1alpha1.ServiceAccountReference{Name: service, Namespace: service}}
			}
			rule.Principals = append(rule.Principals, principal)
		}
		rule.Actions = nil
		for i := range 50 {
			rule.Actions = append(rule.Actions, "kms:"+repeat("a", 1+i))
		}
		for _, key := range numbered("kms:EncryptionContext:"+repeat("k", 100), 16) {
			rule.Conditions = append(rule.Conditions, v1alpha1.KeyPolicyCondition{
				Operator: "ForAllValues:StringNotEqualsIgnoreCaseIfExists", Key: key, Values: numbered("value", 2),
			})
		}
		policy.Spec.Rules = append(policy.Spec.Rules, rule)
	}
	accepted.check(t, env.Client.Create(t.Context(), policy))
}

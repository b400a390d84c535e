// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"testing"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

// inRule changes the valid KeyPolicy's only rule.
func inRule(change func(*v1alpha1.KeyPolicyRule)) func(*v1alpha1.KeyPolicySpec) {
	return func(spec *v1alpha1.KeyPolicySpec) { change(&spec.Rules[0]) }
}

func TestARuleAllowsOrDenies(t *testing.T) {
	with := func(effect v1alpha1.PolicyEffect) func(*v1alpha1.KeyPolicySpec) {
		return inRule(func(rule *v1alpha1.KeyPolicyRule) { rule.Effect = effect })
	}
	unsupported := refused("spec.rules[0].effect", `supported values: "Allow", "Deny"`)
	policyCases{
		"Allow":         {with("Allow"), accepted},
		"Deny":          {with("Deny"), accepted},
		"in lower case": {with("allow"), unsupported},
		"Audit":         {with("Audit"), unsupported},
	}.run(t)
}

func TestARuleSaysWhatByPermissionsOrActionsOrBoth(t *testing.T) {
	with := func(permissions []v1alpha1.Permission, actions []string) func(*v1alpha1.KeyPolicySpec) {
		return inRule(func(rule *v1alpha1.KeyPolicyRule) { rule.Permissions, rule.Actions = permissions, actions })
	}
	use := []v1alpha1.Permission{v1alpha1.PermissionUse}
	policyCases{
		"permissions": {with(use, nil), accepted},
		"actions":     {with(nil, []string{"kms:Decrypt"}), accepted},
		"both":        {with(use, []string{"kms:Decrypt"}), accepted},
		"neither":     {with(nil, nil), refused("spec.rules[0]", "a rule needs permissions or actions, or both")},
	}.run(t)
}

func TestPermissionsAreTheDocumentedOnes(t *testing.T) {
	with := func(permissions ...v1alpha1.Permission) func(*v1alpha1.KeyPolicySpec) {
		return inRule(func(rule *v1alpha1.KeyPolicyRule) { rule.Permissions = permissions })
	}
	all := []v1alpha1.Permission{
		"Administer", "Use", "Encrypt", "Decrypt", "Sign", "Verify", "GenerateMac", "VerifyMac", "DeriveSharedSecret",
		"Encapsulate", "Decapsulate", "Read", "Grant",
	}
	const field = "spec.rules[0].permissions"
	cases := policyCases{
		"all at once":   {with(all...), accepted},
		"an action":     {with("kms:Decrypt"), refused(field+"[0]", "Unsupported value")},
		"in lower case": {with("use"), refused(field+"[0]", "Unsupported value")},
		"second of two": {with("Use", "ReEncrypt"), refused(field+"[1]", `"Administer", "Use", "Encrypt"`)},
		"one twice":     {with("Use", "Read", "Use"), refused(field+"[2]", "Use")},
	}
	for _, permission := range all {
		test := cases[string(permission)]
		test.change = with(permission)
		cases[string(permission)] = test
	}
	cases.run(t)
}

func TestActionsAreThoseOfKMS(t *testing.T) {
	with := func(actions ...string) func(*v1alpha1.KeyPolicySpec) {
		return inRule(func(rule *v1alpha1.KeyPolicyRule) { rule.Actions = actions })
	}
	const field = "spec.rules[0].actions"
	form := refused(field, "each action must be kms: followed by an action's name")
	distinct := func(n int) []string {
		var actions []string
		for i := range n {
			actions = append(actions, "kms:"+repeat("a", 1+i))
		}
		return actions
	}
	policyCases{
		"name":                  {with("kms:Decrypt"), accepted},
		"in another case":       {with("kms:decrypt"), accepted},
		"wildcards":             {with("kms:Generate*", "kms:?ncrypt", "kms:*"), accepted},
		"128 characters":        {with("kms:" + repeat("a", 124)), accepted},
		"129 characters":        {with("kms:" + repeat("a", 125)), refused(field+"[0]", "may not be more than 128")},
		"prefix alone":          {with("kms:"), form},
		"prefix missing":        {with("Decrypt"), form},
		"everything":            {with("*"), form},
		"of another service":    {with("s3:GetObject"), form},
		"prefix in capitals":    {with("KMS:Decrypt"), form},
		"prefix of wildcards":   {with("k*s:Decrypt"), form},
		"space":                 {with("kms:Decrypt "), form},
		"line break at the end": {with("kms:Decrypt\n"), form},
		"second of two is bad":  {with("kms:Decrypt", "kms:Dec-rypt"), form},
		"one twice":             {with("kms:Sign", "kms:Verify", "kms:Sign"), refused(field+"[2]", "kms:Sign")},
		"50 actions":            {with(distinct(50)...), accepted},
		"51 actions":            {with(distinct(51)...), refused(field, "must have at most 50 items")},
	}.run(t)
}

func TestConditionsHaveAnOperatorAKeyAndValues(t *testing.T) {
	with := func(operator, key string, values ...string) func(*v1alpha1.KeyPolicySpec) {
		return inRule(func(rule *v1alpha1.KeyPolicyRule) {
			rule.Conditions = []v1alpha1.KeyPolicyCondition{{Operator: operator, Key: key, Values: values}}
		})
	}
	const operator, key, field = "StringEquals", "kms:ViaService", "spec.rules[0].conditions[0]"
	policyCases{
		"one value":          {with(operator, key, "s3.eu-west-1.amazonaws.com"), accepted},
		"an empty value":     {with(operator, "kms:EncryptionContext:tenant", ""), accepted},
		"value of 2048":      {with(operator, key, repeat("v", 2048)), accepted},
		"value of 2049":      {with(operator, key, repeat("v", 2049)), refused(field+".values[0]", "may not be more than 2048")},
		"50 values":          {with(operator, key, numbered("v", 50)...), accepted},
		"51 values":          {with(operator, key, numbered("v", 51)...), refused(field+".values", "must have at most 50 items")},
		"one value twice":    {with(operator, key, "a", "b", "a"), refused(field+".values[2]", `"a"`)},
		"no value":           {with(operator, key), refused(field+".values", "Required value")},
		"operator of 64":     {with(repeat("o", 64), key, "v"), accepted},
		"operator of 65":     {with(repeat("o", 65), key, "v"), refused(field+".operator", "may not be more than 64")},
		"operator omitted":   {with("", key, "v"), refused(field+".operator", "Required value")},
		"key of 512":         {with(operator, repeat("k", 512), "v"), accepted},
		"key of 513":         {with(operator, repeat("k", 513), "v"), refused(field+".key", "may not be more than 512")},
		"key omitted":        {with(operator, "", "v"), refused(field+".key", "Required value")},
		"what IAM knows not": {with("Resembles", "weather", "fine"), accepted}, // said in the status, with what there is instead
	}.run(t)
}

func TestAnOperatorIsUsedOnceForEachKey(t *testing.T) {
	with := func(pairs ...[2]string) func(*v1alpha1.KeyPolicySpec) {
		return inRule(func(rule *v1alpha1.KeyPolicyRule) {
			for _, pair := range pairs {
				rule.Conditions = append(rule.Conditions, v1alpha1.KeyPolicyCondition{
					Operator: pair[0], Key: pair[1], Values: []string{"v"},
				})
			}
		})
	}
	many := func(n int) [][2]string {
		var pairs [][2]string
		for _, key := range numbered("aws:key", n) {
			pairs = append(pairs, [2]string{"StringEquals", key})
		}
		return pairs
	}
	equals, like := [2]string{"StringEquals", "aws:PrincipalTag/team"}, [2]string{"StringLike", "aws:PrincipalTag/team"}
	once := refused("spec.rules[0].conditions", "put all values into one condition")
	policyCases{
		"another operator":    {with(equals, like), accepted},
		"another key":         {with(equals, [2]string{"StringEquals", "aws:PrincipalTag/role"}), accepted},
		"the same":            {with(equals, equals), once},
		"key in another case": {with(equals, like, [2]string{"StringEquals", "AWS:principaltag/TEAM"}), once},
		"16 conditions":       {with(many(16)...), accepted},
		"17 conditions":       {with(many(17)...), refused("spec.rules[0].conditions", "must have at most 16 items")},
	}.run(t)
}

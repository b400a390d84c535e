// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

type pairs = map[string]string

// API Reference of AWS KMS, GrantConstraints; Developer Guide, "Using grant constraints".
func TestAGrantAllowsItsOperationsWithinItsConstraints(t *testing.T) {
	equals := policy.Constraints{EncryptionContextEquals: pairs{"Dept": "IT", "Use": "x"}}
	subset := policy.Constraints{EncryptionContextSubset: pairs{"Dept": "IT"}}
	for name, c := range map[string]struct {
		limits    policy.Constraints
		operation string
		context   pairs
		source    string
		want      bool
	}{
		"no constraint":                     {policy.Constraints{}, "Decrypt", pairs{"a": "b"}, "", true},
		"operation not granted":             {policy.Constraints{}, "Sign", nil, "", false},
		"operation in other case":           {policy.Constraints{}, "decrypt", nil, "", false},
		"equals: the same, names any case":  {equals, "Decrypt", pairs{"dept": "IT", "USE": "x"}, "", true},
		"equals: one pair more":             {equals, "Decrypt", pairs{"Dept": "IT", "Use": "x", "z": ""}, "", false},
		"equals: one pair less":             {equals, "Decrypt", pairs{"Dept": "IT"}, "", false},
		"equals: value in other case":       {equals, "Decrypt", pairs{"Dept": "it", "Use": "x"}, "", false},
		"equals: no context":                {equals, "Decrypt", nil, "", false},
		"subset: one pair more":             {subset, "Decrypt", pairs{"Dept": "IT", "z": ""}, "", true},
		"subset: other value":               {subset, "Decrypt", pairs{"Dept": "HR"}, "", false},
		"subset: absent":                    {subset, "Decrypt", nil, "", false},
		"names that differ by case":         {subset, "Decrypt", pairs{"Dept": "IT", "dept": "IT"}, "", false},
		"not applied to DescribeKey":        {equals, "DescribeKey", nil, "", true},
		"not applied to RetireGrant":        {subset, "RetireGrant", nil, "", true},
		"empty equals wants no context":     {policy.Constraints{EncryptionContextEquals: pairs{}}, "Decrypt", pairs{"a": "b"}, "", false},
		"source":                            {policy.Constraints{SourceArn: "arn:x"}, "Decrypt", nil, "arn:x", true},
		"other source, whatever is called":  {policy.Constraints{SourceArn: "arn:x"}, "DescribeKey", nil, "arn:y", false},
		"source not applied to RetireGrant": {policy.Constraints{SourceArn: "arn:x"}, "RetireGrant", nil, "", true},
		"no source":                         {policy.Constraints{SourceArn: "arn:x"}, "Decrypt", nil, "", false},
	} {
		grant := policy.Grant{Operations: []string{"Decrypt", "DescribeKey", "RetireGrant"}, Constraints: c.limits}
		request := policy.GrantRequest{Operation: c.operation, EncryptionContext: c.context, SourceArn: c.source}
		if got := grant.Allows(request); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestAGrantDelegatesNoMoreThanItHas(t *testing.T) {
	grant := func(limits policy.Constraints, operations ...string) policy.Grant {
		return policy.Grant{Operations: operations, Constraints: limits}
	}
	none := policy.Constraints{}
	equals := policy.Constraints{EncryptionContextEquals: pairs{"a": "1", "b": "2"}}
	subset := policy.Constraints{EncryptionContextSubset: pairs{"A": "1"}}
	for name, c := range map[string]struct {
		parent, child policy.Grant
		want          bool
	}{
		"the same":                  {grant(none, "CreateGrant", "Decrypt"), grant(none, "Decrypt", "CreateGrant"), true},
		"without CreateGrant":       {grant(none, "Decrypt"), grant(none, "Decrypt"), false},
		"an operation more":         {grant(none, "CreateGrant"), grant(none, "Decrypt"), false},
		"equals kept":               {grant(equals, "CreateGrant"), grant(equals, "CreateGrant"), true},
		"equals dropped":            {grant(equals, "CreateGrant"), grant(none, "CreateGrant"), false},
		"equals loosened to subset": {grant(equals, "CreateGrant"), grant(subset, "CreateGrant"), false},
		"subset made exact":         {grant(subset, "CreateGrant"), grant(equals, "CreateGrant"), true},
		"subset dropped":            {grant(subset, "CreateGrant"), grant(none, "CreateGrant"), false},
		"constraint added":          {grant(none, "CreateGrant"), grant(subset, "CreateGrant"), true},
		"source dropped":            {grant(policy.Constraints{SourceArn: "arn:x"}, "CreateGrant"), grant(none, "CreateGrant"), false},
		"names that differ by case": {grant(none, "CreateGrant"), grant(policy.Constraints{EncryptionContextSubset: pairs{"a": "1", "A": "1"}}, "CreateGrant"), false},
	} {
		if got := c.parent.Delegates(c.child); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

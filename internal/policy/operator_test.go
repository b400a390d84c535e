// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// IAM User Guide, "IAM JSON policy elements: Condition operators" and "Set operators for multivalued context keys".
func TestEveryOperatorWithEveryPrefixAndSuffix(t *testing.T) {
	for operator, c := range map[string]struct{ policy, match, other []string }{
		"StringEquals":             {[]string{"a", "b*"}, []string{"a", "b*"}, []string{"A", "bc"}},
		"StringEqualsIgnoreCase":   {[]string{"Ab"}, []string{"aB", "AB"}, []string{"b", "abc"}},
		"StringLike":               {[]string{"a*c", "?é"}, []string{"abbc", "xé"}, []string{"Ac", "xxé"}},
		"ArnEquals":                {[]string{roleARN, "arn:aws:iam::*:user/a?a"}, []string{roleARN, userARN}, []string{rootARN, "x"}},
		"ArnLike":                  {[]string{"arn:*:iam::111122223333:role/*"}, []string{roleARN, "arn:x:iam::111122223333:role/a:b"}, []string{"arn:a:b:iam::111122223333:role/x", ""}},
		"Bool":                     {[]string{"true"}, []string{"true", "True"}, []string{"false", "yes"}},
		"NumericEquals":            {[]string{"10", "11"}, []string{"10.0", "1.1e1"}, []string{"12", "ten"}},
		"NumericLessThan":          {[]string{"10"}, []string{"9", "-1"}, []string{"10", "11"}},
		"NumericLessThanEquals":    {[]string{"10"}, []string{"9", "10"}, []string{"10.5", "Inf"}},
		"NumericGreaterThan":       {[]string{"10"}, []string{"11", "1e3"}, []string{"10", "9"}},
		"NumericGreaterThanEquals": {[]string{"10"}, []string{"11", "10"}, []string{"9", "NaN"}},
		"DateEquals":               {[]string{"2026-01-01T00:00:00Z"}, []string{"1767225600", "2026-01-01T01:00+01:00"}, []string{"2026-01-02", "now"}},
		"DateLessThan":             {[]string{"2026-01-01"}, []string{"2025-12-31T23:59:59.5Z", "0"}, []string{"2026-01-01", "1767225601"}},
		"DateLessThanEquals":       {[]string{"1767225600"}, []string{"2026-01-01", "1"}, []string{"2026-01-01T00:00:01Z", "x"}},
		"DateGreaterThan":          {[]string{"2026-01-01"}, []string{"1767225601", "2027-01-01"}, []string{"2026-01-01", "1767225600000"}},
		"DateGreaterThanEquals":    {[]string{"2026-01-01"}, []string{"2026-01-01", "1767225600"}, []string{"2025-12-31", ""}},
		"IpAddress":                {[]string{"203.0.113.7/24", "2001:db8::1"}, []string{"203.0.113.255", "2001:DB8:0::1"}, []string{"203.0.114.0", "host"}},
	} {
		t.Run(operator, func(t *testing.T) {
			negated := negation(operator)
			for _, value := range c.match {
				holds(t, operator, c.policy, []string{value}, true)
				holds(t, negated, c.policy, []string{value}, false)
			}
			for _, value := range c.other {
				holds(t, operator, c.policy, []string{value}, false)
				holds(t, negated, c.policy, []string{value}, true)
			}
			mixed, all, none := []string{c.match[0], c.other[0]}, c.match, c.other
			for _, row := range []struct {
				prefix                     string
				mixed, all, none           bool
				notMixed, notAll, notNone  bool
				missing, notMissing, exist bool
			}{
				{"", true, true, false, false, false, true, false, true, true},
				{"ForAllValues:", false, true, false, false, false, true, true, true, true},
				{"ForAnyValue:", true, true, false, true, false, true, false, false, true},
			} {
				holds(t, row.prefix+operator, c.policy, mixed, row.mixed)
				holds(t, row.prefix+operator, c.policy, all, row.all)
				holds(t, row.prefix+operator, c.policy, none, row.none)
				holds(t, row.prefix+operator, c.policy, nil, row.missing)
				holds(t, row.prefix+operator+"IfExists", c.policy, nil, row.exist)
				holds(t, row.prefix+operator+"IfExists", c.policy, none, row.none)
				if negated == "" {
					continue
				}
				holds(t, row.prefix+negated, c.policy, mixed, row.notMixed)
				holds(t, row.prefix+negated, c.policy, all, row.notAll)
				holds(t, row.prefix+negated, c.policy, none, row.notNone)
				holds(t, row.prefix+negated, c.policy, nil, row.notMissing)
				holds(t, row.prefix+negated+"IfExists", c.policy, nil, row.exist)
				holds(t, row.prefix+negated+"IfExists", c.policy, all, row.notAll)
			}
		})
	}
}

func TestNullAsksWhetherTheKeyIsThere(t *testing.T) {
	holds(t, "Null", []string{"true"}, nil, true)
	holds(t, "Null", []string{"true"}, []string{"x"}, false)
	holds(t, "Null", []string{"false"}, nil, false)
	holds(t, "Null", []string{"False"}, []string{"x"}, true)
	holds(t, "Null", []string{"true", "false"}, nil, true)
}

func TestAWildcardPatternMadeToBacktrackEndsSoon(t *testing.T) {
	holds(t, "StringLike", []string{strings.Repeat("*a", 2000) + "b"}, []string{strings.Repeat("a", 4000)}, false)
}

// negation is the name of the negated operator, or nothing where there is none.
func negation(operator string) string {
	switch {
	case operator == "IpAddress":
		return "NotIpAddress"
	case strings.HasPrefix(operator, "Bool"), strings.Contains(operator, "Than"):
		return ""
	}
	for _, verb := range []string{"EqualsIgnoreCase", "Equals", "Like"} {
		if family, ok := strings.CutSuffix(operator, verb); ok {
			return family + "Not" + verb
		}
	}
	return ""
}

func holds(t *testing.T, operator string, wanted, got []string, want bool) {
	t.Helper()
	if operator == "" {
		return
	}
	doc := parse(t, marshal(map[string]any{"Version": policy.Version2012, "Statement": map[string]any{
		"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*",
		"Condition": map[string]any{operator: map[string]any{"kms:EncryptionContext:Name": wanted}},
	}}))
	request := policy.Request{Action: "kms:Encrypt", Resource: keyARN, Context: map[string][]string{}}
	if got != nil {
		request.Context["KMS:encryptioncontext:NAME"] = got
	}
	decision := policy.Evaluate(doc, request)
	if holds := decision.Verdict == policy.AllowedDirectly; holds != want {
		t.Errorf("%s of %q with %q in the request: %v, want %v", operator, wanted, got, holds, want)
	}
	if missing := policy.Explain(doc, request)[0].KeyMissing; missing != (!want && got == nil) {
		t.Errorf("%s of %q with %q in the request: KeyMissing is %v", operator, wanted, got, missing)
	}
}

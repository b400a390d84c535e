// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"maps"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// quantifier says how many of a key's values in the request must satisfy an operator.
type quantifier int

const (
	// plain is for keys with one value; of several, any may match.
	plain quantifier = iota
	forAll
	forAny
)

// operator is a condition operator with its prefix and suffix taken apart.
type operator struct {
	comparison
	quantifier quantifier
	ifExists   bool
	null       bool
}

// comparison is the heart of an operator: whether one value of the request matches one value of the policy.
type comparison struct {
	match   func(policy, request string) bool
	negated bool
	// takes says whether a value can stand in the policy at all, and wants says what would.
	takes func(policy string) bool
	wants string
}

const null = "Null"

var comparisons = map[string]comparison{
	"StringEquals":              words(equal, false),
	"StringNotEquals":           words(equal, true),
	"StringEqualsIgnoreCase":    words(strings.EqualFold, false),
	"StringNotEqualsIgnoreCase": words(strings.EqualFold, true),
	"StringLike":                words(glob, false),
	"StringNotLike":             words(glob, true),
	"ArnEquals":                 arns(false),
	"ArnLike":                   arns(false),
	"ArnNotEquals":              arns(true),
	"ArnNotLike":                arns(true),
	"Bool":                      {match: strings.EqualFold, takes: isBool, wants: `"true" or "false"`},
	"NumericEquals":             numbers(func(order int) bool { return order == 0 }, false),
	"NumericNotEquals":          numbers(func(order int) bool { return order == 0 }, true),
	"NumericLessThan":           numbers(func(order int) bool { return order < 0 }, false),
	"NumericLessThanEquals":     numbers(func(order int) bool { return order <= 0 }, false),
	"NumericGreaterThan":        numbers(func(order int) bool { return order > 0 }, false),
	"NumericGreaterThanEquals":  numbers(func(order int) bool { return order >= 0 }, false),
	"DateEquals":                dates(func(order int) bool { return order == 0 }, false),
	"DateNotEquals":             dates(func(order int) bool { return order == 0 }, true),
	"DateLessThan":              dates(func(order int) bool { return order < 0 }, false),
	"DateLessThanEquals":        dates(func(order int) bool { return order <= 0 }, false),
	"DateGreaterThan":           dates(func(order int) bool { return order > 0 }, false),
	"DateGreaterThanEquals":     dates(func(order int) bool { return order >= 0 }, false),
	"IpAddress":                 addresses(false),
	"NotIpAddress":              addresses(true),
	null:                        {takes: isBool, wants: `"true" (the key must be absent) or "false" (it must be there)`},
}

// parseOperator takes an operator's name apart. Names are exact.
func parseOperator(name string) (operator, bool) {
	var o operator
	bare := name
	if rest, ok := strings.CutPrefix(bare, "ForAllValues:"); ok {
		o.quantifier, bare = forAll, rest
	} else if rest, ok := strings.CutPrefix(bare, "ForAnyValue:"); ok {
		o.quantifier, bare = forAny, rest
	}
	if rest, ok := strings.CutSuffix(bare, "IfExists"); ok {
		o.ifExists, bare = true, rest
	}
	var known bool
	o.comparison, known = comparisons[bare]
	o.null = bare == null
	if o.null && name != null {
		return operator{}, false
	}
	return o, known
}

func unknownOperator(name string) error {
	return fail("Condition", "unknown operator %q; %s, with ForAllValues: or ForAnyValue: before it and IfExists after it "+
		"where needed (not with Null)", name, suggest(name, slices.Sorted(maps.Keys(comparisons))))
}

// holds evaluates the operator; no values of the request means that it does not have the key.
func (o operator) holds(policy, request []string) bool {
	absent := len(request) == 0
	satisfies := func(value string) bool {
		matches := func(wanted string) bool { return o.match(wanted, value) }
		return slices.ContainsFunc(policy, matches) != o.negated
	}
	fails := func(value string) bool { return !satisfies(value) }
	switch {
	case o.null:
		return slices.ContainsFunc(policy, func(wanted string) bool { return strings.EqualFold(wanted, "true") == absent })
	case absent:
		return o.ifExists || o.quantifier == forAll || o.quantifier == plain && o.negated
	case o.quantifier == forAll, o.quantifier == plain && o.negated:
		return !slices.ContainsFunc(request, fails)
	default:
		return slices.ContainsFunc(request, satisfies)
	}
}

func equal(policy, request string) bool { return policy == request }

func words(match func(policy, request string) bool, negated bool) comparison {
	return comparison{match: match, negated: negated, takes: func(string) bool { return true }}
}

func arns(negated bool) comparison {
	return comparison{
		match: globARN, negated: negated,
		takes: func(policy string) bool { return strings.Count(policy, ":") >= arnParts-1 },
		wants: `the pattern of an ARN; write all six parts, such as "arn:aws:iam::111122223333:role/*"`,
	}
}

func isBool(value string) bool {
	return strings.EqualFold(value, "true") || strings.EqualFold(value, "false")
}

// numbers compares decimal numbers in binary floating point, in which the integers that AWS KMS has are exact.
func numbers(accept func(order int) bool, negated bool) comparison {
	match := func(policy, request string) bool {
		wanted, ok1 := parseNumber(policy)
		got, ok2 := parseNumber(request)
		return ok1 && ok2 && accept(compare(got, wanted))
	}
	takes := func(policy string) bool { _, ok := parseNumber(policy); return ok }
	return comparison{match: match, negated: negated, takes: takes, wants: "a decimal number"}
}

func parseNumber(s string) (float64, bool) {
	if strings.Trim(s, "0123456789.eE+-") != "" {
		return 0, false // keeps out what Go reads beyond decimals: Inf, NaN, hexadecimal
	}
	number, err := strconv.ParseFloat(s, 64)
	return number, err == nil
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

func dates(accept func(order int) bool, negated bool) comparison {
	match := func(policy, request string) bool {
		wanted, ok1 := parseDate(policy)
		got, ok2 := parseDate(request)
		return ok1 && ok2 && accept(got.Compare(wanted))
	}
	takes := func(policy string) bool { _, ok := parseDate(policy); return ok }
	return comparison{
		match: match, negated: negated, takes: takes,
		wants: "a time; write it like 2026-01-31T08:00:00Z, 2026-01-31 or as seconds since 1970",
	}
}

// maxEpoch is the end of the year 9999 in seconds; what is beyond was meant as milliseconds.
const maxEpoch = 253402300799

func parseDate(s string) (time.Time, bool) {
	if seconds, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.Unix(seconds, 0), math.Abs(float64(seconds)) <= maxEpoch
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", time.DateOnly} {
		if date, err := time.Parse(layout, s); err == nil {
			return date, true
		}
	}
	return time.Time{}, false
}

func addresses(negated bool) comparison {
	match := func(policy, request string) bool {
		network, ok := parseNetwork(policy)
		address, err := netip.ParseAddr(request)
		return ok && err == nil && network.Contains(address.Unmap())
	}
	takes := func(policy string) bool { _, ok := parseNetwork(policy); return ok }
	return comparison{match: match, negated: negated, takes: takes, wants: "an IP address or a CIDR block"}
}

// parseNetwork reads a CIDR block; a single address is a block of one.
func parseNetwork(s string) (netip.Prefix, bool) {
	if address, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(address.Unmap(), address.Unmap().BitLen()), address.Zone() == ""
	}
	network, err := netip.ParsePrefix(s)
	return network, err == nil
}

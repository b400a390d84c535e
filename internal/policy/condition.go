// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

import "strings"

// Operator is what the name of a condition operator says.
type Operator struct {
	// Comparison is the name without what may stand before and behind it, such as StringLike.
	Comparison string
	// Negated says that it holds where nothing matches, as StringNotLike does; such an operator holds for an absent key.
	Negated  bool
	IfExists bool
	// ForAllValues and ForAnyValue are the set prefixes.
	ForAllValues, ForAnyValue bool
}

// ParseOperator takes the name of a condition operator apart; false if there is no such operator.
func ParseOperator(name string) (Operator, bool) {
	parsed, known := parseOperator(name)
	if !known {
		return Operator{}, false
	}
	_, bare, prefixed := strings.Cut(name, ":")
	if !prefixed {
		bare = name
	}
	return Operator{
		Comparison: strings.TrimSuffix(bare, "IfExists"), Negated: parsed.negated, IfExists: parsed.ifExists,
		ForAllValues: parsed.quantifier == forAll, ForAnyValue: parsed.quantifier == forAny,
	}, true
}

// Holds says whether the condition holds for a request that has these values under its key; without values, the request does
// not have the key. A condition whose operator does not exist does not hold.
func (c Condition) Holds(values ...string) bool {
	parsed, known := parseOperator(c.Operator)
	return known && parsed.holds(c.Values, values)
}

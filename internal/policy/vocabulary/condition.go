// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package vocabulary

import "strings"

// Type is what a condition key's values are.
type Type int

// The types. A List is of strings, and the others have one value each. Text is a string that whoever calls may choose, and that
// may so look like a number, a time or an ARN; a String has one of AWS's own forms.
const (
	String Type = iota
	Text
	List
	Bool
	Number
	Date
	ARN
	IP
)

// String is the type in words.
func (t Type) String() string {
	switch t {
	case List:
		return "a list of strings"
	case Bool:
		return "a boolean"
	case Number:
		return "a number"
	case Date:
		return "a time"
	case ARN:
		return "an ARN"
	case IP:
		return "an IP address"
	default:
		return "a string"
	}
}

// ConditionKey returns the type of a condition key's values; false if a request to AWS KMS never has such a key.
func ConditionKey(key string) (Type, bool) {
	lowered := strings.ToLower(key)
	if t, ok := byLowerKey[lowered]; ok {
		return t, true
	}
	for _, named := range namedKeys {
		if strings.HasPrefix(lowered, strings.ToLower(named)) && len(key) > len(named) {
			return Text, true
		}
	}
	return String, false
}

// IAMOnly says that a condition key has a value only in IAM policies, so that in a key policy it is absent from every
// request.
func IAMOnly(key string) bool { return strings.EqualFold(key, "kms:ResourceAliases") }

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"encoding/json"
	"regexp"
	"strconv"
)

// keyPattern: what follows the prefix of an encryption context's key is any text.
var keyPattern = regexp.MustCompile(`^[A-Za-z0-9-]+:[^\x00-\x1F]+$`)

func parseConditions(version string, found map[string]any) ([]Condition, error) {
	value, present := found["Condition"]
	if !present {
		return nil, nil
	}
	operators, err := asObject("Condition", value)
	if err != nil {
		return nil, err
	}
	var conditions []Condition
	for _, operator := range operators {
		if _, ok := parseOperator(operator.name); !ok {
			return nil, unknownOperator(operator.name)
		}
		keys, err := asObject("Condition "+operator.name, operator.value)
		if err != nil {
			return nil, err
		}
		for _, key := range keys {
			condition, err := parseCondition(version, operator.name, key)
			if err != nil {
				return nil, err
			}
			conditions = append(conditions, condition)
		}
	}
	return inOrder(conditions), nil
}

func parseCondition(version, operator string, key member) (Condition, error) {
	condition := Condition{Operator: operator, Key: key.name}
	element := "Condition " + condition.String()
	if !keyPattern.MatchString(key.name) {
		return condition, fail(element, `the key needs its service's prefix, as in "kms:ViaService" or "aws:SourceIp"`)
	}
	parsed, _ := parseOperator(operator) // known: parseConditions has looked
	values, err := literals(element, key.value)
	if err != nil {
		return condition, err
	}
	for _, value := range values {
		if err := checkVariable(element, version, value); err != nil {
			return condition, err
		}
		if !parsed.takes(value) {
			return condition, fail(element, "%q is not %s", value, parsed.wants)
		}
	}
	condition.Values = values
	return condition, nil
}

func optionalText(name string, found map[string]any) (string, error) {
	value, present := found[name]
	if !present {
		return "", nil
	}
	s, ok := value.(string)
	if !ok {
		return "", fail(name, "is %s; write a string", kind(value))
	}
	return s, nil
}

// texts is a string or a list of strings, as a set.
func texts(element string, value any) ([]string, error) {
	return values(element, value, func(item any) (string, bool) {
		s, ok := item.(string)
		return s, ok
	})
}

// literals is a scalar or a list of scalars, as a set.
func literals(element string, value any) ([]string, error) {
	return values(element, value, func(item any) (string, bool) {
		switch item := item.(type) {
		case string:
			return item, true
		case json.Number:
			return item.String(), true
		case bool:
			return strconv.FormatBool(item), true
		default:
			return "", false
		}
	})
}

func values(element string, value any, read func(any) (string, bool)) ([]string, error) {
	items, ok := value.([]any)
	if !ok {
		items = []any{value}
	}
	if len(items) == 0 {
		return nil, fail(element, "is an empty list; name at least one value")
	}
	found := make([]string, len(items))
	for i, item := range items {
		if found[i], ok = read(item); !ok {
			return nil, fail(element, "holds %s; write a string or a list of strings", kind(item))
		}
	}
	return set(found), nil
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// shape is what the tags of a request's type say, read once.
type shape struct {
	typ     reflect.Type
	members []member
	// The indexes of members with a meaning of their own; -1 where there is none.
	keyID, dryRun, grantTokens, encryptionContext int
}

// member is one field of a shape.
type member struct {
	index      int
	wire       string // as it is in JSON
	name       string // as AWS spells it in messages and records: lowerCamelCase
	kind       reflect.Kind
	required   bool
	secret     bool // not to be quoted
	unrecorded bool
	length     *bounds
	value      *bounds
	each       *bounds
	enum       string
	eachEnum   string
	pattern    string
	fallback   string
	condition  string
	nested     *shape // of a structure, or of a list of structures
}

type bounds struct{ lowest, highest int }

// newShape reads the tags of an input type. A mistake in one is a mistake in this package, found by the first test.
func newShape(typ reflect.Type) *shape {
	s := &shape{typ: typ, keyID: -1, dryRun: -1, grantTokens: -1, encryptionContext: -1}
	for field := range typ.Fields() {
		m := newMember(field)
		switch field.Name {
		case "KeyID":
			s.keyID = m.index
		case "DryRun":
			s.dryRun = m.index
		case "GrantTokens":
			s.grantTokens = m.index
		case "EncryptionContext":
			s.encryptionContext = m.index
		}
		s.members = append(s.members, m)
	}
	return s
}

func newMember(field reflect.StructField) member {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	m := member{
		index: field.Index[0], wire: name, name: lowerFirst(name), kind: field.Type.Kind(), condition: field.Tag.Get("condition"),
	}
	element := field.Type
	for element.Kind() == reflect.Pointer || element.Kind() == reflect.Slice && element.Elem().Kind() != reflect.Uint8 {
		element = element.Elem()
	}
	if element.Kind() == reflect.Struct && element != reflect.TypeFor[Time]() {
		m.nested = newShape(element)
	}
	if tag := field.Tag.Get("model"); tag != "" {
		for rule := range strings.SplitSeq(tag, ",") {
			m.apply(rule)
		}
	}
	return m
}

func (m *member) apply(rule string) {
	key, value, _ := strings.Cut(rule, "=")
	switch key {
	case "required":
		m.required = true
	case "secret":
		m.secret, m.unrecorded = true, true
	case "unrecorded":
		m.unrecorded = true
	case "len":
		m.length = parseBounds(value)
	case "range":
		m.value = parseBounds(value)
	case "eachlen":
		m.each = parseBounds(value)
	case "enum":
		m.enum = mustKnow(enums, value)
	case "eachenum":
		m.eachEnum = mustKnow(enums, value)
	case "pattern":
		m.pattern = mustKnow(patterns, value)
	case "default":
		m.fallback = value
	default:
		panic(fmt.Sprintf("operation: unknown rule %q of member %s", rule, m.name))
	}
}

func mustKnow[V any](known map[string]V, name string) string {
	if _, ok := known[name]; !ok {
		panic(fmt.Sprintf("operation: nothing is called %q", name))
	}
	return name
}

func parseBounds(text string) *bounds {
	const unbounded = 1 << 30
	low, high, _ := strings.Cut(text, ":")
	b := &bounds{highest: unbounded}
	var err error
	if b.lowest, err = strconv.Atoi(low); err != nil {
		panic(fmt.Sprintf("operation: bounds %q", text))
	}
	if high != "" {
		if b.highest, err = strconv.Atoi(high); err != nil {
			panic(fmt.Sprintf("operation: bounds %q", text))
		}
	}
	return b
}

// lowerFirst is how AWS spells members in messages and in CloudTrail.
func lowerFirst(name string) string {
	if name == "" {
		return ""
	}
	return strings.ToLower(name[:1]) + name[1:]
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxRune is the last character that AWS takes in a policy document.
const maxRune = 0xFF

// member is a name and its value as they stand in the document. Objects are kept as lists of them, so that a name which
// occurs twice is seen rather than overwritten.
type member struct {
	name  string
	value any
}

type object []member

// decode reads JSON into object, []any, string, json.Number, bool and nil.
func decode(document []byte) (any, error) {
	if err := checkCharacters(document); err != nil {
		return nil, err
	}
	var whole json.RawMessage
	if err := json.Unmarshal(document, &whole); err != nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			return nil, fail("", "is not JSON: %v, at byte %d", syntax, syntax.Offset)
		}
		return nil, fail("", "is not JSON: %v", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	return readValue(decoder)
}

func checkCharacters(document []byte) error {
	for at := 0; at < len(document); {
		r, size := utf8.DecodeRune(document[at:])
		bad := r > maxRune || r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == utf8.RuneError
		if bad {
			return fail("", "byte %d begins a character that a policy cannot hold (allowed: tab, line feed, carriage return "+
				`and U+0020 to U+00FF in UTF-8); write it as a \u escape`, at)
		}
		at += size
	}
	return nil
}

func readValue(decoder *json.Decoder) (any, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, fail("", "is not JSON: %v", err)
	}
	switch token {
	case json.Delim('{'):
		return readObject(decoder)
	case json.Delim('['):
		return readList(decoder)
	}
	if s, ok := token.(string); ok && strings.ContainsRune(s, utf8.RuneError) {
		// Half of a surrogate pair decodes to U+FFFD, so two different texts would become one.
		return nil, fail("", `holds U+FFFD or half of a surrogate pair as a \u escape; leave it out`)
	}
	return token, nil
}

func readObject(decoder *json.Decoder) (any, error) {
	members := object{}
	for decoder.More() {
		name, err := readValue(decoder)
		if err != nil {
			return nil, err
		}
		value, err := readValue(decoder)
		if err != nil {
			return nil, err
		}
		text, ok := name.(string)
		if !ok {
			return nil, fail("", "is not JSON: a name must be a string")
		}
		members = append(members, member{name: text, value: value})
	}
	if _, err := decoder.Token(); err != nil {
		return nil, fail("", "is not JSON: %v", err)
	}
	return members, nil
}

func readList(decoder *json.Decoder) (any, error) {
	items := []any{}
	for decoder.More() {
		item, err := readValue(decoder)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	if _, err := decoder.Token(); err != nil {
		return nil, fail("", "is not JSON: %v", err)
	}
	return items, nil
}

// asObject is the value as an object in which no name occurs twice.
func asObject(element string, value any) (object, error) {
	members, ok := value.(object)
	if !ok {
		return nil, fail(element, "is %s; write an object", kind(value))
	}
	seen := make(map[string]bool, len(members))
	for _, m := range members {
		if seen[m.name] {
			return nil, fail(element, "has %q twice; write it once, with a list of values if it needs several", m.name)
		}
		seen[m.name] = true
	}
	return members, nil
}

// elements is the value as an object that has no names but the allowed.
func elements(element string, value any, allowed []string) (map[string]any, error) {
	members, err := asObject(element, value)
	if err != nil {
		return nil, err
	}
	found := make(map[string]any, len(members))
	for _, m := range members {
		if !slices.Contains(allowed, m.name) {
			return nil, fail(element, "unknown element %q; %s", m.name, suggest(m.name, allowed))
		}
		found[m.name] = m.value
	}
	return found, nil
}

// suggest is the way out for a name that is none of the allowed.
func suggest(name string, allowed []string) string {
	for _, candidate := range allowed {
		if strings.EqualFold(candidate, name) {
			return "write " + candidate + ", in this case"
		}
	}
	return "use one of " + strings.Join(allowed, ", ")
}

// kind says in words what a decoded value is.
func kind(value any) string {
	switch value.(type) {
	case object:
		return "an object"
	case []any:
		return "a list"
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case bool:
		return "a boolean"
	default:
		return "null"
	}
}

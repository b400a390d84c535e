// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

// maxQuoted is the longest value that is quoted in an error.
const maxQuoted = 256

// violations collects what is wrong with a request.
type violations []string

// checker is a request with rules that the tags of its members cannot tell.
type checker interface{ check() error }

// prepare fills in defaults and checks a request, given by a pointer, against its shape; empty names the members that are
// there and empty texts. The error names every member that breaks a rule, and how, in AWS's words.
func (s *shape) prepare(in any, empty map[string]bool) error {
	var found violations
	v := reflect.ValueOf(in).Elem()
	for i := range s.members {
		if m := &s.members[i]; empty[m.wire] && m.kind == reflect.String {
			m.checkText("", m.name, &found)
		} else {
			m.check(v.Field(m.index), m.name, &found)
		}
	}
	if len(found) == 0 {
		if request, ok := in.(checker); ok {
			return request.check()
		}
		return nil
	}
	plural := ""
	if len(found) > 1 {
		plural = "s"
	}
	return kms.Errorf(kms.ValidationException, "%d validation error%s detected: %s",
		len(found), plural, strings.Join(found, "; "))
}

func (s *shape) check(v reflect.Value, path string, found *violations) {
	for i := range s.members {
		m := &s.members[i]
		m.check(v.Field(m.index), path+m.name, found)
	}
}

func (m *member) check(v reflect.Value, path string, found *violations) {
	if v.IsZero() {
		if m.fallback != "" {
			v.SetString(m.fallback)
		} else if m.required {
			found.add("null", path, "not be null")
		}
		return
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.String:
		m.checkText(v.String(), path, found)
	case reflect.Int32:
		m.checkNumber(int(v.Int()), path, found)
	case reflect.Struct:
		if m.nested != nil {
			m.nested.check(v, path+".", found)
		}
	case reflect.Slice:
		m.checkList(v, path, found)
	case reflect.Map:
		checkMap(v, path, found)
	default:
	}
}

func (m *member) checkText(text, path string, found *violations) {
	if constraint := m.length.broken(utf8.RuneCountInString(text)); constraint != "" {
		found.add(m.quote(text), path, constraint)
		return
	}
	if m.enum != "" && !slices.Contains(enums[m.enum], text) {
		found.add(m.quote(text), path, "satisfy enum value set: ["+strings.Join(enums[m.enum], ", ")+"]")
	}
	if m.pattern != "" && !patterns[m.pattern].MatchString(text) {
		found.add(m.quote(text), path, "satisfy regular expression pattern: "+patterns[m.pattern].String())
	}
}

func (m *member) checkNumber(n int, path string, found *violations) {
	if m.value == nil {
		return
	}
	switch {
	case n < m.value.lowest:
		found.add(fmt.Sprintf("'%d'", n), path, fmt.Sprintf("have value greater than or equal to %d", m.value.lowest))
	case n > m.value.highest:
		found.add(fmt.Sprintf("'%d'", n), path, fmt.Sprintf("have value less than or equal to %d", m.value.highest))
	}
}

// checkList checks a blob, whose value is never quoted, or a list and its elements.
func (m *member) checkList(v reflect.Value, path string, found *violations) {
	if constraint := m.length.broken(v.Len()); constraint != "" {
		found.add("", path, constraint)
		return
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return
	}
	for i := range v.Len() {
		path := fmt.Sprintf("%s.%d.member", path, i+1)
		element := v.Index(i)
		if m.nested != nil {
			m.nested.check(element, path+".", found)
			continue
		}
		if constraint := m.each.broken(utf8.RuneCountInString(element.String())); constraint != "" {
			found.add(m.quote(element.String()), path, constraint)
		}
		if m.eachEnum != "" && !slices.Contains(enums[m.eachEnum], element.String()) {
			found.add(m.quote(element.String()), path, "satisfy enum value set: ["+strings.Join(enums[m.eachEnum], ", ")+"]")
		}
	}
}

// maxMap bounds the names and values of a map together, in bytes: an encryption context, or a grant's constraint on one.
// AWS's API model has no bound for them, so this is the software KMS's own. Conditions of key policies are evaluated on
// them, authentication covers them, and every record of a request has them.
const maxMap = 8 << 10

func checkMap(v reflect.Value, path string, found *violations) {
	size := 0
	for name, value := range v.Seq2() {
		size += name.Len() + value.Len()
	}
	if size > maxMap {
		found.add("", path, fmt.Sprintf("have names and values of %d bytes together at most", maxMap))
	}
}

// broken is what a length does not keep to; empty if it does, or if there are no bounds.
func (b *bounds) broken(length int) string {
	switch {
	case b == nil:
		return ""
	case length < b.lowest:
		return fmt.Sprintf("have length greater than or equal to %d", b.lowest)
	case length > b.highest:
		return fmt.Sprintf("have length less than or equal to %d", b.highest)
	default:
		return ""
	}
}

// quote is the value as it may be shown.
func (m *member) quote(text string) string {
	if m.secret || len(text) > maxQuoted {
		return ""
	}
	return "'" + text + "'"
}

func (f *violations) add(quoted, path, constraint string) {
	if quoted != "" {
		quoted += " "
	}
	*f = append(*f, "Value "+quoted+"at '"+path+"' failed to satisfy constraint: Member must "+constraint)
}

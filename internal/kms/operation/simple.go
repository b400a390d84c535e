// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"bytes"
	"encoding/base64"
	"reflect"
	"strings"
)

// Most requests and answers are simple: an object of texts without escapes, of blobs, booleans and maps of such texts. These
// are read and written here, in a third of the time that package json takes for them. It does so for all others, and what
// is done here never differs from what it does.

// decodeSimple reads a body into a new value of the shape's type. False means that the body is not simple, perhaps wrong,
// and that the value is of no use.
func (s *shape) decodeSimple(body []byte, into reflect.Value) bool {
	rest := scanner{body, body[len(body):]}
	seen := make([]bool, len(s.members))
	return rest.object(func(name []byte) bool {
		for i := range s.members {
			if m := &s.members[i]; string(name) == m.wire && !seen[i] {
				seen[i] = true
				return rest.value(into.Field(m.index))
			}
		}
		return false // is not in the shape, or a second time
	}) && rest.atEnd()
}

// scanner reads a body. Its methods return false where that is not simple.
type scanner struct {
	rest []byte // what is left to read
	room []byte // what is left, of its capacity, for blobs
}

// skip passes over white space.
func (s *scanner) skip() {
	for len(s.rest) > 0 && (s.rest[0] == ' ' || s.rest[0] == '\n' || s.rest[0] == '\r' || s.rest[0] == '\t') {
		s.rest = s.rest[1:]
	}
}

func (s *scanner) take(c byte) bool {
	s.skip()
	if len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

func (s *scanner) atEnd() bool {
	s.skip()
	return len(s.rest) == 0
}

// object reads an object that is not empty; member reads the value of each of its members.
func (s *scanner) object(member func(name []byte) bool) bool {
	if !s.take('{') {
		return false
	}
	for {
		name, ok := s.quoted()
		if !ok || !s.take(':') || !member(name) {
			return false
		}
		if !s.take(',') {
			return s.take('}')
		}
	}
}

// quoted is what stands between two quotation marks, escapes and all.
func (s *scanner) quoted() ([]byte, bool) {
	if !s.take('"') {
		return nil, false
	}
	end := bytes.IndexByte(s.rest, '"')
	if end < 0 {
		return nil, false
	}
	text := s.rest[:end]
	s.rest = s.rest[end+1:]
	return text, true
}

func (s *scanner) value(into reflect.Value) bool {
	switch into.Kind() {
	case reflect.String:
		text, ok := s.text()
		into.SetString(text)
		return ok
	case reflect.Bool:
		return s.boolean(into)
	case reflect.Slice:
		return s.blob(into)
	case reflect.Map:
		return s.texts(into)
	default:
		return false
	}
}

func (s *scanner) text() (string, bool) {
	text, ok := s.quoted()
	if !ok || !isSimple(text) {
		return "", false
	}
	return string(text), true
}

func (s *scanner) boolean(into reflect.Value) bool {
	s.skip()
	for _, value := range []bool{false, true} {
		literal := "false"
		if value {
			literal = "true"
		}
		if rest, ok := bytes.CutPrefix(s.rest, []byte(literal)); ok {
			into.SetBool(value)
			s.rest = rest
			return true
		}
	}
	return false
}

// blob reads base64, whose decoder refuses whatever is not simple but line ends, which it passes over.
func (s *scanner) blob(into reflect.Value) bool {
	text, ok := s.quoted()
	if !ok || len(text) == 0 || into.Type() != reflect.TypeFor[[]byte]() {
		return false
	}
	blob := s.takeRoom(base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(blob, text)
	into.SetBytes(blob[:n])
	return err == nil && base64.StdEncoding.EncodedLen(n) == len(text)
}

// takeRoom is n bytes of the room, or new ones where that is too small.
func (s *scanner) takeRoom(n int) []byte {
	if n > cap(s.room) {
		return make([]byte, n)
	}
	taken := s.room[:n:n]
	s.room = s.room[n:n]
	return taken
}

func (s *scanner) texts(into reflect.Value) bool {
	if into.Type() != reflect.TypeFor[map[string]string]() {
		return false
	}
	texts := map[string]string{}
	into.Set(reflect.ValueOf(texts))
	return s.object(func(name []byte) bool {
		if _, twice := texts[string(name)]; twice || !isSimple(name) {
			return false
		}
		text, ok := s.text()
		texts[string(name)] = text
		return ok
	})
}

// isSimple says whether a text means in JSON what its bytes say, and is printable ASCII.
func isSimple[T string | []byte](text T) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// simpleMember is a member of an answer that can be simple.
type simpleMember struct {
	index int
	head  string // its name in JSON, and the colon
}

// simpleMembers are those of an output type; nil if one of them cannot be simple.
func simpleMembers(output reflect.Type) []simpleMember {
	var members []simpleMember
	for field := range output.Fields() {
		switch field.Type {
		case reflect.TypeFor[string](), reflect.TypeFor[bool](), reflect.TypeFor[[]byte]():
		default:
			return nil
		}
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if options != "omitzero" {
			return nil
		}
		members = append(members, simpleMember{field.Index[0], `"` + name + `":`})
	}
	return members
}

// encodeSimple appends an answer, whose members these are. False means that it is not simple.
func encodeSimple(body []byte, members []simpleMember, out any) ([]byte, bool) {
	v := reflect.ValueOf(out).Elem()
	body = append(body, '{')
	separator := ""
	for i := range members {
		field := v.Field(members[i].index)
		if field.IsZero() {
			continue
		}
		body = append(append(body, separator...), members[i].head...)
		separator = ","
		switch field.Kind() {
		case reflect.String:
			text := field.String()
			if !isSimple(text) {
				return nil, false
			}
			body = append(append(append(body, '"'), text...), '"')
		case reflect.Bool:
			body = append(body, "true"...)
		default:
			body = append(base64.StdEncoding.AppendEncode(append(body, '"'), field.Bytes()), '"')
		}
	}
	return append(body, '}'), len(members) > 0
}

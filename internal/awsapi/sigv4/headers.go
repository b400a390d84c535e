// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// header is one signed header: its name in lower case and its values as they came.
type header struct {
	name   string
	values []string
}

// appendSignedHeaders reads a list such as "content-type;host;x-amz-date". It has to be sorted and without repetition,
// because signs finds a name by bisection, and because a list has then only one spelling.
func appendSignedHeaders(headers []header, list string) ([]header, error) {
	start, last := 0, ""
	for end := range len(list) + 1 {
		if end < len(list) && list[end] != ';' {
			continue
		}
		name := list[start:end]
		if !isLowerName(name) || name <= last {
			return nil, incomplete("SignedHeaders must be lower-case header names, sorted, without repetition and separated by ';'.")
		}
		headers = append(headers, header{name: name})
		start, last = end+1, name
	}
	return headers, nil
}

// bindHeaders gives every signed header its values, and refuses names that are not canonical, what should be signed and is
// not, and what is signed and not there.
func (s *Signature) bindHeaders(r *http.Request) error {
	for name := range r.Header {
		if !isCanonicalName(name) {
			return incomplete("Header name %s is not valid.", quote(name))
		}
		if strings.HasPrefix(name, "X-Amz-") && !s.signs(name) {
			return invalid("%s must be a 'SignedHeader' in the AWS Authorization.", quote(name))
		}
	}
	if !s.signs("Host") {
		return invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	for i := range s.headers {
		values := s.valuesOf(r, s.headers[i].name)
		if len(values) == 0 || slices.ContainsFunc(values, hasControl) {
			return errMismatch
		}
		s.headers[i].values = values
	}
	return nil
}

// valuesOf are those of a header, by its name in lower case.
func (s *Signature) valuesOf(r *http.Request, name string) []string {
	var room [usualName]byte
	values := r.Header[string(appendCanonicalName(room[:0], name))]
	switch {
	case name == "host" && r.Host == "":
		return nil
	case name == "host": // net/http keeps it apart; a header of that name, which its HTTP/2 server lets through, is not what is served
		s.host[0] = r.Host
		return s.host[:]
	case name == "content-length" && values == nil && r.ContentLength >= 0:
		return []string{strconv.FormatInt(r.ContentLength, 10)}
	default:
		return values
	}
}

// usualName is how long the names of headers are at most, if nobody means to be a nuisance.
const usualName = 64

// appendCanonicalName writes a name in canonical form, given in lower case.
func appendCanonicalName(b []byte, name string) []byte {
	start := true
	for i := range len(name) {
		c := name[i]
		if start && 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		b = append(b, c)
		start = c == '-'
	}
	return b
}

// signs says whether a name, in canonical form, is among the signed headers.
func (s *Signature) signs(canonical string) bool {
	_, signed := slices.BinarySearchFunc(s.headers, canonical, func(h header, name string) int { return compareLower(h.name, name) })
	return signed
}

// compareLower compares a name in lower case with one in canonical form.
func compareLower(name, canonical string) int {
	for i := range min(len(name), len(canonical)) {
		if d := int(name[i]) - int(lower(canonical[i])); d != 0 {
			return d
		}
	}
	return len(name) - len(canonical)
}

// hasControl is true for a value with which one header could pass for two in the canonical request. net/http's server
// lets none through.
func hasControl(value string) bool {
	for i := range len(value) {
		if c := value[i]; (c < ' ' && c != '\t') || c == 0x7f {
			return true
		}
	}
	return false
}

// isCanonicalName is true for a header name that net/http's server could have left: an ASCII token (RFC 9110, section
// 5.6.2), upper-case at the start of every word and lower-case inside. Two names that differ only in case can't both be.
func isCanonicalName(name string) bool {
	start := true
	for i := range len(name) {
		c := name[i]
		if start && !startBytes[c] || !start && !lowerBytes[c] {
			return false
		}
		start = c == '-'
	}
	return name != ""
}

func isLowerName(name string) bool {
	for i := range len(name) {
		if !lowerBytes[name[i]] {
			return false
		}
	}
	return name != ""
}

func isToken(text string) bool {
	for i := range len(text) {
		if !tokenBytes[text[i]] {
			return false
		}
	}
	return text != ""
}

var (
	// tokenBytes are the bytes of a token; startBytes and lowerBytes are without the lower-case and the upper-case letters.
	tokenBytes = byteSet(func(byte) bool { return true })
	startBytes = byteSet(func(c byte) bool { return c < 'a' || c > 'z' })
	lowerBytes = byteSet(func(c byte) bool { return c < 'A' || c > 'Z' })
)

// byteSet are the bytes of a token for which keep is true.
func byteSet(keep func(byte) bool) (set [256]bool) {
	for i := range set {
		c := byte(i)
		set[i] = keep(c) && (isAlphanumeric(c) || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0)
	}
	return set
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

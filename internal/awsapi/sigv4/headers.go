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
// because bindHeaders finds a name by bisection, and because a list has then only one spelling.
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
	for name, values := range r.Header {
		if !isCanonicalName(name) {
			return incomplete("Header name %s is not valid.", quote(name))
		}
		if i, signed := s.find(name); signed {
			s.headers[i].values = values
		} else if strings.HasPrefix(name, "X-Amz-") {
			return invalid("%s must be a 'SignedHeader' in the AWS Authorization.", quote(name))
		}
	}
	i, signed := s.find("Host")
	if !signed {
		return invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	// net/http keeps it apart; a header of that name, which its HTTP/2 server lets through, is not what is served.
	s.headers[i].values = nil
	if r.Host != "" {
		s.host[0] = r.Host
		s.headers[i].values = s.host[:]
	}
	if i, signed := s.find("Content-Length"); signed && s.headers[i].values == nil && r.ContentLength >= 0 {
		s.headers[i].values = []string{strconv.FormatInt(r.ContentLength, 10)}
	}
	for _, h := range s.headers {
		if len(h.values) == 0 || slices.ContainsFunc(h.values, hasControl) {
			return errMismatch
		}
	}
	return nil
}

// find is the place of a name in canonical form among the signed headers.
func (s *Signature) find(canonical string) (int, bool) {
	low, high := 0, len(s.headers)
	for low < high {
		middle := int(uint(low+high) / 2)
		switch order := compareLower(s.headers[middle].name, canonical); {
		case order == 0:
			return middle, true
		case order < 0:
			low = middle + 1
		default:
			high = middle
		}
	}
	return low, false
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

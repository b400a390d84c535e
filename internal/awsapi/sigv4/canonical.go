// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"cmp"
	"encoding/hex"
	"net/url"
	"path"
	"slices"
	"strings"
)

// appendCanonicalRequest writes the request in the one form in which both sides hash it:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html, step 1.
//
// It is unambiguous, so that no two requests that mean different things share a form: method, names and the list are
// tokens, the path and the query are escaped, and header values have no line ends.
func (s *Signature) appendCanonicalRequest(b []byte, bodyHash [32]byte) []byte {
	b = append(append(b, s.method...), '\n')
	b = append(appendPath(b, s.url), '\n')
	b = append(s.appendQuery(b), '\n')
	for _, h := range s.headers {
		b = append(append(b, h.name...), ':')
		for i, value := range h.values {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendTrimmed(b, value)
		}
		b = append(b, '\n')
	}
	b = append(b, '\n')
	b = append(append(b, s.headerNames...), '\n')
	return hex.AppendEncode(b, bodyHash[:])
}

// appendPath writes the path as it was sent, without dot segments and repeated slashes, and escaped once more: outside S3
// the path is escaped twice.
func appendPath(b []byte, u *url.URL) []byte {
	sent := sentPath(u)
	if sent == "/" || sent == "" {
		return append(b, '/')
	}
	clean := path.Clean("/" + sent)
	b = appendEscaped(b, clean, '/')
	if strings.HasSuffix(sent, "/") && clean != "/" {
		b = append(b, '/')
	}
	return b
}

// sentPath is the path as it stands in the request line. EscapedPath is nearly that, but escapes what the sender left
// unescaped and should not have, such as UTF-8, while RawPath is trusted only as long as it means the same as Path, by
// which requests are routed.
func sentPath(u *url.URL) string {
	if u.RawPath != "" {
		if meaning, err := url.PathUnescape(u.RawPath); err == nil && meaning == u.Path {
			return u.RawPath
		}
	}
	return u.EscapedPath()
}

// appendQuery writes the parameters escaped and then sorted, by name and then by value; in the presigned form without the
// signature itself.
func (s *Signature) appendQuery(b []byte) []byte {
	if len(s.query) == 0 {
		return b
	}
	escaped := make([]param, 0, len(s.query))
	for _, p := range s.query {
		if p.name == queryNames[querySignature] {
			continue
		}
		escaped = append(escaped, param{escape(p.name), escape(p.value)})
	}
	slices.SortFunc(escaped, func(x, y param) int {
		return cmp.Or(strings.Compare(x.name, y.name), strings.Compare(x.value, y.value))
	})
	for i, p := range escaped {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(append(append(b, p.name...), '='), p.value...)
	}
	return b
}

// appendTrimmed writes a header's value without white space around it and with one space for every run of it inside.
func appendTrimmed(b []byte, value string) []byte {
	value = strings.Trim(value, " \t")
	if !strings.Contains(value, "  ") && strings.IndexByte(value, '\t') < 0 {
		return append(b, value...)
	}
	blank := false
	for i := range len(value) {
		c := value[i]
		if c == '\t' {
			c = ' '
		}
		if c != ' ' || !blank {
			b = append(b, c)
		}
		blank = c == ' '
	}
	return b
}

// appendEscaped escapes all bytes but RFC 3986's unreserved ones (such as "-") and keep, with upper-case digits.
func appendEscaped(b []byte, text string, keep byte) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(text) {
		if c := text[i]; isUnreserved(c) || c == keep {
			b = append(b, c)
		} else {
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return b
}

func escape(text string) string {
	for i := range len(text) {
		if !isUnreserved(text[i]) {
			return string(appendEscaped(make([]byte, 0, 3*len(text)), text, '-'))
		}
	}
	return text
}

func isUnreserved(c byte) bool {
	return isAlphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~'
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"strings"
	"unicode/utf8"
)

// glob says whether the text has the pattern's form: * stands for any number of characters, ? for one.
// Time is at most proportional to the product of the two lengths, whatever the pattern.
func glob(pattern, text string) bool { return globBytes(pattern, text, same) }

// globAction compares actions, which have no case.
func globAction(pattern, action string) bool {
	return pattern == "*" || globBytes(pattern, action, sameLetter)
}

// globBytes is glob, where equal says whether a byte of the pattern stands for one of the text.
func globBytes(pattern, text string, equal func(a, b byte) bool) bool {
	star, resume := -1, 0
	p, t := 0, 0
	for t < len(text) {
		size := step(pattern[p:], text[t:], equal)
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, t
			p++
		case size > 0:
			p++
			t += size
		case star >= 0:
			// Let the last star take one character more and try again behind it.
			_, width := utf8.DecodeRuneInString(text[resume:])
			resume += width
			p, t = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// step is how many bytes of the text the first byte of the pattern stands for; 0 if they differ. A literal goes byte by
// byte, which for valid UTF-8 comes to the same as character by character.
func step(pattern, text string, equal func(a, b byte) bool) int {
	switch {
	case pattern == "":
		return 0
	case pattern[0] == '?':
		_, width := utf8.DecodeRuneInString(text)
		return width
	case equal(pattern[0], text[0]):
		return 1
	default:
		return 0
	}
}

func same(a, b byte) bool { return a == b }

// sameLetter is same without case, for ASCII, which actions are.
func sameLetter(a, b byte) bool { return lower(a) == lower(b) }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

const arnParts = 6

// globARN compares ARNs part by part, so that a wildcard does not reach over a colon of the first five.
func globARN(pattern, arn string) bool {
	patterns, parts := strings.SplitN(pattern, ":", arnParts), strings.SplitN(arn, ":", arnParts)
	if len(patterns) != arnParts || len(parts) != arnParts {
		return false
	}
	for i := range patterns {
		if !glob(patterns[i], parts[i]) {
			return false
		}
	}
	return true
}

// globResource is globARN for a Resource element, where AWS reads missing parts of a pattern as wildcards.
func globResource(pattern, arn string) bool {
	if pattern == "*" {
		return true
	}
	missing := arnParts - 1 - strings.Count(pattern, ":")
	return globARN(pattern+strings.Repeat(":*", max(missing, 0)), arn)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"strings"
	"unicode/utf8"
)

// glob says whether the text has the pattern's form: * stands for any number of characters, ? for one. The pattern is
// valid UTF-8, as Parse has it; in the text, a byte that is not part of any character counts as one.
//
// The time is about that of reading both, so that whoever writes a policy and sends long texts does not keep a CPU: each
// star takes as little as it can, and a search for the text behind it starts where that text's first characters are. Only a
// pattern with many ? behind a star takes longer, at most the product of its length and the text's.
func glob(pattern, text string) bool { return matches(pattern, text, false) }

// globAction compares actions, which have no case.
func globAction(pattern, action string) bool { return pattern == "*" || matches(pattern, action, true) }

// matches is glob, where fold says whether letters are compared without case.
func matches(pattern, text string, fold bool) bool {
	piece, pattern, starred := strings.Cut(pattern, "*")
	taken := fits(piece, text, fold)
	if taken < 0 || !starred {
		return taken == len(text)
	}
	for {
		text = text[taken:]
		if piece, pattern, starred = strings.Cut(pattern, "*"); !starred {
			return ends(piece, text, fold)
		}
		if taken = find(piece, text, fold); taken < 0 {
			return false
		}
	}
}

// fits is how many bytes a piece without stars takes at the beginning of the text; -1 if it is not there.
func fits(piece, text string, fold bool) int {
	taken := 0
	for piece != "" {
		if piece[0] == '?' {
			_, width := utf8.DecodeRuneInString(text[taken:])
			if width == 0 {
				return -1
			}
			piece, taken = piece[1:], taken+width
			continue
		}
		run := untilAny(piece)
		if len(text)-taken < len(run) || !sameText(run, text[taken:taken+len(run)], fold) {
			return -1
		}
		piece, taken = piece[len(run):], taken+len(run)
	}
	return taken
}

// find is the end of a piece without stars where it is in the text first; -1 if it is not.
func find(piece, text string, fold bool) int {
	run := untilAny(piece)
	for at := 0; len(text)-at >= len(piece); { // each byte of a piece takes one of the text at least
		if !fold {
			next := strings.Index(text[at:], run)
			if next < 0 {
				return -1
			}
			at += next
		}
		if taken := fits(piece, text[at:], fold); taken >= 0 {
			return at + taken
		}
		_, width := utf8.DecodeRuneInString(text[at:])
		at += width
	}
	return -1
}

// ends says whether a piece without stars is at the end of the text.
func ends(piece, text string, fold bool) bool {
	at := len(text)
	for range utf8.RuneCountInString(piece) { // as many characters as it takes
		_, width := utf8.DecodeLastRuneInString(text[:at])
		if width == 0 {
			return false
		}
		at -= width
	}
	return fits(piece, text[at:], fold) == len(text)-at
}

// untilAny is what a piece has in front of its first question mark.
func untilAny(piece string) string {
	run, _, _ := strings.Cut(piece, "?")
	return run
}

// sameText compares two texts of one length, by fold without the case of ASCII letters, which actions are made of.
func sameText(a, b string, fold bool) bool {
	if !fold {
		return a == b
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

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

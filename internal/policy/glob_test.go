// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// plainGlob is glob without any thought of speed: character by character, and back to the last star when it fails.
func plainGlob(pattern, text string, fold bool) bool {
	star, resume := -1, 0
	p, t := 0, 0
	for t < len(text) {
		_, width := utf8.DecodeRuneInString(text[t:])
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, t
			p++
		case p < len(pattern) && pattern[p] == '?':
			p++
			t += width
		case p < len(pattern) && (pattern[p] == text[t] || fold && lower(pattern[p]) == lower(text[t])):
			p++
			t++
		case star >= 0:
			_, width := utf8.DecodeRuneInString(text[resume:])
			resume += width
			p, t = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

func compareGlobs(t *testing.T, pattern, text string) (matched bool) {
	t.Helper()
	for _, fold := range []bool{false, true} {
		got := matches(pattern, text, fold)
		if want := plainGlob(pattern, text, fold); got != want {
			t.Fatalf("matches(%q, %q, %v) = %v", pattern, text, fold, got)
		}
		matched = matched || got
	}
	return matched
}

func TestGlobAgreesWithThePlainAlgorithm(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	draw := func(from []string, most int) string {
		var text strings.Builder
		for range random.IntN(most + 1) {
			text.WriteString(from[random.IntN(len(from))])
		}
		return text.String()
	}
	matched := 0
	for range 300_000 {
		pattern := draw([]string{"*", "*", "?", "a", "a", "A", "b", "é", "世", "\u212a", "k"}, 8)
		text := draw([]string{"a", "a", "A", "b", "é", "世", "\u212a", "k", "*", "?", "\xc3", "\xa9", "\xe4\xb8", "\ufffd"}, 9)
		if compareGlobs(t, pattern, text) {
			matched++
		}
	}
	if matched < 10_000 {
		t.Errorf("only %d of the patterns matched: the generator does not test it", matched)
	}
}

func FuzzGlobAgreesWithThePlainAlgorithm(f *testing.F) {
	for _, seed := range [][2]string{
		{"", ""}, {"*", ""}, {"?", "é"}, {"a*b?c*", "aXbécd"}, {"*é", "\xc3\xc3\xa9"}, {"*?", "\xe4\xb8"}, {"kms:De*", "KMS:decrypt"},
		{"*a?a*a", "aaaaa"}, {"**?**", "\xff"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if utf8.ValidString(pattern) && len(pattern) < 1<<10 && len(text) < 1<<10 {
			compareGlobs(t, pattern, text)
		}
	})
}

// A tenant may write policies as long as 32 KiB for his key and send long texts to it. Character by character, these take
// tens of seconds.
func TestGlobTakesAboutAsLongAsReading(t *testing.T) {
	const most = time.Second
	text := strings.Repeat("a", 400<<10)
	for name, pattern := range map[string]string{
		"a long text behind a star":       "*" + strings.Repeat("a", 15_000) + "b",
		"a long text between stars":       "*" + strings.Repeat("a", 15_000) + "b*",
		"a long text before what is last": "*" + strings.Repeat("a", 15_000) + "?b*",
		"many stars":                      strings.Repeat("*a", 15_000) + "b*",
	} {
		took := most
		for range 5 { // the machine may stand still meanwhile, but not each time
			began := time.Now()
			if glob(pattern, text) {
				t.Errorf("%s: it matched", name)
			}
			if took = time.Since(began); took < most {
				break
			}
		}
		if took >= most {
			t.Errorf("%s: it took %v", name, took)
		}
	}
}

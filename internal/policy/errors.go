// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"strings"
)

// Error says why a document is not a key policy, and what to write instead. It quotes the document, which holds no
// secrets.
type Error struct {
	// Statement is the index of the statement that is wrong, or -1 if the document around the statements is.
	Statement int
	// Sid is that statement's own, where it has one.
	Sid string
	// Element is the JSON element that is wrong; empty if the whole is.
	Element string
	// Problem is a sentence for a person.
	Problem string
}

// Error is the problem and its place, such as `Statement[1] (Sid "Use"): Action: ...`.
func (e *Error) Error() string {
	var place strings.Builder
	if e.Statement >= 0 {
		fmt.Fprintf(&place, "Statement[%d]", e.Statement)
		if e.Sid != "" {
			fmt.Fprintf(&place, " (Sid %q)", e.Sid)
		}
		place.WriteString(": ")
	}
	if e.Element != "" {
		place.WriteString(e.Element + ": ")
	}
	return "reading key policy: " + place.String() + e.Problem
}

// fail is an Error about the element; the statement is filled in by whoever knows it.
func fail(element, format string, args ...any) error {
	return &Error{Statement: -1, Element: element, Problem: fmt.Sprintf(format, args...)}
}

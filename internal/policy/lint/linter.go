// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// everybody is the AWS principal that names everybody.
const everybody = "*"

// Lint returns what there is to say about a document that Parse has read: first about the document as a whole, then in the
// order of its statements, and of a statement the errors first.
func Lint(doc *policy.Document, about About) []Finding {
	if doc == nil {
		return nil
	}
	l := &linter{doc: doc, about: about, operator: operatorOf(about.OperatorARN)}
	if l.about.Partition == "" && about.OperatorARN != "" {
		l.about.Partition = policy.Partition(about.OperatorARN)
	}
	l.lockout()
	for i := range doc.Statements {
		l.statement(i)
	}
	return l.findings
}

// linter looks over one document.
type linter struct {
	doc      *policy.Document
	about    About
	operator operator
	findings []Finding
	at       int // the statement that it is looking at
}

func (l *linter) statement(at int) {
	l.at = at
	first := len(l.findings)
	s := &l.doc.Statements[at]
	l.everybody(s)
	l.strikesOperator(s)
	l.principals("Principal", s.Principal)
	l.principals("NotPrincipal", s.NotPrincipal)
	l.actions(s)
	l.conditions(s)
	l.resources(s)
	l.powers(s)
	slices.SortStableFunc(l.findings[first:], func(a, b Finding) int { return strings.Compare(string(a.Severity), string(b.Severity)) })
}

func (l *linter) find(severity Severity, element, format string, args ...any) {
	l.findings = append(l.findings, Finding{
		Severity: severity, Statement: l.at, Sid: l.doc.Statements[l.at].Sid, Element: element,
		Problem: fmt.Sprintf(format, args...),
	})
}

func (l *linter) err(element, format string, args ...any)  { l.find(Error, element, format, args...) }
func (l *linter) warn(element, format string, args ...any) { l.find(Warning, element, format, args...) }

// mostNamed is how many of several things a finding names.
const mostNamed = 3

// some names the first few of several things.
func some(things []string) string {
	if len(things) <= mostNamed {
		return strings.Join(things, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(things[:mostNamed], ", "), len(things)-mostNamed)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
	"github.com/chatelaine-dev/chatelaine/internal/policy/lint"
)

// lint looks over the statements as they would stand in a key policy. What it finds is told of the rule, not of the
// statement made of it.
func (c *compiler) lint() {
	statements := slices.Concat(c.part.Statements, c.idle)
	if !c.wellFormed(statements) {
		return
	}
	account := policy.AccountARN(c.about.OperatorARN, c.about.AccountID)
	document := policy.BaseDocument(cmp.Or(c.about.OperatorARN, account), c.about.AccountID)
	document.Statements = append(document.Statements, statements...)
	findings := lint.Lint(document, lint.About{
		Spec: c.about.Spec, Usage: c.about.Usage, OperatorARN: c.about.OperatorARN, AccountID: c.about.AccountID,
		NamesServiceAccounts: c.about.NamesServiceAccounts && c.about.OperatorARN != "", // otherwise it is not known yet
	})
	for _, finding := range findings {
		if sid, own := ownSid(c.part.Name, finding.Sid); own {
			c.find(finding.Severity, sid, elementOf(finding.Element), finding.Problem)
		}
	}
	slices.SortStableFunc(c.part.Findings, func(a, b lint.Finding) int { return cmp.Compare(a.Severity, b.Severity) })
}

// wellFormed says whether the reader of policies takes every statement.
func (c *compiler) wellFormed(statements []policy.Statement) bool {
	well := true
	for i := range statements {
		alone := policy.Document{Version: policy.Version2012, Statements: statements[i : i+1]}
		text := alone.String()
		if len(text) > policy.MaxBytes {
			continue // that many bytes are for Merged.TooLarge to tell of
		}
		if _, err := policy.Parse([]byte(text)); err != nil {
			c.malformed(err)
			well = false
		}
	}
	return well
}

// malformed is what the reader of policies says.
func (c *compiler) malformed(err error) {
	wrong, ok := errors.AsType[*policy.Error](err)
	if !ok {
		c.find(lint.Error, "", "", err.Error())
		return
	}
	sid, _ := ownSid(c.part.Name, wrong.Sid)
	c.find(lint.Error, sid, elementOf(wrong.Element), wrong.Problem)
}

// elementOf is a rule's field for the element of a statement that it becomes.
func elementOf(element string) string {
	element, _, _ = strings.Cut(element, " ") // "Principal AWS"
	switch element {
	case "Action":
		return "actions"
	case "Principal":
		return "principals"
	case "Condition":
		return "conditions"
	case "Effect":
		return "effect"
	default:
		return element
	}
}

// Describe is a finding as a person reads it in status: its severity, the field and the problem.
func Describe(finding lint.Finding) string {
	field := "spec"
	if finding.Sid != "" {
		field = fmt.Sprintf("spec.rules[%s]", finding.Sid)
	}
	if finding.Element != "" {
		field += "." + finding.Element
	}
	return fmt.Sprintf("%s: %s: %s", finding.Severity, field, finding.Problem)
}

// selectors notes selectors that cannot be read: the schema takes any operator.
func (c *compiler) selectors(targets []v1alpha1.KeyPolicyTarget) {
	for i := range targets {
		if _, err := selectorOf(&targets[i]); err != nil {
			c.find(lint.Error, "", fmt.Sprintf("targets[%d].selector", i), err.Error())
		}
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policycheck

import (
	"strings"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/policy/compile"
	"github.com/chatelaine-dev/chatelaine/internal/policy/lint"
)

// part is what a KeyPolicy comes to on one Key.
type part struct {
	compile.Part
	of Located[*v1alpha1.KeyPolicy]
}

// parts are those of the KeyPolicies that select the Key.
func (w *World) parts(key *v1alpha1.Key) []part {
	var parts []part
	about := w.home(key).About
	accounts := w.accountsFor(&about)
	for _, object := range sorted(w.policies) {
		if object.Object.Namespace != key.Namespace {
			continue
		}
		selection := compile.Selects(object.Object, key.Name, key.Labels)
		if selection == compile.NotSelected || !object.Object.DeletionTimestamp.IsZero() {
			continue
		}
		about.ByName = selection == compile.ByName
		parts = append(parts, part{Part: compile.Compile(object.Object, about, accounts), of: object})
	}
	return parts
}

// anyPart is what the KeyPolicy comes to on a key of which nothing is known.
func (w *World) anyPart(object Located[*v1alpha1.KeyPolicy]) part {
	about := w.home(nil).About
	return part{Part: compile.Compile(object.Object, about, w.accountsFor(&about)), of: object}
}

// merge puts parts together.
func merge(about compile.About, parts []part) compile.Merged {
	plain := make([]compile.Part, 0, len(parts))
	for i := range parts {
		plain = append(plain, parts[i].Part)
	}
	return compile.Merge(about, plain, nil)
}

// findings are what is to be said about a part, without the Key.
func (w *World) findingsOf(p *part) []Finding {
	findings := make([]Finding, 0, len(p.Findings)+len(p.Unresolved))
	at := place(p.of.From, p.of.Object)
	for _, found := range p.Findings {
		field, message := described(found)
		findings = append(findings, Finding{Place: at, Severity: found.Severity, Field: field, Message: message})
	}
	for _, unresolved := range p.Unresolved {
		problem := unresolved.Problem
		if _, exists := w.account(unresolved.Namespace, unresolved.Name); !exists && w.Lookup == nil {
			problem = "is not among the manifests: add it, or correct the name"
		}
		message := "ServiceAccount " + unresolved.Namespace + "/" + unresolved.Name + " " + problem + "; rules do without it"
		findings = append(findings, Finding{Place: at, Severity: lint.Warning, Message: message})
	}
	return findings
}

// described is a finding as the status of a KeyPolicy has it, taken apart.
func described(found lint.Finding) (field, message string) {
	_, rest, _ := strings.Cut(compile.Describe(found), ": ")
	field, message, _ = strings.Cut(rest, ": ")
	return field, message
}

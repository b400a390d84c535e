// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policycheck

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
	"github.com/chatelaine-dev/chatelaine/internal/policy/lint"
)

// Report is what is wrong with policies.
type Report struct {
	// Policies is the number of KeyPolicies and policy documents looked at.
	Policies int `json:"policies"`
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
	// Findings in the order of what they are about.
	Findings []Finding `json:"findings"`
	// Checked are the KeyPolicies and documents that could be read, those with findings included.
	Checked []Checked `json:"checked"`
	// Notes say what the answer rests on.
	Notes []string `json:"notes,omitempty"`
}

// Checked is a KeyPolicy or document that was looked at.
type Checked struct {
	Place
	// Keys are those that the KeyPolicy selects. None: it was looked at as for any key.
	Keys []string `json:"keys,omitempty"`
}

// String is the line for what has no findings.
func (c Checked) String() string {
	switch {
	case len(c.Keys) > 0:
		return c.Place.String() + ": ok on Key " + strings.Join(c.Keys, ", ")
	case c.Kind == kindKeyPolicy:
		return c.Place.String() + ": ok for any key; it selects no Key that there is"
	default:
		return c.Place.String() + ": ok"
	}
}

// Lint says what is wrong with the KeyPolicies and the documents, and what was wrong with what was read.
func (w *World) Lint() *Report {
	report := &Report{Findings: []Finding{}, Checked: []Checked{}}
	for _, found := range w.findings {
		report.add(found)
	}
	onKeys, names := w.perKey(report)
	for _, object := range sorted(w.policies) {
		if w.Context && object.From == "" {
			continue
		}
		at := place(object.From, object.Object)
		report.Policies++
		report.Checked = append(report.Checked, Checked{Place: at, Keys: names[object.Object]})
		findings := onKeys[object.Object]
		if len(names[object.Object]) == 0 {
			onAny := w.anyPart(object)
			findings = w.findingsOf(&onAny)
		}
		for _, found := range findings {
			report.add(found)
		}
	}
	for i := range w.documents {
		report.document(&w.documents[i], w.documentAbout())
	}
	report.Policies += w.refusedPolicies()
	report.Notes = w.notes()
	return report
}

// refusedPolicies is the number of KeyPolicies with which more is wrong than that they can be read.
func (w *World) refusedPolicies() int {
	refused := map[Place]bool{}
	for _, found := range w.findings {
		if found.Kind == kindKeyPolicy {
			refused[found.Place] = true
		}
	}
	return len(refused)
}

// perKey finds what is wrong on each Key, by KeyPolicy, and the Keys that each selects.
func (w *World) perKey(report *Report) (findings map[*v1alpha1.KeyPolicy][]Finding, names map[*v1alpha1.KeyPolicy][]string) {
	findings, names = map[*v1alpha1.KeyPolicy][]Finding{}, map[*v1alpha1.KeyPolicy][]string{}
	for _, key := range sorted(w.keys) {
		parts := w.parts(key.Object)
		concerned := !w.Context || key.From != ""
		for i := range parts {
			object := parts[i].of.Object
			concerned = concerned || parts[i].of.From != ""
			names[object] = append(names[object], key.Object.Name)
			for _, found := range w.findingsOf(&parts[i]) {
				findings[object] = gather(findings[object], found, key.Object.Name)
			}
		}
		merged := merge(w.home(key.Object).About, parts)
		if problem, tooLarge := merged.TooLarge(); tooLarge && concerned {
			report.add(refuse(key.From, key.Object, "", problem))
		}
	}
	for object, found := range findings {
		for i := range found {
			if len(found[i].Keys) == len(names[object]) {
				found[i].Keys = nil
			}
		}
	}
	return findings, names
}

// gather adds a finding on a Key to those on others.
func gather(all []Finding, found Finding, key string) []Finding {
	for i := range all {
		if all[i].Severity == found.Severity && all[i].Field == found.Field && all[i].Message == found.Message {
			if !slices.Contains(all[i].Keys, key) {
				all[i].Keys = append(all[i].Keys, key)
			}
			return all
		}
	}
	found.Keys = []string{key}
	return append(all, found)
}

func (r *Report) add(found Finding) {
	r.Findings = append(r.Findings, found)
	if found.Severity == lint.Error {
		r.Errors++
	} else {
		r.Warnings++
	}
}

// documentAbout is what is known of the key that a document by itself is for: what the settings say, and no more.
func (w *World) documentAbout() lint.About {
	about := lint.About{OperatorARN: w.Settings.OperatorARN, AccountID: w.Settings.AccountID}
	if about.AccountID == "" {
		about.AccountID = accountIn(about.OperatorARN)
	}
	return about
}

func (r *Report) document(document *Document, about lint.About) {
	at := Place{Source: document.From, Kind: kindDocument}
	r.Policies++
	if document.Problem != nil {
		field, message := locate(document.Problem)
		r.add(Finding{Place: at, Severity: lint.Error, Field: field, Message: message})
		return
	}
	r.Checked = append(r.Checked, Checked{Place: at})
	for _, found := range lint.Lint(document.Policy, about) {
		field, message := locate(&policy.Error{
			Statement: found.Statement, Sid: found.Sid, Element: found.Element, Problem: found.Problem,
		})
		r.add(Finding{Place: at, Severity: found.Severity, Field: field, Message: message})
	}
}

// locate takes the place in a document apart from what is wrong there.
func locate(wrong *policy.Error) (field, message string) {
	if wrong.Statement >= 0 {
		field = fmt.Sprintf("Statement[%d]", wrong.Statement)
		if wrong.Sid != "" {
			field += fmt.Sprintf(" (Sid %q)", wrong.Sid)
		}
	}
	if wrong.Element != "" {
		field = strings.TrimPrefix(field+": "+wrong.Element, ": ")
	}
	return field, wrong.Problem
}

// notes say what the answer rests on that nobody said.
func (w *World) notes() []string {
	var notes []string
	if w.assumed {
		notes = append(notes, "every ServiceAccount is taken to exist: no manifest of one was given")
	}
	if w.unknownHome() {
		about := w.home(nil)
		backend := "the software backend"
		if !about.NamesServiceAccounts {
			backend = "AWS"
		}
		notes = append(notes, fmt.Sprintf("keys whose KMSBackend is not known are taken to live on %s, in account %s, with the operator %s",
			backend, about.AccountID, about.OperatorARN))
	}
	return notes
}

// unknownHome says whether something was answered without the KMSBackend of a key.
func (w *World) unknownHome() bool {
	without := func(key Located[*v1alpha1.Key]) bool { return w.backendOf(key.Object) == nil }
	return len(w.policies) > 0 && (len(w.keys) == 0 || slices.ContainsFunc(w.keys, without))
}

// Ignored says which kinds of a file nothing was said about, a line a file, sorted.
func (w *World) Ignored() []string {
	lines := make([]string, 0, len(w.ignored))
	for file, kinds := range w.ignored {
		lines = append(lines, file+": ignored: "+strings.Join(slices.Sorted(slices.Values(kinds)), ", "))
	}
	slices.Sort(lines)
	return lines
}

// Unreadable is an error that names everything that was wrong with what was read; nil if all could be read.
func (w *World) Unreadable() error {
	var all []error
	for _, found := range w.findings {
		all = append(all, errors.New(found.String()))
	}
	for i := range w.documents {
		if document := &w.documents[i]; document.Problem != nil {
			all = append(all, fmt.Errorf("%s: %w", document.From, document.Problem))
		}
	}
	return errors.Join(all...)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policycheck

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
	"github.com/chatelaine-dev/chatelaine/internal/policy/vocabulary"
)

// Question is whether somebody may do something with a key.
type Question struct {
	// Principal in one of the forms of Wanted.
	Principal string
	// Action of AWS KMS, such as kms:Decrypt or Decrypt.
	Action string
	// Key is the name of a Key, in Settings.Namespace, or namespace/name; for a policy document it is the ARN of a key, or
	// empty.
	Key string
	// Context is what is known of the request, by condition key. What the endpoint knows of every request is added.
	Context map[string][]string
	// Now is the time of the request.
	Now time.Time
}

// The decisions.
const (
	Allowed = "allowed"
	Denied  = "denied"
)

// Answer says whether, and why.
type Answer struct {
	// Decision is allowed or denied. What the key policy leaves to IAM policies, which are not looked at, is denied.
	Decision string `json:"decision"`
	// Verdict is that of the key policy alone: AllowedDirectly, AllowedToAccount, ExplicitDeny or ImplicitDeny.
	Verdict string `json:"verdict"`
	// Reason is for a person.
	Reason string `json:"reason"`
	// Statement is the one that gave the verdict; none for an ImplicitDeny.
	Statement *Statement `json:"statement,omitempty"`
	Principal string     `json:"principal"`
	Action    string     `json:"action"`
	// Key as it was found, and the ARN by which it was asked for, which is made up as far as it is not known.
	Key    string `json:"key,omitempty"`
	KeyARN string `json:"keyARN"`
	// Statements are those that concern the principal, in the order of the key policy.
	Statements []Explained `json:"statements"`
	// Hash is that of the key policy, as in a Key's status.policy.hash; empty for a policy document.
	Hash string `json:"policyHash,omitempty"`
	// InForce is set for a Key of the cluster.
	InForce *InForce `json:"inForce,omitempty"`
	Notes   []string `json:"notes,omitempty"`
	// Policy is the key policy that was asked.
	Policy *policy.Document `json:"-"`
}

// subject is the key policy that is asked.
type subject struct {
	home     home
	key      *v1alpha1.Key
	document *policy.Document
	parts    []part
	// name is how the key is called; empty for a policy document.
	name  string
	hash  string
	notes []string
}

// Simulate decides on a request as the endpoint would. An error says why it cannot be answered.
func (w *World) Simulate(question *Question) (*Answer, error) {
	action, err := actionOf(question.Action)
	if err != nil {
		return nil, err
	}
	s, err := w.subject(question.Key)
	if err != nil {
		return nil, err
	}
	who, err := w.caller(question.Principal, &s.home)
	if err != nil {
		return nil, err
	}
	request := policy.Request{
		Principal: who.Principal, Action: action.Name, Resource: s.home.keyARN,
		Context: question.context(&s.home, s.key, &who),
	}
	decision := policy.Evaluate(s.document, request)
	answer := &Answer{
		Decision: Denied, Verdict: decision.Verdict.String(), Principal: who.String(), Action: action.Name,
		Key: s.name, KeyARN: s.home.keyARN, Hash: s.hash, Policy: s.document, Statements: s.explain(&request),
	}
	if decision.Statement >= 0 {
		answer.Statement = s.statement(decision.Statement)
	}
	allowed, reason := s.decide(decision, &who)
	if allowed {
		answer.Decision = Allowed
	}
	answer.Reason = reason
	answer.InForce = s.inForce()
	answer.Notes = s.notesOn(action, !allowed && decision.Verdict != policy.ExplicitDeny)
	answer.Notes = append(answer.Notes, w.notes()...)
	return answer, nil
}

// actionOf is the action that a person names, if a key policy can decide on it.
func actionOf(text string) (vocabulary.Action, error) {
	name := text
	if !strings.Contains(name, ":") {
		name = "kms:" + name
	}
	action, known := vocabulary.Lookup(name)
	switch {
	case strings.ContainsAny(text, "*?"):
		return action, fmt.Errorf("%q has a wildcard: ask for one action at a time, such as kms:Decrypt", text)
	case !known:
		return action, fmt.Errorf("%q is no action of AWS KMS: write one such as kms:Decrypt", text)
	case action.Scope == vocabulary.ScopeAccount:
		return action, fmt.Errorf("%s is about no single key, so no key policy decides on it", action.Name)
	case action.Scope == vocabulary.ScopeGrant:
		return action, fmt.Errorf("%s is decided on by the grant, not by the key policy", action.Name)
	case action.Scope == vocabulary.ScopeService:
		return action, fmt.Errorf("%s is what AWS KMS itself does, nobody else", action.Name)
	default:
		return action, nil
	}
}

// subject finds the key policy to ask.
func (w *World) subject(key string) (*subject, error) {
	if len(w.documents) > 0 {
		return w.documentSubject(key)
	}
	if key == "" {
		return nil, errors.New("say which key: --key NAME or NAMESPACE/NAME")
	}
	namespace, name, ok := strings.Cut(key, "/")
	if !ok {
		namespace, name = w.Settings.Namespace, key
	}
	object, found := w.Key(namespace, name)
	switch {
	case !found && len(w.keys) == 0:
		return nil, fmt.Errorf("there is no Key %s/%s, nor any other: its manifest is needed as well, since it says what the key is for", namespace, name)
	case !found:
		return nil, fmt.Errorf("there is no Key %s/%s; there are %s", namespace, name, strings.Join(w.KeyNames(), ", "))
	}
	s := &subject{home: w.home(object), key: object, name: "Key " + namespace + "/" + name, parts: w.parts(object)}
	merged := merge(s.home.About, s.parts)
	s.document, s.hash = merged.Document, merged.Hash
	if problem, tooLarge := merged.TooLarge(); tooLarge {
		s.notes = append(s.notes, problem)
	}
	for i := range s.parts {
		s.noteOn(&s.parts[i])
	}
	return s, nil
}

// noteOn says what of a KeyPolicy is not in the key policy.
func (s *subject) noteOn(p *part) {
	if p.Refused() {
		s.notes = append(s.notes, fmt.Sprintf("KeyPolicy %s has errors and is left out; chatelaine policy lint tells them", p.Name))
	}
	for _, unresolved := range p.Unresolved {
		s.notes = append(s.notes, "KeyPolicy "+p.Name+": "+unresolved.String())
	}
}

func (w *World) documentSubject(arn string) (*subject, error) {
	if len(w.documents) > 1 || w.HasKeyPolicies() {
		return nil, errors.New("a policy document is asked by itself: give one, and no KeyPolicies beside it")
	}
	if w.documents[0].Problem != nil {
		return nil, fmt.Errorf("%s: %w", w.documents[0].From, w.documents[0].Problem)
	}
	s := &subject{home: w.home(nil), document: w.documents[0].Policy}
	if arn == "" {
		return s, nil
	}
	region, account, ok := splitKeyARN(arn)
	if !ok {
		return nil, fmt.Errorf("%q is not the ARN of a key, which is what a policy document is for: write arn:aws:kms:REGION:ACCOUNT:key/ID, or leave --key out", arn)
	}
	s.home.keyARN, s.home.region, s.home.AccountID = arn, region, account
	return s, nil
}

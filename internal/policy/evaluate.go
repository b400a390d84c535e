// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"
	"strings"
)

// Request is one use of a key that somebody asks for.
type Request struct {
	Principal Principal
	// Action is the whole name, such as kms:Decrypt.
	Action string
	// Resource is the ARN of the key that the policy is attached to.
	Resource string
	// Context holds what conditions may ask for, by key (kms:ViaService, kms:EncryptionContext:tenant, aws:SourceIp). The
	// case of the names does not matter; names that differ by case alone are one key with the values of both. Evaluate
	// adds nothing to it: aws:PrincipalArn, for one, must be here if a condition is to see it.
	Context map[string][]string
}

// Verdict is the outcome of an evaluation. The zero value refuses.
type Verdict int

// The verdicts. AllowedToAccount allows nothing by itself; see the package's comment.
const (
	ImplicitDeny Verdict = iota
	ExplicitDeny
	AllowedToAccount
	AllowedDirectly
)

// String is the verdict's name.
func (v Verdict) String() string {
	switch v {
	case ExplicitDeny:
		return "ExplicitDeny"
	case AllowedToAccount:
		return "AllowedToAccount"
	case AllowedDirectly:
		return "AllowedDirectly"
	default:
		return "ImplicitDeny"
	}
}

// Decision is a verdict and how it came about.
type Decision struct {
	Verdict Verdict
	// Statement is the index of the first statement that gave the verdict, and Sid its Sid. An ImplicitDeny, which no
	// statement gives, has -1.
	Statement int
	Sid       string
}

// Part is the part of a statement that did not fit a request.
type Part string

// The parts, in the order in which they are looked at.
const (
	PartPrincipal Part = "Principal"
	PartAction    Part = "Action"
	PartResource  Part = "Resource"
	PartCondition Part = "Condition"
)

// Diagnosis says whether a statement applied to a request.
type Diagnosis struct {
	Sid    string
	Effect Effect
	// Applied: every part fitted.
	Applied bool
	// ThroughAccount: the statement names the caller's account, not the caller.
	ThroughAccount bool
	// Failed is the first part that did not fit; empty if the statement applied.
	Failed Part
	// Condition is the first condition that did not hold, where Failed is PartCondition, and KeyMissing says that the
	// request does not have its key.
	Condition  Condition
	KeyMissing bool
}

// Evaluate decides on a request by the document alone: explicit Deny, then Allow, then the default, which is to refuse. A
// nil document allows nothing. A document that Parse would refuse is evaluated to the caller's disadvantage: a condition
// with an unknown operator keeps an Allow from applying, and no Deny.
func Evaluate(doc *Document, request Request) Decision {
	decision := Decision{Statement: -1}
	if doc == nil {
		return decision
	}
	for i := range doc.Statements {
		diagnosis := diagnose(&doc.Statements[i], &request)
		if verdict := diagnosis.verdict(); verdict.outranks(decision.Verdict) {
			decision.Verdict, decision.Statement, decision.Sid = verdict, i, diagnosis.Sid
		}
	}
	return decision
}

// Explain says how Evaluate comes to its decision: it has one entry for each statement, in the document's order. It is apart
// because nobody asks while requests are allowed.
func Explain(doc *Document, request Request) []Diagnosis {
	if doc == nil {
		return nil
	}
	diagnoses := make([]Diagnosis, len(doc.Statements))
	for i := range doc.Statements {
		diagnoses[i] = diagnose(&doc.Statements[i], &request)
	}
	return diagnoses
}

// outranks says which of two statements' verdicts has the last word.
func (v Verdict) outranks(other Verdict) bool { return v.rank() > other.rank() }

func (v Verdict) rank() int {
	switch v {
	case ExplicitDeny:
		return 3
	case AllowedDirectly:
		return 2
	case AllowedToAccount:
		return 1
	default:
		return 0
	}
}

func (d *Diagnosis) verdict() Verdict {
	switch {
	case !d.Applied:
		return ImplicitDeny
	case d.Effect != Allow:
		return ExplicitDeny
	case d.ThroughAccount:
		return AllowedToAccount
	default:
		return AllowedDirectly
	}
}

func diagnose(s *Statement, request *Request) Diagnosis {
	d := Diagnosis{Sid: s.Sid, Effect: s.Effect}
	named := s.reaches(request.Principal)
	d.ThroughAccount = named == throughAccount
	switch {
	case named == unnamed:
		d.Failed = PartPrincipal
	case !s.Covers(request.Action):
		d.Failed = PartAction
	case !s.concerns(request.Resource):
		d.Failed = PartResource
	default:
		d.conditions(s, request)
	}
	return d
}

func (s *Statement) reaches(caller Principal) reach {
	if s.NotPrincipal.empty() {
		return s.Principal.names(caller)
	}
	if s.Effect == Allow || s.NotPrincipal.spares(caller) {
		return unnamed
	}
	return byName
}

// Covers says whether the statement is about the action, whose name is whole.
func (s *Statement) Covers(action string) bool {
	if len(s.NotAction) > 0 {
		return !matchesAction(s.NotAction, action)
	}
	return matchesAction(s.Action, action)
}

func matchesAction(patterns []string, action string) bool {
	for _, pattern := range patterns {
		if globAction(pattern, action) {
			return true
		}
	}
	return false
}

func (s *Statement) concerns(resource string) bool {
	for _, pattern := range s.Resource {
		if globResource(pattern, resource) {
			return true
		}
	}
	return false
}

func (d *Diagnosis) conditions(s *Statement, request *Request) {
	for _, condition := range s.Conditions {
		values := lookUp(request.Context, condition.Key)
		operator, known := parseOperator(condition.Operator)
		if !known && s.Effect != Allow || known && operator.holds(condition.Values, values) {
			continue
		}
		d.Failed, d.Condition, d.KeyMissing = PartCondition, condition, len(values) == 0
		return
	}
	d.Applied = true
}

// lookUp is the key's values. They are not copied in the ordinary case of one name, so they must not be changed.
func lookUp(context map[string][]string, key string) []string {
	var found []string
	for name, values := range context {
		switch {
		case !strings.EqualFold(name, key):
		case found == nil:
			found = slices.Clip(values)
		default:
			found = append(found, values...)
		}
	}
	return found
}

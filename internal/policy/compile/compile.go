// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"slices"
	"strings"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
	"github.com/chatelaine-dev/chatelaine/internal/policy/lint"
)

// About is the key that a policy is for.
type About struct {
	// Spec and Usage are the key's. Empty where it is not known yet: permissions then stand for what they may stand for on
	// any key, and nothing is said about actions that a key cannot perform.
	Spec  keyspec.Spec
	Usage keyspec.Usage
	// OperatorARN is the operator's principal where the key lives; its partition is that of every ARN made. Empty where it
	// is not known yet.
	OperatorARN string
	// AccountID is the key's, 12 digits.
	AccountID string
	// NamesServiceAccounts says that a ServiceAccount is a principal by itself, as role/NAMESPACE/NAME in the key's account,
	// as on the software backend. Otherwise it is one by its annotation eks.amazonaws.com/role-arn.
	NamesServiceAccounts bool
	// ByName says that the KeyPolicy names the key. A rule that can do nothing on it then is a mistake; where a selector
	// picked the key among others, it deserves a warning.
	ByName bool
}

// ServiceAccount is what is known of one.
type ServiceAccount struct {
	// RoleARN is its annotation eks.amazonaws.com/role-arn.
	RoleARN string
}

// ServiceAccounts looks one up; false if it does not exist.
type ServiceAccounts func(namespace, name string) (ServiceAccount, bool)

// Part is what one KeyPolicy declares for one key.
type Part struct {
	// Name of the KeyPolicy.
	Name string
	// Statements in the order of their Sids. They are those of the rules that name somebody; none if the part is refused.
	Statements []policy.Statement
	// Findings are what is to be said about the rules, in their order; Sid is the rule's.
	Findings []lint.Finding
	// Unresolved are the principals that had to be left out, each once, sorted.
	Unresolved []Unresolved
	// Keep has Merge keep what is in force of the KeyPolicy, as if the part were refused.
	Keep bool
}

// Unresolved is a ServiceAccount that cannot be a principal.
type Unresolved struct {
	Namespace, Name string
	// Problem says why, and the way out.
	Problem string
}

func (u Unresolved) String() string {
	return "ServiceAccount " + u.Namespace + "/" + u.Name + " " + u.Problem
}

// Refused says whether the part has a mistake for which it is not to be applied.
func (p *Part) Refused() bool {
	return slices.ContainsFunc(p.Findings, func(f lint.Finding) bool { return f.Severity == lint.Error })
}

// Hash is that of the part's statements.
func (p *Part) Hash() string { return Hash(&policy.Document{Statements: p.Statements}) }

// Size is the part's share of the document, in bytes.
func (p *Part) Size() int {
	document := policy.Document{Statements: p.Statements}
	return len(document.String())
}

// Compile makes the part of one KeyPolicy for a key.
func Compile(object *v1alpha1.KeyPolicy, about About, accounts ServiceAccounts) Part {
	c := compiler{part: Part{Name: object.Name}, namespace: object.Namespace, about: about, accounts: accounts}
	c.selectors(object.Spec.Targets)
	for i := range object.Spec.Rules {
		c.rule(&object.Spec.Rules[i])
	}
	slices.SortFunc(c.part.Statements, func(a, b policy.Statement) int { return strings.Compare(a.Sid, b.Sid) })
	slices.SortFunc(c.part.Unresolved, func(a, b Unresolved) int { return strings.Compare(a.String(), b.String()) })
	c.part.Unresolved = slices.Compact(c.part.Unresolved)
	c.lint()
	if c.part.Refused() {
		c.part.Statements = nil
	}
	return c.part
}

// compiler is at work on one part.
type compiler struct {
	part      Part
	namespace string
	about     About
	accounts  ServiceAccounts
	// idle are the statements of rules that are left out for want of principals, with one that stands for them: a mistake is to
	// be known before the principals are there.
	idle []policy.Statement
}

func (c *compiler) find(severity lint.Severity, sid, element, problem string) {
	c.part.Findings = append(c.part.Findings, lint.Finding{
		Severity: severity, Statement: -1, Sid: sid, Element: element, Problem: problem,
	})
}

// rule makes the statement of a rule, unless nobody is left whom it names or nothing is left that it is about.
func (c *compiler) rule(rule *v1alpha1.KeyPolicyRule) {
	statement := policy.Statement{
		Sid: sidOf(c.part.Name, rule.Sid), Effect: policy.Effect(rule.Effect), Resource: []string{"*"},
		Principal: c.principals(rule), Action: c.actions(rule), Conditions: conditionsOf(rule),
	}
	if statement.Effect == "" {
		statement.Effect = policy.Allow
	}
	named := len(statement.Principal.AWS)+len(statement.Principal.Service) > 0
	switch {
	case len(statement.Action) == 0:
	case named:
		c.part.Statements = append(c.part.Statements, statement)
	default:
		statement.Principal.AWS = []string{ServiceAccountARN(c.about.OperatorARN, c.about.AccountID, c.namespace, "somebody")}
		c.idle = append(c.idle, statement)
	}
}

func conditionsOf(rule *v1alpha1.KeyPolicyRule) []policy.Condition {
	conditions := make([]policy.Condition, 0, len(rule.Conditions))
	for _, condition := range rule.Conditions {
		conditions = append(conditions, policy.Condition{
			Operator: condition.Operator, Key: condition.Key, Values: slices.Clone(condition.Values),
		})
	}
	return conditions
}

// sidOf names a rule's statement. A KeyPolicy's name has no spaces and a rule's sid neither, so the last word is the sid
// and what precedes it the name, whose dots are written as spaces, since not every text is a Sid.
func sidOf(name, sid string) string { return sidPrefix(name) + sid }

func sidPrefix(name string) string { return strings.ReplaceAll(name, ".", " ") + " " }

// ownSid is the rule's sid in a statement's Sid; false if the statement is not the KeyPolicy's.
func ownSid(name, statementSid string) (string, bool) {
	sid, ok := strings.CutPrefix(statementSid, sidPrefix(name))
	return sid, ok && sid != "" && !strings.Contains(sid, " ")
}

// AnyKey stands for a key of which nothing is known. Its part is good for its findings only.
func AnyKey() About { return About{AccountID: UnknownAccount, NamesServiceAccounts: true} }

// UnknownAccount stands for the account of a key where nobody knows it. No account has this number.
const UnknownAccount = "000000000000"

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"path"
	"slices"
	"strings"

	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

const putKeyPolicy = "kms:PutKeyPolicy"

// operator is the operator's principal; the zero value is an unknown one.
type operator struct {
	policy.Principal
}

// operatorOf is the operator with this ARN. That of a session stands for its role.
func operatorOf(arn string) operator {
	principal, err := policy.NewPrincipal(arn)
	if err != nil {
		return operator{policy.Principal{ARN: arn}}
	}
	principal.SessionARN = ""
	return operator{principal}
}

func (o operator) known() bool { return o.ARN != "" }

func (o operator) isRole() bool { return strings.Contains(o.ARN, ":role/") }

// mayBe says whether an AWS principal can name the operator. A role's sessions can have any name, and their ARNs leave out the role's
// path.
func (o operator) mayBe(principal string) bool {
	if principal == everybody || principal == o.ARN {
		return true
	}
	if account := policy.WholeAccount(principal); account != "" {
		return account == o.AccountID()
	}
	named, err := policy.NewPrincipal(principal)
	return err == nil && named.SessionARN != "" && o.isRole() &&
		named.AccountID() == o.AccountID() && path.Base(named.ARN) == path.Base(o.ARN)
}

// isSpared says whether a NotPrincipal certainly leaves the operator alone. It does not leave a role alone, of which it would have to
// list every session.
func (o operator) isSpared(by policy.Principals) bool {
	listed := map[string]bool{}
	for _, entry := range by.AWS {
		listed[entry] = true
		if account := policy.WholeAccount(entry); account != "" {
			listed[account] = true
		}
	}
	return listed[everybody] || !o.isRole() && listed[o.ARN] && listed[o.AccountID()]
}

// decides says what a condition certainly does with a request of the operator's: it holds, or it does not; neither if that
// depends on more than who calls.
func (o operator) decides(condition policy.Condition) (holds, certain bool) {
	value := ""
	switch {
	case strings.EqualFold(condition.Key, "aws:PrincipalArn"):
		value = o.ARN
	case strings.EqualFold(condition.Key, "aws:PrincipalAccount"), strings.EqualFold(condition.Key, "kms:CallerAccount"):
		value = o.AccountID()
	}
	if _, known := policy.ParseOperator(condition.Operator); !known || value == "" {
		return false, false
	}
	return condition.Holds(value), true
}

// canBeStruck says whether a Deny can concern the operator.
func (o operator) canBeStruck(s *policy.Statement) bool {
	for _, condition := range s.Conditions {
		if holds, certain := o.decides(condition); certain && !holds {
			return false
		}
	}
	if names := s.NotPrincipal; len(names.AWS)+len(names.Service)+len(names.Federated) > 0 {
		return !o.isSpared(names)
	}
	// An identity provider can stand behind the operator's session.
	return len(s.Principal.Federated) > 0 || slices.ContainsFunc(s.Principal.AWS, o.mayBe)
}

// strikesOperator looks for a Deny that takes from the operator what policy.Base gives him.
func (l *linter) strikesOperator(s *policy.Statement) {
	if s.Effect == policy.Allow || !l.operator.known() || !l.operator.canBeStruck(s) {
		return
	}
	var denied []string
	for _, action := range policy.Administration() {
		if s.Covers(action) {
			denied = append(denied, action)
		}
	}
	if len(denied) == 0 {
		return
	}
	element, way := "Principal", "name others, leave these actions out, or add the condition ArnNotEquals aws:PrincipalArn with its ARN"
	if len(s.Principal.AWS)+len(s.Principal.Service)+len(s.Principal.Federated) == 0 {
		element, way = "NotPrincipal", `write Principal "*" with the condition ArnNotEquals aws:PrincipalArn instead, with its ARN among the values`
	}
	l.err(element, "can deny the operator (%s) what it administers the key by (%s): %s", l.operator.ARN, some(denied), way)
}

// reach is how far a document lets somebody do something.
type reach int

const (
	not reach = iota
	throughAccount
	directly
)

// lockout looks for documents after which nobody, or not the operator, can replace the key policy.
func (l *linter) lockout() {
	found := not
	for i := range l.doc.Statements {
		found = max(found, l.letsReplace(&l.doc.Statements[i]))
	}
	operator := "the operator (" + l.operator.ARN + ")"
	switch {
	case !l.operator.known() && (found == not || l.nobodyMayReplace()):
		l.whole(Error, "nobody could change the key policy any more: allow "+putKeyPolicy+" to a role, a user or the key's account")
	case l.operator.known() && found == throughAccount && !l.about.NamesServiceAccounts:
		l.whole(Warning, "whether "+operator+" may "+putKeyPolicy+" is left to the IAM policies of its account: allow it to its ARN")
	case l.operator.known() && found != directly:
		l.whole(Error, operator+" would be locked out: no statement allows "+putKeyPolicy+" to its ARN without a condition; add one")
	}
}

// whole notes something about the document as a whole.
func (l *linter) whole(severity Severity, problem string) {
	l.findings = append(l.findings, Finding{Severity: severity, Statement: -1, Problem: problem})
}

// letsReplace says how the statement lets the operator replace the key policy, or anybody who could if the operator is not
// known.
func (l *linter) letsReplace(s *policy.Statement) reach {
	if s.Effect != policy.Allow || !s.Covers(putKeyPolicy) || !l.concernsKey(s) {
		return not
	}
	if !l.operator.known() {
		return l.letsSomebody(s)
	}
	for _, condition := range s.Conditions {
		if holds, certain := l.operator.decides(condition); !certain || !holds {
			return not
		}
	}
	found := not
	for _, principal := range s.Principal.AWS {
		switch {
		case principal == everybody, principal == l.operator.ARN:
			return directly
		case policy.WholeAccount(principal) == l.operator.AccountID():
			found = throughAccount
		}
	}
	return found
}

// letsSomebody says whether the statement names anybody in the key's account: AWS lets nobody else replace a key policy.
func (l *linter) letsSomebody(s *policy.Statement) reach {
	for _, principal := range s.Principal.AWS {
		account := accountOf(principal)
		if principal == everybody || account != "" && (l.about.AccountID == "" || account == l.about.AccountID) {
			return directly
		}
	}
	return not
}

// accountOf is the account of an AWS principal; empty for everybody and for unique IDs.
func accountOf(principal string) string {
	if account := policy.WholeAccount(principal); account != "" {
		return account
	}
	named, err := policy.NewPrincipal(principal)
	if err != nil {
		return ""
	}
	return named.AccountID()
}

// nobodyMayReplace says that a Deny forbids everybody to replace the key policy.
func (l *linter) nobodyMayReplace() bool {
	for i := range l.doc.Statements {
		s := &l.doc.Statements[i]
		if s.Effect != policy.Allow && s.Covers(putKeyPolicy) && len(s.Conditions) == 0 && slices.Contains(s.Principal.AWS, everybody) {
			return true
		}
	}
	return false
}

// concernsKey says that the statement is certainly about the key, of whose ARN the account and the partition may be known.
func (l *linter) concernsKey(s *policy.Statement) bool {
	probe := &policy.Document{Version: policy.Version2012, Statements: []policy.Statement{{
		Effect: policy.Allow, Principal: policy.Principals{AWS: []string{everybody}}, Action: []string{"*"}, Resource: s.Resource,
	}}}
	unknown := func(s, otherwise string) string {
		if s == "" {
			return otherwise
		}
		return s
	}
	key := "arn:" + unknown(l.about.Partition, "any") + ":kms:any:" + unknown(l.about.AccountID, "any") + ":key/any"
	return policy.Evaluate(probe, policy.Request{Action: putKeyPolicy, Resource: key}).Verdict == policy.AllowedDirectly
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policycheck

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
	"github.com/chatelaine-dev/chatelaine/internal/policy/vocabulary"
)

// Statement names a statement of a key policy.
type Statement struct {
	// Index in the key policy, from 0.
	Index int `json:"index"`
	// Sid is the statement's own.
	Sid string `json:"sid,omitempty"`
	// KeyPolicy and Rule are those that the statement is made of; empty for the base statement and in a policy document.
	KeyPolicy string `json:"keyPolicy,omitempty"`
	Rule      string `json:"rule,omitempty"`
}

// String is the statement as a person finds it.
func (s *Statement) String() string {
	switch {
	case s.KeyPolicy != "":
		return "rule " + s.Rule + " of KeyPolicy " + s.KeyPolicy
	case s.Sid == policy.BaseSid:
		return "the base statement"
	case s.Sid != "":
		return fmt.Sprintf("Statement[%d] (Sid %q)", s.Index, s.Sid)
	default:
		return fmt.Sprintf("Statement[%d]", s.Index)
	}
}

// Explained is a statement that concerns the principal, and what it says to the request.
type Explained struct {
	Statement
	Effect policy.Effect `json:"effect"`
	// Applied says that it counts for this request; otherwise Failed is the first part of it that does not fit.
	Applied bool        `json:"applied"`
	Failed  policy.Part `json:"failed,omitempty"`
	// Explanation is for a person.
	Explanation string `json:"explanation"`
}

// InForce says whether the key policy is the one that the key has.
type InForce struct {
	// Same says so.
	Same bool `json:"same"`
	// Hash is that of the one that the operator put last; empty if it put none.
	Hash string `json:"hash,omitempty"`
	// Message is for a person.
	Message string `json:"message"`
}

func (s *subject) statement(index int) *Statement {
	found := &Statement{Index: index, Sid: s.document.Statements[index].Sid}
	for i := range s.parts {
		for _, statement := range s.parts[i].Statements {
			if statement.Sid == found.Sid {
				found.KeyPolicy, found.Rule = s.parts[i].Name, found.Sid[strings.LastIndexByte(found.Sid, ' ')+1:]
			}
		}
	}
	return found
}

// decide is what a decision by the key policy comes to where the key lives.
func (s *subject) decide(decision policy.Decision, who *caller) (allowed bool, reason string) {
	by := ""
	if decision.Statement >= 0 {
		by = s.statement(decision.Statement).String()
	}
	software, account := s.home.NamesServiceAccounts, s.home.AccountID
	foreign := who.Service == "" && who.AccountID() != account
	switch {
	case decision.Verdict == policy.ExplicitDeny:
		return false, by + " denies it, whatever allows it"
	case decision.Verdict == policy.AllowedDirectly && foreign && !software:
		return false, by + " allows it, but the principal is of another account, whose IAM policies have to allow it as well; " +
			"they are not looked at here"
	case decision.Verdict == policy.AllowedDirectly:
		return true, by + " allows it"
	case software && who.isRootOf(account):
		return true, "the root user of the key's account may do what no statement denies"
	case decision.Verdict == policy.AllowedToAccount && software:
		return false, by + " allows it to the account " + who.AccountID() + ", which on the software backend is its root user alone, " +
			"since there are no IAM policies; name the principal itself"
	case decision.Verdict == policy.AllowedToAccount:
		return false, by + " leaves it to the IAM policies of account " + who.AccountID() + ", which are not looked at here"
	default:
		return false, "no statement allows it"
	}
}

// explain says of each statement that concerns the principal what it says to the request.
func (s *subject) explain(request *policy.Request) []Explained {
	explained := []Explained{}
	for i, diagnosis := range policy.Explain(s.document, *request) {
		if diagnosis.Failed == policy.PartPrincipal {
			continue
		}
		explained = append(explained, Explained{
			Statement: *s.statement(i), Effect: diagnosis.Effect, Applied: diagnosis.Applied, Failed: diagnosis.Failed,
			Explanation: explanation(&diagnosis, &s.document.Statements[i], request),
		})
	}
	return explained
}

func explanation(d *policy.Diagnosis, statement *policy.Statement, request *policy.Request) string {
	switch {
	case d.Applied && d.Effect != policy.Allow:
		return "denies it"
	case d.Applied && d.ThroughAccount:
		return "allows it to the principal's account, not to the principal"
	case d.Applied:
		return "allows it"
	case d.Failed == policy.PartAction && d.Sid == policy.BaseSid:
		return "does not apply: it is about administering the key"
	case d.Failed == policy.PartAction && len(statement.NotAction) > 0:
		return "does not apply: it is about all but " + listed(statement.NotAction)
	case d.Failed == policy.PartAction:
		return "does not apply: it is about " + listed(statement.Action)
	case d.Failed == policy.PartResource:
		return "does not apply: it is about " + listed(statement.Resource)
	case d.KeyMissing:
		return fmt.Sprintf("does not apply: its condition %s %s is not met, and the request has no such key (--context %s=VALUE)",
			d.Condition, listed(d.Condition.Values), d.Condition.Key)
	default:
		return fmt.Sprintf("does not apply: its condition %s %s is not met: the request has %s",
			d.Condition, listed(d.Condition.Values), listed(valuesOf(request.Context, d.Condition.Key)))
	}
}

func valuesOf(context map[string][]string, key string) []string {
	var values []string
	for name := range context {
		if strings.EqualFold(name, key) {
			values = append(values, context[name]...)
		}
	}
	slices.Sort(values)
	return values
}

// maxListed is how many values are shown of a list.
const maxListed = 8

func listed(values []string) string {
	if len(values) > maxListed {
		return strings.Join(values[:maxListed], ", ") + fmt.Sprintf(" and %d more", len(values)-maxListed)
	}
	return strings.Join(values, ", ")
}

// inForce compares the key policy with that of the Key's status; nil where there is no status.
func (s *subject) inForce() *InForce {
	if s.key == nil || s.key.Status.ObservedGeneration <= 0 {
		return nil
	}
	applied := ""
	if condition := meta.FindStatusCondition(s.key.Status.Conditions, v1alpha1.ConditionPolicyApplied); condition != nil {
		applied = strings.TrimSuffix("; PolicyApplied is "+string(condition.Status)+", "+condition.Reason+": "+condition.Message, ": ")
	}
	switch has := s.key.Status.Policy; {
	case has == nil:
		return &InForce{Message: "not in force: the operator has not put a key policy on the key" + applied}
	case has.Hash == s.hash:
		return &InForce{Same: true, Hash: has.Hash, Message: "in force: it is the key policy that the key has"}
	default:
		return &InForce{Hash: has.Hash, Message: "not in force: the key policy that the operator put last has the hash " + has.Hash + applied}
	}
}

// notesOn say what else there is to know about the action.
func (s *subject) notesOn(action vocabulary.Action, grantable bool) []string {
	notes := slices.Clone(s.notes)
	if s.home.Usage != "" && !action.Possible(s.home.Spec, s.home.Usage) {
		notes = append(notes, fmt.Sprintf("a key with keySpec %s and keyUsage %s can never perform %s, whoever asks", s.home.Spec, s.home.Usage, action.Name))
	}
	if grantable {
		notes = append(notes, "grants are not looked at; one of them may allow it")
	}
	return notes
}

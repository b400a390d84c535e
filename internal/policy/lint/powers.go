// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"slices"
	"strings"

	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// powers looks for what is allowed to others than the operator and the key's own account and goes further than it may seem.
func (l *linter) powers(s *policy.Statement) {
	if s.Effect != policy.Allow {
		return
	}
	for _, principal := range s.Principal.AWS {
		if account := policy.WholeAccount(principal); account != "" && !l.isHome(account) {
			l.warn("Principal", "%s is a whole other account: whom it lets use the key is decided there", principal)
		}
	}
	if len(s.Principal.Service) > 0 && !slices.ContainsFunc(s.Conditions, limits) {
		l.warn("Principal", "%s calls for whoever has it call: add a condition that says for whose resource, such as StringEquals "+
			"aws:SourceAccount or ArnLike aws:SourceArn", some(s.Principal.Service))
	}
	others := l.others(s)
	if len(others) == 0 {
		return
	}
	all := slices.ContainsFunc(s.Action, func(action string) bool { return action == "*" || strings.EqualFold(action, "kms:*") })
	switch {
	case all:
		l.warn("Action", "kms:* lets %s do everything with the key, and let others in: name the actions that are needed", some(others))
	case s.Covers(putKeyPolicy):
		l.warn("Action", "%s lets %s change who may use the key", putKeyPolicy, some(others))
	case s.Covers("kms:CreateGrant") && !slices.ContainsFunc(s.Conditions, forResources):
		l.warn("Action", "kms:CreateGrant lets %s let others use the key, past this policy", some(others))
	}
}

// others are the principals of the statement that are neither the operator nor the key's account.
func (l *linter) others(s *policy.Statement) []string {
	var names []string
	for _, principal := range s.Principal.AWS {
		account := policy.WholeAccount(principal)
		if principal != l.operator.ARN && (account == "" || !l.isHome(account)) {
			names = append(names, principal)
		}
	}
	return slices.Concat(names, s.Principal.Service, s.Principal.Federated)
}

// isHome says whether an account is the key's, as far as that is known.
func (l *linter) isHome(account string) bool {
	switch {
	case l.about.AccountID != "":
		return account == l.about.AccountID
	case l.operator.known():
		return account == l.operator.AccountID()
	default:
		return true
	}
}

// forResources says that a condition keeps grants to those that an AWS service makes for a resource of its user's.
func forResources(condition policy.Condition) bool {
	operator, _ := policy.ParseOperator(condition.Operator)
	return strings.EqualFold(condition.Key, "kms:GrantIsForAWSResource") && operator.Comparison == "Bool" &&
		!operator.IfExists && !operator.ForAllValues && !condition.Holds("false")
}

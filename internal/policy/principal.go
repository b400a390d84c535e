// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

const everybody = "*"

var (
	// The ARNs that can call AWS KMS. Wildcards are not in the alphabet of any of their parts.
	callerPattern = regexp.MustCompile(`^arn:aws(-[a-z]+)*:(iam::(\d{12}):(root|(user|role)/[\w+=,.@/-]+)|` +
		`sts::(\d{12}):(assumed-role/[\w+=,.@-]+/[\w+=,.@-]+|federated-user/[\w+=,.@-]+))$`)
	uniqueIDPattern = regexp.MustCompile(`^A[A-Z]{3}[A-Z0-9]{12,124}$`)
	servicePattern  = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+$`)
)

// Principal is who calls. The zero value is an unsigned caller, whom only "*" names.
type Principal struct {
	// ARN is that of the IAM user, of the role (path included) behind a session, of the account's root user, or of a
	// federated user.
	ARN string
	// SessionARN is that of an assumed role's session: arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION. It is empty for
	// every other caller.
	SessionARN string
	// Account has 12 digits. Empty means the one in ARN, or in SessionARN.
	Account string
	// Service is the name of an AWS service that calls for itself, such as logs.eu-west-1.amazonaws.com. Such a caller
	// has none of the above.
	Service string
	// Federated is the identity provider behind a session, where there is one.
	Federated string
}

// NewPrincipal is the caller with this ARN: a user, a role, a session, an account's root user or a federated user. The
// ARN of a session says nothing of its role's path, so the role is taken to have none; where it has one, set ARN.
func NewPrincipal(arn string) (Principal, error) {
	parts := callerPattern.FindStringSubmatch(arn)
	if parts == nil {
		return Principal{}, fmt.Errorf("reading caller %q: not the ARN of a user, role, session or account root", arn)
	}
	prefix, session, ok := strings.Cut(arn, ":assumed-role/")
	if !ok {
		return Principal{ARN: arn, Account: account(arn)}, nil
	}
	role, _, _ := strings.Cut(session, "/")
	roleARN := strings.Replace(prefix, ":sts:", ":iam:", 1) + ":role/" + role
	return Principal{ARN: roleARN, SessionARN: arn, Account: account(arn)}, nil
}

// account is the account in an ARN, or nothing.
func account(arn string) string {
	if strings.Count(arn, ":") < arnParts-1 {
		return ""
	}
	for range arnParts - 2 {
		_, arn, _ = strings.Cut(arn, ":")
	}
	account, _, _ := strings.Cut(arn, ":")
	return account
}

// AccountID is the caller's account; empty for a service and for an unsigned caller.
func (p Principal) AccountID() string {
	switch {
	case p.Account != "":
		return p.Account
	case p.ARN != "":
		return account(p.ARN)
	default:
		return account(p.SessionARN)
	}
}

// root says that the caller is its account's root user.
func (p Principal) root() bool { return isRoot(p.ARN) }

// isRoot says whether the ARN is that of an account's root user: arn:PARTITION:iam::ACCOUNT:root.
func isRoot(arn string) bool {
	head, ok := strings.CutSuffix(arn, ":root")
	if !ok || strings.Count(head, ":") != arnParts-2 {
		return false
	}
	_, head, _ = strings.Cut(head, ":")
	_, head, _ = strings.Cut(head, ":")
	return strings.HasPrefix(head, "iam:")
}

// isAccountID says whether the text is an account: 12 digits.
func isAccountID(text string) bool {
	const digits = 12
	return len(text) == digits && strings.Trim(text, "0123456789") == ""
}

// reach is how a Principal element concerns a caller.
type reach int

const (
	unnamed reach = iota
	// throughAccount: the caller's account is named, the caller is not.
	throughAccount
	byName
)

// names says how the principals name the caller; the closest of several ways counts.
func (p Principals) names(caller Principal) reach {
	if caller.Service != "" && slices.Contains(p.Service, caller.Service) ||
		caller.Federated != "" && slices.Contains(p.Federated, caller.Federated) {
		return byName
	}
	found := unnamed
	for _, entry := range p.AWS {
		found = max(found, entryNames(entry, caller))
	}
	return found
}

func entryNames(entry string, caller Principal) reach {
	switch {
	case entry == everybody:
		return byName
	case entry == "":
		return unnamed
	case entry == caller.ARN, entry == caller.SessionARN:
		return byName
	}
	named := WholeAccount(entry)
	switch {
	case named == "" || named != caller.AccountID():
		return unnamed
	case caller.root():
		return byName
	default:
		return throughAccount
	}
}

// WholeAccount is the account that an AWS principal names as a whole, which it does by 12 digits or by the ARN of the account's
// root user; empty for every other principal.
func WholeAccount(principal string) string {
	if isAccountID(principal) {
		return principal
	}
	if isRoot(principal) {
		return account(principal)
	}
	return ""
}

// IsUniqueID says whether an AWS principal is the unique ID (AROA..., AIDA...) that AWS leaves behind of a deleted role or user.
func IsUniqueID(principal string) bool { return uniqueIDPattern.MatchString(principal) }

// spares says that a NotPrincipal element leaves the caller alone, for which it must list all of the caller's names.
func (p Principals) spares(caller Principal) bool {
	if slices.Contains(p.AWS, everybody) {
		return true
	}
	if caller.Service != "" {
		return slices.Contains(p.Service, caller.Service)
	}
	if caller.AccountID() == "" {
		return false
	}
	for _, arn := range []string{caller.ARN, caller.SessionARN} {
		if arn != "" && p.names(Principal{ARN: arn, Account: caller.AccountID()}) != byName {
			return false
		}
	}
	return p.names(Principal{Account: caller.AccountID()}) == throughAccount
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package serviceaccount

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/chatelaine-dev/chatelaine/internal/identity"
)

// ErrNotPermitted means that the ServiceAccount may not assume the role: STS's AccessDenied, "Not authorized to perform
// sts:AssumeRoleWithWebIdentity". It says the same of roles that exist and of those that don't.
var ErrNotPermitted = errors.New("a ServiceAccount may assume its own role only")

var accountPattern = regexp.MustCompile(`^\d{12}$`)

// RoleARN is the ARN of a ServiceAccount's role in an account: arn:aws:iam::ACCOUNT:role/NAMESPACE/NAME.
func RoleARN(account, namespace, name string) string {
	return "arn:aws:iam::" + account + ":role/" + namespace + "/" + name
}

// ProviderARN is the ARN under which an account knows the cluster as an identity provider, from the issuer's URL, as AWS
// forms it: arn:aws:iam::ACCOUNT:oidc-provider/HOST/PATH.
func ProviderARN(account, issuer string) string {
	return "arn:aws:iam::" + account + ":oidc-provider/" + strings.TrimSuffix(strings.TrimPrefix(issuer, "https://"), "/")
}

// Permit decides whether the ServiceAccount may assume the role. It returns the role's account, which has to be one that
// serves says yes to. The error is ErrNotPermitted, wrapped; what wraps it is for the operator's log.
func Permit(account identity.ServiceAccount, roleARN string, serves func(accountID string) bool) (string, error) {
	const prefix = "arn:aws:iam::"
	rest, _ := strings.CutPrefix(roleARN, prefix)
	accountID, _, _ := strings.Cut(rest, ":")
	switch {
	case !accountPattern.MatchString(accountID) || !validNames(account.Namespace, account.Name) ||
		roleARN != RoleARN(accountID, account.Namespace, account.Name):
		return "", fmt.Errorf("ServiceAccount %s/%s asked for role %.128q, its own is %s: %w", account.Namespace, account.Name,
			roleARN, RoleARN("ACCOUNT", account.Namespace, account.Name), ErrNotPermitted)
	case !serves(accountID):
		return "", fmt.Errorf("ServiceAccount %s/%s asked for a role in account %s, which is not served here: %w",
			account.Namespace, account.Name, accountID, ErrNotPermitted)
	}
	return accountID, nil
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"regexp"
	"strings"

	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// serviceName is of AWS's services, in every partition.
var serviceName = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)*\.(amazonaws\.com(\.cn)?|amazonaws\.eu|amazon\.com)$`)

// principals looks for principals that AWS refuses, or that the software backend does not have.
func (l *linter) principals(element string, names policy.Principals) {
	for _, principal := range names.AWS {
		if problem := l.refused(principal); problem != "" {
			l.err(element, "%s %s", principal, problem)
		}
	}
	for _, name := range names.Service {
		if !serviceName.MatchString(name) {
			l.err(element, "%s is not the name of an AWS service; one ends in .amazonaws.com, as in logs.eu-west-1.amazonaws.com", name)
		}
	}
	for _, provider := range names.Federated {
		if strings.HasPrefix(provider, "arn:") && l.isForeign(provider) {
			l.err(element, "%s %s", provider, l.foreign())
		}
	}
}

// refused says why an AWS principal is not possible; empty if it is.
func (l *linter) refused(principal string) string {
	if isAccount := principal != "" && policy.WholeAccount(principal) == principal; isAccount || principal == everybody {
		return ""
	}
	named, err := policy.NewPrincipal(principal)
	switch {
	case policy.IsUniqueID(principal):
		return "is the unique ID of a role or user, which AWS puts in place of one that was deleted and does not take: write an ARN"
	case strings.Contains(principal, ":group/"):
		return "is a group, which cannot be a principal: name its users, or a role"
	case strings.ContainsAny(principal, "*?"):
		return `has a wildcard, which works in no principal but "*": use the condition ArnLike aws:PrincipalArn`
	case err != nil:
		return "is not a principal: write 12 digits of an account, or the ARN of a role, user or session"
	case l.isForeign(principal):
		return l.foreign()
	case l.about.NamesServiceAccounts && strings.Contains(principal, ":sts:"):
		return "is a session, and the software backend names only roles: write " + named.ARN
	default:
		return ""
	}
}

func (l *linter) isForeign(arn string) bool {
	return l.about.Partition != "" && policy.Partition(arn) != l.about.Partition
}

func (l *linter) foreign() string {
	return "is in another partition than the key, which is in " + l.about.Partition
}

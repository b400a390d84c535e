// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
	"github.com/chatelaine-dev/chatelaine/internal/policy/lint"
)

var rolePattern = regexp.MustCompile(`^arn:aws(-[a-z]+)*:iam::\d{12}:role/[\w+=,.@/-]+$`)

// principals are those of a rule as a key policy names them, without the ones that cannot be named.
func (c *compiler) principals(rule *v1alpha1.KeyPolicyRule) policy.Principals {
	var named policy.Principals
	for _, principal := range rule.Principals {
		switch {
		case principal.ServiceAccount != nil:
			if arn, ok := c.serviceAccount(rule, *principal.ServiceAccount); ok {
				named.AWS = append(named.AWS, arn)
			}
		case principal.AWS != "":
			named.AWS = append(named.AWS, principal.AWS)
		case principal.Account != "":
			named.AWS = append(named.AWS, policy.AccountARN(c.about.OperatorARN, principal.Account))
		case principal.Service != "":
			named.Service = append(named.Service, principal.Service)
		}
	}
	return named
}

// serviceAccount is the IAM role that a ServiceAccount's pods have; false, and a note of it, if there is none. A Deny stays
// where the ServiceAccount can be named without being there: it is not to be shed by deleting the ServiceAccount.
func (c *compiler) serviceAccount(rule *v1alpha1.KeyPolicyRule, reference v1alpha1.ServiceAccountReference) (string, bool) {
	arn, unresolved := RoleOf(&c.about, c.namespace, reference, c.accounts)
	if unresolved != nil {
		c.part.Unresolved = append(c.part.Unresolved, *unresolved)
	}
	denies := rule.Effect == v1alpha1.EffectDeny
	switch {
	case denies && c.about.NamesServiceAccounts:
		return ServiceAccountARN(c.about.OperatorARN, c.about.AccountID, cmp.Or(reference.Namespace, c.namespace), reference.Name), true
	case denies && unresolved != nil: // left out, the Deny would let in whom it is to keep out
		c.find(lint.Error, rule.Sid, "principals", "a Deny is not put into force without one of its principals, and "+unresolved.String())
	case denies:
		c.find(lint.Warning, rule.Sid, "principals", fmt.Sprintf("the Deny for ServiceAccount %s goes by its annotation %s: whoever "+
			"may change that can shed it, so name the role by its ARN (aws) instead", reference.Name, v1alpha1.RoleARNAnnotation))
	case unresolved == nil && c.isForeign(arn):
		c.find(lint.Warning, rule.Sid, "principals", fmt.Sprintf("ServiceAccount %s is a role of another account than the key's by its "+
			"annotation %s", reference.Name, v1alpha1.RoleARNAnnotation))
	}
	return arn, unresolved == nil
}

// isForeign says whether a role is certainly of another account than the key.
func (c *compiler) isForeign(arn string) bool {
	account := c.about.AccountID
	return !c.about.NamesServiceAccounts && account != UnknownAccount && !strings.Contains(arn, "::"+account+":")
}

// RoleOf is the ARN of the IAM role that a ServiceAccount's pods have where the key lives, or why there is none. namespace is
// that of the object which names it.
func RoleOf(
	about *About, namespace string, reference v1alpha1.ServiceAccountReference, accounts ServiceAccounts,
) (arn string, unresolved *Unresolved) {
	if reference.Namespace != "" {
		namespace = reference.Namespace
	}
	var problem string
	account, exists := accounts(namespace, reference.Name)
	switch {
	case !exists:
		problem = "does not exist: create it, or correct the name"
	case about.NamesServiceAccounts:
		return ServiceAccountARN(about.OperatorARN, about.AccountID, namespace, reference.Name), nil
	case account.RoleARN == "":
		problem = "has no annotation " + v1alpha1.RoleARNAnnotation + ": annotate it with the ARN of the IAM role of its pods"
	case !rolePattern.MatchString(account.RoleARN) || policy.Partition(account.RoleARN) != policy.Partition(about.OperatorARN):
		problem = "has an annotation " + v1alpha1.RoleARNAnnotation + " that is not the ARN of an IAM role in the key's partition: correct it"
	case account.RoleARN == about.OperatorARN:
		problem = "is the operator's own role by its annotation " + v1alpha1.RoleARNAnnotation + ": give its pods a role of their own"
	default:
		return account.RoleARN, nil
	}
	return "", &Unresolved{Namespace: namespace, Name: reference.Name, Problem: problem}
}

// ServiceAccountARN is the role that a ServiceAccount is where it is a principal by itself; like is any ARN of the partition.
func ServiceAccountARN(like, accountID, namespace, name string) string {
	return "arn:" + policy.Partition(like) + ":iam::" + accountID + ":role/" + namespace + "/" + name
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"regexp"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

var rolePattern = regexp.MustCompile(`^arn:aws(-[a-z]+)*:iam::\d{12}:role/[\w+=,.@/-]+$`)

// principals are those of a rule as a key policy names them, without the ones that cannot be named.
func (c *compiler) principals(declared []v1alpha1.KeyPolicyPrincipal) policy.Principals {
	var named policy.Principals
	for _, principal := range declared {
		switch {
		case principal.ServiceAccount != nil:
			if arn, ok := c.serviceAccount(*principal.ServiceAccount); ok {
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

// serviceAccount is the IAM role that a ServiceAccount's pods have; false, and a note of it, if there is none.
func (c *compiler) serviceAccount(reference v1alpha1.ServiceAccountReference) (string, bool) {
	arn, unresolved := RoleOf(&c.about, c.namespace, reference, c.accounts)
	if unresolved != nil {
		c.part.Unresolved = append(c.part.Unresolved, *unresolved)
	}
	return arn, unresolved == nil
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
	case !rolePattern.MatchString(account.RoleARN):
		problem = "has an annotation " + v1alpha1.RoleARNAnnotation + " that is not the ARN of an IAM role: correct it"
	default:
		return account.RoleARN, nil
	}
	return "", &Unresolved{Namespace: namespace, Name: reference.Name, Problem: problem}
}

// ServiceAccountARN is the role that a ServiceAccount is where it is a principal by itself; like is any ARN of the partition.
func ServiceAccountARN(like, accountID, namespace, name string) string {
	return "arn:" + policy.Partition(like) + ":iam::" + accountID + ":role/" + namespace + "/" + name
}

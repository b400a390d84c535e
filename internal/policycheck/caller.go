// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policycheck

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
	"github.com/chatelaine-dev/chatelaine/internal/policy/compile"
)

// caller is who asks.
type caller struct {
	policy.Principal
	// serviceAccount is empty unless the principal was given as one.
	serviceAccount types.NamespacedName
}

var servicePattern = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?$`)

// Wanted says which forms a principal can have.
const Wanted = "write serviceaccount:NAMESPACE/NAME, the ARN of a user, role or session, an account's 12 digits for its root user, " +
	"or a service such as logs.eu-west-1.amazonaws.com"

// caller reads a principal as a person gives it.
func (w *World) caller(text string, at *home) (caller, error) {
	if name, ok := strings.CutPrefix(text, "system:serviceaccount:"); ok {
		namespace, name, _ := strings.Cut(name, ":")
		return w.serviceAccountCaller(namespace, name, at)
	}
	if name, ok := strings.CutPrefix(text, "serviceaccount:"); ok {
		namespace, name, _ := strings.Cut(name, "/")
		return w.serviceAccountCaller(namespace, name, at)
	}
	switch {
	case isAccountID(text):
		return caller{Principal: policy.Principal{ARN: policy.AccountARN(at.OperatorARN, text), Account: text}}, nil
	case servicePattern.MatchString(text):
		return caller{Principal: policy.Principal{Service: text}}, nil
	case strings.HasPrefix(text, "arn:"):
		principal, err := policy.NewPrincipal(text)
		if err != nil {
			return caller{}, fmt.Errorf("%q is not the ARN of somebody who can call AWS KMS: %s", text, Wanted)
		}
		return caller{Principal: principal}, nil
	default:
		return caller{}, fmt.Errorf("%q is no principal: %s", text, Wanted)
	}
}

// serviceAccountCaller is the role that the pods of a ServiceAccount have where the key lives.
func (w *World) serviceAccountCaller(namespace, name string, at *home) (caller, error) {
	if namespace == "" || name == "" || strings.ContainsAny(namespace+name, "/:") {
		return caller{}, errors.New("a ServiceAccount needs its namespace and its name: write serviceaccount:NAMESPACE/NAME")
	}
	who := caller{serviceAccount: types.NamespacedName{Namespace: namespace, Name: name}}
	if at.NamesServiceAccounts {
		who.ARN = compile.ServiceAccountARN(at.OperatorARN, at.AccountID, namespace, name)
		who.Account = at.AccountID
		return who, nil
	}
	account, exists := w.account(namespace, name)
	switch {
	case !exists:
		return caller{}, fmt.Errorf("ServiceAccount %s/%s was not found, and on AWS only its annotation %s says which role it has", namespace, name, v1alpha1.RoleARNAnnotation)
	case account.RoleARN == "":
		return caller{}, fmt.Errorf("ServiceAccount %s/%s has no annotation %s, so on AWS it is nobody", namespace, name, v1alpha1.RoleARNAnnotation)
	}
	var err error
	who.Principal, err = policy.NewPrincipal(account.RoleARN)
	if err != nil {
		return caller{}, fmt.Errorf("ServiceAccount %s/%s: annotation %s: %q is not the ARN of a role", namespace, name, v1alpha1.RoleARNAnnotation, account.RoleARN)
	}
	return who, nil
}

// isRootOf says whether the caller is the root user of an account.
func (c *caller) isRootOf(account string) bool {
	return strings.HasSuffix(c.ARN, ":iam::"+account+":root")
}

// principalType is the value of aws:PrincipalType; empty for a service, which has none.
func (c *caller) principalType() string {
	switch {
	case c.Service != "":
		return ""
	case strings.HasSuffix(c.ARN, ":root"):
		return "Account"
	case strings.Contains(c.ARN, ":user/"):
		return "User"
	case strings.Contains(c.ARN, ":federated-user/"):
		return "FederatedUser"
	default:
		return "AssumedRole"
	}
}

// String is whom policies see.
func (c *caller) String() string {
	text := c.ARN
	switch {
	case c.Service != "":
		return c.Service
	case c.SessionARN != "":
		text = c.SessionARN
	}
	if c.serviceAccount.Name != "" {
		text += " (ServiceAccount " + c.serviceAccount.String() + ")"
	}
	return text
}

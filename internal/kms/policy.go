// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"regexp"
	"strings"

	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// uniqueID is what AWS puts in place of the ARN of a role or a user that is gone. It names nobody.
var uniqueID = regexp.MustCompile(`^A[A-Z]{3}[A-Z0-9]{12,124}$`)

// newKeyID stands for the ID of a key that does not exist yet. No key can have it, so a Resource that spells out a key does
// not cover it.
const newKeyID = "-"

// CheckPolicy says whether the caller may give a new key of this service the document as its key policy, and returns the
// text to store, which is the document's own: AWS answers a policy as it was put, too. See Key.CheckPolicy.
func (s *Service) CheckPolicy(caller policy.Principal, document string, bypass bool) (string, error) {
	return s.checkPolicy(caller, s.KeyARN(newKeyID), document, bypass)
}

// CheckPolicy says whether the caller may put the document on the key, and returns the text to store. The document must be
// one that policy.Parse takes, of no more than policy.MaxBytes; else it is a MalformedPolicyDocumentException that says
// what is wrong, or a LimitExceededException. Principals are taken by their form: whoever has it may come to exist, as
// ServiceAccounts come and go. Only unique IDs (AROA..., AIDA...) are refused, of which none can come back.
//
// Unless bypass, the caller must be able to call PutKeyPolicy again, so that nobody locks the key by mistake: the document
// must allow it to the caller by name or as the root user of an account that it names, and not deny it. What the document
// leaves to the account is nobody's but the root user's, as there are no identity policies. Conditions see who the caller
// is and nothing else of the request: a permission that hangs on an address or a time may be gone tomorrow.
func (k *Key) CheckPolicy(caller policy.Principal, document string, bypass bool) (string, error) {
	return k.service.checkPolicy(caller, k.ARN(), document, bypass)
}

func (s *Service) checkPolicy(caller policy.Principal, keyARN, document string, bypass bool) (string, error) {
	if len(document) > policy.MaxBytes {
		return "", Errorf(LimitExceededException, "The key policy has %d bytes, of which it may have %d.",
			len(document), policy.MaxBytes)
	}
	parsed, err := policy.Parse([]byte(document))
	if err != nil {
		return "", &Error{Code: MalformedPolicyException, Message: err.Error(), Err: err}
	}
	if err := s.checkPolicyPrincipals(parsed); err != nil {
		return "", err
	}
	if !bypass && !maintains(caller, keyARN, parsed) {
		return "", Errorf(MalformedPolicyException,
			"The new key policy will not allow you to update the key policy in the future.")
	}
	return document, nil
}

func (s *Service) checkPolicyPrincipals(document *policy.Document) error {
	for i := range document.Statements {
		statement := &document.Statements[i]
		for _, principals := range []policy.Principals{statement.Principal, statement.NotPrincipal} {
			for _, principal := range principals.AWS {
				if err := s.checkNoSession(principal); err != nil {
					return err
				}
				if uniqueID.MatchString(principal) {
					return Errorf(MalformedPolicyException, "Policy contains a statement with one or more invalid principals. "+
						"Statement[%d]: %q is what is left of a role or user that was deleted; write an ARN.", i, principal)
				}
			}
		}
	}
	return nil
}

// checkNoSession refuses the ARN of a role's session where that does not say whose role it is: arn:...:assumed-role/ROLE/SESSION
// has no path, and so no namespace.
func (s *Service) checkNoSession(principal string) error {
	if !s.namespacedRoles || !strings.Contains(principal, ":assumed-role/") {
		return nil
	}
	return Errorf(MalformedPolicyException, "Policy contains a statement with one or more invalid principals. %q is a session, "+
		"whose ARN does not tell one namespace from another: name the role, arn:aws:iam::ACCOUNT:role/NAMESPACE/NAME.", principal)
}

// maintains says whether the document lets the caller put the next one.
func maintains(caller policy.Principal, keyARN string, document *policy.Document) bool {
	account := caller.AccountID()
	decision := policy.Evaluate(document, policy.Request{
		Principal: caller, Action: "kms:PutKeyPolicy", Resource: keyARN,
		Context: map[string][]string{
			"kms:CallerAccount": {account}, "aws:PrincipalAccount": {account}, "aws:PrincipalArn": {caller.ARN},
		},
	})
	return decision.Verdict == policy.AllowedDirectly
}

// PutKeyPolicy replaces the key policy by a document that CheckPolicy took. It goes in every key state.
func PutKeyPolicy(document string) Mutation {
	// The table of key states has no row of its own for what always goes.
	return Mutation{action: lifecycle.Describe, apply: func(c *change) error {
		c.record.Policy = document
		return nil
	}}
}

// PolicyText is the key policy as it was put. A key without one answers the service's default; where there is none either,
// it is the policy that AWS gives such keys, which says what is the case here too: the account's root user may do
// everything, and nobody else anything.
func (k *Key) PolicyText() string {
	if k.record.Policy != "" {
		return k.record.Policy
	}
	if k.service.defaultPolicy != nil {
		return k.service.defaultText
	}
	return policy.Default(k.service.ID().AccountID).String()
}

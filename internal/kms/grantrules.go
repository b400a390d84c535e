// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// The bounds of a constraint on the encryption context (API Reference, CreateGrant).
const (
	maxConstraintPairs = 8
	maxConstraintValue = 384 // characters
)

var (
	serviceName = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+$`)

	// anyKeyGrants are the operations that a grant on any key may allow.
	anyKeyGrants = []string{"CreateGrant", "DescribeKey", "RetireGrant"}
	usageGrants  = map[keyspec.Usage][]string{
		keyspec.EncryptDecrypt:         {"Decrypt", "Encrypt", "ReEncryptFrom", "ReEncryptTo"},
		keyspec.SignVerify:             {"Sign", "Verify"},
		keyspec.GenerateVerifyMAC:      {"GenerateMac", "VerifyMac"},
		keyspec.KeyAgreement:           {"DeriveSharedSecret"},
		keyspec.EncapsulateDecapsulate: {"Decapsulate", "Encapsulate"},
	}
	symmetricGrants = []string{
		"GenerateDataKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext",
	}
)

// GrantOperations are the operations that a grant on a key of this spec and usage may allow, by AWS's names, sorted.
func GrantOperations(spec keyspec.Spec, usage keyspec.Usage) []string {
	operations := slices.Concat(anyKeyGrants, usageGrants[usage])
	if spec.Symmetric() {
		operations = append(operations, symmetricGrants...)
	}
	if spec.HasPublicKey() {
		operations = append(operations, "GetPublicKey")
	}
	slices.Sort(operations)
	return operations
}

// CheckGrant refuses a grant that AWS would not create on the key: of operations that the key does not have, of nothing but
// CreateGrant, for nobody or for two, or with constraints that cannot hold or are too long. It takes principals by their
// form, as CheckPolicy does.
func (k *Key) CheckGrant(grant *Grant) error {
	for _, check := range []func(*Grant) error{checkGrantees, k.checkNoSessions, k.checkGrantOperations, k.checkConstraints} {
		if err := check(grant); err != nil {
			return err
		}
	}
	return nil
}

// checkNoSessions refuses sessions where policies may not name them either.
func (k *Key) checkNoSessions(grant *Grant) error {
	for _, arn := range []string{grant.Grantee, grant.Retiring} {
		if k.service.checkNoSession(arn) != nil {
			return Errorf(InvalidArnException, "ARN does not refer to a valid principal: %s is a session, whose ARN does not tell one "+
				"namespace from another: name the role, arn:aws:iam::ACCOUNT:role/NAMESPACE/NAME.", arn)
		}
	}
	return nil
}

func checkGrantees(grant *Grant) error {
	switch {
	case grant.Grantee == "" && grant.GranteeService == "":
		return Errorf(ValidationException, "You must specify either GranteePrincipal or GranteeServicePrincipal.")
	case grant.Grantee != "" && grant.GranteeService != "":
		return Errorf(ValidationException, "You can specify either GranteePrincipal or GranteeServicePrincipal, but not both.")
	case grant.Retiring != "" && grant.RetiringService != "":
		return Errorf(ValidationException, "You can specify either RetiringPrincipal or RetiringServicePrincipal, but not both.")
	case grant.GranteeService != "" && grant.SourceArn == "":
		return Errorf(ValidationException, "A grant for a GranteeServicePrincipal must have a SourceArn constraint.")
	case grant.GranteeService != "" && grant.Retiring == "" && grant.RetiringService == "":
		return Errorf(ValidationException,
			"A grant for a GranteeServicePrincipal must have a RetiringPrincipal or a RetiringServicePrincipal.")
	}
	for _, arn := range []string{grant.Grantee, grant.Retiring} {
		if _, err := policy.NewPrincipal(arn); arn != "" && err != nil {
			return Errorf(InvalidArnException, "ARN does not refer to a valid principal: %s", arn)
		}
	}
	for _, service := range []string{grant.GranteeService, grant.RetiringService} {
		if service != "" && !serviceName.MatchString(service) {
			return Errorf(ValidationException, "'%s' is not a service principal.", service)
		}
	}
	return nil
}

func (k *Key) checkGrantOperations(grant *Grant) error {
	allowed := GrantOperations(k.record.Spec, k.record.Usage)
	for _, operation := range grant.Operations {
		if !slices.Contains(allowed, operation) {
			return Errorf(ValidationException, "Operation %s is not supported in a grant on %s, whose key spec is %s and key usage "+
				"%s; supported are: %s", operation, k.ARN(), k.record.Spec, k.record.Usage, strings.Join(allowed, ", "))
		}
	}
	switch {
	case len(grant.Operations) == 0:
		return Errorf(ValidationException, "A grant must allow at least one operation.")
	case len(grant.Operations) == 1 && grant.Operations[0] == "CreateGrant":
		return Errorf(ValidationException, "Grants must not contain only the CreateGrant operation.")
	default:
		return nil
	}
}

func (k *Key) checkConstraints(grant *Grant) error {
	equals, subset := grant.EncryptionContextEquals, grant.EncryptionContextSubset
	if equals == nil && subset == nil {
		return nil
	}
	if equals != nil && subset != nil {
		return Errorf(ValidationException,
			"A grant can have either an EncryptionContextEquals or an EncryptionContextSubset constraint, but not both.")
	}
	if !k.record.Spec.Symmetric() {
		return Errorf(ValidationException, "Encryption context constraints are not supported in a grant on %s, whose key spec is %s.",
			k.ARN(), k.record.Spec)
	}
	for _, constraint := range []map[string]string{equals, subset} {
		if len(constraint) > maxConstraintPairs {
			return Errorf(ValidationException, "A grant constraint can have up to %d encryption context pairs.", maxConstraintPairs)
		}
		for _, value := range constraint {
			if utf8.RuneCountInString(value) > maxConstraintValue {
				return Errorf(ValidationException, "An encryption context value in a grant constraint can have up to %d characters.",
					maxConstraintValue)
			}
		}
	}
	return nil
}

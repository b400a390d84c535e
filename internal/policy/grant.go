// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"maps"
	"slices"
	"strings"
)

// Grant is what a grant allows its grantee, whose identity its keeper has checked. Grants only allow; a Deny of the key
// policy stands above them.
type Grant struct {
	// Operations are as in the API: Decrypt, ReEncryptFrom, CreateGrant.
	Operations  []string
	Constraints Constraints
}

// Constraints narrow a grant. A nil map constrains nothing; an empty EncryptionContextEquals wants a request without
// encryption context. All that are set must hold.
type Constraints struct {
	EncryptionContextEquals map[string]string
	EncryptionContextSubset map[string]string
	// SourceArn is the resource for which a service must be calling; it is compared exactly. It is not applied to
	// RetireGrant.
	SourceArn string
}

// GrantRequest is one use of a key that a grant may allow.
type GrantRequest struct {
	Operation         string
	EncryptionContext map[string]string
	SourceArn         string
}

// withContext are the operations that carry an encryption context. Constraints on it are not applied to others.
var withContext = []string{
	"Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext",
	"GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo",
}

// Allows says whether the grant allows the request. For CreateGrant the new grant must also pass Delegates. Names in
// an encryption context are compared without case and values with it, as AWS does for grants; a context in which two names
// differ by case alone meets no constraint.
func (g Grant) Allows(request GrantRequest) bool {
	if !slices.Contains(g.Operations, request.Operation) {
		return false
	}
	limits := g.Constraints
	if limits.SourceArn != "" && limits.SourceArn != request.SourceArn && request.Operation != "RetireGrant" {
		return false
	}
	if !slices.Contains(withContext, request.Operation) {
		return true
	}
	if limits.EncryptionContextEquals == nil && limits.EncryptionContextSubset == nil {
		return true
	}
	context, ok := fold(request.EncryptionContext)
	return ok && equals(limits.EncryptionContextEquals, context) && within(limits.EncryptionContextSubset, context)
}

// Delegates says whether the holder of the grant may create the other one: no operation that it lacks itself, and
// constraints equal or stricter.
func (g Grant) Delegates(other Grant) bool {
	lacks := func(operation string) bool { return !slices.Contains(g.Operations, operation) }
	if lacks("CreateGrant") || slices.ContainsFunc(other.Operations, lacks) {
		return false
	}
	mine, theirs := g.Constraints, other.Constraints
	if mine.SourceArn != "" && mine.SourceArn != theirs.SourceArn {
		return false
	}
	exact, ok1 := fold(theirs.EncryptionContextEquals)
	partial, ok2 := fold(theirs.EncryptionContextSubset)
	if !ok1 || !ok2 {
		return false
	}
	sameExact := mine.EncryptionContextEquals == nil ||
		theirs.EncryptionContextEquals != nil && equals(mine.EncryptionContextEquals, exact)
	holdsPartial := within(mine.EncryptionContextSubset, exact) || within(mine.EncryptionContextSubset, partial)
	return sameExact && holdsPartial
}

// fold lower-cases the names of an encryption context; false if two become one by it.
func fold(context map[string]string) (map[string]string, bool) {
	folded := make(map[string]string, len(context))
	for name, value := range context {
		folded[strings.ToLower(name)] = value
	}
	return folded, len(folded) == len(context)
}

// equals says whether a folded context is the wanted one; nil wants nothing.
func equals(wanted, context map[string]string) bool {
	if wanted == nil {
		return true
	}
	folded, ok := fold(wanted)
	return ok && maps.Equal(folded, context)
}

// within says whether a folded context has all the wanted pairs.
func within(wanted, context map[string]string) bool {
	for name, value := range wanted {
		if got, present := context[strings.ToLower(name)]; !present || got != value {
			return false
		}
	}
	return true
}

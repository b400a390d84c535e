// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Granter is a capability of backends whose keys can have grants. Grants are changed by PutGrant and RevokeGrant.
type Granter interface {
	// Grants returns those of the key's grants whose names begin with GrantPrefix, in any key state. NotFound when the key
	// is gone.
	Grants(ctx context.Context, keyID string) ([]Grant, error)
}

// GrantPrefix is what the name of every grant begins with that is made for a Key. Grants of other names are others'.
const GrantPrefix = "chatelaine:"

// Grant lets a principal do some operations with a key (AWS KMS CreateGrant).
type Grant struct {
	// ID is the backend's; empty for a grant that is still to be made.
	ID string
	// Name is that of GrantName. A key has one grant of a name, but for the moment in which one takes another's place.
	Name string
	// Grantee and Retiring are ARNs; Retiring may be empty.
	Grantee, Retiring string
	// Operations by AWS's names. Their order makes no difference.
	Operations []string
	// EncryptionContextEquals and EncryptionContextSubset constrain the grant unless they are empty.
	EncryptionContextEquals, EncryptionContextSubset map[string]string
	// Foreign says that the grant has something that no Key can declare (a service as its principal, a source): it was made
	// by somebody else under this name. So is one told of which it is not known yet whether it is there, with no ID if it was being made.
	Foreign bool
}

// GrantName is the name at the backend of a grant that a Key declares by the name given. It is no other Key's, of
// whatever cluster: what cannot be in a grant's name (letters, digits and :/_- may) is in the hash.
func GrantName(owner Owner, name string) string { return grantPrefix(owner) + name }

// DeclaredGrantName is the name by which the Key declares, or declared, the grant; false if the grant is not the Key's.
func DeclaredGrantName(owner Owner, name string) (string, bool) {
	return strings.CutPrefix(name, grantPrefix(owner))
}

func grantPrefix(owner Owner) string {
	sum := sha256.Sum256([]byte(owner.Cluster + "/" + owner.Namespace + "/" + owner.Name))
	return GrantPrefix + owner.Namespace + ":" + hex.EncodeToString(sum[:len(sum)/2]) + ":"
}

// SameAs says whether two grants have the same name and allow the same to the same. IDs make no difference.
func (g Grant) SameAs(other Grant) bool {
	return g.Name == other.Name && g.Grantee == other.Grantee && g.Retiring == other.Retiring && g.Foreign == other.Foreign &&
		slices.Equal(sorted(g.Operations), sorted(other.Operations)) &&
		maps.Equal(g.EncryptionContextEquals, other.EncryptionContextEquals) &&
		maps.Equal(g.EncryptionContextSubset, other.EncryptionContextSubset)
}

// Hash is the same for grants that are SameAs each other: the first 32 hexadecimal digits of a SHA-256.
func (g Grant) Hash() string {
	g.ID, g.Operations = "", sorted(g.Operations)
	if len(g.EncryptionContextEquals) == 0 {
		g.EncryptionContextEquals = nil
	}
	if len(g.EncryptionContextSubset) == 0 {
		g.EncryptionContextSubset = nil
	}
	text, err := json.Marshal(g)
	if err != nil {
		panic("encoding a grant as JSON: " + err.Error()) // cannot fail: texts and maps of texts
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:len(sum)/2])
}

// String says in words what the grant allows to whom.
func (g Grant) String() string { return declaredName(g.Name) + " (" + g.allowance() + ")" }

func (g Grant) allowance() string {
	text := joinSorted(g.Operations) + " for " + g.Grantee
	if len(g.EncryptionContextEquals) > 0 {
		text += " with the encryption context " + pairs(g.EncryptionContextEquals)
	}
	if len(g.EncryptionContextSubset) > 0 {
		text += " with an encryption context that has " + pairs(g.EncryptionContextSubset)
	}
	if g.Retiring != "" {
		text += ", retired by " + g.Retiring
	}
	return text
}

func pairs(context map[string]string) string {
	list := make([]string, 0, len(context))
	for name, value := range context {
		list = append(list, name+"="+value)
	}
	return joinSorted(list)
}

func sorted(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }

// The changes of grants.
type (
	// PutGrant makes the grant, unless the key has one that is SameAs it, and then revokes those with the IDs in Replaces: so
	// there is no moment without one. NotReady on a key that is not enabled. InvalidInput, and nothing revoked, for a grant
	// that AWS KMS would not make.
	PutGrant struct {
		Grant    Grant
		Replaces []string
	}
	// RevokeGrant ends a grant, in every key state. One that is gone is no error.
	RevokeGrant struct{ ID, Name string }
)

// Field is the field of Key.spec that the change is about.
func (PutGrant) Field() string { return "grants" }

// Field is the field of Key.spec that the change is about.
func (RevokeGrant) Field() string { return "grants" }

func (c PutGrant) String() string {
	what := "made"
	if len(c.Replaces) > 0 {
		what = "replaced"
	}
	return fmt.Sprintf("grant %s %s: %s", declaredName(c.Grant.Name), what, c.Grant.allowance())
}

func (c RevokeGrant) String() string { return "grant " + declaredName(c.Name) + " revoked" }

// declaredName is the grant's name as the Key has it.
func declaredName(name string) string { return name[strings.LastIndexByte(name, ':')+1:] }

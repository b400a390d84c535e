// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// Merged is the key policy of a key.
type Merged struct {
	Document *policy.Document
	// Text is the document's canonical form.
	Text string
	// Hash is that of the document.
	Hash string
	// Sources are the parts whose statements are in it, sorted by name, with what is in it of each: what the KeyPolicy
	// declares or, if it is refused, what was in force of it.
	Sources []Source
}

// Source is a KeyPolicy in a key policy.
type Source struct {
	Name string
	// Hash is that of its statements in the document, as Part.Hash.
	Hash string
	// Size is their share, in bytes.
	Size int
}

// Merge puts parts together under the base. inForce is what the key policy still has of what the operator put last (Intact),
// nil if it has nothing: of a part that is refused, or to be kept, Merge keeps what is in there.
func Merge(about About, parts []Part, inForce *policy.Document) Merged {
	document := policy.BaseDocument(about.OperatorARN, about.AccountID)
	merged := Merged{Document: document}
	parts = slices.SortedFunc(slices.Values(parts), func(a, b Part) int { return strings.Compare(a.Name, b.Name) })
	for i := range parts {
		part := &parts[i]
		if part.Refused() || part.Keep {
			part = &Part{Name: part.Name, Statements: living(statementsOf(part.Name, inForce), gone(about, part))}
		}
		if len(part.Statements) == 0 {
			continue
		}
		document.Statements = append(document.Statements, part.Statements...)
		merged.Sources = append(merged.Sources, Source{Name: part.Name, Hash: part.Hash(), Size: part.Size()})
	}
	merged.Text = document.String()
	merged.Hash = Hash(document)
	return merged
}

// Intact is what a key policy has of the KeyPolicies that the operator put last: the statements of those of which it has exactly
// what was put, or what AWS made of it when a role or user was deleted. Of one that somebody else has changed, there is nothing.
func Intact(document *policy.Document, put []v1alpha1.KeyPolicySource, parts []Part) *policy.Document {
	intact := &policy.Document{Version: policy.Version2012}
	for _, source := range put {
		part := Part{Statements: statementsOf(source.Name, document)}
		if part.Hash() == source.Hash || orphaned(&part, source, parts) {
			intact.Statements = append(intact.Statements, part.Statements...)
		}
	}
	return intact
}

// orphaned says whether the part is what was put, but for the unique IDs of deleted roles and users. That can be told of a
// KeyPolicy that has not changed since.
func orphaned(has *Part, source v1alpha1.KeyPolicySource, parts []Part) bool {
	i := slices.IndexFunc(parts, func(part Part) bool { return part.Name == source.Name && part.Hash() == source.Hash })
	if i < 0 {
		return false
	}
	put, now := policy.Document{Statements: parts[i].Statements}, policy.Document{Statements: has.Statements}
	return policy.Compare(&put, &now).Equal()
}

// HasBase says whether a key policy is one that the operator put: it has the base statement.
func HasBase(document *policy.Document) bool {
	return slices.ContainsFunc(document.Statements, func(statement policy.Statement) bool { return statement.Sid == policy.BaseSid })
}

// statementsOf are a KeyPolicy's statements in a document, in the order of their Sids.
func statementsOf(name string, document *policy.Document) []policy.Statement {
	if document == nil {
		return nil
	}
	var own []policy.Statement
	for _, statement := range document.Statements {
		if _, ok := ownSid(name, statement.Sid); ok {
			own = append(own, statement)
		}
	}
	slices.SortFunc(own, func(a, b policy.Statement) int { return strings.Compare(a.Sid, b.Sid) })
	return own
}

// gone are the ServiceAccounts of the part that were principals by themselves and are not there any more.
func gone(about About, part *Part) []string {
	if !about.NamesServiceAccounts {
		return nil
	}
	names := make([]string, 0, len(part.Unresolved))
	for _, u := range part.Unresolved {
		names = append(names, ServiceAccountARN(about.OperatorARN, about.AccountID, u.Namespace, u.Name))
	}
	return names
}

// living are the statements without the principals that are gone: the unique IDs that AWS has put in the place of deleted roles
// and users, which name nobody and which AWS takes in no policy; and, for an Allow, the ServiceAccounts.
func living(statements []policy.Statement, accounts []string) []policy.Statement {
	var kept []policy.Statement
	for _, statement := range statements {
		names := slices.DeleteFunc(slices.Clone(statement.Principal.AWS), func(name string) bool {
			return policy.IsUniqueID(name) || statement.Effect == policy.Allow && slices.Contains(accounts, name)
		})
		if len(names) == 0 && len(statement.Principal.AWS) > 0 && len(statement.Principal.Service) == 0 {
			continue
		}
		statement.Principal.AWS = names
		kept = append(kept, statement)
	}
	return kept
}

// TooLarge says, if the document is larger than a key policy may be, by how much and what each KeyPolicy takes up.
func (m *Merged) TooLarge() (problem string, tooLarge bool) {
	if len(m.Text) <= policy.MaxBytes {
		return "", false
	}
	sizes := make([]string, 0, len(m.Sources))
	bySize := slices.SortedStableFunc(slices.Values(m.Sources), func(a, b Source) int { return b.Size - a.Size })
	for _, source := range bySize {
		sizes = append(sizes, fmt.Sprintf("%s %d bytes", source.Name, source.Size))
	}
	return fmt.Sprintf("the KeyPolicies that select this Key make a key policy of %d bytes, of which it may have %d: %s. "+
		"Shorten or remove some; until then the key policy in force stays as it is",
		len(m.Text), policy.MaxBytes, strings.Join(sizes, ", ")), true
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// GrantChanges is what the grants of a key need.
type GrantChanges struct {
	// Now are the changes to make, in this order.
	Now []backend.Change
	// Deferred are grants to be made when the key is enabled: no other key takes any.
	Deferred []backend.Change
}

// Grants compares the grants that owner declares, by their names at the backend, with those that the key has. Grants that are
// not the owner's are left alone. What is declared is made before anything is revoked, and one that takes another's place
// before that one goes. Nobody can use a key that is not enabled, so there an outdated grant is revoked at once, lest it be in
// force for a moment when the key is enabled.
func Grants(owner backend.Owner, want, have []backend.Grant, enabled bool) GrantChanges {
	var out GrantChanges
	var revoke []backend.Change
	for _, grant := range want {
		keep, outdated := grantsOf(grant, have)
		switch {
		case keep == nil && enabled:
			out.Now = append(out.Now, backend.PutGrant{Grant: grant, Replaces: grantIDs(outdated)})
			continue
		case keep == nil:
			out.Deferred = append(out.Deferred, backend.PutGrant{Grant: grant})
		}
		revoke = append(revoke, revocations(outdated)...)
	}
	for _, grant := range have {
		_, mine := backend.DeclaredGrantName(owner, grant.Name)
		declared := slices.ContainsFunc(want, func(w backend.Grant) bool { return w.Name == grant.Name })
		if mine && !declared {
			revoke = append(revoke, revocations([]backend.Grant{grant})...)
		}
	}
	out.Now = append(out.Now, revoke...)
	return out
}

// grantsOf is the grant on the key that is what is wanted, or nil, and the others of that name.
func grantsOf(want backend.Grant, have []backend.Grant) (keep *backend.Grant, outdated []backend.Grant) {
	for i := range have {
		switch {
		case have[i].Name != want.Name:
		case keep == nil && have[i].SameAs(want):
			keep = &have[i]
		default:
			outdated = append(outdated, have[i])
		}
	}
	return keep, outdated
}

func grantIDs(grants []backend.Grant) []string {
	if len(grants) == 0 {
		return nil
	}
	ids := make([]string, 0, len(grants))
	for _, grant := range grants {
		ids = append(ids, grant.ID)
	}
	return ids
}

func revocations(grants []backend.Grant) []backend.Change {
	changes := make([]backend.Change, 0, len(grants))
	for _, grant := range grants {
		changes = append(changes, backend.RevokeGrant{ID: grant.ID, Name: grant.Name})
	}
	return changes
}

// GrantDifference says in what the key's grants differ from what is declared, by the changes that Grants returned and the
// grants that the key has.
func GrantDifference(changes []backend.Change, have []backend.Grant) Difference {
	difference := Difference{Field: "grants"}
	for _, change := range changes {
		switch c := change.(type) {
		case backend.PutGrant:
			difference.From = joined(difference.From, c.Grant.String())
			for _, id := range c.Replaces {
				difference.To = joined(difference.To, grantWithID(id, have))
			}
		case backend.RevokeGrant:
			difference.To = joined(difference.To, grantWithID(c.ID, have))
		}
	}
	return difference
}

func grantWithID(id string, grants []backend.Grant) string {
	for _, grant := range grants {
		if grant.ID == id {
			return grant.String()
		}
	}
	return ""
}

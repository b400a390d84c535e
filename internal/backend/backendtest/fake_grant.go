// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"context"
	"slices"
	"strings"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

// Grants implements backend.Granter.
func (f *Fake) Grants(ctx context.Context, keyID string) ([]backend.Grant, error) {
	return call(ctx, f, VerbGrants, func() ([]backend.Grant, error) {
		key, err := f.find(keyID)
		if err != nil {
			return nil, err
		}
		return slices.DeleteFunc(slices.Clone(key.grants), func(grant backend.Grant) bool {
			return !strings.HasPrefix(grant.Name, backend.GrantPrefix)
		}), nil
	})
}

// AllGrants are the grants of a key, those of others too, past any fault.
func (f *Fake) AllGrants(keyID string) []backend.Grant {
	f.mu.Lock()
	defer f.mu.Unlock()
	if key, ok := f.keys[keyID]; ok {
		return slices.Clone(key.grants)
	}
	return nil
}

// AddGrant makes a grant as somebody outside could, of whatever name, and returns its ID. IDs are in the order of making.
func (f *Fake) AddGrant(keyID string, grant backend.Grant) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	grant.ID = strings.ReplaceAll(newID(), "-", "")
	f.keys[keyID].grants = append(f.keys[keyID].grants, grant)
	return grant.ID
}

func (f *Fake) putGrant(key *fakeKey, c backend.PutGrant) error {
	if err := f.checkGrant(key, c.Grant); err != nil {
		return err
	}
	if key.State != backend.StateEnabled {
		return &backend.Error{Class: backend.NotReady, Message: key.ARN + " is " + string(key.State) + "."}
	}
	if !slices.ContainsFunc(key.grants, c.Grant.SameAs) {
		grant := c.Grant
		grant.ID = strings.ReplaceAll(newID(), "-", "")
		key.grants = append(key.grants, grant)
	}
	for _, id := range c.Replaces {
		key.revokeGrant(id)
	}
	return nil
}

func (f *Fake) checkGrant(key *fakeKey, grant backend.Grant) error {
	allowed := kms.GrantOperations(key.Spec, key.Usage)
	for _, operation := range grant.Operations {
		if !slices.Contains(allowed, operation) {
			return invalid("Operation %s is not supported in a grant on %s", operation, key.ARN)
		}
	}
	constrained := len(grant.EncryptionContextEquals)+len(grant.EncryptionContextSubset) > 0
	switch {
	case !strings.HasPrefix(grant.Name, backend.GrantPrefix):
		return invalid("grant %q is not one for a Key", grant.Name)
	case len(grant.Operations) == 0:
		return invalid("A grant must allow at least one operation.")
	case !strings.HasPrefix(grant.Grantee, "arn:") || f.rolesGone[grant.Grantee] || f.rolesGone[grant.Retiring]:
		return invalid("ARN does not refer to a valid principal: %s", grant.Grantee)
	case constrained && !key.Spec.Symmetric():
		return invalid("Encryption context constraints are not supported in a grant on %s", key.ARN)
	}
	return nil
}

func (k *fakeKey) revokeGrant(id string) {
	k.grants = slices.DeleteFunc(slices.Clone(k.grants), func(grant backend.Grant) bool { return grant.ID == id })
}

var _ backend.Granter = (*Fake)(nil)

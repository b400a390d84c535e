// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"regexp"
	"slices"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

// Grant allows a principal some operations on a key.
type Grant = keyring.Grant

const (
	// MaxGrantsPerKey is less than AWS's 50,000: a key's grants are part of its record, which is written as a whole with
	// each change, and which a Kubernetes Secret has to hold, of at most 1 MiB.
	MaxGrantsPerKey = 1000
	// maxGrantBytes is what the grants of one key may take of that MiB; policy, tags and materials have the rest.
	maxGrantBytes = 768 << 10

	grantIDBytes = 32
)

var grantIDText = regexp.MustCompile(`^[0-9a-f]{64}$`)

// CreateGrant adds a grant that CheckGrant took, and returns its ID and a token for it. ID and CreationTime are not the
// caller's to set. If the key has a grant with the same name and otherwise the same contents, that is the answer, with a
// token of its own: so a request that names its grant can be repeated.
func (k *Key) CreateGrant(ctx context.Context, grant Grant) (grantID, token string, err error) {
	grant.ID, grant.CreationTime = newGrantID(), k.service.now()
	err = k.changeGrants(ctx, lifecycle.CreateGrant, func(r *keyring.KeyRecord) error {
		grantID = grant.ID
		if grant.Name != "" {
			if i := slices.IndexFunc(r.Grants, func(g Grant) bool { return repeats(g, grant) }); i >= 0 {
				grantID = r.Grants[i].ID
				return nil
			}
		}
		r.Grants = append(r.Grants, grant)
		return checkGrantLimits(r.Grants, k.ARN())
	})
	if err != nil {
		return "", "", err
	}
	token, err = k.service.grantToken(k.ID(), grantID)
	return grantID, token, err
}

// Grant is the grant with this ID, or nil. It must not be changed.
func (k *Key) Grant(grantID string) *Grant {
	i := slices.IndexFunc(k.record.Grants, func(g Grant) bool { return g.ID == grantID })
	if i < 0 {
		return nil
	}
	return &k.record.Grants[i]
}

// CatchUp makes the key what it is in the store if it has no grant with this ID: another process may have created it just
// now. The store is asked once about a grant that it does not have.
func (k *Key) CatchUp(ctx context.Context, grantID string) error {
	if k.Grant(grantID) != nil || k.service.goneGrants.has(grantID) {
		return nil
	}
	if err := k.service.ring.Refresh(ctx, k.ID()); err != nil {
		return k.service.translate(err, k.ID())
	}
	newer, err := k.service.Key(k.ID())
	if err != nil {
		return err
	}
	newer.alias = k.alias
	*k = *newer
	if k.Grant(grantID) == nil {
		k.service.goneGrants.add(grantID)
	}
	return nil
}

// DeleteGrant removes a grant, which revokes and retires it. It is a NotFoundException if the key has none with that ID. It
// goes in every key state.
func (k *Key) DeleteGrant(ctx context.Context, grantID string) error {
	// The table of key states has no row of its own for what always goes.
	return k.changeGrants(ctx, lifecycle.Describe, func(r *keyring.KeyRecord) error {
		left := slices.DeleteFunc(slices.Clone(r.Grants), func(g Grant) bool { return g.ID == grantID })
		if len(left) == len(r.Grants) {
			return GrantNotFound(grantID)
		}
		r.Grants = left
		return nil
	})
}

// GrantNotFound is the NotFoundException about a grant that a key does not have.
func GrantNotFound(grantID string) error {
	return Errorf(NotFoundException, "Grant ID %s not found", grantID)
}

// CheckGrantID refuses what cannot be a grant's ID: anything but 64 hexadecimal digits.
func CheckGrantID(grantID string) error {
	if grantIDText.MatchString(grantID) {
		return nil
	}
	return Errorf(InvalidGrantIDException, "The grant ID '%s' is not valid: it has 64 hexadecimal digits.", grantID)
}

// change writes what apply makes of the key's record, if the key's state allows the action.
func (k *Key) changeGrants(ctx context.Context, action lifecycle.Action, apply func(*keyring.KeyRecord) error) error {
	_, err := k.service.ring.UpdateKey(ctx, k.ID(), func(r *keyring.KeyRecord) error {
		if err := lifecycle.Allowed(r.State, action); err != nil {
			return stateError(k.ARN(), err)
		}
		return apply(r)
	})
	if err != nil {
		return k.service.translate(err, k.ID())
	}
	return nil
}

// RetirableGrants are the grants on this service's keys whose retiring principal has this ARN, in no order. Keys whose record
// is damaged are left out.
func (s *Service) RetirableGrants(retiring string) ([]KeyGrant, error) {
	keyIDs, err := s.KeyIDs()
	if err != nil {
		return nil, err
	}
	var found []KeyGrant
	for _, keyID := range keyIDs {
		record, err := s.ring.Key(keyID)
		if err != nil {
			continue // damaged, or gone meanwhile
		}
		for _, grant := range record.Grants {
			if grant.Retiring == retiring {
				found = append(found, KeyGrant{KeyARN: s.KeyARN(keyID), Grant: grant})
			}
		}
	}
	return found, nil
}

// KeyGrant is a grant and the key that it is on.
type KeyGrant struct {
	KeyARN string
	Grant
}

// repeats says whether two grants differ in nothing that a client chooses.
func repeats(a, b Grant) bool {
	a.ID, a.CreationTime = b.ID, b.CreationTime
	a.Operations, b.Operations = slices.Sorted(slices.Values(a.Operations)), slices.Sorted(slices.Values(b.Operations))
	return reflect.DeepEqual(a, b)
}

func newGrantID() string {
	id := make([]byte, grantIDBytes)
	_, _ = rand.Read(id) // never fails, as documented
	return hex.EncodeToString(id)
}

func checkGrantLimits(grants []Grant, keyARN string) error {
	if len(grants) > MaxGrantsPerKey {
		return Errorf(LimitExceededException, "The key %s has %d grants, which is the most that a key may have here.",
			keyARN, MaxGrantsPerKey)
	}
	size := 0
	for i := range grants {
		size += grantSize(&grants[i])
	}
	if size > maxGrantBytes {
		return Errorf(LimitExceededException, "The grants of the key %s would take %d bytes, of which they may take %d.",
			keyARN, size, maxGrantBytes)
	}
	return nil
}

// grantSize is about what the grant takes in the key's record, which is JSON too.
func grantSize(grant *Grant) int {
	text, err := json.Marshal(grant)
	if err != nil {
		panic("encoding a grant as JSON: " + err.Error()) // cannot fail: texts, maps of texts and a time
	}
	return len(text)
}

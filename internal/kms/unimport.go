// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"context"
	"slices"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

// DeleteImportedKeyMaterial deletes imported material, the current one if materialID is empty, and returns its ID. The key
// cannot be used until the same material is imported again; but material that waits for a rotation it can do without, and
// that is forgotten altogether, by the replicas of a primary too. A key without the material stays as it is.
func (k *Key) DeleteImportedKeyMaterial(ctx context.Context, materialID string) (deleted string, err error) {
	suits := func(c *change) error { return checkOrigin(c.record, keyring.OriginExternal, c.arn) }
	err = k.change(ctx, Mutation{action: lifecycle.DeleteImported, family: true, suits: suits, apply: func(c *change) error {
		deleted = materialID
		if deleted == "" {
			deleted = c.record.Current().ID
		}
		return c.deleteMaterial(deleted)
	}})
	return deleted, err
}

func (c *change) deleteMaterial(id string) error {
	m := c.record.Material(id)
	switch {
	case id == "":
		return nil // nothing was ever imported
	case m == nil:
		return Errorf(NotFoundException, "Key material '%s' of key '%s' does not exist", id, c.arn)
	case m == c.record.Pending && c.service.isPrimary(c.record):
		c.record.Pending = nil
	default:
		m.Bytes, m.ExpirationTime = nil, time.Time{}
	}
	return nil
}

// settleImport makes the state of a key whose material is imported fit what of it is there: it can be used only with all
// of it, but for what waits for a rotation.
func settleImport(r *keyring.KeyRecord) {
	if r.Origin != keyring.OriginExternal {
		return
	}
	complete := len(r.Materials) > 0 &&
		!slices.ContainsFunc(r.Materials, func(m keyring.Material) bool { return m.Bytes == nil })
	r.State = lifecycle.WithMaterial(r.State, complete)
}

// nextExpiry is when the first of the key's imported materials expires; zero if none does.
func nextExpiry(r *keyring.KeyRecord) time.Time {
	var next time.Time
	for m := range r.EachMaterial {
		if m.Bytes != nil {
			next = sooner(next, m.ExpirationTime)
		}
	}
	return next
}

// expireIfDue deletes imported material whose time has come.
func (s *Service) expireIfDue(ctx context.Context, keyID string, now time.Time) error {
	_, err := s.ring.UpdateKey(ctx, keyID, func(r *keyring.KeyRecord) error {
		for m := range r.EachMaterial {
			if !m.ExpirationTime.IsZero() && !now.Before(m.ExpirationTime) {
				m.Bytes, m.ExpirationTime = nil, time.Time{}
			}
		}
		settleImport(r)
		return nil
	})
	return err
}

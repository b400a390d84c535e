// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-logr/logr"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

// The relatives of a multi-Region key share their materials, their order and the settings of rotation; the primary's are
// right, and each replica makes them its own (synchronise), whichever process does it. Each key is a record of its own in a
// store of its own, so there is no writing two at once; instead every change of what is shared is one write to the primary's
// record, and the rest follows from it, however often who does it dies.
//
// Secret bytes never go from one keyring to another as they are, but in copies: each wipes its own.

// maxSynchronise bounds how often a relative is brought in line again because it changed meanwhile.
const maxSynchronise = 10

// errOutrun says that what a change is based on is no longer so.
var errOutrun = fmt.Errorf("the record changed since it was looked at: %w", keyring.ErrConflict)

// synchronise gives the key what it shares with its relatives. It writes nothing if it has that.
func (s *Service) synchronise(ctx context.Context, keyID string) error {
	for range maxSynchronise {
		// The key's own record is read first, so what it has from its relatives is in what is read of them then; and that must
		// not be put on a later record, or material that was imported in between would be taken for one that the primary has
		// dropped.
		if err := s.refresh(ctx, keyID); err != nil {
			return err
		}
		seen, err := s.ring.Key(keyID)
		if errors.Is(err, keyring.ErrNotFound) || err == nil && seen.MultiRegion == nil {
			return nil
		}
		if err != nil {
			return err
		}
		family, err := s.refreshRelatives(ctx, keyID)
		if err != nil {
			return err
		}
		_, err = s.ring.UpdateKey(ctx, keyID, func(r *keyring.KeyRecord) error {
			if !r.Equal(seen) {
				return errOutrun
			}
			return s.adopt(r, family, copyOf)
		})
		if !errors.Is(err, errOutrun) {
			return err
		}
	}
	return fmt.Errorf("synchronising key %s in %s, %d attempts: %w", keyID, s.ID().Region, maxSynchronise, errOutrun)
}

// inStep says whether adopting the family's would change nothing.
func (s *Service) inStep(record *keyring.KeyRecord, family relatives) bool {
	adopted := *record
	err := s.adopt(&adopted, family, func(b *keyring.SecretBytes) (*keyring.SecretBytes, error) { return b, nil })
	return err == nil && adopted.Equal(record)
}

// copier makes the secret bytes for another keyring.
type copier func(*keyring.SecretBytes) (*keyring.SecretBytes, error)

func copyOf(b *keyring.SecretBytes) (copied *keyring.SecretBytes, err error) {
	err = b.Use(func(secret []byte) error {
		copied = keyring.NewSecretBytes(bytes.Clone(secret))
		return nil
	})
	return copied, err
}

// adopt makes what the record shares with its relatives that of the primary. The primary itself takes from its replicas
// only material that it lacks, as after its store was restored from a backup. No material that was made here is ever given
// up, for there may be ciphertext under it.
func (s *Service) adopt(r *keyring.KeyRecord, family relatives, copied copier) error {
	a := &adoption{record: r, copied: copied}
	m := newest(r, family.found)
	isPrimary := m.PrimaryRegion == s.ID().Region
	if isPrimary {
		m = withSeen(m, family, s.now())
	}
	r.MultiRegion = &m
	if primary := family.in(m.PrimaryRegion); primary != nil && !isPrimary {
		a.follow(primary)
	} else if isPrimary && r.Origin == keyring.OriginAWSKMS {
		a.gather(family.found)
	}
	settleImport(r)
	return a.err
}

// adoption is a record that becomes like its primary.
type adoption struct {
	record *keyring.KeyRecord
	copied copier
	err    error
}

// follow makes the record's settings, history and materials the primary's. Materials that the primary does not know come
// first: they are for decryption only.
func (a *adoption) follow(primary *keyring.KeyRecord) {
	own := *a.record
	a.record.Rotation, a.record.Rotations = primary.Rotation, slices.Clone(primary.Rotations)
	a.record.Rotating, a.record.Pending, a.record.Materials = primary.Rotating, nil, nil
	for _, m := range own.Materials {
		if primary.Material(m.ID) == nil {
			a.record.Materials = append(a.record.Materials, m)
		}
	}
	if m := own.Pending; m != nil && own.Rotating != "" && primary.Material(m.ID) == nil {
		a.record.Materials = append(a.record.Materials, *m)
	}
	for _, m := range primary.Materials {
		a.record.Materials = append(a.record.Materials, a.counterpart(&own, m))
	}
	if primary.Pending != nil {
		a.record.Pending = new(a.counterpart(&own, *primary.Pending))
	}
}

// counterpart is the record's own material where it has it. Else it is the primary's if that was made here; imported
// material has to be imported in each Region.
func (a *adoption) counterpart(own *keyring.KeyRecord, of keyring.Material) keyring.Material {
	if known := own.Material(of.ID); known != nil {
		return *known
	}
	m := keyring.Material{ID: of.ID, CreatedAt: of.CreatedAt}
	if own.Origin == keyring.OriginAWSKMS {
		m.Bytes = a.copy(of.Bytes)
	}
	return m
}

// gather takes over material that only replicas have.
func (a *adoption) gather(family []relative) {
	for _, other := range family {
		for _, m := range other.record.Materials {
			if a.record.Material(m.ID) == nil && m.Bytes != nil {
				found := keyring.Material{ID: m.ID, CreatedAt: m.CreatedAt, Bytes: a.copy(m.Bytes)}
				a.record.Materials = slices.Insert(slices.Clone(a.record.Materials), 0, found)
			}
		}
	}
}

func (a *adoption) copy(b *keyring.SecretBytes) *keyring.SecretBytes {
	if b == nil {
		return nil
	}
	copied, err := a.copied(b)
	if err != nil {
		a.err = errors.Join(a.err, errOutrun) // wiped since it was read
	}
	return copied
}

// share gives all relatives of a key what they share, and completes a rotation that waits for it.
func (s *Service) share(ctx context.Context, keyID string) error {
	if err := s.synchroniseFamily(ctx, keyID); err != nil {
		return err
	}
	record, err := s.ring.Key(keyID)
	if err != nil || !s.isRotating(record) {
		return err
	}
	if err := s.finishRotation(ctx, keyID); err != nil {
		return err
	}
	return s.synchroniseFamily(ctx, keyID)
}

// synchroniseFamily synchronises a key and all its relatives, the primary first: the others go by it.
func (s *Service) synchroniseFamily(ctx context.Context, keyID string) error {
	services := append([]*Service{s}, s.siblings()...)
	if record, err := s.ring.Key(keyID); err == nil && record.MultiRegion != nil {
		primary := s.primaryRegion(record)
		if i := slices.IndexFunc(services, func(s *Service) bool { return s.ID().Region == primary }); i > 0 {
			services[0], services[i] = services[i], services[0]
		}
	}
	failed := make([]error, len(services))
	for i, service := range services {
		failed[i] = service.synchronise(ctx, keyID)
	}
	return errors.Join(failed...)
}

// shareNow is share after a change that was made: that it fails is not the change's failure, since Run will do it. It
// returns the key's record as it is then.
func (s *Service) shareNow(ctx context.Context, record *keyring.KeyRecord) *keyring.KeyRecord {
	if err := s.share(ctx, record.KeyID); err != nil {
		logr.FromContextOrDiscard(ctx).Info("relatives of a multi-Region key do not have yet what they share with it",
			"key", s.KeyARN(record.KeyID), "error", err.Error())
	}
	if newer, err := s.ring.Key(record.KeyID); err == nil {
		return newer
	}
	return record
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

// The types of multi-Region keys, by AWS's names.
const (
	MultiRegionPrimary = "PRIMARY"
	MultiRegionReplica = "REPLICA"
)

// relative is one of the keys that a multi-Region key consists of.
type relative struct {
	service *Service
	record  *keyring.KeyRecord
}

// relatives are what was found of a key in other Regions.
type relatives struct {
	found []relative
	// absent are the Regions that were looked at and do not have the key. A Region that is in neither was not looked at,
	// because it is not open here: whether it has the key is not known.
	absent []string
}

// in is the relative in a Region, or nil.
func (f relatives) in(region string) *keyring.KeyRecord {
	for _, other := range f.found {
		if other.service.ID().Region == region {
			return other.record
		}
	}
	return nil
}

// saw says whether the Region was looked at.
func (f relatives) saw(region string) bool {
	return f.in(region) != nil || slices.Contains(f.absent, region)
}

// family are the relatives of a key, as far as this process knows of them. It is an error if that cannot be told of a
// Region that is open: then nothing may be decided by it.
func (s *Service) family(keyID string) (relatives, error) { return familyAmong(s.siblings(), keyID) }

func familyAmong(siblings []*Service, keyID string) (relatives, error) {
	var f relatives
	for _, sibling := range siblings {
		record, err := sibling.ring.Key(keyID)
		switch {
		case errors.Is(err, keyring.ErrNotFound):
			f.absent = append(f.absent, sibling.ID().Region)
		case err != nil:
			return relatives{}, fmt.Errorf("looking for relatives of key %s in %s: %w", keyID, sibling.ID().Region, err)
		case record.MultiRegion != nil:
			f.found = append(f.found, relative{sibling, record})
		}
	}
	return f, nil
}

// refreshFamily reads the key and its relatives from the stores, for decisions that are to go by the newest.
func (s *Service) refreshFamily(ctx context.Context, keyID string) error {
	if err := s.refresh(ctx, keyID); err != nil {
		return err
	}
	_, err := s.refreshRelatives(ctx, keyID)
	return err
}

// refreshRelatives reads the relatives from the stores. A Region that opens meanwhile is not among them: nobody has read
// from its store.
func (s *Service) refreshRelatives(ctx context.Context, keyID string) (relatives, error) {
	siblings := s.siblings()
	for _, sibling := range siblings {
		if err := sibling.refresh(ctx, keyID); err != nil {
			return relatives{}, err
		}
	}
	return familyAmong(siblings, keyID)
}

func (s *Service) refresh(ctx context.Context, keyID string) error {
	if err := s.ring.Refresh(ctx, keyID); err != nil {
		return fmt.Errorf("reading key %s in %s: %w", keyID, s.ID().Region, err)
	}
	return nil
}

// newest is what the most recent of relatives says of the primary and its replicas. Two that differ in the same epoch can
// only come from a store that was restored from a backup; all processes agree on one of them.
func newest(record *keyring.KeyRecord, family []relative) keyring.MultiRegion {
	known := *record.MultiRegion
	for _, other := range family {
		if m := *other.record.MultiRegion; compareEpochs(m, known) > 0 {
			known = m
		}
	}
	return known
}

func compareEpochs(a, b keyring.MultiRegion) int {
	return cmp.Or(
		cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(b.PrimaryRegion, a.PrimaryRegion),
		slices.Compare(a.Replicas, b.Replicas), slices.Compare(a.Replicating, b.Replicating),
	)
}

// primaryRegion is the Region of the primary among a key's relatives: what the newest of them says, of those that can be
// read.
func (s *Service) primaryRegion(record *keyring.KeyRecord) string {
	return s.newestReadable(record).PrimaryRegion
}

func (s *Service) newestReadable(record *keyring.KeyRecord) keyring.MultiRegion {
	var family []relative
	for _, sibling := range s.siblings() {
		if other, err := sibling.ring.Key(record.KeyID); err == nil && other.MultiRegion != nil {
			family = append(family, relative{sibling, other})
		}
	}
	return newest(record, family)
}

// isPrimary says whether the key is the one of its relatives that is rotated and replicated, as is a key without any. That
// another one became primary is always in the record of the one before, so a compare-and-swap of it is safe.
func (s *Service) isPrimary(record *keyring.KeyRecord) bool {
	return record.MultiRegion == nil || s.primaryRegion(record) == s.ID().Region
}

// checkPrimary refuses a replica.
func (s *Service) checkPrimary(record *keyring.KeyRecord) error {
	if s.isPrimary(record) {
		return nil
	}
	return s.notPrimary(record.KeyID)
}

func (s *Service) notPrimary(keyID string) error {
	return Errorf(UnsupportedOperationException, "%s is not a multi-region primary key.", s.KeyARN(keyID))
}

// isEverywhere says whether the key and all its relatives have the pending material, those included of which nothing is
// known here. Of imported material those need not that are to be deleted, since it can't be imported into them.
func (s *Service) isEverywhere(record *keyring.KeyRecord) (bool, error) {
	if record.Pending == nil || record.Pending.Bytes == nil {
		return false, nil
	}
	if record.MultiRegion == nil {
		return true, nil
	}
	family, err := s.family(record.KeyID)
	if err != nil {
		return false, err
	}
	notSeen := func(region string) bool { return region != s.ID().Region && family.in(region) == nil }
	if slices.ContainsFunc(newest(record, family.found).Replicas, notSeen) {
		return false, nil
	}
	return !slices.ContainsFunc(family.found, func(other relative) bool {
		exempt := record.Origin == keyring.OriginExternal && other.record.State.ToBeDeleted()
		m := other.record.Material(record.Pending.ID)
		return !exempt && (m == nil || m.Bytes == nil)
	}), nil
}

// MultiRegionType is MultiRegionPrimary or MultiRegionReplica; empty for a key of one Region.
func (k *Key) MultiRegionType() string {
	switch {
	case k.record.MultiRegion == nil:
		return ""
	case k.service.isPrimary(k.record):
		return MultiRegionPrimary
	default:
		return MultiRegionReplica
	}
}

// Relatives are the Regions of a multi-Region key: that of the primary, and those of the replicas, sorted. These are the
// Regions in which the key is now, and those in which it was last, as far as is known, if it cannot be looked for there.
func (k *Key) Relatives() (primary string, replicas []string) { return k.service.regionsOf(k.record) }

// regionsOf are the Regions of a key: none for a key of one Region.
func (s *Service) regionsOf(r *keyring.KeyRecord) (primary string, replicas []string) {
	if r.MultiRegion == nil {
		return "", nil
	}
	known := s.newestReadable(r)
	for _, service := range append(s.siblings(), s) {
		region := service.ID().Region
		record, err := service.ring.Key(r.KeyID)
		switch {
		case err == nil && record.MultiRegion != nil:
			known.Replicas = with(known.Replicas, region)
		case errors.Is(err, keyring.ErrNotFound):
			known.Replicas = without(known.Replicas, region)
		}
	}
	return known.PrimaryRegion, without(known.Replicas, known.PrimaryRegion)
}

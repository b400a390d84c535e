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

// A primary notes in its record the Regions of its replicas, before they are made, and every relative has a copy. That is
// what "it has no replica" is decided by, and not by what is open in this process: a Region that is not open, or not loaded
// yet, may have a replica that needs its primary. A Region is struck off only by who has looked into its store and not
// found there the replica that had been there, or that nobody is making any more.
//
// The list is part of keyring.MultiRegion, and like a change of the primary each change of it begins an epoch, in one write
// to the primary's record. To strike off a Region and to note it once more at the same time is therefore a conflict.

const (
	// replicateTimeout bounds the time from the moment that a Region was noted until the replica is made there.
	replicateTimeout = time.Minute
	// replicatingFor is how long a replica that was begun is waited for. It is replicateTimeout and what the clocks of
	// processes may differ by.
	replicatingFor = 10 * time.Minute
)

// with is a sorted list with one more Region, and without one with one less. They leave the list itself as it is.
func with(regions []string, region string) []string {
	if slices.Contains(regions, region) {
		return regions
	}
	return slices.Sorted(slices.Values(append(slices.Clone(regions), region)))
}

func without(regions []string, region string) []string {
	return slices.DeleteFunc(slices.Clone(regions), func(r string) bool { return r == region })
}

// noteReplica writes into the primary's record that a replica is about to be made, and returns the record.
func (s *Service) noteReplica(ctx context.Context, keyID string, target *Service) (*keyring.KeyRecord, error) {
	region := target.ID().Region
	return s.ring.UpdateKey(ctx, keyID, func(r *keyring.KeyRecord) error {
		if _, err := s.checkReplicates(r, region); err != nil {
			return err
		}
		family, err := s.family(keyID)
		if err != nil {
			return err
		}
		m := newest(r, family.found)
		m.Epoch++ // also if the Region is noted already: nobody may be striking it off now
		m.Replicas, m.Replicating, m.ReplicatingSince = with(m.Replicas, region), with(m.Replicating, region), s.now()
		r.MultiRegion = &m
		return nil
	})
}

// withSeen is what a primary knows of its replicas after a look at its family.
func withSeen(m keyring.MultiRegion, family relatives, now time.Time) keyring.MultiRegion {
	seen := m
	seen.Replicas = without(m.Replicas, m.PrimaryRegion)
	for _, other := range family.found {
		region := other.service.ID().Region
		seen.Replicas, seen.Replicating = with(seen.Replicas, region), without(seen.Replicating, region)
	}
	for _, region := range family.absent {
		if !slices.Contains(m.Replicating, region) || !now.Before(m.ReplicatingSince.Add(replicatingFor)) {
			seen.Replicas, seen.Replicating = without(seen.Replicas, region), without(seen.Replicating, region)
		}
	}
	if len(seen.Replicating) == 0 {
		seen.ReplicatingSince = time.Time{}
	}
	if !seen.Equal(m) {
		seen.Epoch++
	}
	return seen
}

// handedOver is what the primary writes that makes another one primary.
func handedOver(m keyring.MultiRegion, from, to string) keyring.MultiRegion {
	m.PrimaryRegion, m.Epoch = to, m.Epoch+1
	m.Replicas, m.Replicating = without(with(m.Replicas, from), to), without(m.Replicating, to)
	if len(m.Replicating) == 0 {
		m.ReplicatingSince = time.Time{}
	}
	return m
}

// hasReplicas says whether the key is a primary that has replicas, or may have some of which nothing is known here.
func (s *Service) hasReplicas(record *keyring.KeyRecord) (bool, error) {
	if record.MultiRegion == nil {
		return false, nil
	}
	family, err := s.family(record.KeyID)
	if err != nil {
		return false, err
	}
	m := newest(record, family.found)
	return m.PrimaryRegion == s.ID().Region && (len(m.Replicas) > 0 || len(family.found) > 0), nil
}

// isPlaced says whether it is certain which one of its relatives is primary. It is if the one that is taken for it says so
// itself, since a primary that handed over knows; or if nobody is left who could say otherwise.
func (s *Service) isPlaced(record *keyring.KeyRecord) (bool, error) {
	if record.MultiRegion == nil {
		return true, nil
	}
	family, err := s.family(record.KeyID)
	if err != nil {
		return false, err
	}
	m := newest(record, family.found)
	if m.PrimaryRegion == s.ID().Region || family.in(m.PrimaryRegion) != nil {
		return true, nil
	}
	notSeen := func(region string) bool { return region != s.ID().Region && !family.saw(region) }
	return !slices.ContainsFunc(with(m.Replicas, m.PrimaryRegion), notSeen), nil
}

// awaitsRegion says whether something is due to the key that cannot be done before other Regions are open. Partition.Add
// has it looked at again.
func (s *Service) awaitsRegion(r *keyring.KeyRecord) (bool, error) {
	if r.State == lifecycle.PendingDeletion {
		placed, err := s.isPlaced(r)
		return !placed, err
	}
	if !s.isRotating(r) {
		return false, nil
	}
	family, err := s.family(r.KeyID)
	if err != nil {
		return false, err
	}
	notSeen := func(region string) bool { return region != s.ID().Region && !family.saw(region) }
	return slices.ContainsFunc(newest(r, family.found).Replicas, notSeen), nil
}

// abandonedAt is when a replica that was begun, and is not there, is waited for no longer; zero if there is none.
func (s *Service) abandonedAt(r *keyring.KeyRecord) (time.Time, error) {
	if r.MultiRegion == nil || len(r.MultiRegion.Replicating) == 0 {
		return time.Time{}, nil
	}
	family, err := s.family(r.KeyID)
	if err != nil {
		return time.Time{}, err
	}
	m := newest(r, family.found)
	missing := func(region string) bool { return slices.Contains(family.absent, region) }
	if m.PrimaryRegion != s.ID().Region || !slices.ContainsFunc(m.Replicating, missing) {
		return time.Time{}, nil
	}
	return m.ReplicatingSince.Add(replicatingFor), nil
}

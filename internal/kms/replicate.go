// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"context"
	"errors"
	"maps"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

// ReplicateKeyInput describes a replica to make.
type ReplicateKeyInput struct {
	// Region is where it is to be.
	Region      string
	Description string
	Tags        map[string]string
	// Policy is as in CreateKeyInput.
	Policy string
}

// ReplicateKey makes a replica of a multi-Region primary key in another Region of its account, and returns it: the primary
// notes the Region in one write, the next one makes the replica. It can be repeated after whatever failure. A replica of a
// key whose material is imported waits for its own import.
func (k *Key) ReplicateKey(ctx context.Context, in ReplicateKeyInput) (*Key, error) {
	s := k.service
	target, err := s.makeReplica(ctx, k.ID(), in)
	if err != nil {
		return nil, s.translate(err, k.ID())
	}
	return target.Key(k.ID())
}

// makeReplica returns the service that has the replica.
func (s *Service) makeReplica(ctx context.Context, keyID string, in ReplicateKeyInput) (*Service, error) {
	if err := s.refreshFamily(ctx, keyID); err != nil {
		return nil, err
	}
	primary, err := s.ring.Key(keyID)
	if err != nil {
		return nil, err
	}
	target, err := s.checkReplicates(primary, in.Region)
	if err != nil {
		return nil, err
	}
	replica := &keyring.KeyRecord{
		KeyID: primary.KeyID, Spec: primary.Spec, Usage: primary.Usage, Origin: primary.Origin, State: lifecycle.Enabled,
		Description: in.Description, Tags: maps.Clone(in.Tags), Policy: in.Policy, CreationTime: s.now(),
	}
	if err := target.checkNew(replica); err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, replicateTimeout)
	defer cancel()
	if primary, err = s.noteReplica(within, keyID, target); err != nil {
		return nil, err
	}
	replica.MultiRegion = primary.MultiRegion
	if err := target.adopt(replica, relatives{found: []relative{{s, primary}}}, copyOf); err != nil {
		return nil, err
	}
	created, err := target.ring.CreateKey(within, replica)
	if errors.Is(err, keyring.ErrExists) {
		return nil, target.keyExists(keyID)
	}
	if err != nil {
		return nil, target.translate(err, keyID)
	}
	target.shareNow(ctx, created) // the primary is to know that it is there, and may have changed meanwhile
	return target, nil
}

// CheckReplicates refuses a Region into which the key cannot be replicated, and returns the service there.
func (k *Key) CheckReplicates(region string) (*Service, error) {
	return k.service.checkReplicates(k.record, region)
}

// checkReplicates refuses what cannot be replicated into a Region, and returns the service there.
func (s *Service) checkReplicates(primary *keyring.KeyRecord, region string) (*Service, error) {
	keyID := primary.KeyID
	if primary.MultiRegion == nil || !s.isPrimary(primary) {
		return nil, s.notPrimary(keyID)
	}
	if err := lifecycle.Allowed(primary.State, lifecycle.Replicate); err != nil {
		return nil, stateError(s.KeyARN(keyID), err)
	}
	if region == s.ID().Region {
		return nil, s.keyExists(keyID)
	}
	target := s.sibling(region)
	if target == nil {
		if err := s.checkOpen(region); err != nil {
			return nil, err
		}
		return nil, Errorf(UnsupportedOperationException, "Account %s has no Region %s here.", s.ID().AccountID, region)
	}
	switch _, err := target.ring.Key(keyID); {
	case err == nil:
		return nil, target.keyExists(keyID)
	case errors.Is(err, keyring.ErrNotFound):
		return target, nil
	default:
		return nil, target.translate(err, keyID)
	}
}

func (s *Service) keyExists(keyID string) error {
	return Errorf(AlreadyExistsException, "Key '%s' already exists", s.KeyARN(keyID))
}

// Replica is the relative of a multi-Region key in another Region; it is a NotFoundException if there is none.
func (k *Key) Replica(region string) (*Key, error) {
	arn := ARN{Region: region, AccountID: k.service.ID().AccountID, KeyID: k.ID()}
	if sibling := k.service.sibling(region); sibling != nil {
		if key, err := sibling.Key(k.ID()); !HasCode(err, NotFoundException) {
			return key, err
		}
	}
	return nil, Errorf(NotFoundException, "Key '%s' does not exist", arn)
}

// CheckPrimary refuses a key that is not the primary of a multi-Region key.
func (k *Key) CheckPrimary() error {
	if k.record.MultiRegion == nil {
		return k.service.notPrimary(k.ID())
	}
	return k.service.checkPrimary(k.record)
}

// UpdatePrimaryRegion makes the replica in another Region the primary, and this key a replica, in one write to this key's
// record.
func (k *Key) UpdatePrimaryRegion(ctx context.Context, region string) error {
	s := k.service
	for range maxSynchronise {
		if err := s.refreshFamily(ctx, k.ID()); err != nil {
			return s.translate(err, k.ID())
		}
		successor, err := k.checkSuccessor(region)
		if err != nil {
			return err
		}
		if err := successor.synchronise(ctx, k.ID()); err != nil {
			return s.translate(err, k.ID())
		}
		err = s.abdicate(ctx, k.ID(), successor)
		if err == nil {
			return nil
		}
		if !errors.Is(err, errOutrun) {
			return s.translate(err, k.ID())
		}
	}
	return s.translate(errOutrun, k.ID())
}

// checkSuccessor refuses a Region whose key cannot become primary, and returns the service there.
func (k *Key) checkSuccessor(region string) (*Service, error) {
	record, err := k.service.ring.Key(k.ID())
	if err != nil {
		return nil, k.service.translate(err, k.ID())
	}
	if record.MultiRegion == nil {
		return nil, k.service.notPrimary(k.ID())
	}
	if err := k.service.checkPrimary(record); err != nil {
		return nil, err
	}
	if region == k.service.ID().Region {
		return nil, Errorf(ValidationException, "%s is the primary key already.", k.ARN())
	}
	replica, err := k.Replica(region)
	if err != nil {
		return nil, err
	}
	return replica.service, replica.Check(lifecycle.UpdatePrimary)
}

// abdicate hands the primary's place over. The successor must have everything that they share by then, or it is errOutrun:
// it could not get it from a key that is a replica itself.
func (s *Service) abdicate(ctx context.Context, keyID string, successor *Service) error {
	record, err := s.ring.UpdateKey(ctx, keyID, func(r *keyring.KeyRecord) error {
		if err := s.checkPrimary(r); err != nil {
			return err
		}
		if err := lifecycle.Allowed(r.State, lifecycle.UpdatePrimary); err != nil {
			return stateError(s.KeyARN(keyID), err)
		}
		next, err := successor.ring.Key(keyID)
		if err != nil {
			return err
		}
		if !successor.inStep(next, relatives{found: []relative{{s, r}}}) {
			return errOutrun
		}
		family, err := s.family(keyID)
		if err != nil {
			return err
		}
		r.MultiRegion = new(handedOver(newest(r, family.found), s.ID().Region, successor.ID().Region))
		return nil
	})
	if err == nil {
		s.shareNow(ctx, record)
	}
	return err
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"context"
	"time"

	"github.com/go-logr/logr"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

// EnableKeyRotation turns automatic rotation on, every so many days (90 to 2560; 0 means 365), or changes the period.
func EnableKeyRotation(periodInDays int32) Mutation {
	if periodInDays == 0 {
		periodInDays = lifecycle.DefaultPeriodDays
	}
	return Mutation{action: lifecycle.SetRotation, family: true, suits: rotatesByItself, apply: func(c *change) error {
		if err := checkPeriod(periodInDays); err != nil {
			return err
		}
		if !c.record.Rotation.Enabled {
			c.record.Rotation.EnabledAt = c.now
		}
		c.record.Rotation.Enabled, c.record.Rotation.PeriodInDays = true, periodInDays
		return nil
	}}
}

// DisableKeyRotation turns automatic rotation off.
func DisableKeyRotation() Mutation {
	return Mutation{action: lifecycle.SetRotation, family: true, suits: rotatesByItself, apply: func(c *change) error {
		c.record.Rotation = keyring.RotationSettings{}
		return nil
	}}
}

// RotateKeyOnDemand gives the key new material now, and leaves the automatic schedule alone. For a key whose material is
// imported that is the material pending rotation. If another writer did so while this request was under way, or an earlier
// try of it did and the answer got lost, that is taken for it.
func RotateKeyOnDemand() Mutation {
	return Mutation{action: lifecycle.RotateOnDemand, family: true, suits: rotatesOnDemand, apply: func(c *change) error {
		if c.rotated {
			return nil
		}
		return c.rotateOnDemand()
	}}
}

// RotateKeyOnDemandSince is RotateKeyOnDemand, but nothing to a key that was rotated on demand at or after the time given:
// so that a request which carries its own time can be repeated by whoever finds it not carried out.
func RotateKeyOnDemandSince(requestedAt time.Time) Mutation {
	m := RotateKeyOnDemand()
	rotateNow := m.apply
	m.apply = func(c *change) error {
		if last := lastOnDemand(c.record); !last.IsZero() && !last.Before(requestedAt) {
			return nil
		}
		return rotateNow(c)
	}
	return m
}

// lastOnDemand is when the key was last asked to rotate on demand, or did.
func lastOnDemand(r *keyring.KeyRecord) time.Time {
	if r.Rotating == keyring.OnDemand && r.Pending != nil {
		return r.Pending.CreatedAt
	}
	return r.LastRotation(keyring.OnDemand)
}

func (c *change) rotateOnDemand() error {
	if err := lifecycle.CheckOnDemandRotation(c.record.OnDemandCount()); err != nil {
		return &Error{Code: LimitExceededException, Err: err, Message: "The on-demand rotations limit has been reached " +
			"for the given keyId. No more on-demand rotations can be performed for this key: " + c.arn}
	}
	if c.record.Origin == keyring.OriginExternal {
		return c.rotateImported()
	}
	if c.record.Rotating != "" {
		return Errorf(ConflictException, "A rotation of %s is in progress.", c.arn)
	}
	return c.service.rotate(c.record, keyring.OnDemand, c.now)
}

// rotateImported makes the material current that was imported for it. All relatives need to have it, since what one of
// them encrypts the others are to decrypt.
func (c *change) rotateImported() error {
	everywhere, err := c.service.isEverywhere(c.record)
	if err != nil {
		return err
	}
	if !everywhere {
		return Errorf(KMSInvalidStateException, "No available key material pending rotation for the key: %s.", c.arn)
	}
	c.record.Rotating = keyring.OnDemand
	completeRotation(c.record, c.now)
	return nil
}

// rotatesByItself refuses keys that have no automatic rotation, or not here.
func rotatesByItself(c *change) error {
	if err := checkRotates(c.record, c.arn); err != nil {
		return err
	}
	if err := checkOrigin(c.record, keyring.OriginAWSKMS, c.arn); err != nil {
		return err
	}
	return c.checkPrimary()
}

// rotatesOnDemand refuses keys that do not rotate, or not here.
func rotatesOnDemand(c *change) error {
	if err := checkRotates(c.record, c.arn); err != nil {
		return err
	}
	return c.checkPrimary()
}

func (c *change) checkPrimary() error { return c.service.checkPrimary(c.record) }

// checkOrigin refuses keys whose material is from elsewhere.
func checkOrigin(r *keyring.KeyRecord, origin keyring.Origin, arn string) error {
	if r.Origin == origin {
		return nil
	}
	return Errorf(UnsupportedOperationException, "%s origin is %s which is not valid for this operation.", arn, r.Origin)
}

// rotate makes new material for the key and notes why. It becomes current at once, unless the key has replicas: then it
// waits as pending until they all have it, so that at no moment one of them encrypts what another can't decrypt.
func (s *Service) rotate(r *keyring.KeyRecord, why keyring.RotationType, now time.Time) error {
	hasReplicas, err := s.hasReplicas(r)
	if err != nil {
		return err
	}
	made := &keyring.KeyRecord{Spec: r.Spec}
	if err := addMaterial(context.Background(), made, now); err != nil {
		return err
	}
	r.Pending, r.Rotating = &made.Materials[0], why
	if !hasReplicas {
		completeRotation(r, now)
	}
	return nil
}

// completeRotation makes the pending material current.
func completeRotation(r *keyring.KeyRecord, now time.Time) {
	r.Rotations = append(r.Rotations, keyring.Rotation{Time: now, Type: r.Rotating, MaterialID: r.Pending.ID})
	r.Materials = append(r.Materials, *r.Pending)
	r.Pending, r.Rotating = nil, ""
}

// rotateIfDue begins the automatic rotation of a key whose date has come.
func (s *Service) rotateIfDue(ctx context.Context, keyID string, now time.Time) error {
	rotated := false
	record, err := s.ring.UpdateKey(ctx, keyID, func(r *keyring.KeyRecord) error {
		rotated = lifecycle.RotationDue(now, r.State, s.nextRotation(r))
		if !rotated {
			return nil
		}
		return s.rotate(r, keyring.Automatic, now)
	})
	if err == nil && rotated && record.Rotating == "" {
		logRotation(ctx, s.KeyARN(keyID), record)
	}
	return err
}

// nextRotation is when the key is to be rotated automatically; zero for never. The primary rotates for its replicas.
func (s *Service) nextRotation(r *keyring.KeyRecord) time.Time {
	if r.Rotating != "" || !s.isPrimary(r) {
		return time.Time{}
	}
	return r.NextRotation()
}

// finishRotation completes a rotation that is under way if every replica has the new material by now.
func (s *Service) finishRotation(ctx context.Context, keyID string) error {
	finished := false
	record, err := s.ring.UpdateKey(ctx, keyID, func(r *keyring.KeyRecord) error {
		everywhere, err := s.isEverywhere(r)
		if err != nil {
			return err
		}
		finished = everywhere && s.isRotating(r)
		if finished {
			completeRotation(r, s.now())
		}
		return nil
	})
	if err == nil && finished {
		logRotation(ctx, s.KeyARN(keyID), record)
	}
	return err
}

// awaitedBy are those of the Regions of a key's replicas that a rotation waits for which has begun: as far as is known here the
// replica there does not have the new material.
func (s *Service) awaitedBy(r *keyring.KeyRecord, replicas []string) []string {
	if r.Rotating == "" || r.Pending == nil || !s.isPrimary(r) {
		return nil
	}
	var awaited []string
	for _, region := range replicas {
		if !s.hasIn(region, r.KeyID, r.Pending.ID) {
			awaited = append(awaited, region)
		}
	}
	return awaited
}

// hasIn says whether it is certain that the key has the material in another Region.
func (s *Service) hasIn(region, keyID, materialID string) bool {
	sibling := s.sibling(region)
	if sibling == nil {
		return false
	}
	record, err := sibling.ring.Key(keyID)
	if err != nil {
		return false
	}
	m := record.Material(materialID)
	return m != nil && m.Bytes != nil
}

// isRotating says whether a rotation is under way that this key is to complete now. A key that is not enabled waits.
func (s *Service) isRotating(r *keyring.KeyRecord) bool {
	return r.Rotating != "" && r.State == lifecycle.Enabled && s.isPrimary(r)
}

func logRotation(ctx context.Context, arn string, record *keyring.KeyRecord) {
	logr.FromContextOrDiscard(ctx).Info("rotated key", "key", arn, "type", record.Rotations[len(record.Rotations)-1].Type,
		"material", record.Current().ID)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"context"
	"maps"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

// Mutation is one change of a key's record. Those that a key's state does not allow are refused as in AWS.
type Mutation struct {
	action lifecycle.Action
	skip   func(lifecycle.State) bool // if set, the mutation does nothing to a key in such a state
	// apply changes the record, or returns an error and leaves it as it is. The state is not its business.
	apply func(*change) error
}

// change is a record being changed.
type change struct {
	record *keyring.KeyRecord
	arn    string
	now    time.Time
	// rotated says that the key was rotated on demand since the caller last saw it.
	rotated bool
}

// Update carries out mutations in their order and in one write, or none if they make no difference, and returns the key
// as it is afterwards. Mutations that are refused do not hold up the others; the error then is a *RefusedError, and the
// key is returned too. Any other error means that nothing was written, as far as is known.
func (s *Service) Update(ctx context.Context, keyID string, mutations ...Mutation) (*KeyMetadata, error) {
	seen, err := s.ring.Key(keyID)
	if err != nil {
		return nil, s.translate(err, keyID)
	}
	var refused *RefusedError
	record, err := s.ring.UpdateKey(ctx, keyID, func(r *keyring.KeyRecord) error {
		refused = nil
		c := &change{
			record: r, arn: s.KeyARN(keyID), now: s.now(), rotated: r.OnDemandCount() > seen.OnDemandCount(),
		}
		for i, m := range mutations {
			if err := m.run(c); err != nil {
				if refused == nil {
					refused = &RefusedError{Refused: make([]error, len(mutations))}
				}
				refused.Refused[i] = err
			}
		}
		return nil
	})
	if err != nil {
		return nil, s.translate(err, keyID)
	}
	if refused != nil {
		return s.metadata(record), refused
	}
	return s.metadata(record), nil
}

func (m Mutation) run(c *change) error {
	if m.skip != nil && m.skip(c.record.State) {
		return nil
	}
	next, err := lifecycle.Next(c.record.State, m.action)
	if err != nil {
		return stateError(c.arn, err)
	}
	if m.apply != nil {
		if err := m.apply(c); err != nil {
			return err
		}
	}
	c.record.State = next
	return nil
}

// If makes a mutation that does nothing to a key in another state than the one given.
func (m Mutation) If(state lifecycle.State) Mutation {
	m.skip = func(is lifecycle.State) bool { return is != state }
	return m
}

// Unless makes a mutation that does nothing to a key in the state given.
func (m Mutation) Unless(state lifecycle.State) Mutation {
	m.skip = func(is lifecycle.State) bool { return is == state }
	return m
}

// EnableKey makes a key usable.
func EnableKey() Mutation { return Mutation{action: lifecycle.Enable} }

// DisableKey makes a key unusable until it is enabled.
func DisableKey() Mutation { return Mutation{action: lifecycle.Disable} }

// UpdateKeyDescription replaces the description: up to 8192 characters.
func UpdateKeyDescription(text string) Mutation {
	return Mutation{action: lifecycle.UpdateDescription, apply: func(c *change) error {
		if err := checkDescription(text); err != nil {
			return err
		}
		c.record.Description = text
		return nil
	}}
}

// TagResource adds or replaces tags: all or, on an error, none of them.
func TagResource(tags map[string]string) Mutation {
	return Mutation{action: lifecycle.Tag, apply: func(c *change) error {
		if err := checkTags(tags); err != nil {
			return err
		}
		before := maps.Clone(c.record.Tags)
		maps.Copy(c.record.Tags, tags)
		if err := checkTagCount(c.record); err != nil {
			c.record.Tags = before
			return err
		}
		return nil
	}}
}

// UntagResource removes tags; keys that are not there are no error.
func UntagResource(keys ...string) Mutation {
	return Mutation{action: lifecycle.Untag, apply: func(c *change) error {
		for _, key := range keys {
			delete(c.record.Tags, key)
		}
		return nil
	}}
}

// EnableKeyRotation turns automatic rotation on, every so many days (90 to 2560; 0 means 365), or changes the period.
func EnableKeyRotation(periodInDays int32) Mutation {
	if periodInDays == 0 {
		periodInDays = lifecycle.DefaultPeriodDays
	}
	return Mutation{action: lifecycle.SetRotation, apply: func(c *change) error {
		if err := checkRotates(c.record, c.arn); err != nil {
			return err
		}
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
	return Mutation{action: lifecycle.SetRotation, apply: func(c *change) error {
		if err := checkRotates(c.record, c.arn); err != nil {
			return err
		}
		c.record.Rotation = keyring.RotationSettings{}
		return nil
	}}
}

// RotateKeyOnDemand gives the key new material now, and leaves the automatic schedule alone. If another writer did so
// while this request was under way, or an earlier try of it did and the answer got lost, that is taken for it.
func RotateKeyOnDemand() Mutation {
	return Mutation{action: lifecycle.RotateOnDemand, apply: func(c *change) error {
		if c.rotated {
			return nil
		}
		if err := checkRotates(c.record, c.arn); err != nil {
			return err
		}
		if err := lifecycle.CheckOnDemandRotation(c.record.OnDemandCount()); err != nil {
			return &Error{Code: LimitExceededException, Err: err, Message: "The on-demand rotations limit has been reached " +
				"for the given keyId. No more on-demand rotations can be performed for this key: " + c.arn}
		}
		return rotate(c.record, keyring.OnDemand, c.now)
	}}
}

// RotateKeyOnDemandSince is RotateKeyOnDemand, but nothing to a key that was rotated on demand at or after the time given:
// so that a request which carries its own time can be repeated by whoever finds it not carried out.
func RotateKeyOnDemandSince(requestedAt time.Time) Mutation {
	m := RotateKeyOnDemand()
	rotateNow := m.apply
	m.apply = func(c *change) error {
		if last := c.record.LastRotation(keyring.OnDemand); !last.IsZero() && !last.Before(requestedAt) {
			return nil
		}
		return rotateNow(c)
	}
	return m
}

// ScheduleKeyDeletion schedules the key's destruction after so many days (7 to 30; 0 means 30).
func ScheduleKeyDeletion(windowInDays int32) Mutation {
	if windowInDays == 0 {
		windowInDays = lifecycle.DefaultWindowDays
	}
	return Mutation{action: lifecycle.ScheduleDeletion, apply: func(c *change) error {
		if err := checkWindow(windowInDays); err != nil {
			return err
		}
		c.record.PendingWindowInDays = windowInDays
		c.record.DeletionTime = lifecycle.DeletionDate(c.now, windowInDays)
		return nil
	}}
}

// CancelKeyDeletion takes a key back from deletion; it is disabled afterwards.
func CancelKeyDeletion() Mutation {
	return Mutation{action: lifecycle.CancelDeletion, apply: func(c *change) error {
		c.record.PendingWindowInDays, c.record.DeletionTime = 0, time.Time{}
		return nil
	}}
}

// rotate gives the key new current material and notes why.
func rotate(r *keyring.KeyRecord, why keyring.RotationType, now time.Time) error {
	if err := addMaterial(r, now); err != nil {
		return err
	}
	r.Rotations = append(r.Rotations, keyring.Rotation{Time: now, Type: why, MaterialID: r.Current().ID})
	return nil
}

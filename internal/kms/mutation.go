// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

// Mutation is one change of a key's record. Those that a key's state does not allow are refused as in AWS.
type Mutation struct {
	action lifecycle.Action
	// family says that the mutation looks at the relatives of a multi-Region key, or changes what they share.
	family bool
	skip   func(lifecycle.State) bool // if set, the mutation does nothing to a key in such a state
	// suits refuses keys that the mutation is not for, in whatever state they are.
	suits func(*change) error
	// apply changes the record, or returns an error and leaves it as it is. The record is in the state that follows from
	// action by then.
	apply func(*change) error
}

// change is a record being changed.
type change struct {
	service *Service
	record  *keyring.KeyRecord
	arn     string
	now     time.Time
	// rotated says that the key was rotated on demand since the caller last saw it.
	rotated bool
}

// Update carries out mutations in their order and in one write, or none if they make no difference, and returns the key
// as it is afterwards. Mutations that are refused do not hold up the others; the error then is a *RefusedError, and the
// key is returned too. Any other error means that nothing was written, as far as is known.
//
// What relatives of a multi-Region key share is given to them before Update returns, if they can be reached, and else by
// Run as soon as they can.
func (s *Service) Update(ctx context.Context, keyID string, mutations ...Mutation) (*KeyMetadata, error) {
	record, refused, err := s.update(ctx, keyID, mutations)
	if err != nil {
		return nil, s.translate(err, keyID)
	}
	if refused != nil {
		return s.metadata(record), refused
	}
	return s.metadata(record), nil
}

// change is Update with one mutation; that it is refused is the error as it is.
func (k *Key) change(ctx context.Context, m Mutation) error {
	_, err := k.service.Update(ctx, k.ID(), m)
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		return refused.Refused[0]
	}
	return err
}

func (s *Service) update(
	ctx context.Context, keyID string, mutations []Mutation,
) (record *keyring.KeyRecord, refused *RefusedError, err error) {
	seen, err := s.ring.Key(keyID)
	if err != nil {
		return nil, nil, err
	}
	family := seen.MultiRegion != nil && slices.ContainsFunc(mutations, func(m Mutation) bool { return m.family })
	if family {
		if err := s.synchronise(ctx, keyID); err != nil {
			return nil, nil, err
		}
	}
	record, err = s.ring.UpdateKey(ctx, keyID, func(r *keyring.KeyRecord) error {
		refused = carryOut(mutations, &change{
			service: s, record: r, arn: s.KeyARN(keyID), now: s.now(), rotated: r.OnDemandCount() > seen.OnDemandCount(),
		})
		return nil
	})
	if err == nil && family {
		record = s.shareNow(ctx, record)
	}
	return record, refused, err
}

// carryOut runs mutations on a record; nil means that none was refused.
func carryOut(mutations []Mutation, c *change) (refused *RefusedError) {
	for i, m := range mutations {
		if err := m.run(c); err != nil {
			if refused == nil {
				refused = &RefusedError{Refused: make([]error, len(mutations))}
			}
			refused.Refused[i] = err
		}
	}
	return refused
}

func (m Mutation) run(c *change) error {
	before := c.record.State
	if m.skip != nil && m.skip(before) {
		return nil
	}
	if m.suits != nil {
		if err := m.suits(c); err != nil {
			return c.service.translate(err, c.record.KeyID)
		}
	}
	next, err := lifecycle.Next(before, m.action)
	if err != nil {
		return stateError(c.arn, err)
	}
	c.record.State = next
	if m.apply != nil {
		if err := m.apply(c); err != nil {
			c.record.State = before
			return c.service.translate(err, c.record.KeyID)
		}
	}
	settleImport(c.record)
	return nil
}

// If makes a mutation that does nothing to a key in another state than those given.
func (m Mutation) If(states ...lifecycle.State) Mutation {
	m.skip = func(is lifecycle.State) bool { return !slices.Contains(states, is) }
	return m
}

// Unless makes a mutation that does nothing to a key in one of the states given.
func (m Mutation) Unless(states ...lifecycle.State) Mutation {
	m.skip = func(is lifecycle.State) bool { return slices.Contains(states, is) }
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

// ScheduleKeyDeletion schedules the key's destruction after so many days (7 to 30; 0 means 30). The primary of a multi-Region
// key waits for the end of its replicas first, however long that takes, and its window begins then.
func ScheduleKeyDeletion(windowInDays int32) Mutation {
	if windowInDays == 0 {
		windowInDays = lifecycle.DefaultWindowDays
	}
	return Mutation{action: lifecycle.ScheduleDeletion, family: true, apply: func(c *change) error {
		if err := checkWindow(windowInDays); err != nil {
			return err
		}
		hasReplicas, err := c.service.hasReplicas(c.record)
		if err != nil {
			return err
		}
		c.record.PendingWindowInDays = windowInDays
		scheduleDeletion(c.record, hasReplicas, c.now)
		return nil
	}}
}

// scheduleDeletion has the window before deletion begin now, unless the key has replicas to wait for.
func scheduleDeletion(r *keyring.KeyRecord, hasReplicas bool, now time.Time) {
	if hasReplicas {
		r.State, r.DeletionTime = lifecycle.PendingReplicaDeletion, time.Time{}
		return
	}
	r.State, r.DeletionTime = lifecycle.PendingDeletion, lifecycle.DeletionDate(now, r.PendingWindowInDays)
}

// CancelKeyDeletion takes a key back from deletion; it is disabled afterwards, or waits for its material again.
func CancelKeyDeletion() Mutation {
	return Mutation{action: lifecycle.CancelDeletion, apply: func(c *change) error {
		c.record.PendingWindowInDays, c.record.DeletionTime = 0, time.Time{}
		return nil
	}}
}

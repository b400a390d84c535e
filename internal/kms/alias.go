// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"context"
	"errors"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

// CreateAlias gives a key an alias, in one write. It is an AlreadyExistsException if a key has it, even the same one; its
// cause is a *keyring.AliasTakenError with that key's ID.
func (s *Service) CreateAlias(ctx context.Context, name, keyID string) error {
	if err := CheckAliasName(name); err != nil {
		return err
	}
	key, err := s.record(ctx, keyID)
	if err != nil {
		return err
	}
	if err := lifecycle.Allowed(key.State, lifecycle.CreateAlias); err != nil {
		return stateError(s.KeyARN(keyID), err)
	}
	holder, err := s.ring.Alias(name)
	if errors.Is(err, keyring.ErrNotFound) {
		if err := s.checkAliasCount(keyID); err != nil {
			return err
		}
	}
	if err == nil && holder.KeyID == keyID {
		return s.translateAlias(&keyring.AliasTakenError{Alias: name, KeyID: keyID}, name)
	}
	now := s.now()
	err = s.ring.CreateAlias(ctx, keyring.AliasRecord{Name: name, KeyID: keyID, CreationTime: now, LastUpdated: now})
	return s.translateAlias(err, name)
}

// Alias returns the alias of that name.
func (s *Service) Alias(name string) (*keyring.AliasRecord, error) {
	if err := checkAliasPrefix(name); err != nil {
		return nil, err
	}
	record, err := s.ring.Alias(name)
	return record, s.translateAlias(err, name)
}

// Aliases returns every alias that can be read, or those of one key if its ID is given, in no order.
func (s *Service) Aliases(keyID string) ([]*keyring.AliasRecord, error) {
	records, err := s.ring.Aliases(keyID)
	if err != nil {
		return nil, s.translate(err, "")
	}
	return records, nil
}

// UpdateAlias moves an alias from one key to another, in one write, so that it is never without a key. Both keys are of
// the same type (symmetric, asymmetric, HMAC) and usage: who uses the alias must be able to go on. It is a
// NotFoundException if the alias is from's no longer.
func (s *Service) UpdateAlias(ctx context.Context, name string, from, to *Key) error {
	if err := to.Check(lifecycle.UpdateAlias); err != nil {
		return err
	}
	if typeOf(from) != typeOf(to) || from.record.Usage != to.record.Usage {
		return Errorf(ValidationException, "The alias %s cannot be moved from %s, %s for %s, to %s, %s for %s.",
			s.AliasARN(name), from.ARN(), typeOf(from), from.record.Usage, to.ARN(), typeOf(to), to.record.Usage)
	}
	if from.ID() != to.ID() {
		if err := s.checkAliasCount(to.ID()); err != nil {
			return err
		}
	}
	err := s.ring.UpdateAlias(ctx, name, from.ID(), to.ID(), s.now())
	return s.notHolder(err, name)
}

// typeOf is what AWS compares keys by when an alias moves.
func typeOf(key *Key) string {
	switch {
	case key.record.Spec.Symmetric():
		return "symmetric"
	case key.record.Spec.HasPublicKey():
		return "asymmetric"
	default:
		return "HMAC"
	}
}

func (s *Service) checkAliasCount(keyID string) error {
	if len(s.ring.AliasesOf(keyID)) < MaxAliasesPerKey {
		return nil
	}
	return Errorf(LimitExceededException, "The key %s has %d aliases, which is the most that a key may have.",
		s.KeyARN(keyID), MaxAliasesPerKey)
}

// DeleteAlias removes an alias from a key. It is a NotFoundException if there is no such alias or another key has it; the
// cause of the latter is a *keyring.AliasTakenError.
func (s *Service) DeleteAlias(ctx context.Context, name, keyID string) error {
	return s.notHolder(s.ring.DeleteAlias(ctx, name, keyID), name)
}

// notHolder is translateAlias for what is done to an alias of a certain key: that another one has it means that this one
// has not.
func (s *Service) notHolder(err error, name string) error {
	if taken, ok := errors.AsType[*keyring.AliasTakenError](err); ok {
		return &Error{Code: NotFoundException, Message: "Alias " + s.AliasARN(name) + " is not found.", Err: taken}
	}
	return s.translateAlias(err, name)
}

func (s *Service) translateAlias(err error, name string) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, keyring.ErrNotFound) {
		return Errorf(NotFoundException, "Alias %s is not found.", s.AliasARN(name))
	}
	if taken, ok := errors.AsType[*keyring.AliasTakenError](err); ok {
		return &Error{
			Code: AlreadyExistsException, Err: taken,
			Message: "An alias with the name " + s.AliasARN(name) + " already exists",
		}
	}
	return s.translate(err, "")
}

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
	if err := checkAliasName(name); err != nil {
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
	if errors.Is(err, keyring.ErrNotFound) && len(s.ring.AliasesOf(keyID)) >= MaxAliasesPerKey {
		return fail(LimitExceededException, "The key %s has %d aliases, which is the most that a key may have.",
			s.KeyARN(keyID), MaxAliasesPerKey)
	}
	if err == nil && holder.KeyID == keyID {
		return s.translateAlias(&keyring.AliasTakenError{Alias: name, KeyID: keyID}, name)
	}
	now := s.now()
	err = s.ring.CreateAlias(ctx, keyring.AliasRecord{Name: name, KeyID: keyID, CreationTime: now, LastUpdated: now})
	return s.translateAlias(err, name)
}

// DeleteAlias removes an alias from a key. It is a NotFoundException if there is no such alias or another key has it; the
// cause of the latter is a *keyring.AliasTakenError.
func (s *Service) DeleteAlias(ctx context.Context, name, keyID string) error {
	err := s.ring.DeleteAlias(ctx, name, keyID)
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
		return fail(NotFoundException, "Alias %s is not found.", s.AliasARN(name))
	}
	if taken, ok := errors.AsType[*keyring.AliasTakenError](err); ok {
		return &Error{
			Code: AlreadyExistsException, Err: taken,
			Message: "An alias with the name " + s.AliasARN(name) + " already exists",
		}
	}
	return s.translate(err, "")
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"errors"
	"strings"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
	"github.com/chatelaine-dev/chatelaine/internal/kms/material"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// Key is a key as it was at the moment when it was looked up; what it computes, it computes with the material of then.
type Key struct {
	service *Service
	record  *keyring.KeyRecord
	live    *live
	alias   string
}

// Key looks up the key that ref names: a key ID, a key ARN, an alias name or an alias ARN. It is answered from memory.
// A key of another account or Region is a NotFoundException; Partition.Service knows who has it.
func (s *Service) Key(ref string) (*Key, error) {
	keyID, err := s.resolve(ref)
	if err != nil {
		return nil, err
	}
	record, err := s.ring.Key(keyID)
	if errors.Is(err, keyring.ErrNotFound) {
		if err := checkKeyID(keyID); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, s.translate(err, keyID)
	}
	key := &Key{service: s, record: record, live: s.liveOf(record)}
	if i := strings.Index(ref, aliasPrefix); i >= 0 {
		key.alias = ref[i:]
	}
	return key, nil
}

// liveOf is what is known of the record's key, of which nothing is kept if the key was destroyed meanwhile.
func (s *Service) liveOf(record *keyring.KeyRecord) *live {
	found, isNew := s.lives.of(s, record)
	if isNew {
		if _, err := s.ring.Key(record.KeyID); errors.Is(err, keyring.ErrNotFound) {
			s.lives.forget(record.KeyID, found)
		}
	}
	return found
}

// Service is the one that the key belongs to.
func (k *Key) Service() *Service { return k.service }

// ID is the key ID.
func (k *Key) ID() string { return k.record.KeyID }

// ARN is the key's.
func (k *Key) ARN() string { return k.live.arn }

// RequestAlias is the alias by which the key was looked up; empty if it was not by alias.
func (k *Key) RequestAlias() string { return k.alias }

// Record is everything that is known of the key. It must not be changed.
func (k *Key) Record() *keyring.KeyRecord { return k.record }

// Policy is the key policy in force; nil allows nobody anything.
func (k *Key) Policy() *policy.Document { return k.live.policyOf(k.record, k.service.defaultPolicy) }

// Check refuses an action that the key's state does not allow, as AWS does.
func (k *Key) Check(action lifecycle.Action) error {
	if err := lifecycle.Allowed(k.record.State, action); err != nil {
		return stateError(k.ARN(), err)
	}
	return nil
}

// CheckUsage refuses an operation, named for the message, that needs another key usage.
func (k *Key) CheckUsage(usage keyspec.Usage, operation string) error {
	if k.record.Usage == usage {
		return nil
	}
	return Errorf(InvalidKeyUsageException, "%s key usage is %s which is not valid for %s.",
		k.ARN(), k.record.Usage, operation)
}

// use calls do with the current material.
func (k *Key) use(do func(material.Material) error) error {
	current := k.record.Current()
	return k.useMaterial(&current, func(m usable) error { return do(m.Material) })
}

// useMaterial calls do with one of the key's materials. That it is gone can only be because of what happened since the
// key was looked up and found usable: deletion of the imported material, or of the key.
func (k *Key) useMaterial(of *keyring.Material, do func(usable) error) error {
	err := k.live.use(k.record, of, do)
	if errors.Is(err, keyring.ErrWiped) || errors.Is(err, material.ErrDestroyed) {
		return Errorf(KMSInvalidStateException, "%s is pending import.", k.ARN())
	}
	return err
}

// checkAlgorithm refuses an algorithm that keys of this spec and usage do not have.
func (k *Key) checkAlgorithm(algorithm keyspec.Algorithm) error {
	if keyspec.HasAlgorithm(k.record.Spec, k.record.Usage, algorithm) {
		return nil
	}
	return Errorf(InvalidKeyUsageException, "Algorithm %s is incompatible with key spec %s.", algorithm, k.record.Spec)
}

// failed makes what went wrong inside an *Error; its cause is for the log.
func (*Key) failed(err error) error {
	if err == nil {
		return nil
	}
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	return &Error{Code: KMSInternalException, Message: "An internal error occurred.", Err: err}
}

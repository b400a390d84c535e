// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"context"
	"errors"
	"maps"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

// multiRegionPrefix begins the key IDs of multi-Region keys.
const multiRegionPrefix = "mrk-"

// CreateKeyInput describes a key to make.
type CreateKeyInput struct {
	// KeyID chooses the key's ID: up to 64 lower-case letters, digits and hyphens. It makes the call idempotent: a key
	// that has the ID already is returned as it is. Empty: a random UUID.
	KeyID string
	// Spec is SYMMETRIC_DEFAULT if empty.
	Spec keyspec.Spec
	// Usage may be empty for SYMMETRIC_DEFAULT only.
	Usage       keyspec.Usage
	Description string
	Tags        map[string]string
	// Disabled makes a key that is disabled from the start.
	Disabled bool
	// RotationPeriodInDays turns automatic rotation on; 0 leaves it off.
	RotationPeriodInDays int32
	// Origin is AWS_KMS if empty. A key of origin EXTERNAL has no material and waits for its import.
	Origin keyring.Origin
	// MultiRegion makes the primary of a multi-Region key; its random ID then begins with mrk-.
	MultiRegion bool
	// Policy is the key policy, as CheckPolicy returned it. Empty: the key has whatever policy the service gives keys that
	// were made without one, now and later.
	Policy string
}

// CreateKey makes a key, in one write. RSA key material takes up to some seconds.
func (s *Service) CreateKey(ctx context.Context, in CreateKeyInput) (*KeyMetadata, error) {
	record, err := s.newRecord(in)
	if err != nil {
		return nil, err
	}
	existing, err := s.ring.Key(record.KeyID)
	if err == nil {
		return s.metadata(existing), nil
	}
	if !errors.Is(err, keyring.ErrNotFound) {
		return nil, s.translate(err, record.KeyID)
	}
	if record.Origin == keyring.OriginAWSKMS {
		if err := addMaterial(ctx, record, record.CreationTime); err != nil {
			return nil, err
		}
	}
	created, err := s.ring.CreateKey(ctx, record)
	if err != nil && !errors.Is(err, keyring.ErrExists) {
		return nil, s.translate(err, record.KeyID)
	}
	return s.metadata(created), nil
}

// newRecord is the record of the key described, without material.
func (s *Service) newRecord(in CreateKeyInput) (*keyring.KeyRecord, error) {
	if in.Spec == "" {
		in.Spec = keyspec.SymmetricDefault
	}
	usage, err := checkUsage(in.Spec, in.Usage)
	if err != nil {
		return nil, err
	}
	now := s.now()
	record := &keyring.KeyRecord{
		KeyID: in.KeyID, Spec: in.Spec, Usage: usage, Origin: keyring.OriginAWSKMS, State: lifecycle.Enabled,
		Description: in.Description, Tags: maps.Clone(in.Tags), Policy: in.Policy, CreationTime: now,
	}
	if in.Disabled {
		record.State = lifecycle.Disabled
	}
	if in.Origin == keyring.OriginExternal {
		record.Origin, record.State = in.Origin, lifecycle.PendingImport
	}
	if in.MultiRegion {
		record.MultiRegion = &keyring.MultiRegion{PrimaryRegion: s.ID().Region, Epoch: 1}
	}
	if in.KeyID == "" {
		record.KeyID = randomKeyID(in.MultiRegion)
	}
	if in.RotationPeriodInDays != 0 {
		record.Rotation = keyring.RotationSettings{Enabled: true, PeriodInDays: in.RotationPeriodInDays, EnabledAt: now}
	}
	return record, s.checkNew(record)
}

// randomKeyID is a random UUID; that of a multi-Region key is written in AWS's other way.
func randomKeyID(multiRegion bool) string {
	id := uuid.NewString()
	if multiRegion {
		return multiRegionPrefix + strings.ReplaceAll(id, "-", "")
	}
	return id
}

func (s *Service) checkNew(r *keyring.KeyRecord) error {
	checks := []error{checkKeyID(r.KeyID), checkDescription(r.Description), checkTags(r.Tags), checkTagCount(r)}
	if r.Rotation.Enabled {
		checks = append(checks, checkRotates(r, s.KeyARN(r.KeyID)), checkPeriod(r.Rotation.PeriodInDays))
	}
	for _, err := range checks {
		if err != nil {
			return err
		}
	}
	return nil
}

// checkUsage is keyspec.Check with AWS's texts.
func checkUsage(spec keyspec.Spec, usage keyspec.Usage) (keyspec.Usage, error) {
	checked, err := keyspec.Check(spec, usage)
	switch {
	case err == nil:
		return checked, nil
	case !spec.Valid():
		return "", &Error{Code: ValidationException, Message: err.Error(), Err: err}
	case usage == "":
		return "", &Error{
			Code: ValidationException, Err: err,
			Message: "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
		}
	default:
		return "", &Error{
			Code: ValidationException, Err: err,
			Message: "KeyUsage " + string(usage) + " is not compatible with KeySpec " + string(spec),
		}
	}
}

// checkRotates refuses the rotation of keys that AWS does not rotate.
func checkRotates(r *keyring.KeyRecord, arn string) error {
	if r.Spec.Symmetric() {
		return nil
	}
	return Errorf(UnsupportedOperationException, "%s key spec is %s which is not valid for this operation.", arn, r.Spec)
}

// addMaterial gives the key new current material.
func addMaterial(ctx context.Context, r *keyring.KeyRecord, now time.Time) error {
	m, err := generate(ctx, r.Spec)
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	if err != nil {
		return &Error{Code: KMSInternalException, Message: err.Error(), Err: err}
	}
	defer m.Destroy()
	r.Materials = append(r.Materials, keyring.Material{
		ID: m.ID(), CreatedAt: now, Bytes: keyring.NewSecretBytes(m.Export()),
	})
	return nil
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package software

import (
	"context"
	"math"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

// Get implements backend.Backend.
func (b *Backend) Get(ctx context.Context, ref string) (*backend.Key, error) {
	key, err := b.service.DescribeKey(ctx, ref)
	if err != nil {
		return nil, b.classify(err, ref)
	}
	return view(key), nil
}

// Owned implements backend.Backend.
func (b *Backend) Owned(ctx context.Context, owner backend.Owner) ([]*backend.Key, error) {
	keys, err := b.service.FindByOwner(ctx, owner.String())
	if err != nil {
		return nil, b.classify(err, "")
	}
	var owned []*backend.Key
	for _, key := range keys {
		if holder, ok := backend.OwnerFromTags(key.Tags); ok && holder.Same(owner) {
			owned = append(owned, view(key))
		}
	}
	return owned, nil
}

// Create implements backend.Backend. All settings are taken at creation.
func (b *Backend) Create(ctx context.Context, in backend.CreateInput) (*backend.Key, error) {
	if in.Owner.UID == "" {
		return nil, &backend.Error{Class: backend.InvalidInput, Message: "the owner of a key to create has no UID"}
	}
	if err := checkStore(in); err != nil {
		return nil, err
	}
	keyID := b.keyIDFor(in.Owner, in.MultiRegion)
	document, err := b.initialPolicy(in.Policy)
	if err != nil {
		return nil, err
	}
	key, err := b.service.CreateKey(ctx, kms.CreateKeyInput{
		KeyID: keyID, Spec: in.Spec, Usage: in.Usage, Origin: keyring.Origin(in.Origin), MultiRegion: in.MultiRegion,
		Description: in.Description, Tags: in.Owner.TagsWith(in.Tags),
		Disabled: in.Disabled, RotationPeriodInDays: days(in.RotationPeriodInDays), Policy: document,
	})
	if err != nil {
		return nil, b.classify(err, keyID)
	}
	return view(key), nil
}

// checkStore refuses what is AWS's alone.
func checkStore(in backend.CreateInput) error {
	switch {
	case in.Origin == backend.OriginCloudHSM, in.Origin == backend.OriginExternalKeyStore:
		return invalid("origin %s is for KMSBackends on AWS: this KMSBackend makes keys of origin %s and %s",
			in.Origin, backend.OriginAWSKMS, backend.OriginExternal)
	case in.Store != (backend.CustomKeyStore{}):
		return invalid("customKeyStoreID is for KMSBackends on AWS: this KMSBackend has no custom key stores")
	default:
		return nil
	}
}

// ScheduleDeletion implements backend.Backend. A primary key that has replicas has no time: it waits for their end.
func (b *Backend) ScheduleDeletion(ctx context.Context, keyID string, windowInDays int) (time.Time, error) {
	if err := lifecycle.CheckWindow(days(windowInDays)); err != nil { // here, because 0 means a default to kms
		return time.Time{}, &backend.Error{Class: backend.InvalidInput, Message: err.Error(), Err: err}
	}
	schedule := kms.ScheduleKeyDeletion(days(windowInDays)).
		Unless(lifecycle.PendingDeletion, lifecycle.PendingReplicaDeletion)
	key, err := b.service.Update(ctx, keyID, schedule)
	if err != nil {
		return time.Time{}, b.classify(err, keyID)
	}
	return key.DeletionTime, nil
}

// PublicKey implements backend.Backend.
func (b *Backend) PublicKey(ctx context.Context, keyID string) ([]byte, error) {
	der, err := b.service.GetPublicKey(ctx, keyID)
	if err != nil {
		return nil, b.classify(err, keyID)
	}
	return der, nil
}

func view(key *kms.KeyMetadata) *backend.Key {
	return &backend.Key{
		ID: key.KeyID, ARN: key.ARN, Spec: key.Spec, Usage: key.Usage, Origin: backend.Origin(key.Origin),
		State: stateOf(key.State), Description: key.Description, Tags: key.Tags, Aliases: key.Aliases,
		MultiRegion: relativesOf(key), CreationTime: key.CreationTime, DeletionTime: key.DeletionTime, ExpirationTime: key.ExpirationTime,
		Rotation: backend.Rotation{
			Enabled: key.Rotation.Enabled, PeriodInDays: int(key.Rotation.PeriodInDays),
			NextTime: key.Rotation.NextTime, LastTime: key.Rotation.LastTime,
			LastOnDemandTime: key.Rotation.LastOnDemandTime, OnDemandCount: key.Rotation.OnDemandCount,
			AwaitedRegions: key.Rotation.AwaitedRegions,
		},
	}
}

// stateOf is the key's state as controllers tell them apart. A multi-Region key that waits for the end of its replicas is
// pending deletion to them, without a date: it goes unless it is taken back. PendingImport passes: whatever such a key is
// not ready for is refused until its material is there.
func stateOf(state lifecycle.State) backend.State {
	if state.ToBeDeleted() {
		return backend.StatePendingDeletion
	}
	return backend.State(state)
}

// days is n as the KMS takes it. What is too large stays too large for any rule.
func days(n int) int32 {
	return int32(max(math.MinInt32, min(n, math.MaxInt32)))
}

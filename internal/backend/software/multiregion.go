// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package software

import (
	"context"
	"slices"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/failpoint"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

// relativesOf are the Regions of a multi-Region key; nil for a key of one Region.
func relativesOf(key *kms.KeyMetadata) *backend.MultiRegion {
	if key.PrimaryRegion == "" {
		return nil
	}
	return &backend.MultiRegion{PrimaryRegion: key.PrimaryRegion, ReplicaRegions: key.ReplicaRegions}
}

// isOfRelatives says whether a change is about more Regions than the backend's own.
func isOfRelatives(change backend.Change) bool {
	switch change.(type) {
	case backend.Replicate, backend.UpdatePrimaryRegion:
		return true
	default:
		return false
	}
}

// checkRotatesHere refuses a replica, whose rotation is not its own.
func (b *Backend) checkRotatesHere(keyID string) error {
	key, err := b.service.Key(keyID)
	if err != nil {
		return b.classify(err, keyID)
	}
	if key.MultiRegionType() != kms.MultiRegionReplica {
		return nil
	}
	primary, _ := key.Relatives()
	return invalid("%s is a replica key: it rotates with its primary key, and rotation is set there, in Region %s", key.ARN(), primary)
}

// replicate makes the replica by way of the other Region's own KMS, which needs to be open in this process.
func (b *Backend) replicate(ctx context.Context, keyID string, c backend.Replicate) error {
	key, err := b.service.Key(keyID)
	if err != nil {
		return b.classify(err, keyID)
	}
	if err := b.checkPrimary(key, "replicated"); err != nil {
		return err
	}
	if c.Region == b.config.Region {
		return invalid("%s is in Region %s itself: a replica is in another one", key.ARN(), c.Region)
	}
	if _, err := key.Replica(c.Region); !kms.HasCode(err, kms.NotFoundException) {
		return b.classify(err, keyID) // nil if it is there
	}
	document, err := b.initialPolicy(c.Policy)
	if err != nil {
		return err
	}
	_, err = key.ReplicateKey(ctx, kms.ReplicateKeyInput{Region: c.Region, Description: c.Description, Tags: c.Tags, Policy: document})
	failpoint.Hit("replica-created")
	switch {
	case kms.HasCode(err, kms.AlreadyExistsException):
		return nil
	case kms.HasCode(err, kms.UnsupportedOperationException):
		return invalid("account %s has no Region %s here: a replica needs a KMSBackend of that account and Region", b.config.AccountID, c.Region)
	default:
		return b.classify(err, keyID)
	}
}

// checkPrimary refuses keys that are no multi-Region primary keys.
func (b *Backend) checkPrimary(key *kms.Key, what string) error {
	switch key.MultiRegionType() {
	case kms.MultiRegionPrimary:
		return nil
	case kms.MultiRegionReplica:
		primary, _ := key.Relatives()
		return invalid("%s is a replica key: what is %s is its primary key, in Region %s", key.ARN(), what, primary)
	default:
		return invalid("%s is no multi-Region key, and no key becomes one: create another key", key.ARN())
	}
}

// updatePrimaryRegion is one write to the primary's record, from which the rest follows.
func (b *Backend) updatePrimaryRegion(ctx context.Context, keyID string, c backend.UpdatePrimaryRegion) error {
	if b.isPrimaryIn(keyID, c.To) {
		return nil
	}
	key, err := b.service.Key(keyID)
	if err != nil {
		return b.classify(err, keyID)
	}
	if err := b.checkPrimary(key, "replaced"); err != nil {
		return err
	}
	err = key.UpdatePrimaryRegion(ctx, c.To)
	failpoint.Hit("primary-changed")
	switch {
	case err == nil, b.isPrimaryIn(keyID, c.To): // done, by this process or another
		return nil
	case kms.HasCode(err, kms.NotFoundException):
		return b.noReplica(key, c.To)
	default:
		return b.classify(err, keyID)
	}
}

// isPrimaryIn says whether the primary key is in the Region, as far as is known here.
func (b *Backend) isPrimaryIn(keyID, region string) bool {
	key, err := b.service.Key(keyID)
	if err != nil || key.MultiRegionType() == "" {
		return false
	}
	primary, _ := key.Relatives()
	return primary == region
}

// noReplica says that there is no replica in the Region, or that it can't be reached.
func (b *Backend) noReplica(key *kms.Key, region string) error {
	if _, replicas := key.Relatives(); slices.Contains(replicas, region) {
		return &backend.Error{
			Class:   backend.Unavailable,
			Message: "the replica of " + key.ARN() + " in Region " + region + " cannot be reached: the KMSBackend of that Region is not open",
		}
	}
	return invalid("%s has no replica in Region %s: make one there first", key.ARN(), region)
}

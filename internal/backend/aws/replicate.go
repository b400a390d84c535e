// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// replicate makes a replica of a primary. AWS makes one in a Region and not two, so a request whose answer was lost is simply made
// again. The other Region's backend finds the replica when it is asked for it.
func (b *Backend) replicate(ctx context.Context, key *backend.Key, c backend.Replicate) error {
	if key.MultiRegion == nil {
		return oneRegion(key.ID)
	}
	if c.Region == b.clients.region {
		return invalid("key " + key.ID + " is in Region " + c.Region + " itself: a replica of it is in another one")
	}
	in := &kms.ReplicateKeyInput{KeyId: &key.ID, ReplicaRegion: &c.Region, Tags: tagList(c.Tags)}
	if c.Description != "" {
		in.Description = &c.Description
	}
	if c.Policy != "" {
		in.Policy = &c.Policy
	}
	_, err := write(ctx, b, key.ID, inMetadata, "ReplicateKey", b.clients.kms.ReplicateKey, in)
	if _, exists := errors.AsType[*types.AlreadyExistsException](err); exists {
		return b.wroteMultiRegion(key.ID, nil, func(m *backend.MultiRegion) { addReplica(m, c.Region) })
	}
	return b.wroteMultiRegion(key.ID, b.elsewhere(ctx, key.ID, err), func(m *backend.MultiRegion) {
		movePrimary(m, b.clients.region) // which was told otherwise if it moved here since
		addReplica(m, c.Region)
	})
}

// updatePrimaryRegion makes the replica in another Region the primary. AWS answers before all of its Regions know, and tells both
// keys as Updating for some seconds; here they stay in the state in which they were, and in which they can be used.
func (b *Backend) updatePrimaryRegion(ctx context.Context, key *backend.Key, to string) error {
	if key.MultiRegion == nil {
		return oneRegion(key.ID)
	}
	in := &kms.UpdatePrimaryRegionInput{KeyId: &key.ID, PrimaryRegion: &to}
	_, err := write(ctx, b, key.ID, inMetadata, "UpdatePrimaryRegion", b.clients.kms.UpdatePrimaryRegion, in)
	if class := backend.ClassOf(err); class == backend.InvalidInput || class == backend.NotFound {
		err = b.notUpdated(ctx, key.ID, to, err)
	}
	return b.wroteMultiRegion(key.ID, err, func(m *backend.MultiRegion) {
		movePrimary(m, b.clients.region)
		movePrimary(m, to)
	})
}

// notUpdated is what a refusal to change the primary's Region comes to: nil if the primary is there already. AWS also says that a
// key does not exist when it means the replica.
func (b *Backend) notUpdated(ctx context.Context, keyID, to string, refused error) error {
	_, told, err := b.ask(ctx, keyID)
	if err != nil {
		return err
	}
	known := told.multiRegion
	b.view.peek(keyID, func(e *entry) { known = e.metadata.value.multiRegion }) // AWS may not show a replica that was made just now
	switch {
	case told.multiRegion == nil:
		return oneRegion(keyID)
	case told.multiRegion.PrimaryRegion == to:
		return nil
	case told.state == backend.StateUpdating:
		return &backend.Error{Class: backend.NotReady, Message: "AWS is changing the primary of key " + keyID, Err: refused}
	case !told.multiRegion.In(to) && !known.In(to):
		return invalid(fmt.Sprintf("key %s has no replica in Region %s that could become the primary", keyID, to))
	case told.multiRegion.PrimaryRegion != b.clients.region:
		return b.isReplica(keyID, told.multiRegion, refused)
	default: // reads lag behind
		return &backend.Error{Class: backend.NotReady, Message: refused.Error(), Err: refused}
	}
}

// elsewhere is err, which is of a change that a primary takes and no replica. If AWS refused it for that, it says where the primary
// is.
func (b *Backend) elsewhere(ctx context.Context, keyID string, err error) error {
	multiRegion := false
	b.view.peek(keyID, func(e *entry) { multiRegion = e.metadata.value.multiRegion != nil })
	if _, unsupported := errors.AsType[*types.UnsupportedOperationException](err); !unsupported || !multiRegion {
		return err
	}
	_, told, failed := b.ask(ctx, keyID)
	if failed != nil || told.multiRegion == nil || told.multiRegion.PrimaryRegion == b.clients.region {
		return err
	}
	return b.isReplica(keyID, told.multiRegion, err)
}

func (b *Backend) isReplica(keyID string, m *backend.MultiRegion, refused error) error {
	return &backend.Error{Class: backend.InvalidInput, Err: refused, Message: fmt.Sprintf(
		"key %s is a replica in Region %s: this can be changed on its primary only, in Region %s", keyID, b.clients.region, m.PrimaryRegion)}
}

func oneRegion(keyID string) error {
	return invalid("key " + keyID + " is of one Region, and multi-Region keys are made as such: it can become none")
}

// wroteMultiRegion takes a change of where a key is, unless err says that it was not made.
func (b *Backend) wroteMultiRegion(keyID string, err error, change func(*backend.MultiRegion)) error {
	return b.wrote(keyID, err, func(e *entry, now time.Time) {
		e.metadata.change(now, func(m *metadata) {
			changed := backend.MultiRegion{PrimaryRegion: b.clients.region}
			if m.multiRegion != nil { // others hold what was told before
				changed.PrimaryRegion, changed.ReplicaRegions = m.multiRegion.PrimaryRegion, slices.Clone(m.multiRegion.ReplicaRegions)
			}
			change(&changed)
			m.multiRegion = &changed
		})
	})
}

// movePrimary has the primary be in the Region, and what was the primary be a replica.
func movePrimary(m *backend.MultiRegion, region string) {
	before := m.PrimaryRegion
	m.PrimaryRegion = region
	m.ReplicaRegions = slices.DeleteFunc(m.ReplicaRegions, func(replica string) bool { return replica == region })
	addReplica(m, before)
}

func addReplica(m *backend.MultiRegion, region string) {
	if region != "" && !m.In(region) {
		m.ReplicaRegions = append(m.ReplicaRegions, region)
		slices.Sort(m.ReplicaRegions)
	}
}

// multiRegionOf tells where a multi-Region key is. While its primary changes, AWS may count the primary among the replicas.
func multiRegionOf(told *types.MultiRegionConfiguration) *backend.MultiRegion {
	if told == nil {
		return nil
	}
	m := &backend.MultiRegion{}
	if told.PrimaryKey != nil {
		m.PrimaryRegion = awssdk.ToString(told.PrimaryKey.Region)
	}
	for _, replica := range told.ReplicaKeys {
		addReplica(m, awssdk.ToString(replica.Region))
	}
	return m
}

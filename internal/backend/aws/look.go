// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// defaultRotationPeriod is AWS's, in days, where it does not tell the period.
const defaultRotationPeriod = 365

// describe reads the metadata of the key that ref names, in any of the four ways, and returns the key's ID. A key that was
// known and is gone is forgotten.
func (b *Backend) describe(ctx context.Context, ref string) (string, error) {
	begun := b.clock.Now()
	out, err := call(ctx, b, "DescribeKey", b.clients.kms.DescribeKey, &kms.DescribeKeyInput{KeyId: &ref})
	if backend.IsNotFound(err) {
		b.forget(ref)
	}
	if err != nil {
		return "", err
	}
	id := awssdk.ToString(out.KeyMetadata.KeyId)
	b.view.edit(id, begun, func(e *entry) { e.metadata.read(metadataOf(out.KeyMetadata), begun, b.lags.Reads) })
	return id, nil
}

// forget forgets a key that is gone, and tells that it went.
func (b *Backend) forget(id string) {
	owner, owned := backend.Owner{}, false
	b.view.peek(id, func(e *entry) { owner, owned = e.owner() })
	b.view.remove(id)
	if owned {
		b.tell(owner)
	}
}

func metadataOf(m *types.KeyMetadata) metadata {
	return metadata{
		arn: awssdk.ToString(m.Arn), spec: keyspec.Spec(m.KeySpec), usage: keyspec.Usage(m.KeyUsage), state: stateOf(m.KeyState),
		description: awssdk.ToString(m.Description), creationTime: awssdk.ToTime(m.CreationDate),
		deletionTime: awssdk.ToTime(m.DeletionDate), materialID: awssdk.ToString(m.CurrentKeyMaterialId),
		rotates: m.KeySpec == types.KeySpecSymmetricDefault && m.Origin == types.OriginTypeAwsKms,
	}
}

// stateOf is the key's state as controllers tell them apart: a multi-Region primary that waits for the end of its replicas is
// pending deletion to them.
func stateOf(state types.KeyState) backend.State {
	if state == types.KeyStatePendingReplicaDeletion {
		return backend.StatePendingDeletion
	}
	return backend.State(state)
}

// complete reads what is not known of a key whose metadata is, or all but the metadata if anew.
func (b *Backend) complete(ctx context.Context, id string, anew bool) error {
	var needsTags, needsRotation bool
	b.view.peek(id, func(e *entry) {
		needsTags = anew || !e.tags.known
		needsRotation = e.metadata.value.rotates && (anew || !e.rotation.known)
	})
	if needsTags {
		begun := b.clock.Now()
		tags, err := b.tagsOf(ctx, id)
		if err != nil {
			return err
		}
		b.view.edit(id, begun, func(e *entry) { e.tags.read(tags, begun, b.lags.Reads) })
	}
	if needsRotation {
		return b.readRotation(ctx, id)
	}
	return nil
}

// readRotation reads a key's rotation status, and the list of its rotations if it may have grown.
func (b *Backend) readRotation(ctx context.Context, id string) error {
	begun := b.clock.Now()
	status, err := call(ctx, b, "GetKeyRotationStatus", b.clients.kms.GetKeyRotationStatus, &kms.GetKeyRotationStatusInput{KeyId: &id})
	if err != nil {
		return err
	}
	rotation, grown := backend.Rotation{}, false
	b.view.peek(id, func(e *entry) {
		rotation = e.rotation.value
		grown = !e.rotationsRead || e.rotatedTo != e.metadata.value.materialID
	})
	rotation.Enabled, rotation.PeriodInDays, rotation.NextTime = status.KeyRotationEnabled, 0, time.Time{}
	if rotation.Enabled {
		rotation.PeriodInDays = defaultRotationPeriod
		if status.RotationPeriodInDays != nil {
			rotation.PeriodInDays = int(*status.RotationPeriodInDays)
		}
		rotation.NextTime = awssdk.ToTime(status.NextRotationDate)
	}
	if grown {
		if err := b.readRotations(ctx, id, &rotation); err != nil {
			return err
		}
	}
	b.view.edit(id, begun, func(e *entry) {
		e.rotation.read(rotation, begun, b.lags.Reads)
		e.rotationsRead, e.rotatedTo = true, e.metadata.value.materialID
	})
	return nil
}

// readRotations reads the list of a key's rotations into rotation.
func (b *Backend) readRotations(ctx context.Context, id string, rotation *backend.Rotation) error {
	rotation.LastTime, rotation.LastOnDemandTime, rotation.OnDemandCount = time.Time{}, time.Time{}, 0
	in := &kms.ListKeyRotationsInput{KeyId: &id, Limit: awssdk.Int32(keysPage)}
	for {
		page, err := call(ctx, b, "ListKeyRotations", b.clients.kms.ListKeyRotations, in)
		if err != nil {
			return err
		}
		for i := range page.Rotations {
			at := awssdk.ToTime(page.Rotations[i].RotationDate)
			rotation.LastTime = later(rotation.LastTime, at)
			if page.Rotations[i].RotationType == types.RotationTypeOnDemand {
				rotation.LastOnDemandTime = later(rotation.LastOnDemandTime, at)
				rotation.OnDemandCount++
			}
		}
		if !page.Truncated {
			return nil
		}
		in.Marker = page.NextMarker
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// readPolicy reads the key policy in force.
func (b *Backend) readPolicy(ctx context.Context, id string) error {
	begun := b.clock.Now()
	out, err := call(ctx, b, "GetKeyPolicy", b.clients.kms.GetKeyPolicy, &kms.GetKeyPolicyInput{KeyId: &id, PolicyName: awssdk.String("default")})
	if backend.IsNotFound(err) {
		b.forget(id)
	}
	if err != nil {
		return err
	}
	b.view.edit(id, begun, func(e *entry) { e.policy.read(awssdk.ToString(out.Policy), begun, b.lags.Reads) })
	return nil
}

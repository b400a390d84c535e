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
	id, _, err := b.ask(ctx, ref)
	return id, err
}

// ask is describe, and also returns what AWS said, which is not taken into the view while reads may lag behind a write.
func (b *Backend) ask(ctx context.Context, ref string) (id string, told metadata, err error) {
	begun := b.clock.Now()
	out, err := call(ctx, b, "DescribeKey", b.clients.kms.DescribeKey, &kms.DescribeKeyInput{KeyId: &ref})
	if err != nil {
		return "", metadata{}, b.unlessNew(err, ref)
	}
	if id, err = idIn("DescribeKey", out.KeyMetadata); err != nil {
		return "", metadata{}, err
	}
	told = metadataOf(out.KeyMetadata)
	b.view.edit(id, b.clock.Now(), func(e *entry) { e.metadata.read(told, begun, b.lags.Reads) })
	return id, told, nil
}

// unlessNew is err, which is about the key. If it says that there is no such key, the key is forgotten, but for one that is so
// new that AWS may not show it yet.
func (b *Backend) unlessNew(err error, id string) error {
	if !backend.IsNotFound(err) {
		return err
	}
	isNew := false
	b.view.peek(id, func(e *entry) { isNew = b.clock.Now().Before(e.since.Add(b.lags.Reads)) })
	if isNew {
		return &backend.Error{Class: backend.NotReady, Message: "AWS does not show key " + id + " yet, which was made just now", Err: err}
	}
	b.forget(id)
	return &backend.Error{Class: backend.NotFound, Message: b.missing(id), Err: err}
}

// forget forgets a key that AWS says is gone, and tells that it went. Reads lag behind for minutes at times, so its owner may have
// it still, unless it was due to be destroyed.
func (b *Backend) forget(id string) {
	owner, ours, destroyed := backend.Owner{}, false, false
	now := b.clock.Now()
	b.view.peek(id, func(e *entry) {
		owner, _ = e.owner()
		ours, destroyed = b.view.ours(e), e.destroyed(now)
	})
	if ours && !destroyed {
		b.lost.add(nameless(owner), now)
	}
	b.view.passed(id, now)
	b.view.remove(id)
	if ours {
		b.tell(owner)
	}
}

// destroyed says whether the key's time has come, as far as it is known.
func (e *entry) destroyed(now time.Time) bool {
	at := e.metadata.value.deletionTime
	return e.metadata.value.state == backend.StatePendingDeletion && !at.IsZero() && !now.Before(at)
}

func metadataOf(m *types.KeyMetadata) metadata {
	return metadata{
		arn: awssdk.ToString(m.Arn), spec: keyspec.Spec(m.KeySpec), usage: keyspec.Usage(m.KeyUsage), state: stateOf(m.KeyState),
		description: awssdk.ToString(m.Description), creationTime: awssdk.ToTime(m.CreationDate),
		deletionTime: awssdk.ToTime(m.DeletionDate), expirationTime: awssdk.ToTime(m.ValidTo), materialID: awssdk.ToString(m.CurrentKeyMaterialId),
		origin: backend.Origin(m.Origin), rotates: m.KeySpec == types.KeySpecSymmetricDefault && m.Origin == types.OriginTypeAwsKms,
		multiRegion: multiRegionOf(m.MultiRegionConfiguration), store: storeOf(m),
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
		needsTags = anew || !e.tags.certain()
		needsRotation = e.metadata.value.rotates && (anew || !e.schedule.certain() || !e.history.certain())
	})
	if needsTags {
		begun := b.clock.Now()
		tags, err := b.tagsOf(ctx, id)
		if err != nil {
			return b.unlessNew(err, id)
		}
		b.view.edit(id, b.clock.Now(), func(e *entry) { e.tags.read(tags, begun, b.lags.Reads) })
	}
	if needsRotation {
		return b.readRotation(ctx, id)
	}
	return nil
}

// readRotationOf reads the rotation of a key that has one.
func (b *Backend) readRotationOf(ctx context.Context, id string) error {
	rotates := false
	b.view.peek(id, func(e *entry) { rotates = e.metadata.value.rotates })
	if !rotates {
		return nil
	}
	return b.readRotation(ctx, id)
}

// readRotation reads a key's rotation schedule, and the list of its rotations if that may have grown.
func (b *Backend) readRotation(ctx context.Context, id string) error {
	begun := b.clock.Now()
	status, err := call(ctx, b, "GetKeyRotationStatus", b.clients.kms.GetKeyRotationStatus, &kms.GetKeyRotationStatusInput{KeyId: &id})
	if err != nil {
		return b.unlessNew(err, id)
	}
	read := schedule{onDemand: awssdk.ToTime(status.OnDemandRotationStartDate)}
	if status.KeyRotationEnabled {
		read.periodInDays, read.next = defaultRotationPeriod, awssdk.ToTime(status.NextRotationDate)
		if status.RotationPeriodInDays != nil {
			read.periodInDays = int(*status.RotationPeriodInDays)
		}
	}
	grown := false
	b.view.edit(id, b.clock.Now(), func(e *entry) {
		read.next = asReckoned(read.next, e.schedule.value.next)
		read.onDemand = e.rotatingAt(read.onDemand)
		before := e.schedule.value
		e.schedule.read(read, begun, b.lags.Reads)
		grown = !e.history.certain() || e.history.value.materialID != e.metadata.value.materialID ||
			!before.onDemand.IsZero() && e.schedule.value.onDemand.IsZero()
	})
	if !grown {
		return nil
	}
	return b.readHistory(ctx, id)
}

// readHistory reads the list of a key's rotations.
func (b *Backend) readHistory(ctx context.Context, id string) error {
	begun := b.clock.Now()
	read := history{}
	in := &kms.ListKeyRotationsInput{KeyId: &id, Limit: awssdk.Int32(keysPage)}
	for {
		page, err := call(ctx, b, "ListKeyRotations", b.clients.kms.ListKeyRotations, in)
		if err != nil {
			return b.unlessNew(err, id)
		}
		for i := range page.Rotations {
			at := awssdk.ToTime(page.Rotations[i].RotationDate)
			read.last = later(read.last, at)
			if page.Rotations[i].RotationType == types.RotationTypeOnDemand {
				read.lastOnDemand = later(read.lastOnDemand, at)
				read.onDemand++
			}
		}
		if !page.Truncated {
			break
		}
		if in.Marker, err = following("ListKeyRotations", in.Marker, page.NextMarker); err != nil {
			return err
		}
	}
	b.view.edit(id, b.clock.Now(), func(e *entry) {
		read.materialID = e.metadata.value.materialID
		read.last = asReckoned(read.last, e.history.value.last)
		read.lastOnDemand = e.rotatedAt(read.lastOnDemand, read.onDemand > e.history.value.onDemand)
		read.last = later(read.last, read.lastOnDemand)
		e.history.read(read, begun, b.lags.Reads)
		if e.history.certain() {
			e.lostRotation = time.Time{}
		}
	})
	return nil
}

// asReckoned is a time that AWS tells as this process reckoned it, if it is the same but for the clocks of the two: nothing
// changed then, and nobody is to be told that something did.
func asReckoned(told, reckoned time.Time) time.Time {
	if !told.IsZero() && told.Sub(reckoned).Abs() < time.Minute {
		return reckoned
	}
	return told
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
	if err != nil {
		return b.unlessNew(err, id)
	}
	document := awssdk.ToString(out.Policy)
	if document == "" {
		return lacking("GetKeyPolicy", "the key policy")
	}
	b.view.edit(id, b.clock.Now(), func(e *entry) { e.policy.read(document, begun, b.lags.Reads) })
	return nil
}

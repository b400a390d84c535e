// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// ScheduleDeletion implements backend.Backend. Whose the key is AWS is asked first.
func (b *Backend) ScheduleDeletion(ctx context.Context, keyID string, windowInDays int) (time.Time, error) {
	if windowInDays < 7 || windowInDays > 30 {
		return time.Time{}, invalid(fmt.Sprintf("the waiting window must be 7 to 30 days, not %d", windowInDays))
	}
	if err := b.confirmOwner(ctx, keyID); err != nil {
		return time.Time{}, err
	}
	window := int32(windowInDays)
	in := &kms.ScheduleKeyDeletionInput{KeyId: &keyID, PendingWindowInDays: &window}
	out, err := write(ctx, b, keyID, inMetadata, "ScheduleKeyDeletion", b.clients.kms.ScheduleKeyDeletion, in)
	switch {
	case backend.ClassOf(err) == backend.NotReady: // so it says of a key that is pending deletion
		state, at, describeErr := b.stateNow(ctx, keyID)
		if describeErr != nil || state != backend.StatePendingDeletion {
			return time.Time{}, err
		}
		return at, nil
	case err != nil:
		return time.Time{}, b.unlessNew(err, keyID)
	}
	at := time.Time{}
	if out.DeletionDate != nil {
		at = *out.DeletionDate
	}
	b.changed(keyID, func(e *entry, now time.Time) {
		e.metadata.change(now, func(m *metadata) { m.state, m.deletionTime = backend.StatePendingDeletion, at })
	})
	return at, nil
}

// stateNow asks AWS for a key's state.
func (b *Backend) stateNow(ctx context.Context, keyID string) (state backend.State, deletionTime time.Time, err error) {
	if _, err := b.describe(ctx, keyID); err != nil {
		return "", time.Time{}, err
	}
	b.view.peek(keyID, func(e *entry) { state, deletionTime = e.metadata.value.state, e.metadata.value.deletionTime })
	return state, deletionTime, nil
}

// confirmOwner reads the tags of a key that is known to have an owner, and fails if it has another one by now, or none. What is known
// of tags may be as old as a sweep, and the owner goes when its key is scheduled for deletion: nobody would see that it was another's.
func (b *Backend) confirmOwner(ctx context.Context, keyID string) error {
	before, owned := b.ownerOf(keyID)
	if !owned {
		return nil
	}
	begun := b.clock.Now()
	tags, err := b.tagsOf(ctx, keyID)
	if err != nil {
		return b.unlessNew(err, keyID)
	}
	b.view.editKnown(keyID, begun, func(e *entry) { e.tags.read(tags, begun, b.lags.Reads) })
	if after, _ := b.ownerOf(keyID); after != before {
		return &backend.Error{Class: backend.Conflict, Message: "the owner tags of key " + keyID + " were changed by others: it is looked at again"}
	}
	return nil
}

// ownerOf is whom the key's tags name, as far as it is known.
func (b *Backend) ownerOf(keyID string) (owner backend.Owner, owned bool) {
	b.view.peek(keyID, func(e *entry) { owner, owned = e.owner() })
	return owner, owned
}

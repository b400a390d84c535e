// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// setRotation turns automatic rotation on or off. The next date is reckoned as AWS does, from when it was turned on, until it
// is read from AWS.
func (b *Backend) setRotation(ctx context.Context, keyID string, days int) error {
	if days == 0 {
		in := &kms.DisableKeyRotationInput{KeyId: &keyID}
		_, err := write(ctx, b, keyID, inSchedule, "DisableKeyRotation", b.clients.kms.DisableKeyRotation, in)
		return b.wrote(keyID, b.elsewhere(ctx, keyID, err), func(e *entry, now time.Time) {
			e.schedule.write(schedule{}, now)
		})
	}
	period := int32(days)
	in := &kms.EnableKeyRotationInput{KeyId: &keyID, RotationPeriodInDays: &period}
	_, err := write(ctx, b, keyID, inSchedule, "EnableKeyRotation", b.clients.kms.EnableKeyRotation, in)
	return b.wrote(keyID, b.elsewhere(ctx, keyID, err), func(e *entry, now time.Time) {
		next := now.AddDate(0, 0, days)
		if before := e.schedule.value; before.periodInDays > 0 && !before.next.IsZero() {
			next = before.next.AddDate(0, 0, days-before.periodInDays)
		}
		e.schedule.write(schedule{periodInDays: days, next: next}, now)
	})
}

// rotate rotates on demand, unless that was done, or begun, at requestedAt or later.
func (b *Backend) rotate(ctx context.Context, keyID string, requestedAt time.Time) error {
	if err := b.findLostRotation(ctx, keyID, requestedAt); err != nil {
		return err
	}
	if b.rotatedSince(keyID, requestedAt) {
		return nil
	}
	in := &kms.RotateKeyOnDemandInput{KeyId: &keyID}
	doubt := func(e *entry, now time.Time) { e.lostRotation = now; inHistory(e, now) }
	_, err := write(ctx, b, keyID, doubt, "RotateKeyOnDemand", b.clients.kms.RotateKeyOnDemand, in)
	if backend.ClassOf(err) == backend.Conflict {
		return b.alreadyRotating(ctx, keyID, requestedAt, err)
	}
	return b.wrote(keyID, b.elsewhere(ctx, keyID, err), func(e *entry, now time.Time) {
		e.history.change(now, func(h *history) { h.last, h.lastOnDemand, h.onDemand = now, now, h.onDemand+1 })
	})
}

// findLostRotation reads what became of a rotation whose answer was lost: to this process, or to an earlier one, so shortly before this
// one read the rotations that AWS did not show it.
func (b *Backend) findLostRotation(ctx context.Context, keyID string, requestedAt time.Time) error {
	known, shown := b.opened.Add(b.lags.Reads), time.Time{}
	b.view.editKnown(keyID, b.clock.Now(), func(e *entry) {
		if requestedAt.Before(known) && e.history.wrote.IsZero() && e.history.readAt.Before(known) {
			e.history.doubt(b.opened)
		}
		shown = e.history.shownAt(b.lags.Reads)
	})
	if shown.IsZero() {
		return nil
	}
	if err := b.awaitShown(ctx, shown); err != nil {
		return err
	}
	return b.readRotation(ctx, keyID)
}

func (b *Backend) rotatedSince(keyID string, requestedAt time.Time) (rotated bool) {
	b.view.peek(keyID, func(e *entry) {
		_, last := e.rotationsOnDemand()
		rotated = !requestedAt.IsZero() && !last.Before(requestedAt)
	})
	return rotated
}

// alreadyRotating is what AWS's refusal comes to: nil if the rotation that it is at is the one asked for. Another one, automatic or on
// demand, is at its end by itself, and until that is seen nobody knows whether it was the one.
func (b *Backend) alreadyRotating(ctx context.Context, keyID string, requestedAt time.Time, refused error) error {
	b.view.editKnown(keyID, b.clock.Now(), func(e *entry) { inHistory(e, b.clock.Now()) })
	if err := b.readRotation(ctx, keyID); err != nil {
		return err
	}
	if b.rotatedSince(keyID, requestedAt) {
		return nil
	}
	return &backend.Error{
		Class: backend.NotReady, Err: refused,
		Message: "AWS is rotating key " + keyID + ", or is about to: it is rotated on demand when that is done",
	}
}

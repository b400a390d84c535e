// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// setRotation turns automatic rotation on or off. The next date is reckoned as AWS does, from when it was turned on, until it
// is read from AWS.
func (b *Backend) setRotation(ctx context.Context, keyID string, days int) error {
	if days == 0 {
		_, err := call(ctx, b, "DisableKeyRotation", b.clients.kms.DisableKeyRotation, &kms.DisableKeyRotationInput{KeyId: &keyID})
		return b.wrote(keyID, b.elsewhere(ctx, keyID, err), func(e *entry, now time.Time) {
			e.schedule.write(schedule{}, now)
		})
	}
	period := int32(days)
	in := &kms.EnableKeyRotationInput{KeyId: &keyID, RotationPeriodInDays: &period}
	_, err := call(ctx, b, "EnableKeyRotation", b.clients.kms.EnableKeyRotation, in)
	return b.wrote(keyID, b.elsewhere(ctx, keyID, err), func(e *entry, now time.Time) {
		next := now.AddDate(0, 0, days)
		if before := e.schedule.value; before.periodInDays > 0 && !before.next.IsZero() {
			next = before.next.AddDate(0, 0, days-before.periodInDays)
		}
		e.schedule.write(schedule{periodInDays: days, next: next}, now)
	})
}

// rotate rotates on demand, unless that was done at requestedAt or later. If the answer to an earlier request was lost, AWS is
// asked what became of it first.
func (b *Backend) rotate(ctx context.Context, keyID string, requestedAt time.Time) error {
	if err := b.findLostRotation(ctx, keyID); err != nil {
		return err
	}
	done := false
	b.view.peek(keyID, func(e *entry) {
		done = !requestedAt.IsZero() && !e.history.value.lastOnDemand.Before(requestedAt)
	})
	if done {
		return nil
	}
	_, err := call(ctx, b, "RotateKeyOnDemand", b.clients.kms.RotateKeyOnDemand, &kms.RotateKeyOnDemandInput{KeyId: &keyID})
	if err != nil && mayHaveHappened(err) {
		b.view.editKnown(keyID, b.clock.Now(), func(e *entry) { e.rotateLost = b.clock.Now() })
	}
	return b.wrote(keyID, b.elsewhere(ctx, keyID, err), func(e *entry, now time.Time) {
		e.history.change(now, func(h *history) { h.last, h.lastOnDemand, h.onDemand = now, now, h.onDemand+1 })
	})
}

func (b *Backend) findLostRotation(ctx context.Context, keyID string) error {
	var lost time.Time
	b.view.peek(keyID, func(e *entry) { lost = e.rotateLost })
	if lost.IsZero() {
		return nil
	}
	if err := sleep(ctx, lost.Add(b.lags.Reads).Sub(b.clock.Now())); err != nil {
		return interrupted(ctx)
	}
	if err := b.readHistory(ctx, keyID); err != nil {
		return err
	}
	b.view.editKnown(keyID, b.clock.Now(), func(e *entry) { e.rotateLost = time.Time{} })
	return nil
}

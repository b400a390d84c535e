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
		_, err := call(ctx, b, "DisableKeyRotation", b.clients.kms.DisableKeyRotation, &kms.DisableKeyRotationInput{KeyId: &keyID})
		return b.wrote(keyID, err, func(e *entry, now time.Time) {
			e.rotation.change(now, func(r *backend.Rotation) { r.Enabled, r.PeriodInDays, r.NextTime = false, 0, time.Time{} })
		})
	}
	period := int32(days)
	in := &kms.EnableKeyRotationInput{KeyId: &keyID, RotationPeriodInDays: &period}
	_, err := call(ctx, b, "EnableKeyRotation", b.clients.kms.EnableKeyRotation, in)
	return b.wrote(keyID, err, func(e *entry, now time.Time) {
		e.rotation.change(now, func(r *backend.Rotation) {
			next := now.AddDate(0, 0, days)
			if r.Enabled && !r.NextTime.IsZero() {
				next = r.NextTime.AddDate(0, 0, days-r.PeriodInDays)
			}
			r.Enabled, r.PeriodInDays, r.NextTime = true, days, next
		})
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
		done = !requestedAt.IsZero() && !e.rotation.value.LastOnDemandTime.Before(requestedAt)
	})
	if done {
		return nil
	}
	_, err := call(ctx, b, "RotateKeyOnDemand", b.clients.kms.RotateKeyOnDemand, &kms.RotateKeyOnDemandInput{KeyId: &keyID})
	if err != nil && mayHaveHappened(err) {
		b.view.editKnown(keyID, b.clock.Now(), func(e *entry) { e.rotateLost = b.clock.Now() })
	}
	return b.wrote(keyID, err, func(e *entry, now time.Time) {
		e.rotation.change(now, func(r *backend.Rotation) {
			r.LastTime, r.LastOnDemandTime, r.OnDemandCount = now, now, r.OnDemandCount+1
		})
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
	b.view.editKnown(keyID, b.clock.Now(), func(e *entry) { e.rotationsRead = false })
	if err := b.readRotation(ctx, keyID); err != nil {
		return err
	}
	b.view.editKnown(keyID, b.clock.Now(), func(e *entry) { e.rotateLost = time.Time{} })
	return nil
}

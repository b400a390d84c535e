// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

// leapingClock is set to a later time, once, in the moment before somebody begins to wait by it.
type leapingClock struct {
	*clocktesting.FakeClock

	leap func()
}

// NewTimer implements clock.Clock.
func (c leapingClock) NewTimer(d time.Duration) clock.Timer {
	c.leap()
	return c.FakeClock.NewTimer(d)
}

func TestRunSleepsThroughNothingThatFallsDueAsItGoesToSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		other, ring, _ := h.open(t)
		key := create(t, other, kms.CreateKeyInput{RotationPeriodInDays: 90})
		service := kms.New(ring, leapingClock{h.clock, sync.OnceFunc(func() { h.clock.Step(91 * day) })}, h.options)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { service.Run(ctx) })
		defer running.Wait()
		defer cancel()
		eventually(t, "the key is rotated", func() bool {
			got, err := other.DescribeKey(t.Context(), key.KeyID)
			return err == nil && got.Rotation.LastTime.Equal(begin.Add(91*day))
		})
	})
}

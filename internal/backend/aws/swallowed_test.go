// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"testing"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// TestARotationThatIsKnownIsNotTakenForOneThatIsAskedForSoonAfter asks for another one while AWS is at one that was asked for seconds
// before, by this process or by somebody else.
func TestARotationThatIsKnownIsNotTakenForOneThatIsAskedForSoonAfter(t *testing.T) {
	t.Parallel()
	for _, whose := range []string{"its own", "somebody else's"} {
		t.Run(whose, func(t *testing.T) {
			t.Parallel()
			s := newSlowly(t)
			b := open(t, settings(s.url(), s.clock))
			who := b
			if whose != "its own" {
				who = open(t, settings(s.url(), s.clock))
			}
			id := create(t, b, symmetric("key")).ID
			s.clock.Step(time.Minute)
			s.slow.Store(true)
			apply(t, who, id, backend.Rotate{RequestedAt: s.clock.Now()})
			s.clock.Step(20 * time.Second)
			rotate := []backend.Change{backend.Rotate{RequestedAt: s.clock.Now()}}
			s.clock.Step(20 * time.Second)
			for range 2 {
				if _, err := b.Apply(t.Context(), id, rotate); backend.ClassOf(err) != backend.NotReady {
					t.Errorf("AWS is at the one before: %v", err)
				}
			}
			s.slow.Store(false)
			s.clock.Step(time.Minute)
			for range 2 {
				apply(t, b, id, rotate...)
			}
			if s.asked.Load() != 2 {
				t.Errorf("rotated %d times", s.asked.Load())
			}
		})
	}
}

func TestALostRotationSoonAfterOneThatIsKnownIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	s := newSlowly(t)
	p := newProxy(t, s.endpoint)
	b := open(t, settings(p.url(), s.clock))
	id := create(t, b, symmetric("key")).ID
	s.clock.Step(time.Minute)
	apply(t, b, id, backend.Rotate{RequestedAt: s.clock.Now()})
	s.clock.Step(40 * time.Second)
	s.begun.Store(nil)
	s.slow.Store(true)
	rotate := backend.Rotate{RequestedAt: s.clock.Now()}
	lose(t, p, b, id, "RotateKeyOnDemand", rotate)
	apply(t, b, id, rotate)
	if s.asked.Load() != 2 {
		t.Errorf("rotated %d times", s.asked.Load())
	}
}

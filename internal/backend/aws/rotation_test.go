// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// slowly is an endpoint where a rotation on demand takes as long as slow says: AWS tells when it was begun, lists it when it is at its
// end, and refuses another one until then. Asked counts those that it began.
type slowly struct {
	*endpoint
	slow  atomic.Bool
	begun atomic.Pointer[time.Time]
	asked atomic.Int32
}

func newSlowly(t *testing.T) *slowly {
	t.Helper()
	behind := newEndpoint(t)
	s := &slowly{}
	s.endpoint = newFront(t, behind, &front{
		asked: func(operation string, _ map[string]any) string {
			switch {
			case operation != "RotateKeyOnDemand":
			case s.slow.Load() && s.begun.Load() != nil:
				return "ConflictException"
			default:
				now := behind.clock.Now()
				s.begun.Store(&now)
				s.asked.Add(1)
			}
			return ""
		},
		answered: func(operation string, _, out map[string]any) {
			begun := s.begun.Load()
			switch {
			case !s.slow.Load() || begun == nil:
			case operation == "GetKeyRotationStatus":
				out["OnDemandRotationStartDate"] = float64(begun.UnixMilli()) / 1000
			case operation == "ListKeyRotations":
				out["Rotations"] = []any{}
			}
		},
	})
	return s
}

func TestARotationThatIsUnderWayIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	s := newSlowly(t)
	p := newProxy(t, s.endpoint)
	b := open(t, settings(p.url(), s.clock))
	id := create(t, b, symmetric("key")).ID
	s.clock.Step(time.Minute)
	request := s.clock.Now().Add(-time.Second)
	rotate := []backend.Change{backend.Rotate{RequestedAt: request}}
	s.slow.Store(true)
	p.inject(fault{operation: "RotateKeyOnDemand", times: 1, afterEffect: true})
	if _, err := b.Apply(t.Context(), id, rotate); err == nil {
		t.Fatal("the answer was not lost")
	}
	for name, who := range map[string]*Backend{"this process": b, "another one": open(t, settings(p.url(), s.clock))} {
		key := get(t, who, id)
		if key.Rotation.OnDemandCount != 1 || key.Rotation.LastOnDemandTime.Before(request) {
			t.Errorf("%s tells %+v", name, key.Rotation)
		}
		apply(t, who, id, rotate...)
	}
	s.slow.Store(false)
	s.clock.Step(10 * time.Minute)
	if err := b.Verify(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if told := apply(t, b, id, rotate...).Rotation; told.OnDemandCount != 1 || told.LastOnDemandTime.Before(request) || s.asked.Load() != 1 {
		t.Errorf("rotated %d times, and it tells %+v", s.asked.Load(), told)
	}
}

func TestAKeyThatAWSIsRotatingAnywayIsRotatedAfterThatAndOnce(t *testing.T) {
	t.Parallel()
	s := newSlowly(t)
	b, other := open(t, settings(s.url(), s.clock)), open(t, settings(s.url(), s.clock))
	id := create(t, b, symmetric("key")).ID
	s.clock.Step(time.Minute)
	s.slow.Store(true)
	apply(t, other, id, backend.Rotate{}) // by somebody else, before it is asked for
	s.clock.Step(2 * time.Minute)
	rotate := []backend.Change{backend.Rotate{RequestedAt: s.clock.Now().Add(-time.Second)}}
	for range 3 {
		_, err := b.Apply(t.Context(), id, rotate)
		if backend.ClassOf(err) != backend.NotReady {
			t.Errorf("AWS is rotating it: %v", err)
		}
	}
	s.slow.Store(false)
	for range 2 {
		apply(t, b, id, rotate...)
	}
	if s.asked.Load() != 2 {
		t.Errorf("rotated %d times", s.asked.Load())
	}
}

func TestARotationOfAnEarlierProcessThatReadsDoNotShowYetIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, p, config := late(t, false)
		earlier := p.open(t, config)
		id := create(t, earlier, symmetric("key")).ID
		time.Sleep(config.Lags.Reads)
		get(t, p.open(t, config), id) // so that there is a reading to lag behind
		request := time.Now()
		w.clock.SetTime(request.Add(time.Millisecond))
		p.inject(fault{operation: "RotateKeyOnDemand", times: 1, afterEffect: true})
		rotate := []backend.Change{backend.Rotate{RequestedAt: request}}
		if _, err := earlier.Apply(t.Context(), id, rotate); err == nil {
			t.Fatal("the answer was not lost")
		}
		apply(t, p.open(t, config), id, rotate...)
		if key := get(t, w.open(t, settings(piped, clock.RealClock{})), id); key.Rotation.OnDemandCount != 1 {
			t.Errorf("rotated %d times", key.Rotation.OnDemandCount)
		}
	})
}

func TestALostRotationIsKnownByItsAnswerThatWasLostWhenAWSsClockIsBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newEndpoint(t)
		p := newProxy(t, w)
		b := p.open(t, settings(piped, clock.RealClock{}))
		id := create(t, b, symmetric("key")).ID
		rotate := []backend.Change{backend.Rotate{RequestedAt: time.Now()}}
		w.clock.SetTime(time.Now().Add(-30 * time.Second))
		p.inject(fault{operation: "RotateKeyOnDemand", times: 1, afterEffect: true})
		if _, err := b.Apply(t.Context(), id, rotate); err == nil {
			t.Fatal("the answer was not lost")
		}
		if told := apply(t, b, id, rotate...).Rotation; told.OnDemandCount != 1 {
			t.Errorf("rotated %d times", told.OnDemandCount)
		}
	})
}

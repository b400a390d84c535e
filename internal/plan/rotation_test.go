// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

func TestARotationIsDoneOncePerRequest(t *testing.T) {
	request := func(requested, last time.Time) func(*Key, *backend.Key) {
		return func(want *Key, seen *backend.Key) {
			want.RotationRequestedAt = requested
			seen.Rotation.LastOnDemandTime = last
		}
	}
	rotate := func(requested time.Time) Changes { return do(backend.Rotate{RequestedAt: requested}) }
	never := time.Time{}
	checkDiff(t, []diffCase{
		{"none requested", request(never, never), Changes{}},
		{"none requested, and one was done", request(never, created.Add(time.Hour)), Changes{}},
		{"requested for a time that has passed", request(now.Add(-time.Hour), never), rotate(now.Add(-time.Hour))},
		{"requested for this very moment", request(now, never), rotate(now)},
		{"requested for later", request(now.Add(time.Hour), never), Changes{NextAt: now.Add(time.Hour)}},
		{"requested for the next nanosecond", request(now.Add(1), never), Changes{NextAt: now.Add(1)}},
		{"requested again after one was done", request(now.Add(-time.Hour), now.Add(-2*time.Hour)), rotate(now.Add(-time.Hour))},
		{"requested for later after one was done", request(now.Add(time.Hour), now.Add(-time.Hour)),
			Changes{NextAt: now.Add(time.Hour)}},
		{"done already, in the moment it was requested for", request(now.Add(-time.Hour), now.Add(-time.Hour)), Changes{}},
		{"done already, and the answer was lost", request(now.Add(-time.Hour), now.Add(-time.Hour+time.Second)), Changes{}},
		{"requested before the key was made", request(created.Add(-time.Second), never), Changes{}},
		{"requested in the moment the key was made", request(created, never), Changes{}},
		{"requested just after the key was made", request(created.Add(time.Second), never), rotate(created.Add(time.Second))},
	})
}

func TestNoRotationIsAskedForWhileOneWaitsForARegion(t *testing.T) {
	waits := func(requested time.Time) func(*Key, *backend.Key) {
		return func(want *Key, seen *backend.Key) {
			want.RotationRequestedAt, seen.Rotation.AwaitedRegions = requested, []string{"south-1"}
		}
	}
	checkDiff(t, []diffCase{
		{"the one asked for, or an earlier one", waits(now.Add(-time.Hour)), Changes{}},
		{"one for later", waits(now.Add(time.Hour)), Changes{NextAt: now.Add(time.Hour)}},
	})
}

func TestARequestThatIsRememberedAsDoneIsNotRepeated(t *testing.T) {
	request := func(requested, handled, last time.Time) func(*Key, *backend.Key) {
		return func(want *Key, seen *backend.Key) {
			want.RotationRequestedAt, want.RotationHandledAt = requested, handled
			seen.Rotation.LastOnDemandTime = last
		}
	}
	requested := now.Add(-time.Minute)
	rotate := func(requested time.Time) Changes { return do(backend.Rotate{RequestedAt: requested}) }
	checkDiff(t, []diffCase{
		{"done by a backend whose clock is behind", request(requested, requested, requested.Add(-time.Second)), Changes{}},
		{"done on a key whose rotations cannot be seen", request(requested, requested, time.Time{}), Changes{}},
		{"a later request was done", request(requested, requested.Add(time.Second), time.Time{}), Changes{}},
		{"an earlier request was done", request(requested, requested.Add(-time.Second), time.Time{}), rotate(requested)},
		{"an earlier request was done, and this one is for later", request(now.Add(time.Hour), requested, requested),
			Changes{NextAt: now.Add(time.Hour)}},
		{"nothing is remembered, but it was done", request(requested, time.Time{}, requested.Add(time.Second)), Changes{}},
		{"the request was removed since", request(time.Time{}, requested, requested), Changes{}},
	})
}

func TestAnAutomaticRotationDoesNotAnswerARequest(t *testing.T) {
	checkDiff(t, []diffCase{{"rotated by period since the request", func(want *Key, seen *backend.Key) {
		want.RotationRequestedAt = now.Add(-time.Hour)
		seen.Rotation.LastTime = now.Add(-time.Minute)
	}, do(backend.Rotate{RequestedAt: now.Add(-time.Hour)})}})
}

func TestRotationOfADisabledKeyIsDeferredUntilItIsEnabled(t *testing.T) {
	disabled := func(edit func(*Key, *backend.Key)) func(*Key, *backend.Key) {
		return func(want *Key, seen *backend.Key) {
			want.Enabled, seen.State = false, backend.StateDisabled
			edit(want, seen)
		}
	}
	later := now.Add(time.Hour)
	checkDiff(t, []diffCase{
		{"a period set", disabled(func(_ *Key, seen *backend.Key) { seen.Rotation = backend.Rotation{} }),
			Changes{Deferred: []backend.Change{backend.SetRotation{FromDays: 0, ToDays: 365}}}},
		{"rotation turned off", disabled(func(want *Key, _ *backend.Key) { want.RotationPeriodInDays = 0 }),
			Changes{Deferred: []backend.Change{backend.SetRotation{FromDays: 365, ToDays: 0}}}},
		{"a rotation requested", disabled(func(want *Key, _ *backend.Key) { want.RotationRequestedAt = now }),
			Changes{Deferred: []backend.Change{backend.Rotate{RequestedAt: now}}}},
		{"a rotation requested for later", disabled(func(want *Key, _ *backend.Key) { want.RotationRequestedAt = later }),
			Changes{NextAt: later}},
		{"what else differs is done at once", disabled(func(want *Key, _ *backend.Key) {
			want.Description, want.RotationPeriodInDays = "asleep", 90
		}), Changes{
			Now:      []backend.Change{backend.SetDescription{From: "orders at rest", To: "asleep"}},
			Deferred: []backend.Change{backend.SetRotation{FromDays: 365, ToDays: 90}},
		}},
		{"done when it is enabled, after that", func(want *Key, seen *backend.Key) {
			seen.State, want.RotationPeriodInDays = backend.StateDisabled, 90
		}, do(backend.Enable{}, backend.SetRotation{FromDays: 365, ToDays: 90})},
	})
}

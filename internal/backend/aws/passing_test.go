// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"strings"
	"sync"
	"testing"

	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// passing has DescribeKey tell of all keys that they are in a state that passes by itself, until it has passed, and refuses what AWS
// refuses meanwhile: our endpoint makes replicas and changes primaries at once.
type passing struct {
	mu    sync.Mutex
	state backend.State
}

func (p *passing) be(state backend.State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = state
}

func (p *passing) asked(operation string, _ map[string]any) (code string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	creating := operation == "CreateGrant" || operation == "EnableKeyRotation"
	if p.state != "" && (operation == "EnableKey" || operation == "DisableKey" || p.state == backend.StateCreating && creating) {
		return "KMSInvalidStateException"
	}
	return ""
}

func (p *passing) answered(_ string, _, out map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if metadata, ok := out["KeyMetadata"].(map[string]any); ok && p.state != "" {
		metadata["KeyState"] = string(p.state)
	}
}

func TestAStateThatPassesIsToldUntilItHasPassed(t *testing.T) {
	for _, state := range []backend.State{backend.StateCreating, backend.StateUpdating} {
		t.Run(string(state), func(t *testing.T) {
			worlds := newEndpoints(t, region, elsewhere)
			passes := &passing{}
			p := newProxy(t, newFront(t, worlds[1], &front{asked: passes.asked, answered: passes.answered}))
			id := create(t, open(t, settings(worlds[0].url(), clock.RealClock{})), multiRegion("key")).ID
			apply(t, open(t, settings(worlds[0].url(), clock.RealClock{})), id, replication("key"))
			b := openIn(t, elsewhere, settings(p.url(), clock.RealClock{}))
			heard := listen(t, b)

			passes.be(state)
			if seen := get(t, b, id); seen.State != state || seen.Tags["team"] != "payments" {
				t.Errorf("it is %+v", seen)
			}
			if calls := p.counted(func() { get(t, b, id) }); calls["DescribeKey"] != 1 || total(calls) != 1 {
				t.Errorf("looking whether it has passed takes %v", calls)
			}
			after, err := b.Apply(t.Context(), id, []backend.Change{backend.Disable{}, backend.PutAlias{Name: "alias/key"}})
			if backend.ClassOf(err) != backend.NotReady || after.State != state || strings.Join(after.Aliases, "") != "alias/key" {
				t.Errorf("it was to be disabled meanwhile: %v, and it is %+v", err, after)
			}
			heard.take()
			passes.be("")
			sweep(t, b)
			if names := heard.take(); strings.Join(names, ",") != "key" {
				t.Errorf("it has passed, and heard of %v", names)
			}
			calls := p.counted(func() {
				if seen := get(t, b, id); seen.State != backend.StateEnabled {
					t.Errorf("it has passed, and it is %s", seen.State)
				}
			})
			if total(calls) != 0 {
				t.Errorf("it is settled, and reading it takes %v", calls)
			}
			apply(t, b, id, backend.Disable{})
		})
	}
}

func TestAPrimaryThatWaitsForItsReplicasIsToldItsDateWhenThereIsOne(t *testing.T) {
	w := newRegions(t, false)
	id := create(t, w.b, multiRegion("key")).ID
	apply(t, w.b, id, replication("key"))
	if at, err := w.b.ScheduleDeletion(t.Context(), id, 7); err != nil || !at.IsZero() {
		t.Errorf("it waits for its replica, and is to be deleted at %s, %v", at, err)
	}
	if seen := get(t, w.b, id); seen.State != backend.StatePendingDeletion || !seen.DeletionTime.IsZero() {
		t.Errorf("it is %s until %s", seen.State, seen.DeletionTime)
	}
	w.there.destroy(t, id)
	if _, err := w.here.service.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if seen := get(t, w.b, id); seen.State != backend.StatePendingDeletion || seen.DeletionTime.IsZero() {
		t.Errorf("its replica is gone, and it is %s until %s", seen.State, seen.DeletionTime)
	}
	if calls := w.ways.counted(func() { get(t, w.b, id) }); total(calls) != 0 {
		t.Errorf("it has a date, and reading it takes %v", calls)
	}
}

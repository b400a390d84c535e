// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

func TestAGateLetsSomePassSomeWaitAndSendsTheOthersAway(t *testing.T) {
	g := newGate(2, 5)
	var inside, most, passed, refused atomic.Int32
	leave, entered := make(chan struct{}), make(chan struct{}, 5)
	var running sync.WaitGroup
	come := func() {
		err := g.pass(t.Context(), func() error {
			most.Store(max(most.Load(), inside.Add(1)))
			entered <- struct{}{}
			<-leave
			inside.Add(-1)
			return nil
		})
		if err == nil {
			passed.Add(1)
		} else if HasCode(err, ThrottlingException) {
			refused.Add(1)
		}
	}
	for range 5 {
		running.Go(come)
	}
	<-entered
	<-entered
	for len(g.known) < 5 { // the other three are on their way
		runtime.Gosched()
	}
	come()
	if refused.Load() != 1 || most.Load() != 2 {
		t.Errorf("%d were sent away and %d inside, want 1 and 2", refused.Load(), most.Load())
	}
	close(leave)
	running.Wait()
	if passed.Load() != 5 || most.Load() != 2 {
		t.Errorf("%d passed and %d were inside at a time, want 5 and 2", passed.Load(), most.Load())
	}
	come()
	if passed.Load() != 6 {
		t.Error("the gate stayed shut")
	}
}

func TestWhoWaitsAtAGateLeavesWithItsContext(t *testing.T) {
	g := newGate(1, 2)
	ctx, cancel := context.WithCancel(t.Context())
	err := g.pass(t.Context(), func() error {
		cancel()
		return g.pass(ctx, func() error { t.Error("two were inside"); return nil })
	})
	if !HasCode(err, DependencyTimeoutException) {
		t.Errorf("got %v", err)
	}
	if len(g.known) != 0 || len(g.inside) != 0 {
		t.Errorf("%d wait and %d are inside", len(g.known), len(g.inside))
	}
}

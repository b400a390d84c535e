// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package accounts

import (
	"context"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

const (
	// looks is how often in an interval it is looked which backends are due.
	looks = 20
	// jitter is the part of an interval by which sweeps come sooner or later, so that backends are not swept together.
	jitter = 0.1
)

// Start sweeps the backends, each at an interval of its own, until ctx is done. What a sweep finds goes to those who watch
// the backend. A sweep that fails is tried again after the interval; that the backend is in trouble shows elsewhere.
func (a *Accounts) Start(ctx context.Context) error {
	ticker := time.NewTicker(max(a.options.SweepInterval/looks, time.Millisecond))
	defer ticker.Stop()
	var running sync.WaitGroup
	defer running.Wait()
	due := map[*guarded]time.Time{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			for one, name := range a.due(due, now) {
				running.Go(func() { a.sweep(ctx, name, one) })
			}
		}
	}
}

// due are the backends to sweep now. It keeps at, which says when each is to be swept next: one that was just opened an interval
// later, since it knows nothing old.
func (a *Accounts) due(at map[*guarded]time.Time, now time.Time) map[*guarded]string {
	open, due := a.backends(), map[*guarded]string{}
	maps.DeleteFunc(at, func(one *guarded, _ time.Time) bool { _, still := open[one]; return !still })
	for one, name := range open {
		next, known := at[one]
		if known && now.Before(next) {
			continue
		}
		at[one] = now.Add(jittered(a.options.SweepInterval))
		if known && one.sweeping.CompareAndSwap(false, true) {
			due[one] = name
		}
	}
	return due
}

// backends are those that are open, with the names of their KMSBackends.
func (a *Accounts) backends() map[*guarded]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	open := make(map[*guarded]string, len(a.open))
	for name, one := range a.open {
		if current := one.get(); current != nil {
			open[current] = name
		}
	}
	return open
}

func (a *Accounts) sweep(ctx context.Context, name string, one *guarded) {
	defer one.sweeping.Store(false)
	begun := time.Now()
	_, err := guard(ctx, one.health, func(ctx context.Context) (struct{}, error) { return struct{}{}, one.Sweep(ctx) })
	log := a.options.Log.WithValues("kmsbackend", name, "duration", time.Since(begun).String())
	switch {
	case ctx.Err() != nil:
	case err != nil:
		log.Info("sweep failed", "class", string(backend.ClassOf(err)), "reason", err.Error())
	default:
		log.V(1).Info("swept")
	}
}

func jittered(interval time.Duration) time.Duration {
	return time.Duration(float64(interval) * (1 - jitter + 2*jitter*rand.Float64()))
}

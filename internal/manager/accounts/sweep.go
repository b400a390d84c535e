// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package accounts

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

const (
	// looks is how often in an interval it is looked which backends are due.
	looks = 20
	// jitter is the part of an interval by which sweeps come sooner or later, so that backends are not swept together.
	jitter = 0.1
)

// sweeps are those of a backend, whoever the operator is.
type sweeps struct {
	// next is when the next one is due; zero for one that was just opened. It is Start's.
	next    time.Time
	running atomic.Bool
}

// Start sweeps the backends, each at an interval of its own, until ctx is done. What a sweep finds goes to those who watch
// the backend. A sweep that fails is tried again after the interval; that the backend is in trouble shows elsewhere.
func (a *Accounts) Start(ctx context.Context) error {
	ticker := time.NewTicker(max(a.options.SweepInterval/looks, time.Millisecond))
	defer ticker.Stop()
	defer a.end()
	var running sync.WaitGroup
	defer running.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			for name, one := range a.due(now) {
				running.Go(func() { a.sweep(ctx, name, one) })
			}
		}
	}
}

// due are the backends to sweep now, by KMSBackend: one that was just opened an interval later, since it knows nothing old.
func (a *Accounts) due(now time.Time) map[string]*guarded {
	due := map[string]*guarded{}
	for name, one := range a.backends() {
		s := one.sweeps
		known := !s.next.IsZero()
		if known && now.Before(s.next) {
			continue
		}
		s.next = now.Add(jittered(a.options.SweepInterval))
		if known && s.running.CompareAndSwap(false, true) {
			due[name] = one
		}
	}
	return due
}

// backends are those that are open, by KMSBackend.
func (a *Accounts) backends() map[string]*guarded {
	a.mu.Lock()
	defer a.mu.Unlock()
	open := make(map[string]*guarded, len(a.open))
	for name, one := range a.open {
		if current := one.get(); current != nil {
			open[name] = current
		}
	}
	return open
}

func (a *Accounts) sweep(ctx context.Context, name string, one *guarded) {
	defer one.sweeps.running.Store(false)
	began, begun := a.options.Clock.Now(), time.Now()
	err := one.Sweep(ctx)
	if ctx.Err() != nil {
		return
	}
	took, class := time.Since(begun), string(backend.ClassOf(err))
	one.series.Swept(class, began, took)
	log := a.options.Log.WithValues("kmsbackend", name, "duration", took.String())
	if err != nil {
		log.Info("sweep failed", "class", class, "reason", err.Error())
		return
	}
	log.V(1).Info("swept")
}

func jittered(interval time.Duration) time.Duration {
	return time.Duration(float64(interval) * (1 - jitter + 2*jitter*rand.Float64()))
}

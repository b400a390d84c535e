// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package accounts

import (
	"context"
	"sync"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

const (
	// slow is how long a verb may take before it is asked whether the backend answers at all. It may take longer for good
	// reasons: it waits for its turn, or for AWS to show what was written.
	slow = 3 * time.Second
	// calm is for how long a backend that answered is not asked again.
	calm = 10 * time.Second
)

// health is what is known of how a backend answers.
type health struct {
	ask   func() // for the backend to be looked at; must not block
	crowd int    // how many verbs may wait for it while it is silent

	mu      sync.Mutex
	doubted bool
	trusted time.Time // when it was last found to answer
	failure error     // why it is not asked any more; nil when it is
	flights map[*flight]struct{}
	begun   int // verbs so far
	answers answers
	watched bool // a look at the crowd is due
}

// newHealth is that of a backend of which nothing is known yet, used by so many workers.
func newHealth(ask func(), workers int) *health { return &health{ask: ask, crowd: crowdOf(workers)} }

// flight is a verb that is under way.
type flight struct {
	number int
	cancel context.CancelCauseFunc
	timer  *time.Timer
}

// guard carries a verb out, unless the backend is known not to answer or too many wait for it, and breaks it off when that becomes
// known.
func guard[T any](ctx context.Context, h *health, verb func(context.Context) (T, error)) (T, error) {
	bounded, under, err := h.begin(ctx)
	if err != nil {
		var none T
		return none, err
	}
	result, err := verb(bounded)
	brokenOff := context.Cause(bounded)
	h.end(under)
	switch class := backend.ClassOf(err); {
	case err == nil || ctx.Err() != nil:
	case brokenOff != nil:
		return result, brokenOff
	case class == backend.Unavailable || class == backend.AccessDenied:
		h.doubt()
	}
	return result, err
}

func (h *health) begin(ctx context.Context) (context.Context, *flight, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failure != nil {
		return nil, nil, h.failure
	}
	if h.stuck() {
		return nil, nil, errSlow
	}
	bounded, cancel := context.WithCancelCause(ctx)
	h.begun++
	under := &flight{number: h.begun, cancel: cancel, timer: time.AfterFunc(slow, h.doubt)}
	if h.flights == nil {
		h.flights = map[*flight]struct{}{}
	}
	h.flights[under] = struct{}{}
	h.watch()
	return bounded, under, nil
}

func (h *health) end(under *flight) {
	under.timer.Stop()
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.flights, under)
	under.cancel(nil)
}

// doubt asks for the backend to be looked at, if it was not just found to answer.
func (h *health) doubt() {
	h.mu.Lock()
	known := h.doubted || time.Since(h.trusted) < calm
	h.doubted = h.doubted || !known
	h.mu.Unlock()
	if !known {
		h.ask()
	}
}

func (h *health) isDoubted() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.doubted
}

// broken is why the backend is not asked any more; nil when it is.
func (h *health) broken() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.failure
}

// trust says that the backend answers. For a while others may try it beside those who still wait.
func (h *health) trust() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.doubted, h.failure, h.trusted = false, nil, time.Now()
	h.answers.hear()
}

// breakOff says that the backend does not answer, and why: it is not asked until it is trusted again.
func (h *health) breakOff(failure error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.doubted, h.failure = true, failure
	for under := range h.flights {
		under.cancel(failure)
	}
}

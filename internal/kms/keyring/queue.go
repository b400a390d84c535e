// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"context"
	"sync"
)

// Queue holds what a Store has not yet told one Sink, in order: Add never waits for the Sink. It is for Stores.
type Queue struct {
	mu      sync.Mutex
	pending []func(Sink)
	wake    chan struct{}
}

// NewQueue returns an empty one.
func NewQueue() *Queue { return &Queue{wake: make(chan struct{}, 1)} }

// Add has the Sink told something more.
func (q *Queue) Add(event func(Sink)) {
	q.mu.Lock()
	q.pending = append(q.pending, event)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// Run tells the Sink until ctx is done. It is called once.
func (q *Queue) Run(ctx context.Context, sink Sink) {
	for {
		for _, event := range q.take() {
			if ctx.Err() != nil {
				return
			}
			event(sink)
		}
		select {
		case <-q.wake:
		case <-ctx.Done():
			return
		}
	}
}

func (q *Queue) take() []func(Sink) {
	q.mu.Lock()
	defer q.mu.Unlock()
	events := q.pending
	q.pending = nil
	return events
}

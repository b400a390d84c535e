// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

const (
	// attempts is how often a request is made at most.
	attempts = 4
	// pause is the time before the second attempt at most; it doubles.
	pause = 100 * time.Millisecond
)

// call makes a request for the operation with that name: it waits for its turn, bounds the time, repeats what may be
// repeated, and classifies the error.
func call[I, O, P any](
	ctx context.Context, b *Backend, name string, do func(context.Context, *I, ...func(*P)) (*O, error), in *I,
) (*O, error) {
	lost := false // the answer to some attempt
	for attempt := 1; ; attempt++ {
		out, err := attemptCall(ctx, b, name, do, in)
		if err == nil {
			return out, nil
		}
		failure := b.classify(name, err)
		if lost = lost || mayHaveHappened(err); lost {
			failure.Err = &lostError{err}
		}
		if throttledByAWS(failure) {
			b.limits[name].slow()
			b.observer.Limited(name, b.limits[name].share())
		}
		if credentialsRefused(err) { // there may be others by now
			b.clients.source.Invalidate()
			b.clients.credentials.Invalidate()
		}
		if attempt == attempts || ctx.Err() != nil || !repeatable(name, failure) {
			return nil, failure
		}
		if err := sleep(ctx, rand.N(pause<<(attempt-1))); err != nil {
			return nil, failure
		}
	}
}

func attemptCall[I, O, P any](
	ctx context.Context, b *Backend, name string, do func(context.Context, *I, ...func(*P)) (*O, error), in *I,
) (*O, error) {
	begun := time.Now()
	err := b.limits[name].wait(ctx)
	b.observer.Waited(time.Since(begun))
	b.observer.Limited(name, b.limits[name].share())
	if err != nil {
		return nil, &turnError{err}
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	if _, err := b.clients.credentials.Retrieve(ctx); err != nil { // from memory, but when they are about to expire
		return nil, &credentialsError{err}
	}
	return observed(ctx, b.observer, operations[name].service, name, func(ctx context.Context) (*O, error) { return do(ctx, in) })
}

// throttledByAWS says whether AWS throttled the operation itself: its quota is used up, by whomever. A request that could not wait for
// its turn never came to AWS, and one that could not be signed says nothing of any operation but that of STS.
func throttledByAWS(failure *backend.Error) bool {
	_, unsigned := errors.AsType[*credentialsError](failure)
	return failure.Class == backend.Throttled && !unsigned && !isTurnError(failure)
}

// share is the part of its full rate that the operation has now: less than 1 after AWS throttled it.
func (l *limiter) share() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return float64(l.limiter.Limit() / l.full)
}

// repeatable says whether a request that failed may be made again at once: AWS throttled it, or it failed for a reason that
// passes and doing it twice does no harm.
func repeatable(name string, failure *backend.Error) bool {
	switch failure.Class {
	case backend.Throttled:
		return !isTurnError(failure)
	case backend.Unavailable:
		return !operations[name].once || !mayHaveHappened(failure)
	default:
		return false
	}
}

// sleep waits unless ctx ends before.
func sleep(ctx context.Context, duration time.Duration) error {
	if duration <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

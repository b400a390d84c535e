// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package serviceaccount

import (
	"context"
	"errors"
)

const (
	// maxReviews is how many reviews are asked for at once. Who asks needs no credentials, only text that looks like a token,
	// so this is what keeps anybody from having the API server do as much as he likes; pods ask once in an hour.
	maxReviews = 16
	// maxWaiting is how many wait for their turn. Those above are sent away at once, since each holds up a request of the
	// endpoint, of which there are only so many.
	maxWaiting = 48
)

// errBusy is transient: AWS's SDKs try again.
var errBusy = errors.New("too many tokens are being reviewed at the moment")

// turns let some of those who come pass at a time, have some wait, and send the others away.
type turns struct{ inside, known chan struct{} }

func newTurns() *turns {
	return &turns{inside: make(chan struct{}, maxReviews), known: make(chan struct{}, maxReviews+maxWaiting)}
}

// take waits for a turn, which ends with the function returned. It is an error if there are too many before, or ctx is done.
func (t *turns) take(ctx context.Context) (end func(), err error) {
	select {
	case t.known <- struct{}{}:
	default:
		return nil, errBusy
	}
	select {
	case t.inside <- struct{}{}:
		return func() { <-t.inside; <-t.known }, nil
	case <-ctx.Done():
		<-t.known
		return nil, context.Cause(ctx)
	}
}

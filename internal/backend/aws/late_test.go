// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"errors"
	"testing"
	"time"

	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// lags are those that a backend reckons with.
var lags = Lags{}.withDefaults()

// late is a world in which reads lag behind writes as long as the backend reckons with, in synctest's time.
func late(t *testing.T, tagging bool) (*endpoint, *proxy, Config) {
	t.Helper()
	w := newEndpoint(t)
	p := newProxy(t, w)
	p.tagging, p.readLag, p.taggingLag, p.grantLag = tagging, lags.Reads, lags.Tagging, lags.Grants
	config := settings(piped, clock.RealClock{})
	config.Lags = lags
	return w, p, config
}

// longestPause is the longest that persist waits before it tries again.
const longestPause = time.Second

// persist tries until it succeeds, as a work queue does, in synctest's time.
func persist[T any](t *testing.T, do func() (T, error)) T {
	t.Helper()
	deadline := time.Now().Add(2 * lags.Tagging)
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, longestPause) {
		out, err := do()
		if err == nil {
			return out
		}
		if time.Now().After(deadline) {
			t.Fatalf("it does not come to pass: %v", err)
		}
		time.Sleep(pause)
	}
}

// leftOf are those of the changes that the next pass makes: the ones that failed.
func leftOf(changes []backend.Change, err error) []backend.Change {
	failed, ok := errors.AsType[*backend.ChangesError](err)
	if !ok {
		return changes
	}
	left := make([]backend.Change, len(failed.Failed))
	for i := range failed.Failed {
		left[i] = failed.Failed[i].Change
	}
	return left
}

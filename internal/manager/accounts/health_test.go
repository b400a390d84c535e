// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package accounts

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

var errSilent = &backend.Error{Class: backend.Unavailable, Message: "no answer in time"}

// ends is a verb that ends at once.
func ends(err error) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return "result", err }
}

func TestVerbsUnderWayAreBrokenOffAndNoneBeginsUntilTheBackendAnswers(t *testing.T) {
	h := &health{crowd: crowd, ask: func() {}}
	begun, ended := make(chan struct{}), make(chan error)
	go func() {
		_, err := guard(context.Background(), h, func(ctx context.Context) (string, error) {
			close(begun)
			<-ctx.Done()
			return "", &backend.Error{Class: backend.Unavailable, Message: "interrupted", Err: ctx.Err()}
		})
		ended <- err
	}()
	<-begun
	h.breakOff(errSilent)
	if err := <-ended; !errors.Is(err, errSilent) {
		t.Errorf("the verb ended with %v, want to hear why", err)
	}
	called := false
	_, err := guard(context.Background(), h, func(context.Context) (string, error) { called = true; return "", nil })
	if called || !errors.Is(err, errSilent) || h.broken() == nil {
		t.Errorf("a backend that does not answer was called: %t, %v", called, err)
	}
	h.trust()
	if result, err := guard(context.Background(), h, ends(nil)); err != nil || result != "result" {
		t.Errorf("found to answer: %q, %v", result, err)
	}
	if len(h.flights) != 0 {
		t.Errorf("%d verbs are still remembered", len(h.flights))
	}
}

func TestFailuresThatMayBeTheBackendsRaiseDoubtOnce(t *testing.T) {
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	for name, test := range map[string]struct {
		ctx   context.Context
		class backend.Class
		want  int
	}{
		"unavailable":             {context.Background(), backend.Unavailable, 1},
		"access denied":           {context.Background(), backend.AccessDenied, 1},
		"not found":               {context.Background(), backend.NotFound, 0},
		"invalid":                 {context.Background(), backend.InvalidInput, 0},
		"throttled":               {context.Background(), backend.Throttled, 0},
		"a caller that went away": {gone, backend.Unavailable, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				h := &health{crowd: crowd, ask: func() { asked++ }}
				for range 3 {
					_, _ = guard(test.ctx, h, ends(&backend.Error{Class: test.class}))
				}
				if asked != test.want || h.isDoubted() != (test.want > 0) {
					t.Errorf("asked %d times, doubted %t, want %d", asked, h.isDoubted(), test.want)
				}
				h.trust()
				_, _ = guard(test.ctx, h, ends(&backend.Error{Class: test.class}))
				if asked != test.want {
					t.Error("a backend was asked that had just answered")
				}
			})
		})
	}
}

func TestASlowVerbRaisesDoubtWhileItIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := make(chan struct{})
		h := &health{crowd: crowd, ask: func() { close(asked) }}
		_, err := guard(context.Background(), h, func(context.Context) (string, error) {
			select {
			case <-asked:
				return "", nil
			case <-time.After(10 * slow):
				return "", errors.New("nobody asked")
			}
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package sessionsecret_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/go-logr/logr"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/chatelaine-dev/chatelaine/internal/identity/sessionsecret"
)

func TestMadeUpTokensDoNotHoldUpTheEndpointWhileTheAPIServerHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		client, network := env.ClientOver(t)
		network.Before(func(*http.Request) { <-release })
		network.Cut()
		source := sessionsecret.New(sessionsecret.Config{
			Client: client, Namespace: "nowhere", Name: sessionsecret.DefaultName,
			Clock: clocktesting.NewFakeClock(start), Log: logr.Discard(),
		})
		const flood = 500
		var sentAway atomic.Int32
		var done sync.WaitGroup
		for range flood {
			done.Go(func() {
				if source.Refresh(context.WithoutCancel(t.Context()), "0123456789abcdef") == nil {
					t.Error("a look that hangs succeeded")
				}
				sentAway.Add(1)
			})
		}
		const mayWait = 128
		synctest.Wait()
		if n := sentAway.Load(); n != flood-mayWait {
			t.Errorf("%d of %d requests were answered while the API server hangs, want %d", n, flood, flood-mayWait)
		}
		close(release)
		done.Wait()
	})
}

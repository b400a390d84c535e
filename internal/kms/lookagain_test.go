// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestLooksAreSharedByThoseWhoComeMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l looks
		now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		began, end := make(chan struct{}), make(chan struct{})
		var running sync.WaitGroup
		running.Go(func() {
			_ = l.share(t.Context(), now, func() { close(began); <-end })
		})
		<-began
		again := func() { t.Error("a second look was made") }
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if err := l.share(gone, now, again); !HasCode(err, DependencyTimeoutException) {
			t.Errorf("who no longer waits: got %v", err)
		}
		waited := make(chan error, 1)
		running.Go(func() { waited <- l.share(t.Context(), now.Add(time.Hour), again) })
		synctest.Wait()
		select {
		case <-waited:
			t.Error("a caller did not wait for the look under way")
		default:
		}
		close(end)
		running.Wait()
		if err := <-waited; err != nil {
			t.Error(err)
		}
		if err := l.share(t.Context(), now.Add(lookAgainInterval-1), again); err != nil {
			t.Error(err)
		}
		looked := false
		if err := l.share(t.Context(), now.Add(lookAgainInterval), func() { looked = true }); err != nil || !looked {
			t.Errorf("after the interval: looked %v, %v", looked, err)
		}
	})
}

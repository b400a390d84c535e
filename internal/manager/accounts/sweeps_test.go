// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package accounts

import (
	"context"
	"fmt"
	"testing"
	"time"
)

func TestSweepsGoOnAtTheirIntervalHoweverOftenCredentialsChange(t *testing.T) {
	r := newRig(t)
	r.Accounts.options.SweepInterval = time.Minute
	r.mustOpen(t, r.object("a"))
	now := time.Now()
	r.due(now)
	for i := range 10 {
		r.put(t, fmt.Sprintf("AKIA%d", i))
		r.mustOpen(t, r.object("a"))
		now = now.Add(10 * time.Second)
		if due := r.due(now); len(due) == 1 && i >= 5 {
			return
		} else if len(due) > 0 {
			t.Fatalf("swept after %d0 seconds", i+1)
		}
	}
	t.Error("never swept")
}

func TestBackendsAreSweptAgainAndAgainUntilTheyAreClosed(t *testing.T) {
	r := newRig(t)
	r.mustOpen(t, r.object("a"))
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error)
	go func() { stopped <- r.Start(ctx) }()
	opened := r.aws.listings.Load()
	for deadline := time.Now().Add(time.Minute); r.aws.listings.Load() < opened+6; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not swept")
		}
	}
	r.Close("a")
	cancel()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestSweepsComeAtTheirIntervalAndNeverTwoOfABackend(t *testing.T) {
	r := newRig(t)
	r.Accounts.options.SweepInterval = time.Minute
	r.mustOpen(t, r.object("a"))
	now := time.Now()
	if due := r.due(now); len(due) != 0 {
		t.Error("one that was just opened is swept")
	}
	if due := r.due(now.Add(53 * time.Second)); len(due) != 0 {
		t.Error("swept before its time")
	}
	if due := r.due(now.Add(67 * time.Second)); len(due) != 1 {
		t.Error("not swept at its time")
	}
	if due := r.due(now.Add(time.Hour)); len(due) != 0 {
		t.Error("swept while a sweep is under way")
	}
	r.Close("a")
	if due := r.due(now.Add(2 * time.Hour)); len(due) != 0 {
		t.Error("swept after it was closed")
	}
}

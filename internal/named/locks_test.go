// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package named

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

func TestThoseWhoWantOneLockHaveItOneByOne(t *testing.T) {
	var locks Locks[int]
	var wg sync.WaitGroup
	inside := make([]atomic.Int32, 4)
	for i := range 64 {
		name := i % len(inside)
		wg.Go(func() {
			for range 100 {
				unlock, err := locks.Lock(t.Context(), name)
				if err != nil {
					t.Error(err)
					return
				}
				if n := inside[name].Add(1); n != 1 {
					t.Errorf("%d have lock %d at once", n, name)
				}
				inside[name].Add(-1)
				unlock()
			}
		})
	}
	wg.Wait()
	if len(locks.wanted) != 0 {
		t.Errorf("%d locks are remembered that nobody wants", len(locks.wanted))
	}
}

func TestALockThatIsNotLetGoOfHoldsUpNoOtherAndNobodyWhoseContextEnds(t *testing.T) {
	var locks Locks[int]
	unlock, err := locks.Lock(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for other := 1; other <= 1000; other++ {
		free, err := locks.Lock(t.Context(), other)
		if err != nil {
			t.Fatal(err)
		}
		free()
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	cancel(enough)
	if _, err := locks.Lock(ctx, 0); !errors.Is(err, enough) {
		t.Errorf("waiting for a lock that does not come free ended with %v", err)
	}
	unlock()
	if len(locks.wanted) != 0 {
		t.Errorf("%d locks are remembered that nobody wants", len(locks.wanted))
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
)

func TestWritersOfOneItemTakeTurnsAndOthersDoNotWait(t *testing.T) {
	var all turns
	var wg sync.WaitGroup
	inside := map[slot]int{}
	for i := range 64 {
		item := slot{kind: KindKey, name: fmt.Sprint(i % 4)}
		wg.Go(func() {
			for range 100 {
				unlock, err := all.lock(t.Context(), item)
				if err != nil {
					t.Error(err)
					return
				}
				all.mu.Lock()
				inside[item]++
				if inside[item] != 1 {
					t.Errorf("%d writers of %v at once", inside[item], item)
				}
				all.mu.Unlock()
				all.mu.Lock()
				inside[item]--
				all.mu.Unlock()
				unlock()
			}
		})
	}
	wg.Wait()

	unlock, err := all.lock(t.Context(), slot{kind: KindKey, name: "hanging"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		free, err := all.lock(t.Context(), slot{kind: KindKey, name: fmt.Sprint("other", i)})
		if err != nil {
			t.Fatal(err)
		}
		free()
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	cancel(enough)
	if _, err := all.lock(ctx, slot{kind: KindKey, name: "hanging"}); !errors.Is(err, enough) {
		t.Errorf("waiting for a turn that does not come ended with %v", err)
	}
	unlock()
	if len(all.items) != 0 {
		t.Errorf("%d turns are remembered that nobody needs", len(all.items))
	}
}

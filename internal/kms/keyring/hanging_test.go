// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/memstore"
)

// hanging is a store that answers nothing from some moment on, and keeps its connections.
type hanging struct {
	memstore.Store
	from time.Time // zero for never
}

// hang takes as long as a client waits for one answer.
func (s *hanging) hang(ctx context.Context) error {
	if s.from.IsZero() || time.Now().Before(s.from) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	<-ctx.Done()
	return fmt.Errorf("%w: %w", keyring.ErrUnknownOutcome, ctx.Err())
}

func (s *hanging) Get(ctx context.Context, kind keyring.Kind, name string) (keyring.Item, error) {
	if err := s.hang(ctx); err != nil {
		return keyring.Item{}, err
	}
	return s.Store.Get(ctx, kind, name)
}

func (s *hanging) Update(ctx context.Context, item keyring.Item) (uint64, error) {
	if err := s.hang(ctx); err != nil {
		return 0, err
	}
	return s.Store.Update(ctx, item)
}

func TestWritersBehindAnotherOnAStoreThatHangsAreToldSoon(t *testing.T) {
	const (
		writers = 8
		soon    = 10 * time.Second // the write, and the look at what became of it
	)
	synctest.Test(t, func(t *testing.T) {
		store := &hanging{}
		ring := open(t, store, keyringtest.NewRoots(t), keyring.Options{})
		key := mustCreate(t, ring, keyringtest.NewKey(t))
		store.from = time.Now()
		var all sync.WaitGroup
		for i := range writers {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 1500 * time.Millisecond)
				begun := time.Now()
				_, err := ring.UpdateKey(t.Context(), key.KeyID, describe(strconv.Itoa(i)))
				if took := time.Since(begun); err == nil || took > soon {
					t.Errorf("writer %d: after %s %v, want an error within %s", i, took, err, soon)
				}
			})
		}
		all.Wait()

		store.from = time.Time{}
		if record, err := ring.UpdateKey(t.Context(), key.KeyID, describe("after")); err != nil || record.Description != "after" {
			t.Errorf("got %v, %v, want it written when the store answers again", record, err)
		}
	})
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/memstore"
	"github.com/chatelaine-dev/chatelaine/internal/kms/seal"
)

// vault is where two processes have their root keys from.
type vault struct {
	mu    sync.Mutex
	roots seal.RootKeys
}

func (v *vault) get(context.Context) (seal.RootKeys, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.roots, nil
}

func (v *vault) set(roots seal.RootKeys) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.roots = roots
}

func TestRotatingTheRootKeyInterruptsNobody(t *testing.T) {
	store, v := &memstore.Store{}, &vault{roots: keyringtest.NewRoots(t)}
	options := keyring.Options{ReloadRootKeys: v.get}
	a, b := open(t, store, v.roots, options), open(t, store, v.roots, options)
	const count = 50
	var ids []string
	for i := range count {
		key := mustCreate(t, a, keyringtest.NewKey(t))
		mustAlias(t, a, "alias/"+strconv.Itoa(i), key.KeyID)
		ids = append(ids, key.KeyID)
	}
	eventually(t, "b has all keys", func() bool { return len(b.Keys()) == count && len(b.AliasesOf(ids[count-1])) == 1 })

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var traffic sync.WaitGroup
	for _, ring := range []*keyring.Keyring{a, b} {
		traffic.Go(func() { // readers
			for i := 0; ctx.Err() == nil; i++ {
				record, err := ring.Key(ids[i%count])
				if err == nil {
					err = usable(record)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
		traffic.Go(func() { // writers
			for i := 0; ctx.Err() == nil; i++ {
				if _, err := ring.UpdateKey(ctx, ids[i%count], describe(strconv.Itoa(i))); err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}

	next := rotated(t, v.roots)
	v.set(next)
	a.SetRootKeys(next) // b is told nothing: it finds out by itself
	for a.Stale() > 0 {
		if _, err := a.Reseal(ctx); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "b has everything under the new root key", func() bool { return b.Stale() == 0 })
	stop()
	traffic.Wait()

	for _, ring := range []*keyring.Keyring{a, b} {
		if damaged := ring.Damaged(); len(damaged) > 0 {
			t.Errorf("damaged: %v", damaged)
		}
	}
	onlyNew, err := next.Without(next.IDs()[0])
	if err != nil {
		onlyNew, err = next.Without(next.IDs()[1])
	}
	if err != nil {
		t.Fatal(err)
	}
	fresh := open(t, store, onlyNew, keyring.Options{})
	if n := len(fresh.Keys()); n != count || len(fresh.Damaged()) > 0 {
		t.Errorf("without the old root key %d keys open, and %d records are damaged", n, len(fresh.Damaged()))
	}
}

func TestResealingGivesUpOnAStoreThatIsAway(t *testing.T) {
	store, calls := &memstore.Store{}, &counter{}
	store.Before = func(op memstore.Op, name string) error {
		_ = calls.count(op, name)
		if op == memstore.OpUpdate {
			return errOutage
		}
		return nil
	}
	roots := keyringtest.NewRoots(t)
	ring := open(t, store, roots, keyring.Options{})
	for range 30 {
		mustCreate(t, ring, keyringtest.NewKey(t))
	}
	ring.SetRootKeys(rotated(t, roots))
	if n, err := ring.Reseal(t.Context()); n != 0 || !errors.Is(err, errOutage) {
		t.Errorf("resealed %d, %v", n, err)
	}
	if n := calls.of(memstore.OpUpdate); n != 10 {
		t.Errorf("%d records were tried", n)
	}
}

func TestResealingDoesWhatItCanAndSaysWhatFailed(t *testing.T) {
	store := &memstore.Store{}
	roots := keyringtest.NewRoots(t)
	breaks := store.FailUpdates(errOutage)
	ring := open(t, store, roots, keyring.Options{})
	stuck := mustCreate(t, ring, keyringtest.NewKey(t)).KeyID
	mustCreate(t, ring, keyringtest.NewKey(t))
	mustCreate(t, ring, keyringtest.NewKey(t))
	next := rotated(t, roots)
	ring.SetRootKeys(next)
	if n := ring.Stale(); n != 3 {
		t.Fatalf("%d stale records, want 3", n)
	}
	if diff := cmp.Diff([]string{roots.Current()}, ring.RootKeysInUse()); diff != "" {
		t.Error(diff)
	}
	breaks(stuck)
	if n, err := ring.Reseal(t.Context()); n != 2 || !errors.Is(err, errOutage) || ring.Stale() != 1 {
		t.Errorf("resealed %d with %v, %d still stale", n, err, ring.Stale())
	}
	breaks("")
	if n, err := ring.Reseal(t.Context()); n != 1 || err != nil || ring.Stale() != 0 {
		t.Errorf("resealed %d with %v, %d still stale", n, err, ring.Stale())
	}
	if diff := cmp.Diff([]string{next.Current()}, ring.RootKeysInUse()); diff != "" {
		t.Error(diff)
	}
}

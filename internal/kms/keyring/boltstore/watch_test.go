// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package boltstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

// recorder is a Sink that remembers what it was told, and what content that makes.
type recorder struct {
	mu       sync.Mutex
	events   []string
	versions []uint64
	content  map[string]keyring.Item
	upserted keyring.Item
}

func (r *recorder) Replace(items []keyring.Item, version uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.content = map[string]keyring.Item{}
	for _, item := range items {
		r.content[item.Name] = item
	}
	r.events = append(r.events, fmt.Sprintf("replace %d", version))
	r.versions = append(r.versions, version)
}

func (r *recorder) Upsert(item keyring.Item) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.content[item.Name] = item
	r.upserted = item
	r.events = append(r.events, fmt.Sprintf("upsert %s %d", item.Name, item.Version))
	r.versions = append(r.versions, item.Version)
}

func (r *recorder) Delete(_ keyring.Kind, name string, version uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.content, name)
	r.events = append(r.events, fmt.Sprintf("delete %s %d", name, version))
	r.versions = append(r.versions, version)
}

func (r *recorder) last() keyring.Item {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.upserted
}

// wait waits until the sink has heard count events, and returns all.
func (r *recorder) wait(t *testing.T, count int) []string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		r.mu.Lock()
		events := slices.Clone(r.events)
		r.mu.Unlock()
		if len(events) >= count {
			return events
		}
	}
	t.Fatalf("timed out waiting for %d events, heard %d", count, len(r.events))
	return nil
}

// follow runs the store until the end of the test, and returns once it tells of every change.
func follow(t *testing.T, store keyring.Store) *recorder {
	t.Helper()
	heard := &recorder{}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- store.Run(ctx, heard) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run ended with %v", err)
		}
	})
	heard.wait(t, 1)
	return heard
}

func TestManyWritersAreAllHeardInTheOrderOfVersions(t *testing.T) {
	store := open(t, t.TempDir()).Store(local)
	early := follow(t, store)
	const writers, rounds = 64, 6
	versions := make([][]uint64, writers)
	var late *recorder
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for round := range rounds {
				versions[w] = append(versions[w], work(t, store, fmt.Sprintf("key-%d-%d", w, round))...)
			}
		})
	}
	wg.Go(func() { late = follow(t, store) })
	wg.Wait()

	const changes = writers * rounds * 4
	early.wait(t, 1+changes)
	want := make([]uint64, 1+changes) // none twice, none left out, in order
	for i := range want {
		want[i] = uint64(i)
	}
	if diff := cmp.Diff(want, early.versions); diff != "" {
		t.Errorf("heard versions (-want +got):\n%s", diff)
	}
	given := map[uint64]bool{}
	for _, version := range slices.Concat(versions...) {
		given[version] = true
	}
	if len(given) != changes*3/4 {
		t.Errorf("%d writes were given %d versions", changes*3/4, len(given))
	}
	late.wait(t, 1+changes-int(late.versions[0]))
	if diff := cmp.Diff(want[late.versions[0]:], late.versions); diff != "" {
		t.Errorf("who came later heard (-want +got):\n%s", diff)
	}
	items, err := store.List(t.Context())
	if err != nil || len(items) != writers*rounds {
		t.Fatalf("%d items, %v", len(items), err)
	}
	byVersion := cmpopts.SortSlices(func(a, b keyring.Item) bool { return a.Version < b.Version })
	for who, heard := range map[string]*recorder{"early": early, "late": late} {
		var told []keyring.Item
		for _, item := range heard.content {
			told = append(told, item)
		}
		if diff := cmp.Diff(items, told, byVersion); diff != "" {
			t.Errorf("in the store and told to the %s one (-want +got):\n%s", who, diff)
		}
	}
}

// work creates, updates, deletes and creates again. It returns the versions that it was given; a deletion's is not told.
func work(t *testing.T, store keyring.Store, name string) []uint64 {
	first, err := store.Create(t.Context(), key(name, "1"))
	if err != nil {
		t.Error(err)
		return nil
	}
	item := key(name, "2")
	item.Version = first
	second, err := store.Update(t.Context(), item)
	if err != nil || second <= first {
		t.Errorf("%s: version %d after %d, %v", name, second, first, err)
	}
	if _, err := store.Update(t.Context(), item); !errors.Is(err, keyring.ErrConflict) {
		t.Errorf("%s: an update of an older version: %v", name, err)
	}
	if err := store.Delete(t.Context(), item.Kind, name, second); err != nil {
		t.Error(err)
	}
	last, err := store.Create(t.Context(), key(name, "3"))
	if err != nil || last <= second+1 {
		t.Errorf("%s: version %d after the deletion of %d, %v", name, last, second, err)
	}
	return []uint64{first, second, last}
}

func TestOneNameIsGivenToOneOfManyWriters(t *testing.T) {
	store := open(t, t.TempDir()).Store(local)
	for round := range 20 {
		errs := make([]error, 64)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { _, errs[i] = store.Create(t.Context(), key(fmt.Sprint(round), fmt.Sprint(i))) })
		}
		wg.Wait()
		won := -1
		for i, err := range errs {
			switch {
			case err == nil && won < 0:
				won = i
			case !errors.Is(err, keyring.ErrExists):
				t.Errorf("round %d: writer %d: %v, after writer %d won", round, i, err, won)
			}
		}
		item, err := store.Get(t.Context(), keyring.KindKey, fmt.Sprint(round))
		if err != nil || string(item.Sealed) != fmt.Sprint(won) {
			t.Errorf("round %d: writer %d won, and there is %q, %v", round, won, item.Sealed, err)
		}
	}
}

func TestRefusedWritesChangeAndTellNothing(t *testing.T) {
	store := open(t, t.TempDir()).Store(local)
	item := create(t, store, key("a", "1"))
	heard := follow(t, store)
	stale := item
	stale.Version += 5
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, existsErr := store.Create(t.Context(), item)
	_, conflictErr := store.Update(t.Context(), stale)
	_, cancelledErr := store.Update(ctx, item)
	for _, c := range []struct{ got, want error }{
		{existsErr, keyring.ErrExists},
		{conflictErr, keyring.ErrConflict},
		{store.Delete(t.Context(), item.Kind, item.Name, stale.Version), keyring.ErrConflict},
		{store.Delete(t.Context(), item.Kind, "b", 1), keyring.ErrGone},
		{cancelledErr, context.Canceled},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("got %v, want %v", c.got, c.want)
		}
	}
	if next := create(t, store, key("b", "2")); next.Version != item.Version+1 {
		t.Errorf("the next version is %d after %d", next.Version, item.Version)
	}
	if diff := cmp.Diff([]string{"replace 1", "upsert b 2"}, heard.wait(t, 2)); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package storetest is the conformance suite of keyring.Store: what a Keyring relies on, every Store shows here.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

// Run runs the suite. open returns a new, empty store.
func Run(t *testing.T, open func(*testing.T) keyring.Store) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, keyring.Store){
		"what was created is read back":                          createdIsReadBack,
		"a name is taken once, and once per kind":                nameIsTakenOnce,
		"an update needs the current version":                    updateNeedsCurrentVersion,
		"a deletion needs the current version":                   deletionNeedsCurrentVersion,
		"versions grow over the whole store":                     versionsGrow,
		"of two writers of one version one wins":                 oneWriterWins,
		"run tells the whole content and then every change once": runTellsContentThenChanges,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func key(name, sealed string) keyring.Item {
	return keyring.Item{
		Kind: keyring.KindKey, Name: name, Title: name, Owner: "orders/payments", Sealed: []byte(sealed),
	}
}

// create adds the item and returns it with its version.
func create(t *testing.T, store keyring.Store, item keyring.Item) keyring.Item {
	t.Helper()
	version, err := store.Create(t.Context(), item)
	if err != nil {
		t.Fatal(err)
	}
	item.Version = version
	return item
}

func createdIsReadBack(t *testing.T, store keyring.Store) {
	want := create(t, store, key("key-1", "sealed"))
	got, err := store.Get(t.Context(), want.Kind, want.Name)
	if err != nil {
		t.Fatal(err)
	}
	if got.Location == "" {
		t.Error("the item does not say where it is")
	}
	want.Location = got.Location
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Get (-want +got):\n%s", diff)
	}
	list, err := store.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]keyring.Item{want}, list); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
	if _, err := store.Get(t.Context(), keyring.KindKey, "key-2"); !errors.Is(err, keyring.ErrGone) {
		t.Errorf("getting what does not exist: %v", err)
	}
}

func nameIsTakenOnce(t *testing.T, store keyring.Store) {
	create(t, store, key("same", "first"))
	if _, err := store.Create(t.Context(), key("same", "second")); !errors.Is(err, keyring.ErrExists) {
		t.Errorf("got %v", err)
	}
	alias := key("same", "alias")
	alias.Kind = keyring.KindAlias
	create(t, store, alias)
	got, err := store.Get(t.Context(), keyring.KindKey, "same")
	if err != nil || string(got.Sealed) != "first" {
		t.Errorf("the first is now %q, %v", got.Sealed, err)
	}
}

func updateNeedsCurrentVersion(t *testing.T, store keyring.Store) {
	first := create(t, store, key("key-1", "first"))
	second := first
	second.Sealed = []byte("second")
	version, err := store.Update(t.Context(), second)
	if err != nil || version <= first.Version {
		t.Fatalf("version %d after %d, %v", version, first.Version, err)
	}
	late := first
	late.Sealed = []byte("late")
	if _, err := store.Update(t.Context(), late); !errors.Is(err, keyring.ErrConflict) {
		t.Errorf("an update of an older version: %v", err)
	}
	got, err := store.Get(t.Context(), keyring.KindKey, "key-1")
	if err != nil || string(got.Sealed) != "second" || got.Version != version {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := store.Update(t.Context(), keyring.Item{Kind: keyring.KindKey, Name: "none", Version: 1}); !errors.Is(err, keyring.ErrGone) {
		t.Errorf("an update of nothing: %v", err)
	}
}

func deletionNeedsCurrentVersion(t *testing.T, store keyring.Store) {
	first := create(t, store, key("key-1", "first"))
	version, err := store.Update(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	// An update that changes nothing may keep the version.
	changed := first
	changed.Version, changed.Sealed = version, []byte("second")
	if version, err = store.Update(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	if err := store.Delete(t.Context(), first.Kind, first.Name, first.Version); !errors.Is(err, keyring.ErrConflict) {
		t.Errorf("a deletion of an older version: %v", err)
	}
	if err := store.Delete(t.Context(), first.Kind, first.Name, version); err != nil {
		t.Error(err)
	}
	if err := store.Delete(t.Context(), first.Kind, first.Name, version); !errors.Is(err, keyring.ErrGone) {
		t.Errorf("a deletion of nothing: %v", err)
	}
	again := create(t, store, first)
	if again.Version <= version {
		t.Errorf("created again with version %d, after %d", again.Version, version)
	}
}

func versionsGrow(t *testing.T, store keyring.Store) {
	last := uint64(0)
	for i := range 5 {
		item := create(t, store, key(fmt.Sprintf("key-%d", i), "first"))
		item.Sealed = []byte("second")
		version, err := store.Update(t.Context(), item)
		if err != nil {
			t.Fatal(err)
		}
		if item.Version <= last || version <= item.Version {
			t.Errorf("versions %d, %d, %d", last, item.Version, version)
		}
		last = version
	}
}

func oneWriterWins(t *testing.T, store keyring.Store) {
	item := create(t, store, key("key-1", "first"))
	const writers = 8
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			mine := item
			mine.Sealed = fmt.Appendf(nil, "writer %d", i)
			_, errs[i] = store.Update(t.Context(), mine)
		})
	}
	wg.Wait()
	won := 0
	for i, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, keyring.ErrConflict):
			t.Errorf("writer %d: %v", i, err)
		}
	}
	if won != 1 {
		t.Errorf("%d writers won", won)
	}
}

func runTellsContentThenChanges(t *testing.T, store keyring.Store) {
	first := create(t, store, key("first", "1"))
	second := create(t, store, key("second", "2"))
	ctx, cancel := context.WithCancel(t.Context())
	heard := &recorder{}
	done := make(chan error, 1)
	go func() { done <- store.Run(ctx, heard) }()
	heard.wait(t, 1)

	third := create(t, store, key("third", "3"))
	first.Sealed = []byte("1 changed")
	version, err := store.Update(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Delete(t.Context(), second.Kind, second.Name, second.Version); err != nil {
		t.Fatal(err)
	}
	events := heard.wait(t, 4)
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run ended with %v", err)
	}

	last := events[3].version
	want := []event{
		{"replace first=1 second=2", events[0].version},
		{"upsert third=3", third.Version},
		{"upsert first=1 changed", version},
		{"delete second", last},
	}
	if diff := cmp.Diff(want, events, cmp.AllowUnexported(event{})); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
	if whole := events[0].version; whole < second.Version || whole >= third.Version {
		t.Errorf("the whole content has version %d, its items up to %d, and the next one %d",
			whole, second.Version, third.Version)
	}
	if last <= version {
		t.Errorf("the deletion has version %d, after %d", last, version)
	}
}

type event struct {
	what    string
	version uint64
}

// recorder is a Sink that remembers.
type recorder struct {
	mu     sync.Mutex
	events []event
}

func (r *recorder) add(version uint64, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, event{fmt.Sprintf(format, args...), version})
}

func (r *recorder) Replace(items []keyring.Item, version uint64) {
	items = slices.Clone(items)
	slices.SortFunc(items, func(a, b keyring.Item) int { return slices.Compare([]byte(a.Name), []byte(b.Name)) })
	var what strings.Builder
	for _, item := range items {
		fmt.Fprintf(&what, " %s=%s", item.Name, item.Sealed)
	}
	r.add(version, "replace%s", what.String())
}

func (r *recorder) Upsert(item keyring.Item) {
	r.add(item.Version, "upsert %s=%s", item.Name, item.Sealed)
}

func (r *recorder) Delete(_ keyring.Kind, name string, version uint64) {
	r.add(version, "delete %s", name)
}

// wait waits until count events were heard and returns all that were.
func (r *recorder) wait(t *testing.T, count int) []event {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		r.mu.Lock()
		events := slices.Clone(r.events)
		r.mu.Unlock()
		if len(events) >= count {
			return events
		}
	}
	t.Fatalf("timed out waiting for %d events, heard %v", count, r.events)
	return nil
}

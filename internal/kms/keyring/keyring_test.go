// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/memstore"
)

func TestTwoKeyringsSeeEachOthersWrites(t *testing.T) {
	store, roots := &memstore.Store{}, keyringtest.NewRoots(t)
	a, b := open(t, store, roots, keyring.Options{}), open(t, store, roots, keyring.Options{})

	key := mustCreate(t, a, keyringtest.NewKey(t, "owner=orders/payments"))
	mustAlias(t, a, "alias/payments", key.KeyID)
	eventually(t, "b has the alias", func() bool { _, err := b.Alias("alias/payments"); return err == nil })
	seen, err := b.Key(key.KeyID)
	if err != nil {
		t.Fatal(err)
	}
	if err := usable(seen); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"alias/payments"}, b.AliasesOf(key.KeyID)); diff != "" {
		t.Error(diff)
	}

	if _, err := b.UpdateKey(t.Context(), key.KeyID, describe("changed by b")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a sees the description", func() bool {
		record, err := a.Key(key.KeyID)
		return err == nil && record.Description == "changed by b"
	})

	if err := a.DeleteKey(t.Context(), key.KeyID, always); err != nil {
		t.Fatal(err)
	}
	eventually(t, "b has lost the key", func() bool {
		_, err := b.Key(key.KeyID)
		return errors.Is(err, keyring.ErrNotFound)
	})
	if _, err := b.Alias("alias/payments"); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("the alias outlived its key: %v", err)
	}
}

func TestConcurrentUpdatesFromTwoKeyringsLoseNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, roots := &memstore.Store{}, keyringtest.NewRoots(t)
		rings := []*keyring.Keyring{open(t, store, roots, keyring.Options{}), open(t, store, roots, keyring.Options{})}
		key := mustCreate(t, rings[0], keyringtest.NewKey(t))
		eventually(t, "b has the key", func() bool { _, err := rings[1].Key(key.KeyID); return err == nil })

		const writers, each = 8, 25
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				for range each {
					_, err := rings[i%2].UpdateKey(t.Context(), key.KeyID, func(r *keyring.KeyRecord) error {
						count, _ := strconv.Atoi(r.Tags["count"])
						r.Tags["count"] = strconv.Itoa(count + 1)
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		for _, ring := range rings {
			eventually(t, "all updates are counted", func() bool {
				record, err := ring.Key(key.KeyID)
				return err == nil && record.Tags["count"] == strconv.Itoa(writers*each)
			})
		}
	})
}

func TestOfManyWhoWantAnAliasExactlyOneGetsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, roots := &memstore.Store{}, keyringtest.NewRoots(t)
		rings := []*keyring.Keyring{open(t, store, roots, keyring.Options{}), open(t, store, roots, keyring.Options{})}
		const contenders = 10
		var keys []*keyring.KeyRecord
		for range contenders {
			keys = append(keys, mustCreate(t, rings[0], keyringtest.NewKey(t)))
		}
		var mu sync.Mutex
		var winners, holders []string
		var wg sync.WaitGroup
		for i, key := range keys {
			wg.Go(func() {
				err := rings[i%2].CreateAlias(t.Context(), keyring.AliasRecord{Name: "alias/wanted", KeyID: key.KeyID})
				mu.Lock()
				defer mu.Unlock()
				taken, lost := errors.AsType[*keyring.AliasTakenError](err)
				switch {
				case err == nil:
					winners = append(winners, key.KeyID)
				case lost:
					holders = append(holders, taken.KeyID)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if len(winners) != 1 || len(holders) != contenders-1 {
			t.Fatalf("%d won and %d lost", len(winners), len(holders))
		}
		for _, holder := range holders {
			if holder != winners[0] {
				t.Errorf("a loser was told that %s holds the alias, and it is %s", holder, winners[0])
			}
		}
	})
}

func TestCreatingAKeyAgainReturnsTheOneThatIsThere(t *testing.T) {
	store, calls := &memstore.Store{}, &counter{}
	store.Before = calls.count
	roots := keyringtest.NewRoots(t)
	ring := open(t, store, roots, keyring.Options{})
	first := mustCreate(t, ring, keyringtest.NewKey(t))

	again := keyringtest.NewKey(t)
	again.KeyID = first.KeyID
	got, err := ring.CreateKey(t.Context(), again)
	if !errors.Is(err, keyring.ErrExists) || got.Current().ID != first.Current().ID {
		t.Errorf("got %v, %v, want the first key and ErrExists", got, err)
	}

	// Another process, whose watch has not yet brought the key, finds out from the store.
	late := newScripted()
	other := open(t, late, roots, keyring.Options{})
	late.Put(item(t, store, first.KeyID))
	got, err = other.CreateKey(t.Context(), again)
	if !errors.Is(err, keyring.ErrExists) || got.Current().ID != first.Current().ID {
		t.Errorf("got %v, %v, want the first key and ErrExists", got, err)
	}
	if n := calls.of(memstore.OpCreate); n != 1 {
		t.Errorf("%d creates, want 1", n)
	}
}

func TestAnUpdateThatChangesNothingIsNotWritten(t *testing.T) {
	store, calls := &memstore.Store{}, &counter{}
	store.Before = calls.count
	ring := open(t, store, keyringtest.NewRoots(t), keyring.Options{})
	key := mustCreate(t, ring, keyringtest.NewKey(t, "team=orders"))

	got, err := ring.UpdateKey(t.Context(), key.KeyID, func(r *keyring.KeyRecord) error {
		r.Tags = map[string]string{"team": "orders"}
		r.Description = ""
		return nil
	})
	if err != nil || got.KeyID != key.KeyID {
		t.Fatalf("got %v, %v", got, err)
	}
	refused := errors.New("refused")
	_, err = ring.UpdateKey(t.Context(), key.KeyID, func(r *keyring.KeyRecord) error {
		r.Description = "half done"
		return refused
	})
	if !errors.Is(err, refused) {
		t.Errorf("got %v, want the change's own error", err)
	}
	if n := calls.of(memstore.OpUpdate); n != 0 {
		t.Errorf("%d updates, want none", n)
	}
	if record, err := ring.Key(key.KeyID); err != nil || record.Description != "" {
		t.Errorf("a refused change is in memory: %v, %v", record, err)
	}
}

func TestNothingIsSaidOfKeysBeforeTheStoreIsLoaded(t *testing.T) {
	ring := keyring.New(ringID, &memstore.Store{}, keyringtest.NewRoots(t), keyring.Options{})
	if _, err := ring.Key("x"); !errors.Is(err, keyring.ErrNotSynced) {
		t.Errorf("Key: %v", err)
	}
	if _, err := ring.Alias("alias/x"); !errors.Is(err, keyring.ErrNotSynced) {
		t.Errorf("Alias: %v", err)
	}
	if _, err := ring.Owned("a/b"); !errors.Is(err, keyring.ErrNotSynced) {
		t.Errorf("Owned: %v", err)
	}
	if _, err := ring.CreateKey(t.Context(), keyringtest.NewKey(t)); !errors.Is(err, keyring.ErrNotSynced) {
		t.Errorf("CreateKey: %v", err)
	}
}

func TestOwnedFindsAnOwnersKeysTheOldestFirst(t *testing.T) {
	store, roots := &memstore.Store{}, keyringtest.NewRoots(t)
	ring := open(t, store, roots, keyring.Options{})
	young := keyringtest.NewKey(t, "owner=orders/payments")
	young.CreationTime = keyringtest.Created.AddDate(0, 0, 1)
	mustCreate(t, ring, young)
	old := mustCreate(t, ring, keyringtest.NewKey(t, "owner=orders/payments"))
	moved := mustCreate(t, ring, keyringtest.NewKey(t, "owner=orders/payments"))
	mustCreate(t, ring, keyringtest.NewKey(t))
	if _, err := ring.UpdateKey(t.Context(), moved.KeyID, func(r *keyring.KeyRecord) error {
		r.Tags["owner"] = "billing/payments"
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		owner string
		want  []string
	}{
		{"orders/payments", []string{old.KeyID, young.KeyID}},
		{"billing/payments", []string{moved.KeyID}},
		{"nobody/nothing", nil},
		{"", nil},
	} {
		records, err := ring.Owned(tt.owner)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, record := range records {
			got = append(got, record.KeyID)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("owned by %q (-want +got):\n%s", tt.owner, diff)
		}
	}
}

func TestSubscribersHearOfWhatChangedWhoeverDidIt(t *testing.T) {
	store, roots := &memstore.Store{}, keyringtest.NewRoots(t)
	a, b := open(t, store, roots, keyring.Options{}), open(t, store, roots, keyring.Options{})
	var mu sync.Mutex
	heard := map[string][]string{}
	for name, ring := range map[string]*keyring.Keyring{"a": a, "b": b} {
		t.Cleanup(ring.Subscribe(func(c keyring.Change) {
			mu.Lock()
			defer mu.Unlock()
			what := fmt.Sprintf("%t->%t", c.Before != nil, c.After != nil)
			if c.Before != nil && c.Before == c.After {
				what = "alias"
			}
			heard[name] = append(heard[name], what)
		}))
	}
	key := mustCreate(t, a, keyringtest.NewKey(t))
	mustAlias(t, a, "alias/x", key.KeyID)
	if _, err := a.UpdateKey(t.Context(), key.KeyID, describe("x")); err != nil {
		t.Fatal(err)
	}
	roots = rotated(t, roots)
	a.SetRootKeys(roots)
	b.SetRootKeys(roots)
	if n, err := a.Reseal(t.Context()); n != 2 || err != nil {
		t.Fatalf("resealed %d, %v", n, err)
	}
	if err := a.DeleteKey(t.Context(), key.KeyID, always); err != nil {
		t.Fatal(err)
	}
	want := []string{"alias", "alias", "false->true", "true->false", "true->true"} // sorted: calls may overtake each other
	for _, name := range []string{"a", "b"} {
		var got []string
		eventually(t, name+" heard all", func() bool {
			mu.Lock()
			defer mu.Unlock()
			got = slices.Sorted(slices.Values(heard[name]))
			return len(got) >= len(want)
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s heard (-want +got):\n%s", name, diff)
		}
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/memstore"
)

func TestWhatComesLateIsIgnored(t *testing.T) {
	late := newScripted()
	ring := open(t, late, keyringtest.NewRoots(t), keyring.Options{})
	<-late.ready
	key := mustCreate(t, ring, keyringtest.NewKey(t))
	first := item(t, &late.Store, key.KeyID)
	if _, err := ring.UpdateKey(t.Context(), key.KeyID, describe("second")); err != nil {
		t.Fatal(err)
	}
	second := item(t, &late.Store, key.KeyID)

	is := func(want string) {
		t.Helper()
		record, err := ring.Key(key.KeyID)
		got := fmt.Sprint(err)
		if err == nil {
			got = record.Description
		}
		if got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
	late.sink.Upsert(first)
	is("second")
	late.sink.Replace([]keyring.Item{first}, first.Version)
	is("second")
	late.sink.Replace(nil, first.Version)
	is("second")
	late.sink.Delete(keyring.KindKey, key.KeyID, first.Version)
	is("second")
	late.sink.Upsert(second)
	is("second")

	if err := ring.DeleteKey(t.Context(), key.KeyID, always); err != nil {
		t.Fatal(err)
	}
	late.sink.Upsert(first)
	is("not found")
	late.sink.Upsert(second)
	is("not found")
	late.sink.Delete(keyring.KindKey, key.KeyID, second.Version+1)
	is("not found")
	late.sink.Upsert(second)
	is("not found")

	again := first
	again.Version = second.Version + 2
	late.sink.Upsert(again)
	is("")
}

func TestAnItemDeletedAndMadeAndDeletedAgainStaysGoneWhileTheWatchIsLate(t *testing.T) {
	late := newScripted()
	ring := open(t, late, keyringtest.NewRoots(t), keyring.Options{})
	<-late.ready
	key := mustCreate(t, ring, keyringtest.NewKey(t))
	var told []keyring.Item
	for range 2 {
		mustAlias(t, ring, "alias/x", key.KeyID)
		told = append(told, item(t, &late.Store, keyring.AliasItemName("alias/x")))
		if err := ring.DeleteAlias(t.Context(), "alias/x", key.KeyID); err != nil {
			t.Fatal(err)
		}
	}
	for _, item := range told {
		late.sink.Upsert(item)
		if record, err := ring.Alias("alias/x"); !errors.Is(err, keyring.ErrNotFound) {
			t.Fatalf("told of version %d, the alias is there again: %v, %v", item.Version, record, err)
		}
		late.sink.Delete(keyring.KindAlias, item.Name, item.Version+1)
	}
}

func TestAnItemThatTheWholeContentLacksIsGone(t *testing.T) {
	store := newScripted()
	ring := open(t, store, keyringtest.NewRoots(t), keyring.Options{})
	<-store.ready
	key, other := mustCreate(t, ring, keyringtest.NewKey(t)), mustCreate(t, ring, keyringtest.NewKey(t))
	kept := item(t, &store.Store, other.KeyID)
	store.sink.Replace([]keyring.Item{kept}, kept.Version)
	if _, err := ring.Key(key.KeyID); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if _, err := ring.Key(other.KeyID); err != nil {
		t.Error(err)
	}
}

func TestAStoreRestoredFromAnOlderBackupIsBelieved(t *testing.T) {
	store := newScripted()
	ring := open(t, store, keyringtest.NewRoots(t), keyring.Options{})
	<-store.ready
	key, lost := mustCreate(t, ring, keyringtest.NewKey(t)), mustCreate(t, ring, keyringtest.NewKey(t))
	backup := item(t, &store.Store, key.KeyID)
	if _, err := ring.UpdateKey(t.Context(), key.KeyID, describe("after the backup")); err != nil {
		t.Fatal(err)
	}
	now := item(t, &store.Store, key.KeyID)
	store.sink.Upsert(now)
	var mu sync.Mutex
	var heard []string
	defer ring.Subscribe(func(c keyring.Change) {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, c.KeyID)
	})()

	store.sink.Replace([]keyring.Item{backup}, backup.Version)
	if record, err := ring.Key(key.KeyID); err != nil || record.Description != "" {
		t.Errorf("got %v, %v, want the key as in the backup", record, err)
	}
	if _, err := ring.Key(lost.KeyID); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("got %v, want the younger key gone", err)
	}
	if len(heard) != 2 {
		t.Errorf("subscribers heard of %v, want both", heard)
	}
}

func TestAWriteWhoseAnswerIsLostIsFoundOut(t *testing.T) {
	store := &memstore.Store{}
	var mu sync.Mutex
	lost := map[memstore.Op]bool{}
	set := func(ops ...memstore.Op) {
		mu.Lock()
		defer mu.Unlock()
		clear(lost)
		for _, op := range ops {
			lost[op] = true
		}
	}
	store.After = func(op memstore.Op, _ string) error {
		mu.Lock()
		defer mu.Unlock()
		if lost[op] {
			return fmt.Errorf("%w: %w", keyring.ErrUnknownOutcome, errOutage)
		}
		return nil
	}
	late := &lateStore{Store: store}
	ring := open(t, late, keyringtest.NewRoots(t), keyring.Options{})

	set(memstore.OpCreate, memstore.OpUpdate)
	key := mustCreate(t, ring, keyringtest.NewKey(t))
	if _, err := ring.UpdateKey(t.Context(), key.KeyID, describe("first")); err != nil {
		t.Fatalf("a look at the store would have shown that it is written: %v", err)
	}

	set(memstore.OpUpdate, memstore.OpGet)
	if _, err := ring.UpdateKey(t.Context(), key.KeyID, describe("second")); !errors.Is(err, errOutage) {
		t.Fatalf("got %v", err)
	}
	if err := ring.Settle(t.Context(), key.KeyID); err == nil {
		t.Error("settled while the store does not answer")
	}
	set()
	if err := ring.Settle(t.Context(), key.KeyID); err != nil {
		t.Fatal(err)
	}
	if record, err := ring.Key(key.KeyID); err != nil || record.Description != "second" {
		t.Errorf("got %v, %v, want the write that was carried out", record, err)
	}
}

func TestAChangeAfterALostAnswerIsMadeOnWhatWasWritten(t *testing.T) {
	store := &memstore.Store{}
	away := true
	store.After = func(op memstore.Op, _ string) error {
		if away && (op == memstore.OpUpdate || op == memstore.OpGet) {
			return fmt.Errorf("%w: %w", keyring.ErrUnknownOutcome, errOutage)
		}
		return nil
	}
	ring := open(t, &lateStore{Store: store}, keyringtest.NewRoots(t), keyring.Options{})
	key := mustCreate(t, ring, keyringtest.NewKey(t))
	appendX := func(r *keyring.KeyRecord) error {
		if r.Description == "" {
			r.Description = "x"
		}
		return nil
	}
	if _, err := ring.UpdateKey(t.Context(), key.KeyID, appendX); err == nil {
		t.Fatal("the lost answer was no error")
	}
	away = false
	calls := &counter{}
	store.Before = calls.count
	if record, err := ring.UpdateKey(t.Context(), key.KeyID, appendX); err != nil || record.Description != "x" {
		t.Fatalf("got %v, %v", record, err)
	}
	if n := calls.of(memstore.OpUpdate); n != 0 {
		t.Errorf("%d updates, though the first was carried out", n)
	}
}

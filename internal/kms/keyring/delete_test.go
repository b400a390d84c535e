// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring_test

import (
	"errors"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/memstore"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

func TestDestroyingAKeyTakesItsAliasesAndWipesItsMaterialForEverybody(t *testing.T) {
	store, roots := &memstore.Store{}, keyringtest.NewRoots(t)
	a, b := open(t, store, roots, keyring.Options{}), open(t, store, roots, keyring.Options{})
	key := mustCreate(t, a, keyringtest.NewKey(t))
	mustAlias(t, a, "alias/one", key.KeyID)
	mustAlias(t, a, "alias/two", key.KeyID)
	eventually(t, "b has the aliases", func() bool { return len(b.AliasesOf(key.KeyID)) == 2 })
	held, err := b.Key(key.KeyID)
	if err != nil {
		t.Fatal(err)
	}

	if err := a.DeleteKey(t.Context(), key.KeyID, always); err != nil {
		t.Fatal(err)
	}
	if items := store.Items(); len(items) != 0 {
		t.Errorf("the store still has %v", items)
	}
	if err := usable(key); !errors.Is(err, keyring.ErrWiped) {
		t.Errorf("who held the record before can still use it: %v", err)
	}
	eventually(t, "b has wiped it too", func() bool { return errors.Is(usable(held), keyring.ErrWiped) })
	if err := a.DeleteKey(t.Context(), key.KeyID, always); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("deleting it again: %v", err)
	}
}

func TestAKeyWhoseDeletionAnotherProcessCancelledIsKept(t *testing.T) {
	stale, roots := newScripted(), keyringtest.NewRoots(t)
	writer := open(t, &stale.Store, roots, keyring.Options{})
	record := keyringtest.NewKey(t)
	record.State = lifecycle.PendingDeletion
	mustCreate(t, writer, record)
	mustAlias(t, writer, "alias/kept", record.KeyID)
	destroyer := open(t, stale, roots, keyring.Options{})
	if _, err := writer.UpdateKey(t.Context(), record.KeyID, func(r *keyring.KeyRecord) error {
		r.State = lifecycle.Disabled
		return nil
	}); err != nil {
		t.Fatal(err)
	}

	errKept := errors.New("not pending deletion")
	err := destroyer.DeleteKey(t.Context(), record.KeyID, func(r *keyring.KeyRecord) error {
		if r.State != lifecycle.PendingDeletion {
			return errKept
		}
		return nil
	})
	if !errors.Is(err, errKept) {
		t.Errorf("got %v, want the check's error", err)
	}
	if n := len(stale.Items()); n != 2 {
		t.Errorf("the store has %d items, want the key and its alias", n)
	}
}

func TestAKeyChangedWhileItIsBeingDestroyedIsCheckedAgain(t *testing.T) {
	store, roots := &memstore.Store{}, keyringtest.NewRoots(t)
	a, b := open(t, store, roots, keyring.Options{}), open(t, store, roots, keyring.Options{})
	key := mustCreate(t, a, keyringtest.NewKey(t))
	eventually(t, "b has the key", func() bool { _, err := b.Key(key.KeyID); return err == nil })
	checks := 0
	err := a.DeleteKey(t.Context(), key.KeyID, func(r *keyring.KeyRecord) error {
		checks++
		if checks == 1 {
			_, err := b.UpdateKey(t.Context(), key.KeyID, describe("changed meanwhile"))
			return err
		}
		if r.Description != "changed meanwhile" {
			t.Errorf("check %d saw the old record", checks)
		}
		return nil
	})
	if err != nil || checks != 2 {
		t.Errorf("got %v after %d checks, want 2", err, checks)
	}
}

func TestAnAliasIsRemovedOnlyFromItsOwnKey(t *testing.T) {
	ring := open(t, &memstore.Store{}, keyringtest.NewRoots(t), keyring.Options{})
	key, other := mustCreate(t, ring, keyringtest.NewKey(t)), mustCreate(t, ring, keyringtest.NewKey(t))
	mustAlias(t, ring, "alias/x", key.KeyID)
	taken, ok := errors.AsType[*keyring.AliasTakenError](ring.DeleteAlias(t.Context(), "alias/x", other.KeyID))
	if !ok || taken.KeyID != key.KeyID {
		t.Errorf("got %v, want an AliasTakenError with %s", taken, key.KeyID)
	}
	if err := ring.DeleteAlias(t.Context(), "alias/x", key.KeyID); err != nil {
		t.Error(err)
	}
	if err := ring.DeleteAlias(t.Context(), "alias/x", key.KeyID); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("removing it again: %v", err)
	}
}

func TestAnAliasLeftOverFromAKeyThatIsGoneIsTakenOver(t *testing.T) {
	store := &memstore.Store{}
	ring := open(t, store, keyringtest.NewRoots(t), keyring.Options{})
	gone, key := mustCreate(t, ring, keyringtest.NewKey(t)), mustCreate(t, ring, keyringtest.NewKey(t))
	mustAlias(t, ring, "alias/x", gone.KeyID)
	store.Remove(keyring.KindKey, gone.KeyID)
	eventually(t, "the key is gone", func() bool { _, err := ring.Key(gone.KeyID); return err != nil })

	mustAlias(t, ring, "alias/x", key.KeyID)
	if alias, err := ring.Alias("alias/x"); err != nil || alias.KeyID != key.KeyID {
		t.Errorf("got %v, %v", alias, err)
	}
}

func TestAnAliasOfAKeyThatTheWatchHasNotBroughtYetIsLeftAlone(t *testing.T) {
	late, roots := newScripted(), keyringtest.NewRoots(t)
	ring := open(t, late, roots, keyring.Options{})
	key := mustCreate(t, ring, keyringtest.NewKey(t))
	writer := open(t, &late.Store, roots, keyring.Options{})
	young := mustCreate(t, writer, keyringtest.NewKey(t))
	mustAlias(t, writer, "alias/x", young.KeyID)

	err := ring.CreateAlias(t.Context(), keyring.AliasRecord{Name: "alias/x", KeyID: key.KeyID})
	taken, ok := errors.AsType[*keyring.AliasTakenError](err)
	if !ok || taken.KeyID != young.KeyID {
		t.Errorf("got %v, want an AliasTakenError with %s", err, young.KeyID)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/memstore"
	"github.com/chatelaine-dev/chatelaine/internal/kms/seal"
)

func TestATokenOpensInEveryProcessAndAsWhatItIsOnly(t *testing.T) {
	store, roots := &memstore.Store{}, keyringtest.NewRoots(t)
	reloads := 0
	a := open(t, store, roots, keyring.Options{})
	b := open(t, store, roots, keyring.Options{})
	elsewhere := keyring.New(keyring.ID{AccountID: ringID.AccountID, Region: "remote"}, store, roots, keyring.Options{})
	stranger := open(t, &memstore.Store{}, keyringtest.NewRoots(t), keyring.Options{
		ReloadRootKeys: func(_ context.Context) (seal.RootKeys, error) { reloads++; return roots, nil },
	})
	token, err := a.SealToken("import", "key-1", []byte("content"))
	if err != nil {
		t.Fatal(err)
	}
	opened, err := b.OpenToken("import", "key-1", token)
	if err != nil || !bytes.Equal(opened, []byte("content")) {
		t.Errorf("in another process: %q, %v", opened, err)
	}
	for name, open := range map[string]func() ([]byte, error){
		"another kind":   func() ([]byte, error) { return a.OpenToken("grant", "key-1", token) },
		"another name":   func() ([]byte, error) { return a.OpenToken("import", "key-2", token) },
		"another Region": func() ([]byte, error) { return elsewhere.OpenToken("import", "key-1", token) },
		"other keys":     func() ([]byte, error) { return stranger.OpenToken("import", "key-1", token) },
		"cut":            func() ([]byte, error) { return a.OpenToken("import", "key-1", token[:len(token)-1]) },
		"nothing":        func() ([]byte, error) { return a.OpenToken("import", "key-1", nil) },
	} {
		if opened, err := open(); err == nil {
			t.Errorf("%s: the token opened: %q", name, opened)
		}
	}
	if reloads != 0 {
		t.Error("a made-up token had the root keys read again")
	}
	for i := range token {
		broken := bytes.Clone(token)
		broken[i] ^= 1
		if _, err := a.OpenToken("import", "key-1", broken); err == nil {
			t.Fatalf("the token opened with a bit of byte %d flipped", i)
		}
	}
}

func TestATokenIsNoRecordAndARecordNoToken(t *testing.T) {
	store := newScripted()
	ring := open(t, store, keyringtest.NewRoots(t), keyring.Options{})
	<-store.ready
	key := mustCreate(t, ring, keyringtest.NewKey(t))
	record := item(t, &store.Store, key.KeyID)
	if _, err := ring.OpenToken("key", key.KeyID, record.Sealed); err == nil {
		t.Error("a record opened as a token")
	}
	token, err := ring.SealToken("key", key.KeyID, []byte(`{"format":2}`))
	if err != nil {
		t.Fatal(err)
	}
	record.Sealed, record.Version = token, record.Version+1
	store.sink.Upsert(record)
	if _, err := ring.Key(key.KeyID); !errors.Is(err, keyring.ErrDamaged) {
		t.Errorf("a token was taken for a record: %v", err)
	}
}

func TestTokensOutliveTheChangeOfTheRootKey(t *testing.T) {
	roots := keyringtest.NewRoots(t)
	ring := open(t, &memstore.Store{}, roots, keyring.Options{})
	token, err := ring.SealToken("import", "key-1", []byte("content"))
	if err != nil {
		t.Fatal(err)
	}
	ring.SetRootKeys(rotated(t, roots))
	if _, err := ring.OpenToken("import", "key-1", token); err != nil {
		t.Error(err)
	}
}

func TestRefreshFindsWhatTheWatchHasNotBrought(t *testing.T) {
	late, roots := newScripted(), keyringtest.NewRoots(t)
	reader := open(t, late, roots, keyring.Options{})
	<-late.ready
	writer := open(t, &late.Store, roots, keyring.Options{})
	key := mustCreate(t, writer, keyringtest.NewKey(t))
	refreshed := func() (*keyring.KeyRecord, error) {
		t.Helper()
		if err := reader.Refresh(t.Context(), key.KeyID); err != nil {
			t.Fatal(err)
		}
		return reader.Key(key.KeyID)
	}
	if _, err := reader.Key(key.KeyID); !errors.Is(err, keyring.ErrNotFound) {
		t.Fatalf("the watch brought the key: %v", err)
	}
	if _, err := refreshed(); err != nil {
		t.Errorf("a new key: %v", err)
	}
	if _, err := writer.UpdateKey(t.Context(), key.KeyID, describe("changed")); err != nil {
		t.Fatal(err)
	}
	if record, err := refreshed(); err != nil || record.Description != "changed" {
		t.Errorf("a changed key: %v, %v", record, err)
	}
	if err := writer.DeleteKey(t.Context(), key.KeyID, always); err != nil {
		t.Fatal(err)
	}
	if _, err := refreshed(); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("a key that is gone: %v", err)
	}
}

func TestRefreshSaysSoWhenTheStoreIsAway(t *testing.T) {
	store := &memstore.Store{Before: func(op memstore.Op, _ string) error {
		if op == memstore.OpGet {
			return errOutage
		}
		return nil
	}}
	ring := open(t, store, keyringtest.NewRoots(t), keyring.Options{})
	key := mustCreate(t, ring, keyringtest.NewKey(t))
	if err := ring.Refresh(t.Context(), key.KeyID); !errors.Is(err, errOutage) {
		t.Errorf("got %v", err)
	}
	if _, err := ring.Key(key.KeyID); err != nil {
		t.Errorf("the key does not serve any more: %v", err)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/memstore"
	"github.com/chatelaine-dev/chatelaine/internal/kms/material"
)

// importable is a key that can lose material, with so many of it.
func importable(t *testing.T, count int) *keyring.KeyRecord {
	t.Helper()
	record := keyringtest.NewKey(t)
	record.Origin = keyring.OriginExternal
	for len(record.Materials) < count {
		record.Materials = append(record.Materials, newMaterial(t))
	}
	return record
}

func newMaterial(t *testing.T) keyring.Material {
	t.Helper()
	m, err := material.Generate(keyspec.SymmetricDefault)
	if err != nil {
		t.Fatal(err)
	}
	return keyring.Material{ID: m.ID(), CreatedAt: keyringtest.Created, Bytes: keyring.NewSecretBytes(m.Export())}
}

// copied is the material with bytes of its own, as if it had been imported again.
func copied(t *testing.T, m keyring.Material) keyring.Material {
	t.Helper()
	err := m.Bytes.Use(func(b []byte) error {
		m.Bytes = keyring.NewSecretBytes(slices.Clone(b))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// state is ErrWiped if the bytes are gone.
func state(b *keyring.SecretBytes) error { return b.Use(func([]byte) error { return nil }) }

func mustUpdate(t *testing.T, ring *keyring.Keyring, keyID string, change func(*keyring.KeyRecord)) *keyring.KeyRecord {
	t.Helper()
	record, err := ring.UpdateKey(t.Context(), keyID, func(r *keyring.KeyRecord) error {
		change(r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return record
}

func TestMaterialThatANewerRecordLacksIsWipedForEverybodyAndTheRestIsNot(t *testing.T) {
	store, roots := &memstore.Store{}, keyringtest.NewRoots(t)
	a, b := open(t, store, roots, keyring.Options{}), open(t, store, roots, keyring.Options{})
	record := importable(t, 3)
	record.Pending = new(newMaterial(t))
	held := mustCreate(t, a, record)
	eventually(t, "b has the key", func() bool { _, err := b.Key(held.KeyID); return err == nil })
	heldByB, err := b.Key(held.KeyID)
	if err != nil {
		t.Fatal(err)
	}
	mustUpdate(t, a, held.KeyID, func(r *keyring.KeyRecord) {
		r.Materials[0].Bytes = nil // deleted, and still known
		r.Materials = slices.Delete(r.Materials, 1, 2)
		r.Pending = nil
	})
	eventually(t, "b has heard of it", func() bool {
		record, err := b.Key(held.KeyID)
		return err == nil && record.Pending == nil
	})
	for name, held := range map[string]*keyring.KeyRecord{"a": held, "b": heldByB} {
		gone := []*keyring.SecretBytes{held.Materials[0].Bytes, held.Materials[1].Bytes, held.Pending.Bytes}
		for i, bytes := range gone {
			if err := state(bytes); !errors.Is(err, keyring.ErrWiped) {
				t.Errorf("%s can still use material %d: %v", name, i, err)
			}
		}
		if err := usable(held); err != nil {
			t.Errorf("the material that was kept cannot be used by %s: %v", name, err)
		}
	}
}

func TestTheRecordsOfOneKeyShareTheirSecretBytes(t *testing.T) {
	late := newScripted()
	ring := open(t, late, keyringtest.NewRoots(t), keyring.Options{})
	<-late.ready
	first := mustCreate(t, ring, keyringtest.NewKey(t))
	second := mustUpdate(t, ring, first.KeyID, func(r *keyring.KeyRecord) { r.Description = "second" })
	again := item(t, &late.Store, first.KeyID)
	again.Version++
	late.sink.Upsert(again) // decoded anew
	third, err := ring.Key(first.KeyID)
	if err != nil {
		t.Fatal(err)
	}
	if third == second || first.Current().Bytes != second.Current().Bytes || second.Current().Bytes != third.Current().Bytes {
		t.Error("there are several copies of the material in memory")
	}
}

func TestPendingMaterialThatBecomesCurrentIsNotWiped(t *testing.T) {
	ring := open(t, &memstore.Store{}, keyringtest.NewRoots(t), keyring.Options{})
	record := importable(t, 1)
	record.Pending = new(newMaterial(t))
	key := mustCreate(t, ring, record)
	rotated := mustUpdate(t, ring, key.KeyID, func(r *keyring.KeyRecord) {
		r.Materials, r.Pending = append(r.Materials, *r.Pending), nil
	})
	if err := usable(rotated); err != nil || rotated.Current().ID != key.Pending.ID {
		t.Errorf("the material that became current: %v", err)
	}
}

func TestMaterialThatIsListedTwiceIsKeptWhileOneOfThemIsThere(t *testing.T) {
	ring := open(t, &memstore.Store{}, keyringtest.NewRoots(t), keyring.Options{})
	key := mustCreate(t, ring, importable(t, 1))
	twice := mustUpdate(t, ring, key.KeyID, func(r *keyring.KeyRecord) {
		r.Pending = &keyring.Material{ID: r.Current().ID, CreatedAt: keyringtest.Created}
	})
	if err := usable(twice); err != nil {
		t.Error(err)
	}
}

func TestMaterialThatALaterWriterTookAwayDoesNotStayWithTheEarlierOne(t *testing.T) {
	for _, after := range []string{"deletion of the material", "deletion of the key"} {
		t.Run(after, func(t *testing.T) {
			late, roots := newScripted(), keyringtest.NewRoots(t)
			armed := false
			var overtake func()
			late.After = func(op memstore.Op, _ string) error {
				if op == memstore.OpUpdate && armed {
					armed = false
					overtake()
				}
				return nil
			}
			ring := open(t, late, roots, keyring.Options{})
			<-late.ready
			other := open(t, &late.Store, roots, keyring.Options{})
			key := mustCreate(t, ring, importable(t, 1))
			overtake = func() { // the watch is faster than the answer, and so is another writer
				if err := other.Refresh(t.Context(), key.KeyID); err != nil {
					t.Fatal(err)
				}
				late.sink.Upsert(item(t, &late.Store, key.KeyID))
				if after == "deletion of the key" {
					if err := other.DeleteKey(t.Context(), key.KeyID, always); err != nil {
						t.Fatal(err)
					}
					late.sink.Delete(keyring.KindKey, key.KeyID, 100)
					return
				}
				mustUpdate(t, other, key.KeyID, func(r *keyring.KeyRecord) { r.Pending = nil })
				late.sink.Upsert(item(t, &late.Store, key.KeyID))
			}
			armed = true
			added := newMaterial(t)
			written := mustUpdate(t, ring, key.KeyID, func(r *keyring.KeyRecord) { r.Pending = &added })
			if err := state(written.Pending.Bytes); !errors.Is(err, keyring.ErrWiped) {
				t.Errorf("the writer still has the material that was deleted: %v", err)
			}
		})
	}
}

func TestAnUpdateDuringWhichMaterialIsWipedIsMadeAgain(t *testing.T) {
	late, roots := newScripted(), keyringtest.NewRoots(t)
	ring := open(t, late, roots, keyring.Options{})
	<-late.ready
	other := open(t, &late.Store, roots, keyring.Options{})
	key := mustCreate(t, ring, importable(t, 2))
	eventually(t, "the other has the key", func() bool { _, err := other.Key(key.KeyID); return err == nil })
	attempts := 0
	got := mustUpdate(t, ring, key.KeyID, func(r *keyring.KeyRecord) {
		attempts++
		if attempts == 1 {
			mustUpdate(t, other, key.KeyID, func(r *keyring.KeyRecord) { r.Materials[0].Bytes = nil })
			late.sink.Upsert(item(t, &late.Store, key.KeyID))
		}
		r.Description = "changed"
	})
	if attempts != 2 || got.Description != "changed" || got.Materials[0].Bytes != nil {
		t.Errorf("after %d attempts the record is %+v", attempts, got)
	}
}

func TestSecretBytesOfARecordThatIsNotWrittenAreWiped(t *testing.T) {
	errRefused := errors.New("refused")
	for name, tt := range map[string]struct {
		fail   bool // of the store
		result error
	}{
		"refused by the change":   {false, errRefused},
		"refused by the store":    {true, errOutage},
		"no difference to before": {false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			away := false
			store := &memstore.Store{Before: func(op memstore.Op, _ string) error {
				if away && op == memstore.OpUpdate {
					return errOutage
				}
				return nil
			}}
			ring := open(t, store, keyringtest.NewRoots(t), keyring.Options{})
			key := mustCreate(t, ring, importable(t, 1))
			away = tt.fail
			again := copied(t, key.Current())
			_, err := ring.UpdateKey(t.Context(), key.KeyID, func(r *keyring.KeyRecord) error {
				r.Materials[0].Bytes = again.Bytes
				if tt.fail {
					r.Description = "changed"
				}
				if errors.Is(tt.result, errRefused) {
					return errRefused
				}
				return nil
			})
			if !errors.Is(err, tt.result) {
				t.Errorf("got %v, want %v", err, tt.result)
			}
			if err := state(again.Bytes); !errors.Is(err, keyring.ErrWiped) {
				t.Errorf("the new bytes stay in memory: %v", err)
			}
			if err := usable(key); err != nil {
				t.Errorf("the material that was there before: %v", err)
			}
		})
	}
}

func TestSecretBytesOfAnAttemptThatAnotherWriterOutranAreWiped(t *testing.T) {
	late, roots := newScripted(), keyringtest.NewRoots(t)
	ring := open(t, late, roots, keyring.Options{})
	<-late.ready
	other := open(t, &late.Store, roots, keyring.Options{})
	key := mustCreate(t, ring, importable(t, 1))
	eventually(t, "the other has the key", func() bool { _, err := other.Key(key.KeyID); return err == nil })
	var attempts []keyring.Material
	got := mustUpdate(t, ring, key.KeyID, func(r *keyring.KeyRecord) {
		if len(attempts) == 0 {
			mustUpdate(t, other, key.KeyID, func(r *keyring.KeyRecord) { r.Description = "first" })
		}
		attempts = append(attempts, newMaterial(t))
		r.Pending = &attempts[len(attempts)-1]
	})
	if len(attempts) != 2 || got.Pending.ID != attempts[1].ID || state(got.Pending.Bytes) != nil {
		t.Fatalf("after %d attempts the record is %+v", len(attempts), got)
	}
	if err := state(attempts[0].Bytes); !errors.Is(err, keyring.ErrWiped) {
		t.Errorf("the bytes of the first attempt stay in memory: %v", err)
	}
}

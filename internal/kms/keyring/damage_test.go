// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/memstore"
	"github.com/chatelaine-dev/chatelaine/internal/kms/seal"
)

func TestAnAlteredRecordIsNamedAndNeverServedWhileTheOthersServeOnAndHealsWhenRestored(t *testing.T) {
	tests := map[string]struct {
		alter func(victim, other keyring.Item) []keyring.Item
		want  []string // whose records are damaged
	}{
		"edited": {func(victim, _ keyring.Item) []keyring.Item {
			victim.Sealed = slices.Clone(victim.Sealed)
			victim.Sealed[len(victim.Sealed)/2] ^= 1
			return []keyring.Item{victim}
		}, []string{"victim"}},
		"truncated": {func(victim, _ keyring.Item) []keyring.Item {
			victim.Sealed = victim.Sealed[:20]
			return []keyring.Item{victim}
		}, []string{"victim"}},
		"emptied": {func(victim, _ keyring.Item) []keyring.Item {
			victim.Sealed = nil
			return []keyring.Item{victim}
		}, []string{"victim"}},
		"swapped": {func(victim, other keyring.Item) []keyring.Item {
			victim.Sealed, other.Sealed = other.Sealed, victim.Sealed
			return []keyring.Item{victim, other}
		}, []string{"victim", "other"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			store := &memstore.Store{}
			ring := open(t, store, keyringtest.NewRoots(t), keyring.Options{})
			ids := map[string]string{}
			for _, who := range []string{"victim", "other", "bystander"} {
				ids[who] = mustCreate(t, ring, keyringtest.NewKey(t, "owner=ns/"+who)).KeyID
			}
			victim, other := item(t, store, ids["victim"]), item(t, store, ids["other"])
			for _, altered := range tt.alter(victim, other) {
				store.Put(altered)
			}
			eventually(t, "the damage is seen", func() bool { return len(ring.Damaged()) == len(tt.want) })

			for who, id := range ids {
				_, err := ring.Key(id)
				_, ownedErr := ring.Owned("ns/" + who)
				_, updateErr := ring.UpdateKey(t.Context(), id, describe("new"))
				_, createErr := ring.CreateKey(t.Context(), &keyring.KeyRecord{KeyID: id})
				damaged := slices.Contains(tt.want, who)
				for _, err := range []error{err, ownedErr, updateErr, createErr} {
					if errors.Is(err, keyring.ErrDamaged) != damaged {
						t.Errorf("%s: got %v, want damage %t", who, err, damaged)
					}
				}
			}
			var named []string
			for _, damage := range ring.Damaged() {
				named = append(named, damage.Owner)
				if !strings.Contains(damage.String(), "memory key/"+damage.Name) {
					t.Errorf("%q does not say where the record is", damage)
				}
			}
			want := []string{}
			for _, who := range tt.want {
				want = append(want, "ns/"+who)
			}
			slices.Sort(named)
			slices.Sort(want)
			if diff := cmp.Diff(want, named); diff != "" {
				t.Errorf("named as damaged (-want +got):\n%s", diff)
			}

			store.Put(victim)
			store.Put(other)
			eventually(t, "the records are healed", func() bool { return len(ring.Damaged()) == 0 })
			for who, id := range ids {
				record, err := ring.Key(id)
				if err != nil {
					t.Fatalf("%s: %v", who, err)
				}
				if err := usable(record); err != nil {
					t.Errorf("%s: %v", who, err)
				}
			}
		})
	}
}

func TestAnAlteredAliasIsNamedAndNotServed(t *testing.T) {
	store := &memstore.Store{}
	ring := open(t, store, keyringtest.NewRoots(t), keyring.Options{})
	a, b := mustCreate(t, ring, keyringtest.NewKey(t, "owner=ns/a")), mustCreate(t, ring, keyringtest.NewKey(t, "owner=ns/b"))
	mustAlias(t, ring, "alias/a", a.KeyID)
	mustAlias(t, ring, "alias/b", b.KeyID)
	stolen := item(t, store, keyring.AliasItemName("alias/a"))
	stolen.Sealed = item(t, store, keyring.AliasItemName("alias/b")).Sealed
	store.Put(stolen)

	eventually(t, "the damage is seen", func() bool { return len(ring.Damaged()) == 1 })
	if damage := ring.Damaged()[0]; damage.Title != "alias/a" || damage.Owner != "ns/a" || damage.Kind != keyring.KindAlias {
		t.Errorf("named as %+v", damage)
	}
	if _, err := ring.Alias("alias/a"); !errors.Is(err, keyring.ErrDamaged) {
		t.Errorf("got %v", err)
	}
	if names := ring.AliasesOf(a.KeyID); len(names) != 0 {
		t.Errorf("the key still has %v", names)
	}
	if err := ring.CreateAlias(t.Context(), keyring.AliasRecord{Name: "alias/a", KeyID: a.KeyID}); !errors.Is(err, keyring.ErrDamaged) {
		t.Errorf("got %v", err)
	}
}

func TestARecordOfAnotherKeyringIsDamage(t *testing.T) {
	store, roots := &memstore.Store{}, keyringtest.NewRoots(t)
	elsewhere := keyring.New(keyring.ID{AccountID: ringID.AccountID, Region: "mars"}, store, roots, keyring.Options{})
	keyringtest.Start(t, elsewhere)
	key := mustCreate(t, elsewhere, keyringtest.NewKey(t))
	ring := open(t, store, roots, keyring.Options{})
	if _, err := ring.Key(key.KeyID); !errors.Is(err, keyring.ErrDamaged) {
		t.Errorf("got %v", err)
	}
}

func TestRecordsUnderAnUnknownRootKeyComeBackWithIt(t *testing.T) {
	store, right, wrong := &memstore.Store{}, keyringtest.NewRoots(t), keyringtest.NewRoots(t)
	key := mustCreate(t, open(t, store, right, keyring.Options{}), keyringtest.NewKey(t, "owner=ns/a"))

	ring := open(t, store, wrong, keyring.Options{})
	_, err := ring.Key(key.KeyID)
	if unknown, ok := errors.AsType[*seal.UnknownRootKeyError](err); !ok || unknown.ID != right.Current() {
		t.Errorf("got %v, want the root key %s named", err, right.Current())
	}
	if damage := ring.Damaged(); len(damage) != 1 || damage[0].NeedsRootKey() != right.Current() {
		t.Errorf("got %v", damage)
	}
	if n := ring.Stale(); n != 0 {
		t.Errorf("%d stale records, though none can be read", n)
	}
	ring.SetRootKeys(right)
	record, err := ring.Key(key.KeyID)
	if err != nil {
		t.Fatal(err)
	}
	if err := usable(record); err != nil {
		t.Error(err)
	}
	if owned, err := ring.Owned("ns/a"); err != nil || len(owned) != 1 {
		t.Errorf("got %v, %v", owned, err)
	}
}

func TestUnknownRootKeysAreReadAgainOnce(t *testing.T) {
	store, right, wrong := &memstore.Store{}, keyringtest.NewRoots(t), keyringtest.NewRoots(t)
	writer := open(t, store, right, keyring.Options{})
	for range 5 {
		mustCreate(t, writer, keyringtest.NewKey(t))
	}
	reloads := 0
	reload := func(context.Context) (seal.RootKeys, error) {
		reloads++
		return wrong, errOutage
	}
	ring := open(t, store, wrong, keyring.Options{ReloadRootKeys: reload})
	if n := len(ring.Damaged()); n != 5 || reloads != 1 {
		t.Errorf("%d damaged records, root keys read %d times; want 5 and once", n, reloads)
	}
}

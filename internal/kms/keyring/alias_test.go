// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/memstore"
)

func TestAnAliasMovesFromTheKeyThatHasItAndFromNoOther(t *testing.T) {
	store, roots := &memstore.Store{}, keyringtest.NewRoots(t)
	a, b := open(t, store, roots, keyring.Options{}), open(t, store, roots, keyring.Options{})
	from, to, other := mustCreate(t, a, keyringtest.NewKey(t)), mustCreate(t, a, keyringtest.NewKey(t)), mustCreate(t, a, keyringtest.NewKey(t))
	mustAlias(t, a, "alias/x", from.KeyID)
	before, err := a.Alias("alias/x")
	if err != nil {
		t.Fatal(err)
	}
	moved := keyringtest.Created.Add(time.Hour)
	if err := a.UpdateAlias(t.Context(), "alias/x", from.KeyID, to.KeyID, moved); err != nil {
		t.Fatal(err)
	}
	want := &keyring.AliasRecord{Name: "alias/x", KeyID: to.KeyID, CreationTime: before.CreationTime, LastUpdated: moved}
	for name, ring := range map[string]*keyring.Keyring{"the writer": a, "the other": b} {
		eventually(t, name+" knows", func() bool {
			got, err := ring.Alias("alias/x")
			return err == nil && cmp.Equal(want, got) && len(ring.AliasesOf(from.KeyID)) == 0 &&
				cmp.Equal(ring.AliasesOf(to.KeyID), []string{"alias/x"})
		})
	}
	err = a.UpdateAlias(t.Context(), "alias/x", from.KeyID, other.KeyID, moved)
	if taken, ok := errors.AsType[*keyring.AliasTakenError](err); !ok || taken.KeyID != to.KeyID {
		t.Errorf("from a key that has it no longer: %v", err)
	}
	if err := a.UpdateAlias(t.Context(), "alias/none", from.KeyID, to.KeyID, moved); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("one that is not: %v", err)
	}
}

func TestAnAliasThatManyMoveIsNeverWithoutAKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, roots := &memstore.Store{}, keyringtest.NewRoots(t)
		rings := []*keyring.Keyring{open(t, store, roots, keyring.Options{}), open(t, store, roots, keyring.Options{})}
		var keys []string
		for range 3 {
			keys = append(keys, mustCreate(t, rings[0], keyringtest.NewKey(t)).KeyID)
		}
		mustAlias(t, rings[0], "alias/x", keys[0])
		eventually(t, "both have the alias", func() bool { _, err := rings[1].Alias("alias/x"); return err == nil })
		var wg sync.WaitGroup
		var mu sync.Mutex
		moves := 0
		for i := range 8 {
			wg.Go(func() {
				ring := rings[i%2]
				for n := range 25 {
					current, err := ring.Alias("alias/x")
					if err != nil {
						t.Errorf("the alias is away: %v", err)
						return
					}
					err = ring.UpdateAlias(t.Context(), "alias/x", current.KeyID, keys[(i+n)%3], keyringtest.Created)
					_, taken := errors.AsType[*keyring.AliasTakenError](err)
					if err != nil && !taken && !errors.Is(err, keyring.ErrConflict) {
						t.Error(err)
					}
					if err == nil {
						mu.Lock()
						moves++
						mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
		if moves == 0 {
			t.Error("nobody moved it")
		}
		for _, ring := range rings {
			eventually(t, "one key has it", func() bool {
				holders := 0
				for _, keyID := range keys {
					holders += len(ring.AliasesOf(keyID))
				}
				return holders == 1
			})
		}
	})
}

func TestAliasesAndKeyIDsAreThoseThatThereAre(t *testing.T) {
	store := &memstore.Store{}
	ring := open(t, store, keyringtest.NewRoots(t), keyring.Options{})
	names := func(keyID string) []string {
		t.Helper()
		records, err := ring.Aliases(keyID)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, record := range records {
			names = append(names, record.Name+" "+record.KeyID)
		}
		slices.Sort(names)
		return names
	}
	if got := names(""); len(got) != 0 {
		t.Errorf("at first: %v", got)
	}
	key, other := mustCreate(t, ring, keyringtest.NewKey(t)), mustCreate(t, ring, keyringtest.NewKey(t))
	for i, keyID := range []string{key.KeyID, other.KeyID, key.KeyID} {
		mustAlias(t, ring, fmt.Sprintf("alias/%d", i), keyID)
	}
	all := []string{"alias/0 " + key.KeyID, "alias/1 " + other.KeyID, "alias/2 " + key.KeyID}
	if diff := cmp.Diff(all, names("")); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{all[0], all[2]}, names(key.KeyID)); diff != "" {
		t.Errorf("of a key (-want +got):\n%s", diff)
	}
	for _, item := range store.Items() {
		if item.Name == other.KeyID {
			item.Sealed = slices.Clone(item.Sealed)
			item.Sealed[len(item.Sealed)-1] ^= 1
			store.Put(item)
		}
	}
	eventually(t, "the damage is seen", func() bool { _, err := ring.Key(other.KeyID); return errors.Is(err, keyring.ErrDamaged) })
	keyIDs, err := ring.KeyIDs()
	slices.Sort(keyIDs)
	want := []string{key.KeyID, other.KeyID}
	slices.Sort(want)
	if diff := cmp.Diff(want, keyIDs); diff != "" || err != nil {
		t.Errorf("the damaged key is missing, %v (-want +got):\n%s", err, diff)
	}
}

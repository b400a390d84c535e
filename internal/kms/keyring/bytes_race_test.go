// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/memstore"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

// Whatever order the watch and the answers of writes come in, the newest record can be used and what it lacks is gone.
func TestTheNewestRecordIsUsableWhateverComesWhen(t *testing.T) {
	for seed := range uint64(40) {
		w := newRace(t, seed)
		for range 60 {
			w.step()
			w.check()
		}
	}
}

// race is a keyring whose watch brings what was written, late, early, twice and in any order, among two writers.
type race struct {
	t      *testing.T
	random *rand.Rand
	late   *scripted
	rings  [2]*keyring.Keyring
	keyID  string
	pool   []keyring.Material

	items []keyring.Item
	held  []*keyring.KeyRecord
}

func newRace(t *testing.T, seed uint64) *race {
	t.Helper()
	w := &race{t: t, random: rand.New(rand.NewPCG(seed, 0)), late: newScripted()}
	roots := keyringtest.NewRoots(t)
	w.late.After = w.written
	w.rings[0] = open(t, w.late, roots, keyring.Options{})
	<-w.late.ready
	w.rings[1] = open(t, &lateStore{&w.late.Store}, roots, keyring.Options{})
	for range 4 {
		w.pool = append(w.pool, newMaterial(t))
	}
	record := keyringtest.NewKey(t)
	record.Origin, record.State = keyring.OriginExternal, lifecycle.Enabled
	record.Materials = []keyring.Material{copied(t, w.pool[0])}
	w.keyID = mustCreate(t, w.rings[0], record).KeyID
	if err := w.rings[1].Refresh(t.Context(), w.keyID); err != nil {
		t.Fatal(err)
	}
	return w
}

// written runs before the writer has its answer.
func (w *race) written(op memstore.Op, name string) error {
	if op == memstore.OpUpdate {
		w.items = append(w.items, item(w.t, &w.late.Store, name))
		if w.random.IntN(2) == 0 {
			w.tell()
		}
	}
	return nil
}

// tell has the watch bring any one of the newest items.
func (w *race) tell() {
	if len(w.items) == 0 {
		return
	}
	recent := w.items[max(0, len(w.items)-4):]
	w.late.sink.Upsert(recent[w.random.IntN(len(recent))])
}

func (w *race) step() {
	switch w.random.IntN(4) {
	case 0:
		w.tell()
	case 1:
		if err := w.rings[0].Refresh(w.t.Context(), w.keyID); err != nil {
			w.t.Fatal(err)
		}
	default:
		ring := w.rings[w.random.IntN(2)]
		w.held = append(w.held, mustUpdate(w.t, ring, w.keyID, w.change))
	}
}

func (w *race) change(r *keyring.KeyRecord) {
	m := copied(w.t, w.pool[w.random.IntN(len(w.pool))])
	known := r.Material(m.ID)
	what := w.random.IntN(4)
	switch {
	case known == nil && r.Pending == nil:
		r.Pending = &m
	case known == nil:
		r.Materials, r.Pending = append(r.Materials, *r.Pending), &m
	case what < 2:
		known.Bytes = nil
	case what == 2:
		known.Bytes = m.Bytes
	default:
		r.Pending = nil
	}
}

func (w *race) check() {
	w.t.Helper()
	for _, ring := range w.rings {
		newest, err := ring.Key(w.keyID)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, m := range append(slices.Clone(newest.Materials), pending(newest)...) {
			if m.Bytes != nil && state(m.Bytes) != nil {
				w.t.Fatal("material of the newest record was wiped")
			}
		}
	}
	newest := [2]*keyring.KeyRecord{}
	for i, ring := range w.rings {
		newest[i], _ = ring.Key(w.keyID)
	}
	for _, held := range w.held {
		for _, m := range append(slices.Clone(held.Materials), pending(held)...) {
			if m.Bytes == nil || has(newest[0], m.ID) || has(newest[1], m.ID) {
				continue
			}
			if !errors.Is(state(m.Bytes), keyring.ErrWiped) {
				w.t.Fatal("material that no newest record has was not wiped")
			}
		}
	}
}

func pending(r *keyring.KeyRecord) []keyring.Material {
	if r.Pending == nil {
		return nil
	}
	return []keyring.Material{*r.Pending}
}

func has(r *keyring.KeyRecord, id string) bool {
	m := r.Material(id)
	return m != nil && m.Bytes != nil
}

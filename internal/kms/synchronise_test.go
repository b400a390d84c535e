// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
	"github.com/chatelaine-dev/chatelaine/internal/kms/material"
)

// imported is material as an import leaves it in a record, of 32 times the same byte.
func imported(t *testing.T, text string) *keyring.Material {
	t.Helper()
	m, err := material.ParseImported(keyspec.SymmetricDefault, bytes.Repeat([]byte(text[:1]), 32))
	if err != nil {
		t.Fatal(err)
	}
	return &keyring.Material{ID: m.ID(), CreatedAt: begin, Bytes: keyring.NewSecretBytes(m.Export())}
}

// edit changes a record behind the service's back.
func (p *process) edit(region, keyID string, change func(*keyring.KeyRecord)) {
	p.t.Helper()
	_, err := p.rings[region].UpdateKey(p.t.Context(), keyID, func(r *keyring.KeyRecord) error {
		change(r)
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

// newImported is a family whose material was imported in the north and the south.
func (p *process) newImported() string {
	p.t.Helper()
	keyID := create(p.t, p.services[north], kms.CreateKeyInput{MultiRegion: true, Origin: keyring.OriginExternal}).KeyID
	put := func(r *keyring.KeyRecord) {
		r.State, r.Materials = lifecycle.Enabled, []keyring.Material{*imported(p.t, "a")}
	}
	p.edit(north, keyID, put)
	p.replicate(keyID, south)
	p.edit(south, keyID, put)
	return keyID
}

func TestWhatWasImportedMeanwhileIsNotTakenForWhatThePrimaryHasDropped(t *testing.T) {
	r := newRealm(t)
	p, other := r.open(), r.open()
	keyID := p.newImported()
	eventually(t, "the other process knows the key", func() bool { return len(other.relatives(keyID)) == 2 })
	p.edit(north, keyID, func(r *keyring.KeyRecord) { r.Pending = imported(t, "b") })
	r.meanwhile[south] = func() {
		pend := func(r *keyring.KeyRecord) { r.Pending = imported(t, "c") }
		other.edit(north, keyID, pend)
		other.edit(south, keyID, pend)
	}
	p.runDue()
	for _, region := range []string{north, south} {
		pending := p.record(region, keyID).Pending
		if pending == nil || pending.ID != imported(t, "c").ID || pending.Bytes == nil {
			t.Errorf("pending in the %s is %+v", region, pending)
		}
	}
}

func TestAReplicaThatLacksTheCurrentMaterialWaitsForIt(t *testing.T) {
	p := newRealm(t).open()
	keyID := p.newImported()
	p.edit(south, keyID, func(r *keyring.KeyRecord) {
		r.State, r.PendingWindowInDays, r.DeletionTime = lifecycle.PendingDeletion, 7, begin.Add(7*day)
	})
	p.edit(north, keyID, func(r *keyring.KeyRecord) { r.Pending = imported(t, "b") })
	// A replica that is to be deleted is not waited for: nothing can be imported into it.
	update(t, p.services[north], keyID, kms.RotateKeyOnDemand())
	if got := p.record(south, keyID); got.Current().ID != imported(t, "b").ID || got.State != lifecycle.PendingDeletion {
		t.Errorf("the replica is %+v", got)
	}
	back := update(t, p.services[south], keyID, kms.CancelKeyDeletion())
	if back.State != lifecycle.PendingImport {
		t.Errorf("taken back it is %s", back.State)
	}
}

func TestARotationOfImportedMaterialIsDoneOnceWhereverTheProcessDies(t *testing.T) {
	for writes := range 3 {
		r := newRealm(t)
		p := r.open()
		keyID := p.newImported()
		for _, region := range []string{north, south} {
			p.edit(region, keyID, func(r *keyring.KeyRecord) { r.Pending = imported(t, "b") })
		}
		ciphertexts := p.encrypt(keyID, nil)
		r.dieAfter(writes)
		_, err := p.services[north].Update(t.Context(), keyID, kms.RotateKeyOnDemand())
		if (err == nil) != (writes > 0) {
			t.Errorf("after %d writes: %v", writes, err)
		}
		p.stop()
		r.dieAfter(-1)
		p = r.open()
		ciphertexts = p.encrypt(keyID, ciphertexts)
		p.checkDecrypts(keyID, ciphertexts)
		p.runDue()
		for _, region := range []string{north, south} {
			record := p.record(region, keyID)
			if n := len(record.Rotations); n != min(writes, 1) || record.State != lifecycle.Enabled {
				t.Errorf("after %d writes the %s has rotated %d times and is %s", writes, region, n, record.State)
			}
		}
		p.checkDecrypts(keyID, p.encrypt(keyID, ciphertexts))
	}
}

func TestTheExpiryOfOneReplicaIsItsOwn(t *testing.T) {
	r := newRealm(t)
	p := r.open()
	keyID := p.newImported()
	p.edit(south, keyID, func(r *keyring.KeyRecord) { r.Materials[0].ExpirationTime = begin.Add(time.Hour) })
	r.clock.Step(time.Hour)
	p.runDue()
	if a, b := p.record(north, keyID).State, p.record(south, keyID).State; a != lifecycle.Enabled || b != lifecycle.PendingImport {
		t.Errorf("the north is %s and the south %s", a, b)
	}
}

func TestNothingIsDecidedWhileARelativeCannotBeRead(t *testing.T) {
	r := newRealm(t)
	p := r.open()
	keyID := p.newFamily(kms.CreateKeyInput{RotationPeriodInDays: 90}, south)
	update(t, p.services[north], keyID, kms.ScheduleKeyDeletion(7))
	broken := r.stores[south].Items()[0]
	broken.Sealed = append(bytes.Clone(broken.Sealed[:len(broken.Sealed)-1]), broken.Sealed[len(broken.Sealed)-1]^1)
	r.stores[south].Put(broken)
	eventually(t, "the replica's record is damaged", func() bool {
		_, err := p.rings[south].Key(keyID)
		return errors.Is(err, keyring.ErrDamaged)
	})
	if _, err := p.services[north].RunDue(t.Context()); !errors.Is(err, keyring.ErrDamaged) {
		t.Errorf("got %v", err)
	}
	if state := p.record(north, keyID).State; state != lifecycle.PendingReplicaDeletion {
		t.Errorf("the primary takes the replica for gone: it is %s", state)
	}
}

func TestAKeyWhoseRelativesAreStillBeingLoadedIsLookedAtAgain(t *testing.T) {
	r := newRealm(t)
	keyID := r.open().newFamily(kms.CreateKeyInput{}, south)
	p := r.open()
	// A Region that nobody has loaded: its keyring is never run.
	partition := kms.NewPartition()
	partition.Add(p.services[north])
	ring := keyring.New(keyring.ID{AccountID: accountID, Region: south}, r.stores[south], r.roots, keyring.Options{})
	partition.Add(kms.New(ring, r.clock, kms.Options{}))
	next, err := p.services[north].RunDue(t.Context())
	if err != nil || !next.Equal(begin.Add(time.Minute)) {
		t.Errorf("next at %s, %v", next, err)
	}
	_, err = p.services[north].Update(t.Context(), keyID, kms.RotateKeyOnDemand())
	refusedWith(t, err, kms.DependencyTimeoutException, "")
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms_test

import (
	"context"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

// destroy takes the key out of a Region's store, as the end of its window would.
func (p *process) destroy(region, keyID string) {
	p.t.Helper()
	if err := p.rings[region].DeleteKey(p.t.Context(), keyID, func(*keyring.KeyRecord) error { return nil }); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) checkState(region, keyID string, want lifecycle.State) {
	p.t.Helper()
	if got := p.record(region, keyID); got.State != want {
		p.t.Errorf("the key in the %s is %s until %s, want %s", region, got.State, got.DeletionTime, want)
	}
}

func TestAPrimaryIsNotTakenForOneWithoutReplicasWhileTheirRegionIsNotOpen(t *testing.T) {
	r := newRealm(t)
	p := r.open()
	keyID := p.newFamily(kms.CreateKeyInput{}, south)
	update(t, p.services[north], keyID, kms.ScheduleKeyDeletion(7))
	p.stop()

	p = r.openOnly(north)
	for range 2 {
		if next := runDue(t, p.services[north]); !next.IsZero() {
			t.Errorf("next at %s", next)
		}
		p.checkState(north, keyID, lifecycle.PendingReplicaDeletion)
		r.clock.Step(8 * day)
	}
	p.add(r, south)
	p.runDue()
	p.checkState(north, keyID, lifecycle.PendingReplicaDeletion)
	p.destroy(south, keyID)
	p.runDue()
	p.checkState(north, keyID, lifecycle.PendingDeletion)
	r.clock.Step(7 * day)
	p.runDue()
	if left := len(r.stores[north].Items()); left != 0 {
		t.Errorf("the north's store has %d items", left)
	}
}

func TestDeletionScheduledWhileTheRegionOfAReplicaIsNotOpenWaitsAndCanBeTakenBack(t *testing.T) {
	r := newRealm(t)
	p := r.open()
	keyID := p.newFamily(kms.CreateKeyInput{}, south)
	p.stop()
	p = r.openOnly(north, west)
	update(t, p.services[north], keyID, kms.ScheduleKeyDeletion(7))
	p.checkState(north, keyID, lifecycle.PendingReplicaDeletion)
	update(t, p.services[north], keyID, kms.CancelKeyDeletion())
	p.checkState(north, keyID, lifecycle.Disabled)
	if primary, replicas := p.key(north, keyID).Relatives(); primary != north || !cmp.Equal(replicas, []string{south}) {
		t.Errorf("the relatives are %s and %v", primary, replicas)
	}
}

func TestARotationWaitsForAReplicaWhoseRegionIsNotOpen(t *testing.T) {
	r := newRealm(t)
	p := r.open()
	keyID := p.newFamily(kms.CreateKeyInput{RotationPeriodInDays: 90}, south)
	ciphertexts := p.encrypt(keyID, nil)
	p.stop()
	r.clock.Step(90 * day)
	p = r.openOnly(north)
	if next := runDue(t, p.services[north]); !next.IsZero() {
		t.Errorf("next at %s: there is nothing to do before the Region is open", next)
	}
	if record := p.record(north, keyID); record.Rotating != keyring.Automatic || len(record.Rotations) != 0 {
		t.Errorf("the rotation is not under way: %+v", record)
	}
	ciphertexts = append(ciphertexts, sealOne(t, p.key(north, keyID)))
	p.add(r, south)
	p.checkDecryptsIn(south, keyID, ciphertexts)
	p.runDue()
	if n := len(p.record(south, keyID).Rotations); n != 1 {
		t.Errorf("the replica has rotated %d times", n)
	}
	p.checkDecryptsIn(south, keyID, append(ciphertexts, sealOne(t, p.key(north, keyID))))
}

func sealOne(t *testing.T, key *kms.Key) []byte {
	t.Helper()
	ciphertext, _, err := key.Encrypt("SYMMETRIC_DEFAULT", nil, []byte("text"))
	if err != nil {
		t.Fatal(err)
	}
	return ciphertext
}

func (p *process) checkDecryptsIn(region, keyID string, ciphertexts sealed) {
	p.t.Helper()
	for i, ciphertext := range ciphertexts {
		if _, _, err := p.key(region, keyID).Decrypt(p.t.Context(), "SYMMETRIC_DEFAULT", nil, ciphertext); err != nil {
			p.t.Errorf("%s does not decrypt ciphertext %d: %v", region, i, err)
		}
	}
}

func TestAPrimaryThatDoesNotKnowItIsNotDestroyedForAReplica(t *testing.T) {
	r := newRealm(t)
	p, keyID := r.unaware(south, west)
	p.stop()
	p = r.openOnly(south) // whose record says that the north is primary
	update(t, p.services[south], keyID, kms.ScheduleKeyDeletion(7))
	r.clock.Step(8 * day)
	if next := runDue(t, p.services[south]); !next.IsZero() {
		t.Errorf("next at %s: there is nothing to do before the Region is open", next)
	}
	p.checkState(south, keyID, lifecycle.PendingDeletion)
	p.add(r, north)
	p.runDue()
	p.checkState(south, keyID, lifecycle.PendingReplicaDeletion)
	p.add(r, west)
	p.checkNoted(keyID)
}

func TestAddingARegionHasTheOthersLookAgain(t *testing.T) {
	r := newRealm(t)
	p := r.open()
	keyID := p.newFamily(kms.CreateKeyInput{}, south)
	update(t, p.services[north], keyID, kms.ScheduleKeyDeletion(7))
	p.destroy(south, keyID)
	p.stop()

	p = r.openOnly(north)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { p.services[north].Run(ctx) })
	defer running.Wait()
	defer cancel()
	eventually(t, "it sleeps", r.clock.HasWaiters)
	p.checkState(north, keyID, lifecycle.PendingReplicaDeletion)
	p.add(r, south)
	eventually(t, "the primary's window begins", func() bool {
		return p.record(north, keyID).State == lifecycle.PendingDeletion
	})
}

func TestAPrimaryWaitsForItsReplicasHoweverTheirRegionComesAndGoes(t *testing.T) {
	r := newRealm(t)
	p := r.open()
	keyID := p.newFamily(kms.CreateKeyInput{}, south, west)
	update(t, p.services[north], keyID, kms.ScheduleKeyDeletion(7))
	comeAndGo, done := context.WithCancel(t.Context())
	var changing, working sync.WaitGroup
	for _, region := range []string{south, west} {
		changing.Go(func() {
			for comeAndGo.Err() == nil {
				p.partition.Remove(p.services[region])
				p.partition.Add(p.services[region])
			}
		})
	}
	for range 4 {
		working.Go(func() {
			for range 200 {
				if _, err := p.services[north].RunDue(t.Context()); err != nil {
					t.Error(err)
				}
				if got := p.record(north, keyID); got.State != lifecycle.PendingReplicaDeletion {
					t.Errorf("the primary is %s", got.State)
				}
			}
		})
	}
	working.Wait()
	done()
	changing.Wait()
	p.checkNoted(keyID)
}

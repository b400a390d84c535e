// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/memstore"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

func TestANewPrimaryKnowsTheReplicasWithoutSeeingThem(t *testing.T) {
	r := newRealm(t)
	p := r.open()
	keyID := p.newFamily(kms.CreateKeyInput{}, south, west)
	if err := p.key(north, keyID).UpdatePrimaryRegion(t.Context(), south); err != nil {
		t.Fatal(err)
	}
	p.stop()
	p = r.openOnly(south)
	update(t, p.services[south], keyID, kms.ScheduleKeyDeletion(7))
	p.checkState(south, keyID, lifecycle.PendingReplicaDeletion)
	if _, replicas := p.key(south, keyID).Relatives(); !cmp.Equal(replicas, []string{north, west}) {
		t.Errorf("it knows of replicas in %v", replicas)
	}
}

func TestReplicasThatNobodyHasNotedAreNotedWhenTheyAreSeen(t *testing.T) {
	r := newRealm(t)
	p := r.open()
	keyID := p.newFamily(kms.CreateKeyInput{}, south, west)
	for _, region := range regions { // as an earlier version wrote it
		p.edit(region, keyID, func(r *keyring.KeyRecord) {
			r.MultiRegion = &keyring.MultiRegion{PrimaryRegion: north, Epoch: 1}
		})
	}
	p.runDue()
	p.checkNoted(keyID)
	p.checkShared(keyID)
}

func TestAReplicaThatWasBegunAndNeverMadeIsForgottenAfterAWhile(t *testing.T) {
	r := newRealm(t)
	p := r.open()
	keyID := p.newFamily(kms.CreateKeyInput{}, south)
	r.dieAfter(1)
	if _, err := p.key(north, keyID).ReplicateKey(t.Context(), kms.ReplicateKeyInput{Region: west}); err == nil {
		t.Fatal("the process did not die")
	}
	p.stop()
	r.dieAfter(-1)

	p = r.openOnly(north, south)
	r.clock.Step(time.Hour)
	p.runDue()
	noted := func() []string { return p.record(north, keyID).MultiRegion.Replicas }
	if got := noted(); !cmp.Equal(got, []string{south, west}) {
		t.Errorf("noted are %v, and nobody has looked into the west", got)
	}
	p.add(r, west)
	p.runDue()
	p.checkNoted(keyID)
	p.replicate(keyID, west)
	p.checkNoted(keyID)
	p.checkShared(keyID)
}

func TestAReplicaThatIsBeingMadeIsNotForgottenByAnotherProcess(t *testing.T) {
	r := newRealm(t)
	p, other := r.open(), r.open()
	keyID := p.newFamily(kms.CreateKeyInput{}, south)
	noted := func(process *process) []string {
		record, err := process.rings[north].Key(keyID)
		if err != nil {
			return nil // the watch has not brought it yet
		}
		return record.MultiRegion.Replicas
	}
	before := r.stores[west].Before
	r.stores[west].Before = func(op memstore.Op, name string) error {
		if op == memstore.OpCreate {
			r.stores[west].Before = before
			eventually(t, "the other process knows of it", func() bool { return len(noted(other)) == 2 })
			other.runDue()
			if got := noted(other); !cmp.Equal(got, []string{south, west}) {
				t.Errorf("noted are %v", got)
			}
			if next := runDue(t, other.services[north]); !next.Equal(begin.Add(10 * time.Minute)) {
				t.Errorf("next at %s", next)
			}
		}
		return before(op, name)
	}
	p.replicate(keyID, west)
	p.checkNoted(keyID)
}

func TestAReplicaMadeWhileAnotherProcessForgetsTheFirstTryIsNoted(t *testing.T) {
	r := newRealm(t)
	p, other := r.open(), r.open()
	keyID := p.newFamily(kms.CreateKeyInput{}, south)
	r.dieAfter(1)
	if _, err := p.key(north, keyID).ReplicateKey(t.Context(), kms.ReplicateKeyInput{Region: west}); err == nil {
		t.Fatal("the process did not die")
	}
	r.dieAfter(-1)
	r.clock.Step(10 * time.Minute)
	eventually(t, "the other process knows of it", func() bool {
		record, err := other.rings[north].Key(keyID)
		return err == nil && len(record.MultiRegion.Replicas) == 2
	})
	forgotten := false
	r.meanwhile[north] = func() {
		other.runDue()
		forgotten = cmp.Equal(other.record(north, keyID).MultiRegion.Replicas, []string{south})
	}
	before := r.stores[west].Before
	var atCreation []string
	r.stores[west].Before = func(op memstore.Op, name string) error {
		if op == memstore.OpCreate {
			atCreation = p.record(north, keyID).MultiRegion.Replicas
		}
		return before(op, name)
	}
	p.replicate(keyID, west)
	if !forgotten || !cmp.Equal(atCreation, []string{south, west}) {
		t.Errorf("forgotten: %t; when the replica was made, noted were %v", forgotten, atCreation)
	}
	p.checkNoted(keyID)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms_test

import (
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

func TestThePrimaryChangesPlacesWithAReplica(t *testing.T) {
	r := newRealm(t)
	p := r.open()
	keyID := p.newFamily(kms.CreateKeyInput{RotationPeriodInDays: 90}, south, west)
	for _, step := range []struct{ from, to string }{{north, south}, {south, west}, {west, north}, {north, south}} {
		if err := p.key(step.from, keyID).UpdatePrimaryRegion(t.Context(), step.to); err != nil {
			t.Fatal(err)
		}
		for _, region := range regions {
			if primary, replicas := p.key(region, keyID).Relatives(); primary != step.to || len(replicas) != 2 {
				t.Errorf("after %v %s takes %s for the primary and %v for replicas", step, region, primary, replicas)
			}
		}
		p.checkShared(keyID)
		err := p.key(step.from, keyID).UpdatePrimaryRegion(t.Context(), west)
		refusedWith(t, err, kms.UnsupportedOperationException, arnIn(step.from, keyID)+" is not a multi-region primary key.")
		update(t, p.services[step.to], keyID, kms.RotateKeyOnDemand())
	}
	p.checkShared(keyID)
	if n := len(p.record(north, keyID).Rotations); n != 4 {
		t.Errorf("rotated %d times", n)
	}
	r.clock.Step(90 * day)
	p.runDue()
	if n := len(p.record(north, keyID).Rotations); n != 5 {
		t.Errorf("rotated %d times", n)
	}
}

func TestWhatCannotBecomePrimaryIsRefused(t *testing.T) {
	p := newRealm(t).open()
	keyID := p.newFamily(kms.CreateKeyInput{}, south)
	single := create(t, p.services[north], kms.CreateKeyInput{}).KeyID
	err := p.key(north, single).UpdatePrimaryRegion(t.Context(), south)
	refusedWith(t, err, kms.UnsupportedOperationException, arnIn(north, single)+" is not a multi-region primary key.")
	err = p.key(north, keyID).UpdatePrimaryRegion(t.Context(), west)
	refusedWith(t, err, kms.NotFoundException, "Key '"+arnIn(west, keyID)+"' does not exist")
	err = p.key(north, keyID).UpdatePrimaryRegion(t.Context(), "moon")
	refusedWith(t, err, kms.NotFoundException, "Key '"+arnIn("moon", keyID)+"' does not exist")
	err = p.key(north, keyID).UpdatePrimaryRegion(t.Context(), north)
	refusedWith(t, err, kms.ValidationException, arnIn(north, keyID)+" is the primary key already.")
	update(t, p.services[south], keyID, kms.DisableKey())
	err = p.key(north, keyID).UpdatePrimaryRegion(t.Context(), south)
	refusedWith(t, err, kms.DisabledException, arnIn(south, keyID)+" is disabled.")
	update(t, p.services[south], keyID, kms.ScheduleKeyDeletion(7))
	err = p.key(north, keyID).UpdatePrimaryRegion(t.Context(), south)
	refusedWith(t, err, kms.KMSInvalidStateException, arnIn(south, keyID)+" is pending deletion.")
	update(t, p.services[south], keyID, kms.CancelKeyDeletion(), kms.EnableKey())
	update(t, p.services[north], keyID, kms.DisableKey())
	err = p.key(north, keyID).UpdatePrimaryRegion(t.Context(), south)
	refusedWith(t, err, kms.DisabledException, arnIn(north, keyID)+" is disabled.")
}

// unaware is a family whose primary is the south's, which only the north's record says.
func (r *realm) unaware(replicas ...string) (p *process, keyID string) {
	r.t.Helper()
	p = r.open()
	keyID = p.newFamily(kms.CreateKeyInput{}, replicas...)
	r.dieAfter(1)
	if err := p.key(north, keyID).UpdatePrimaryRegion(r.t.Context(), south); err != nil {
		r.t.Fatal(err)
	}
	r.dieAfter(-1)
	if known := p.record(south, keyID).MultiRegion.PrimaryRegion; known != north {
		r.t.Fatalf("the south's record says %s", known)
	}
	return p, keyID
}

func TestAPrimaryThatDoesNotKnowItYetHandsOver(t *testing.T) {
	p, keyID := newRealm(t).unaware(south, west)
	if err := p.key(south, keyID).UpdatePrimaryRegion(t.Context(), west); err != nil {
		t.Fatal(err)
	}
	p.checkShared(keyID)
	if primary, _ := p.key(north, keyID).Relatives(); primary != west {
		t.Errorf("the primary is in the %s", primary)
	}
}

func TestAPrimaryThatDoesNotKnowItYetReplicatesItsMaterial(t *testing.T) {
	r := newRealm(t)
	p, keyID := r.unaware(south)
	r.dieAfter(2) // the Region is noted and the replica made, and that is all
	if _, err := p.key(south, keyID).ReplicateKey(t.Context(), kms.ReplicateKeyInput{Region: west}); err != nil {
		t.Fatal(err)
	}
	r.dieAfter(-1)
	p.checkDecrypts(keyID, p.encrypt(keyID, nil))
	p.runDue()
	p.checkShared(keyID)
}

func TestASuccessorHasWhatChangedAtTheLastMoment(t *testing.T) {
	r := newRealm(t)
	p, other := r.open(), r.open()
	keyID := p.newFamily(kms.CreateKeyInput{}, south)
	eventually(t, "the other process knows the key", func() bool { return len(other.relatives(keyID)) == 2 })
	r.meanwhile[north] = func() { // and dies before the replica hears of it
		_, err := other.rings[north].UpdateKey(t.Context(), keyID, func(r *keyring.KeyRecord) error {
			r.Rotation = keyring.RotationSettings{Enabled: true, PeriodInDays: 90, EnabledAt: begin}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if err := p.key(north, keyID).UpdatePrimaryRegion(t.Context(), south); err != nil {
		t.Fatal(err)
	}
	p.checkShared(keyID)
	if !p.record(south, keyID).Rotation.Enabled {
		t.Error("the new primary does not rotate")
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms_test

import (
	"errors"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

func TestRotationIsThePrimarysAndReachesTheReplicasAtOnce(t *testing.T) {
	p := newRealm(t).open()
	keyID := p.newFamily(kms.CreateKeyInput{}, south, west)
	for _, m := range []kms.Mutation{kms.EnableKeyRotation(90), kms.DisableKeyRotation(), kms.RotateKeyOnDemand()} {
		_, err := p.services[south].Update(t.Context(), keyID, m)
		refused, ok := errors.AsType[*kms.RefusedError](err)
		if !ok {
			t.Fatalf("got %v", err)
		}
		refusedWith(t, refused.Refused[0], kms.UnsupportedOperationException, arnIn(south, keyID)+" is not a multi-region primary key.")
	}
	ciphertexts := p.encrypt(keyID, nil)
	got := update(t, p.services[north], keyID, kms.EnableKeyRotation(100), kms.RotateKeyOnDemand())
	if got.Rotation.OnDemandCount != 1 || !got.Rotation.LastOnDemandTime.Equal(begin) {
		t.Errorf("the primary says %+v", got.Rotation)
	}
	p.checkShared(keyID)
	status, err := p.key(west, keyID).RotationStatus()
	if err != nil || !status.Enabled || status.PeriodInDays != 100 {
		t.Errorf("a replica says %+v, %v", status, err)
	}
	if n := len(p.record(west, keyID).Materials); n != 2 {
		t.Errorf("a replica has %d materials", n)
	}
	p.checkDecrypts(keyID, p.encrypt(keyID, ciphertexts))
}

func TestOnlyThePrimaryRotatesOnItsDate(t *testing.T) {
	r := newRealm(t)
	p := r.open()
	keyID := p.newFamily(kms.CreateKeyInput{RotationPeriodInDays: 90}, south)
	r.clock.Step(90 * day)
	if next := runDue(t, p.services[south]); !next.IsZero() || len(p.record(south, keyID).Rotations) != 0 {
		t.Errorf("a replica rotates by itself, next at %s", next)
	}
	if next := runDue(t, p.services[north]); !next.Equal(begin.Add(180 * day)) {
		t.Errorf("next at %s", next)
	}
	p.checkShared(keyID)
	if rotations := p.record(south, keyID).Rotations; len(rotations) != 1 || rotations[0].Type != keyring.Automatic {
		t.Errorf("the replica knows of %v", rotations)
	}
}

func TestARotationWaitsForAReplicaThatCannotBeReachedAndNothingIsUndecryptableMeanwhile(t *testing.T) {
	r := newRealm(t)
	p := r.open()
	keyID := p.newFamily(kms.CreateKeyInput{RotationPeriodInDays: 90}, south, west)
	ciphertexts := p.encrypt(keyID, nil)
	r.clock.Step(90 * day)
	r.dieAfter(2) // the primary's own and one replica's
	if _, err := p.services[north].RunDue(t.Context()); !errors.Is(err, errDead) {
		t.Fatalf("got %v", err)
	}
	r.dieAfter(-1)
	if record := p.record(north, keyID); record.Rotating != keyring.Automatic || len(record.Rotations) != 0 {
		t.Errorf("the rotation is not under way: %+v", record)
	}
	_, err := p.services[north].Update(t.Context(), keyID, kms.DisableKey())
	if err != nil {
		t.Fatal(err)
	}
	p.runDue()
	if record := p.record(north, keyID); record.Rotating != keyring.Automatic {
		t.Errorf("a disabled key was rotated: %+v", record)
	}
	update(t, p.services[north], keyID, kms.EnableKey())
	ciphertexts = p.encrypt(keyID, ciphertexts)
	p.runDue()
	p.checkShared(keyID)
	p.checkDecrypts(keyID, p.encrypt(keyID, ciphertexts))
	if n := len(p.record(north, keyID).Rotations); n != 1 {
		t.Errorf("rotated %d times", n)
	}
}

func TestASecondRotationWhileOneIsUnderWayIsAConflict(t *testing.T) {
	r := newRealm(t)
	p := r.open()
	keyID := p.newFamily(kms.CreateKeyInput{}, south)
	// The replica's store is lost right after the primary has begun.
	r.dieAfter(1)
	started := update(t, p.services[north], keyID, kms.RotateKeyOnDemand())
	if started.Rotation.OnDemandCount != 1 || p.record(north, keyID).Rotating != keyring.OnDemand {
		t.Fatalf("the rotation is not under way: %+v", started)
	}
	r.dieAfter(-1)
	r.cut(south, true)
	_, err := p.services[north].Update(t.Context(), keyID, kms.RotateKeyOnDemand())
	refusedWith(t, err, kms.DependencyTimeoutException, "")
	r.cut(south, false)
	// Who asks for a rotation since a time before it takes it for theirs.
	got := update(t, p.services[north], keyID, kms.RotateKeyOnDemandSince(begin))
	if got.Rotation.OnDemandCount != 1 {
		t.Errorf("rotated %d times", got.Rotation.OnDemandCount)
	}
	p.checkShared(keyID)
}

func TestARotationUnderWayIsNoReasonForAnother(t *testing.T) {
	r := newRealm(t)
	p := r.open()
	keyID := p.newFamily(kms.CreateKeyInput{}, south)
	r.dieAfter(1)
	update(t, p.services[north], keyID, kms.RotateKeyOnDemand())
	// Reads work and no write does, so the rotation stays where it is.
	r.dieAfter(-1)
	var refused error
	record := p.record(north, keyID)
	if record.Rotating == "" {
		t.Fatal("the rotation is not under way")
	}
	_, err := p.services[north].Update(t.Context(), keyID, kms.RotateKeyOnDemand())
	if many, ok := errors.AsType[*kms.RefusedError](err); ok {
		refused = many.Refused[0]
	}
	refusedWith(t, refused, kms.ConflictException, "A rotation of "+arnIn(north, keyID)+" is in progress.")
}

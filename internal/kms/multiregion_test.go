// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

// refusedWith checks the code and, if not empty, the message.
func refusedWith(t *testing.T, err error, code kms.Code, message string) {
	t.Helper()
	known, ok := errors.AsType[*kms.Error](err)
	if !ok || known.Code != code || message != "" && known.Message != message {
		t.Errorf("got %v, want %s: %s", err, code, message)
	}
}

func arnIn(region, keyID string) string {
	return "arn:aws:kms:" + region + ":" + accountID + ":key/" + keyID
}

func TestAReplicaSharesMaterialAndRotationAndNothingElse(t *testing.T) {
	p := newRealm(t).open()
	keyID := p.newFamily(kms.CreateKeyInput{
		Description: "primary", Tags: map[string]string{"a": "1"}, RotationPeriodInDays: 90, Policy: primaryPolicy,
	})
	update(t, p.services[north], keyID, kms.RotateKeyOnDemand())
	replica, err := p.key(north, keyID).ReplicateKey(t.Context(), kms.ReplicateKeyInput{
		Region: south, Description: "replica", Tags: map[string]string{"b": "2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := replica.Record()
	if replica.ARN() != arnIn(south, keyID) || got.Description != "replica" || got.Policy != "" ||
		!cmp.Equal(got.Tags, map[string]string{"b": "2"}) || got.State != lifecycle.Enabled {
		t.Errorf("the replica is %+v", got)
	}
	if got.Rotation.PeriodInDays != 90 || len(got.Materials) != 2 || len(got.Rotations) != 1 {
		t.Errorf("the replica does not share rotation: %+v", got)
	}
	primary, replicas := replica.Relatives()
	if replica.MultiRegionType() != kms.MultiRegionReplica || primary != north || !cmp.Equal(replicas, []string{south}) {
		t.Errorf("its relatives are %s and %v", primary, replicas)
	}
	p.checkShared(keyID)
	p.checkDecrypts(keyID, p.encrypt(keyID, nil))
}

const primaryPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:*","Resource":"*"}]}`

func TestWhatCannotBeReplicatedIsRefused(t *testing.T) {
	r := newRealm(t)
	p := r.open()
	keyID := p.newFamily(kms.CreateKeyInput{}, south)
	single := create(t, p.services[north], kms.CreateKeyInput{}).KeyID
	disabled := p.newFamily(kms.CreateKeyInput{Disabled: true})
	for _, tt := range []struct {
		key     *kms.Key
		region  string
		code    kms.Code
		message string
	}{
		{p.key(north, single), south, kms.UnsupportedOperationException, arnIn(north, single) + " is not a multi-region primary key."},
		{p.key(south, keyID), west, kms.UnsupportedOperationException, arnIn(south, keyID) + " is not a multi-region primary key."},
		{p.key(north, keyID), south, kms.AlreadyExistsException, "Key '" + arnIn(south, keyID) + "' already exists"},
		{p.key(north, keyID), north, kms.AlreadyExistsException, "Key '" + arnIn(north, keyID) + "' already exists"},
		{p.key(north, keyID), "moon", kms.UnsupportedOperationException, "Account " + accountID + " has no Region moon here."},
		{p.key(north, disabled), south, kms.DisabledException, arnIn(north, disabled) + " is disabled."},
	} {
		_, err := tt.key.ReplicateKey(t.Context(), kms.ReplicateKeyInput{Region: tt.region})
		refusedWith(t, err, tt.code, tt.message)
	}
	_, err := p.key(north, keyID).ReplicateKey(t.Context(), kms.ReplicateKeyInput{
		Region: west, Tags: map[string]string{"aws:x": "reserved"},
	})
	refusedWith(t, err, kms.TagException, "")
	r.cut(south, true)
	_, err = p.key(north, keyID).ReplicateKey(t.Context(), kms.ReplicateKeyInput{Region: west})
	refusedWith(t, err, kms.DependencyTimeoutException, "")
}

func TestAPrimaryOutlivesItsReplicas(t *testing.T) {
	r := newRealm(t)
	p := r.open()
	keyID := p.newFamily(kms.CreateKeyInput{}, south, west)
	scheduled := update(t, p.services[north], keyID, kms.ScheduleKeyDeletion(10))
	if scheduled.State != lifecycle.PendingReplicaDeletion || !scheduled.DeletionTime.IsZero() {
		t.Errorf("scheduled: %+v", scheduled)
	}
	update(t, p.services[south], keyID, kms.ScheduleKeyDeletion(7))
	update(t, p.services[west], keyID, kms.ScheduleKeyDeletion(8))
	r.clock.Step(7 * day)
	p.runDue()
	if state := p.record(north, keyID).State; state != lifecycle.PendingReplicaDeletion {
		t.Errorf("with one replica left the primary is %s", state)
	}
	r.clock.Step(day)
	p.runDue()
	if got := p.record(north, keyID); got.State != lifecycle.PendingDeletion || !got.DeletionTime.Equal(begin.Add(18*day)) {
		t.Errorf("without replicas the primary is %s until %s", got.State, got.DeletionTime)
	}
	r.clock.Step(10 * day)
	p.runDue()
	if left := p.relatives(keyID); left != nil {
		t.Errorf("the key is still in %v", left)
	}
}

func TestAPrimaryThatWaitsForItsReplicasCanBeTakenBack(t *testing.T) {
	p := newRealm(t).open()
	keyID := p.newFamily(kms.CreateKeyInput{}, south)
	update(t, p.services[north], keyID, kms.ScheduleKeyDeletion(7))
	back := update(t, p.services[north], keyID, kms.CancelKeyDeletion())
	if back.State != lifecycle.Disabled || p.record(north, keyID).PendingWindowInDays != 0 {
		t.Errorf("taken back it is %+v", back)
	}
}

func TestAReplicaScheduledForDeletionThatBecamePrimaryWaitsForTheOthers(t *testing.T) {
	r := newRealm(t)
	p := r.open()
	keyID := p.newFamily(kms.CreateKeyInput{}, south)
	// As if the deletion had been scheduled while the primary was changing.
	if err := p.key(north, keyID).UpdatePrimaryRegion(t.Context(), south); err != nil {
		t.Fatal(err)
	}
	_, err := p.rings[south].UpdateKey(t.Context(), keyID, func(r *keyring.KeyRecord) error {
		r.State, r.DeletionTime, r.PendingWindowInDays = lifecycle.PendingDeletion, begin.Add(7*day), 7
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r.clock.Step(8 * day)
	p.runDue()
	if got := p.record(south, keyID); got.State != lifecycle.PendingReplicaDeletion || !got.DeletionTime.IsZero() {
		t.Errorf("it is %s until %s", got.State, got.DeletionTime)
	}
}

func TestWhoIsPrimaryIsKnownAfterTheOneWhoKnewItBestIsGone(t *testing.T) {
	r := newRealm(t)
	p := r.open()
	keyID := p.newFamily(kms.CreateKeyInput{}, south, west)
	r.dieAfter(1) // the write that makes the south primary is in the north's record alone
	if err := p.key(north, keyID).UpdatePrimaryRegion(t.Context(), south); err != nil {
		t.Fatal(err)
	}
	r.dieAfter(-1)
	update(t, p.services[north], keyID, kms.ScheduleKeyDeletion(7))
	r.clock.Step(7 * day)
	if next := runDue(t, p.services[north]); !next.IsZero() {
		t.Errorf("next at %s", next)
	}
	if left := p.relatives(keyID); !cmp.Equal(left, []string{south, west}) {
		t.Fatalf("the key is in %v", left)
	}
	p.checkShared(keyID)
	if kind := p.key(south, keyID).MultiRegionType(); kind != kms.MultiRegionPrimary {
		t.Errorf("the south is %s", kind)
	}
}

func TestMaterialThatThePrimarysBackupLacksComesBackFromTheReplicas(t *testing.T) {
	r := newRealm(t)
	p := r.open()
	keyID := p.newFamily(kms.CreateKeyInput{}, south)
	backup := r.stores[north].Items()[0]
	update(t, p.services[north], keyID, kms.RotateKeyOnDemand())
	ciphertexts := p.encrypt(keyID, nil)
	p.stop()
	r.stores[north].Put(backup)

	p = r.open()
	p.runDue()
	p.checkShared(keyID)
	p.checkDecrypts(keyID, p.encrypt(keyID, ciphertexts))
}

func TestAsymmetricRelativesAreTheSameKey(t *testing.T) {
	p := newRealm(t).open()
	keyID := p.newFamily(kms.CreateKeyInput{Spec: keyspec.ECCNISTP256, Usage: keyspec.SignVerify}, south)
	one, err := p.services[north].GetPublicKey(t.Context(), keyID)
	if err != nil {
		t.Fatal(err)
	}
	two, err := p.services[south].GetPublicKey(t.Context(), keyID)
	if err != nil || !cmp.Equal(one, two) {
		t.Errorf("the public keys differ: %v", err)
	}
}

func TestDestroyingAReplicaLeavesTheMaterialOfTheOthers(t *testing.T) {
	r := newRealm(t)
	p := r.open()
	keyID := p.newFamily(kms.CreateKeyInput{}, south)
	ciphertexts := p.encrypt(keyID, nil)
	held := p.record(south, keyID)
	update(t, p.services[south], keyID, kms.ScheduleKeyDeletion(7))
	r.clock.Step(7 * day)
	p.runDue()
	if err := held.Current().Bytes.Use(func([]byte) error { return nil }); !errors.Is(err, keyring.ErrWiped) {
		t.Errorf("the replica's material was not wiped: %v", err)
	}
	p.checkDecrypts(keyID, ciphertexts)
	again := p.replicate(keyID, south)
	if again.Record().State != lifecycle.Enabled {
		t.Errorf("replicated again it is %s", again.Record().State)
	}
	p.checkDecrypts(keyID, ciphertexts)
}

func TestWhatThePrimaryNotedLastIsRightWhateverItsReplicasSay(t *testing.T) {
	r := newRealm(t)
	p := r.open()
	keyID := create(t, p.services[west], kms.CreateKeyInput{MultiRegion: true}).KeyID
	primary := p.key(west, keyID)
	if _, err := primary.ReplicateKey(t.Context(), kms.ReplicateKeyInput{Region: south}); err != nil {
		t.Fatal(err)
	}
	r.dieAfter(1)
	if _, err := primary.ReplicateKey(t.Context(), kms.ReplicateKeyInput{Region: north}); err == nil {
		t.Fatal("the process did not die")
	}
	r.dieAfter(-1)
	p.runDue()
	for _, region := range []string{south, west} {
		if got := p.record(region, keyID).MultiRegion.Replicas; !cmp.Equal(got, []string{north, south}) {
			t.Errorf("in the record in the %s are %v", region, got)
		}
	}
}

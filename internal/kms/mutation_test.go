// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

func TestManyMutationsAreOneWriteAndNoneIfNothingChanges(t *testing.T) {
	service, h := newService(t)
	key := create(t, service, kms.CreateKeyInput{Tags: map[string]string{"old": "1"}})
	mutations := []kms.Mutation{
		kms.EnableKey(), kms.UpdateKeyDescription("new"), kms.TagResource(map[string]string{"team": "orders"}),
		kms.UntagResource("old", "never there"), kms.EnableKeyRotation(0), kms.DisableKey(),
	}
	want := *key
	want.State, want.Description, want.Tags = lifecycle.Disabled, "new", map[string]string{"team": "orders"}
	want.Rotation = kms.RotationStatus{Enabled: true, PeriodInDays: 365, NextTime: begin.Add(365 * day)}
	writes := h.written(func() {
		if diff := cmp.Diff(&want, update(t, service, key.KeyID, mutations...)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	if writes != 1 {
		t.Errorf("%d writes, want 1", writes)
	}
	writes = h.written(func() {
		update(t, service, key.KeyID, kms.DisableKey(), kms.UpdateKeyDescription("new"), kms.UntagResource("old"))
	})
	if writes != 0 {
		t.Errorf("%d writes though nothing changed", writes)
	}
}

func TestARefusedMutationDoesNotHoldUpTheOthers(t *testing.T) {
	service, h := newService(t)
	key := create(t, service, kms.CreateKeyInput{Tags: map[string]string{"a": "1"}})
	full := map[string]string{}
	for i := range 50 {
		full[fmt.Sprint(i)] = ""
	}
	var got *kms.KeyMetadata
	var err error
	writes := h.written(func() {
		got, err = service.Update(t.Context(), key.KeyID,
			kms.TagResource(full), kms.UpdateKeyDescription("new"), kms.CancelKeyDeletion(), kms.ScheduleKeyDeletion(31))
	})
	refused, ok := errors.AsType[*kms.RefusedError](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	codes := make([]kms.Code, len(refused.Refused))
	for i, err := range refused.Refused {
		if e, ok := errors.AsType[*kms.Error](err); ok {
			codes[i] = e.Code
		}
	}
	want := []kms.Code{kms.TagException, "", kms.KMSInvalidStateException, kms.ValidationException}
	if diff := cmp.Diff(want, codes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.Description != "new" || !cmp.Equal(got.Tags, map[string]string{"a": "1"}) || writes != 1 {
		t.Errorf("after %d writes the key is %+v", writes, got)
	}
}

func TestWhatAStateDoesNotAllowIsRefusedInAWSsWords(t *testing.T) {
	service, _ := newService(t)
	arn := func(key *kms.KeyMetadata, text string) string { return text[:len(text)-1] + key.ARN + " " }
	disabled := create(t, service, kms.CreateKeyInput{Disabled: true})
	pending := create(t, service, kms.CreateKeyInput{})
	update(t, service, pending.KeyID, kms.ScheduleKeyDeletion(7))
	signing := create(t, service, kms.CreateKeyInput{Spec: keyspec.ECCNISTP256, Usage: keyspec.SignVerify, Disabled: true})

	for _, tt := range []struct {
		key      *kms.KeyMetadata
		mutation kms.Mutation
		want     string
	}{
		{disabled, kms.EnableKeyRotation(90), arn(disabled, "DisabledException: _") + "is disabled."},
		{disabled, kms.RotateKeyOnDemand(), arn(disabled, "DisabledException: _") + "is disabled."},
		{disabled, kms.CancelKeyDeletion(), arn(disabled, "KMSInvalidStateException: _") + "is not pending deletion."},
		{pending, kms.EnableKey(), arn(pending, "KMSInvalidStateException: _") + "is pending deletion."},
		{pending, kms.UpdateKeyDescription("x"), arn(pending, "KMSInvalidStateException: _") + "is pending deletion."},
		{pending, kms.ScheduleKeyDeletion(7), arn(pending, "KMSInvalidStateException: _") + "is pending deletion."},
	} {
		if _, err := service.Update(t.Context(), tt.key.KeyID, tt.mutation); err == nil || err.Error() != tt.want {
			t.Errorf("\n got %v\nwant %s", err, tt.want)
		}
		if got := describe(t, service, tt.key.KeyID); got.Description != "" {
			t.Error("a refused change was made")
		}
	}
	if err := service.CreateAlias(t.Context(), "alias/x", pending.KeyID); !kms.HasCode(err, kms.KMSInvalidStateException) {
		t.Errorf("got %v", err)
	}
	if _, err := service.GetPublicKey(t.Context(), signing.KeyID); !kms.HasCode(err, kms.DisabledException) {
		t.Errorf("got %v", err)
	}
	if _, err := service.Update(t.Context(), "none", kms.EnableKey()); !kms.HasCode(err, kms.NotFoundException) {
		t.Errorf("got %v", err)
	}
}

func TestAKeyComesBackFromDeletionDisabledAndWithItsRotation(t *testing.T) {
	service, h := newService(t)
	key := create(t, service, kms.CreateKeyInput{RotationPeriodInDays: 90})
	pending := update(t, service, key.KeyID, kms.ScheduleKeyDeletion(0))
	if pending.State != lifecycle.PendingDeletion || !pending.DeletionTime.Equal(begin.Add(30*day)) {
		t.Errorf("scheduled: %+v", pending)
	}
	h.clock.Step(10 * day)
	again := update(t, service, key.KeyID, kms.ScheduleKeyDeletion(7).Unless(lifecycle.PendingDeletion))
	if !again.DeletionTime.Equal(pending.DeletionTime) {
		t.Errorf("scheduled again: %s, first %s", again.DeletionTime, pending.DeletionTime)
	}
	update(t, service, key.KeyID, kms.CancelKeyDeletion().If(lifecycle.PendingDeletion))
	back := update(t, service, key.KeyID, kms.CancelKeyDeletion().If(lifecycle.PendingDeletion)) // again: nothing to do
	want := *key
	want.State = lifecycle.Disabled
	if diff := cmp.Diff(&want, back); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRotationOnDemandAddsMaterialKeepsTheOldAndLeavesTheScheduleAlone(t *testing.T) {
	h := newHouse(t)
	service, ring, _ := h.open(t)
	key := create(t, service, kms.CreateKeyInput{RotationPeriodInDays: 90})
	before, err := ring.Key(key.KeyID)
	if err != nil {
		t.Fatal(err)
	}
	h.clock.Step(day)
	got := update(t, service, key.KeyID, kms.RotateKeyOnDemand())
	want := key.Rotation
	want.LastTime, want.LastOnDemandTime, want.OnDemandCount = begin.Add(day), begin.Add(day), 1
	if diff := cmp.Diff(want, got.Rotation); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	after, err := ring.Key(key.KeyID)
	if err != nil {
		t.Fatal(err)
	}
	if len(after.Materials) != 2 || after.Materials[0].ID != before.Current().ID || after.Current().ID == before.Current().ID {
		t.Errorf("materials before %v and after %v", before.Materials, after.Materials)
	}
	if rotation := after.Rotations[0]; rotation.MaterialID != after.Current().ID || rotation.Type != keyring.OnDemand {
		t.Errorf("noted as %+v", rotation)
	}
}

func TestAKeyRotatesOnDemandTwentyFiveTimes(t *testing.T) {
	service, _ := newService(t)
	key := create(t, service, kms.CreateKeyInput{})
	for range lifecycle.MaxOnDemandRotations {
		update(t, service, key.KeyID, kms.RotateKeyOnDemand())
	}
	_, err := service.Update(t.Context(), key.KeyID, kms.RotateKeyOnDemand())
	want := "LimitExceededException: The on-demand rotations limit has been reached for the given keyId. " +
		"No more on-demand rotations can be performed for this key: " + key.ARN
	if err == nil || err.Error() != want {
		t.Errorf("\n got %v\nwant %s", err, want)
	}
}

func TestTwoProcessesAskedForOneRotationRotateOnce(t *testing.T) {
	h := newHouse(t)
	a, _, _ := h.open(t)
	key := create(t, a, kms.CreateKeyInput{})
	b, _, stopWatching := h.open(t)
	stopWatching() // b does not hear of what a does
	update(t, a, key.KeyID, kms.RotateKeyOnDemand())
	got := update(t, b, key.KeyID, kms.RotateKeyOnDemand())
	if got.Rotation.OnDemandCount != 1 {
		t.Errorf("rotated %d times", got.Rotation.OnDemandCount)
	}
}

func TestOnlySymmetricKeysRotate(t *testing.T) {
	service, _ := newService(t)
	key := create(t, service, kms.CreateKeyInput{Spec: keyspec.HMAC256, Usage: keyspec.GenerateVerifyMAC})
	for _, m := range []kms.Mutation{kms.EnableKeyRotation(90), kms.DisableKeyRotation(), kms.RotateKeyOnDemand()} {
		if _, err := service.Update(t.Context(), key.KeyID, m); !kms.HasCode(err, kms.UnsupportedOperationException) {
			t.Errorf("got %v", err)
		}
	}
}

func TestThePeriodCountsFromWhenRotationWasTurnedOn(t *testing.T) {
	service, h := newService(t)
	key := create(t, service, kms.CreateKeyInput{RotationPeriodInDays: 365})
	h.clock.Step(10 * day)
	if got := update(t, service, key.KeyID, kms.EnableKeyRotation(100)); !got.Rotation.NextTime.Equal(begin.Add(100 * day)) {
		t.Errorf("another period: next at %s", got.Rotation.NextTime)
	}
	got := update(t, service, key.KeyID, kms.DisableKeyRotation(), kms.EnableKeyRotation(100))
	if !got.Rotation.NextTime.Equal(begin.Add(110 * day)) {
		t.Errorf("turned off and on again: next at %s", got.Rotation.NextTime)
	}
	if _, err := service.Update(t.Context(), key.KeyID, kms.EnableKeyRotation(2561)); !kms.HasCode(err, kms.ValidationException) {
		t.Errorf("got %v", err)
	}
}

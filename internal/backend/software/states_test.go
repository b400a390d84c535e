// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package software

import (
	"errors"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

func TestAKeyThatWaitsForItsMaterialIsNotReadyAndTakesItsOtherSettings(t *testing.T) {
	b := newHouse(t).open(t)
	made, err := b.service.CreateKey(t.Context(), kms.CreateKeyInput{Origin: keyring.OriginExternal})
	if err != nil {
		t.Fatal(err)
	}
	if seen := get(t, b, made.KeyID); seen.State != "PendingImport" {
		t.Errorf("it is seen as %s", seen.State)
	}
	seen, err := b.Apply(t.Context(), made.KeyID, []backend.Change{backend.Enable{}, backend.SetDescription{To: "new"}})
	failed, ok := errors.AsType[*backend.ChangesError](err)
	if !ok || len(failed.Failed) != 1 || backend.ClassOf(failed.Failed[0].Err) != backend.NotReady {
		t.Errorf("enabling it: %v", err)
	}
	if seen == nil || seen.Description != "new" {
		t.Errorf("the other change was not made: %+v", seen)
	}
}

func TestAKeyThatWaitsForTheEndOfItsReplicasIsPendingDeletionAndCanBeTakenBack(t *testing.T) {
	b := newHouse(t).open(t)
	key := create(t, b, symmetric(owner("orders", "payments")))
	_, err := b.ring.UpdateKey(t.Context(), key.ID, func(r *keyring.KeyRecord) error {
		r.State, r.PendingWindowInDays = lifecycle.PendingReplicaDeletion, 7
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen := get(t, b, key.ID); seen.State != backend.StatePendingDeletion || !seen.DeletionTime.IsZero() {
		t.Errorf("it is seen as %s until %s", seen.State, seen.DeletionTime)
	}
	if at, err := b.ScheduleDeletion(t.Context(), key.ID, 7); err != nil || !at.IsZero() {
		t.Errorf("scheduling it again: %s, %v", at, err)
	}
	apply(t, b, key.ID, backend.CancelDeletion{}, backend.Enable{})
	if seen := get(t, b, key.ID); seen.State != backend.StateEnabled {
		t.Errorf("taken back and enabled it is %s", seen.State)
	}
}

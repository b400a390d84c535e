// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

func TestDeletionIsScheduledForItsDateAndTakenBack(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	out := w.must(root(), "ScheduleKeyDeletion", object{"KeyId": keyID, "PendingWindowInDays": 7})
	date := begin.Add(7 * 24 * time.Hour)
	want := object{
		"KeyId": arnOf(keyID), "KeyState": "PendingDeletion", "DeletionDate": seconds(date), "PendingWindowInDays": 7.,
	}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	recorded := object{
		"keyId": arnOf(keyID), "keyState": "PendingDeletion", "deletionDate": "Mar 8, 2026, 12:00:00 PM",
		"pendingWindowInDays": int32(7),
	}
	if diff := cmp.Diff(recorded, w.events.last().ResponseElements); diff != "" {
		t.Errorf("the record (-want +got):\n%s", diff)
	}
	got := w.describe(keyID)
	if got["DeletionDate"] != seconds(date) || got["KeyState"] != "PendingDeletion" || got["PendingDeletionWindowInDays"] != nil {
		t.Errorf("it is described as %v", got)
	}
	if got := w.refused(root(), "EnableKey", object{"KeyId": keyID}, kms.KMSInvalidStateException); got != arnOf(keyID)+" is pending deletion." {
		t.Errorf("got %s", got)
	}
	out = w.must(root(), "CancelKeyDeletion", object{"KeyId": arnOf(keyID)})
	if !cmp.Equal(out, object{"KeyId": arnOf(keyID)}) {
		t.Errorf("CancelKeyDeletion answers %v", out)
	}
	if got := w.describe(keyID); got["KeyState"] != "Disabled" || got["DeletionDate"] != nil {
		t.Errorf("taken back: %v", got)
	}
	if got := w.refused(root(), "CancelKeyDeletion", object{"KeyId": keyID}, kms.KMSInvalidStateException); got != arnOf(keyID)+" is not pending deletion." {
		t.Errorf("got %s", got)
	}
	out = w.must(root(), "ScheduleKeyDeletion", object{"KeyId": keyID})
	if out["PendingWindowInDays"] != 30. || out["DeletionDate"] != seconds(begin.Add(30*24*time.Hour)) {
		t.Errorf("the default window: %v", out)
	}
}

func TestThePrimaryOfReplicasIsScheduledForNoDate(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{MultiRegion: true})
	replica := *w.record(keyID)
	if _, err := w.ring(account, abroad).CreateKey(t.Context(), &replica); err != nil {
		t.Fatal(err)
	}
	out := w.must(root(), "ScheduleKeyDeletion", object{"KeyId": keyID, "PendingWindowInDays": 9})
	want := object{"KeyId": arnOf(keyID), "KeyState": "PendingReplicaDeletion", "PendingWindowInDays": 9.}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	recorded := object{"keyId": arnOf(keyID), "keyState": "PendingReplicaDeletion", "pendingWindowInDays": int32(9)}
	if diff := cmp.Diff(recorded, w.events.last().ResponseElements); diff != "" {
		t.Errorf("the record (-want +got):\n%s", diff)
	}
	w.must(root(), "CancelKeyDeletion", object{"KeyId": keyID})
	if got := w.describe(keyID); got["KeyState"] != "Disabled" || got["PendingDeletionWindowInDays"] != nil {
		t.Errorf("taken back: %v", got)
	}
}

func TestAWindowOutsideSevenToThirtyDaysIsRefused(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	for days, want := range map[int]string{6: "greater than or equal to 7", 31: "less than or equal to 30"} {
		got := w.refused(root(), "ScheduleKeyDeletion", object{"KeyId": keyID, "PendingWindowInDays": days}, kms.ValidationException)
		want = fmt.Sprintf("1 validation error detected: Value '%d' at 'pendingWindowInDays' failed to satisfy constraint: "+
			"Member must have value %s", days, want)
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

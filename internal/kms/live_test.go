// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"errors"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
	"github.com/chatelaine-dev/chatelaine/internal/kms/material"
)

// A request may have read a key's record just before the key was destroyed, and come to ask what is known of it after.
func TestNothingIsKeptOfAKeyThatWasDestroyedWhileItWasLookedUp(t *testing.T) {
	ring := keyringtest.New(t, keyring.ID{AccountID: "111122223333", Region: "local"})
	s := New(ring, clocktesting.NewFakeClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)), Options{})
	made, err := s.CreateKey(t.Context(), CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	record, err := ring.Key(made.KeyID)
	if err != nil {
		t.Fatal(err)
	}
	if err := ring.DeleteKey(t.Context(), made.KeyID, func(*keyring.KeyRecord) error { return nil }); err != nil {
		t.Fatal(err)
	}
	late := s.liveOf(record)
	for keyID := range s.lives.byKey.Range {
		t.Errorf("%v is kept", keyID)
	}
	current := record.Current()
	fresh, err := material.Generate(record.Spec)
	if err != nil {
		t.Fatal(err)
	}
	current.Bytes = keyring.NewSecretBytes(fresh.Export()) // as if it had been read before it was wiped
	err = late.use(record, &current, func(usable) error { return nil })
	if !errors.Is(err, keyring.ErrWiped) || len(late.materials) > 0 {
		t.Errorf("its material was loaded: %v", err)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

func TestAnAliasMovesInOneWrite(t *testing.T) {
	service, h := newService(t)
	from, to := create(t, service, kms.CreateKeyInput{}), create(t, service, kms.CreateKeyInput{})
	if err := service.CreateAlias(t.Context(), "alias/x", from.KeyID); err != nil {
		t.Fatal(err)
	}
	writes := h.written(func() {
		err := service.UpdateAlias(t.Context(), "alias/x", lookup(t, service, from.KeyID), lookup(t, service, to.KeyID))
		if err != nil {
			t.Fatal(err)
		}
	})
	if got := describe(t, service, "alias/x"); got.KeyID != to.KeyID || writes != 1 {
		t.Errorf("after %d writes it leads to %s", writes, got.KeyID)
	}
	err := service.UpdateAlias(t.Context(), "alias/x", lookup(t, service, from.KeyID), lookup(t, service, to.KeyID))
	taken, ok := errors.AsType[*keyring.AliasTakenError](err)
	if !kms.HasCode(err, kms.NotFoundException) || !ok || taken.KeyID != to.KeyID {
		t.Errorf("from a key that has it no longer: %v", err)
	}
}

func TestAKeyWithFiftyAliasesTakesNoMoreByUpdateAliasEither(t *testing.T) {
	service, _ := newService(t)
	full, other := create(t, service, kms.CreateKeyInput{}), create(t, service, kms.CreateKeyInput{})
	for i := range kms.MaxAliasesPerKey {
		if err := service.CreateAlias(t.Context(), fmt.Sprintf("alias/%d", i), full.KeyID); err != nil {
			t.Fatal(err)
		}
	}
	if err := service.CreateAlias(t.Context(), "alias/x", other.KeyID); err != nil {
		t.Fatal(err)
	}
	fullKey, otherKey := lookup(t, service, full.KeyID), lookup(t, service, other.KeyID)
	if err := service.UpdateAlias(t.Context(), "alias/x", otherKey, fullKey); !kms.HasCode(err, kms.LimitExceededException) {
		t.Errorf("got %v", err)
	}
	if err := service.UpdateAlias(t.Context(), "alias/7", fullKey, fullKey); err != nil {
		t.Errorf("an alias that stays where it is: %v", err)
	}
	if diff := cmp.Diff([]string{"alias/x"}, describe(t, service, other.KeyID).Aliases); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

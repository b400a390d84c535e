// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"errors"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

func TestAGrantThatAWSGivesNoIDIsInDoubtAndRevokedByTheOneThatAListTells(t *testing.T) {
	_, h, b := newHollow(t)
	b.lags.Grants, b.view.lags.Grants = lags.Grants, lags.Grants
	id := create(t, b, symmetric("key")).ID
	h.be("CreateGrant", func(_, out map[string]any) { clear(out) })
	grant := declaredGrant("key", "app", "Decrypt")
	_, err := b.Apply(t.Context(), id, []backend.Change{backend.PutGrant{Grant: grant}})
	failed, ok := errors.AsType[*backend.ChangesError](err)
	if !ok {
		t.Fatalf("an empty answer is taken for a grant: %v", err)
	}
	isLacking(t, "CreateGrant", failed.Failed[0].Err)
	h.be("", nil)
	told := grantsNow(t, b, id)
	if len(told) != 1 || told[0].ID != "" || !told[0].Foreign {
		t.Errorf("told of %+v", told)
	}
	b.lags.Grants = 0 // as if they were over
	told = grantsNow(t, b, id)
	wantSame(t, told, grant)
	apply(t, b, id, backend.RevokeGrant{ID: told[0].ID, Name: grant.Name})
	wantSame(t, grantsNow(t, b, id))
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms_test

import (
	"sync/atomic"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/memstore"
)

func TestTheTokenOfARevokedGrantAsksTheStoreOnce(t *testing.T) {
	service, h := newService(t)
	keyID := create(t, service, kms.CreateKeyInput{}).KeyID
	grantID, token := grantOn(t, service, keyID, kms.Grant{})
	if err := lookUp(t, service, keyID).DeleteGrant(t.Context(), grantID); err != nil {
		t.Fatal(err)
	}
	var reads atomic.Int32
	h.store.Before = func(op memstore.Op, _ string) error {
		if op == memstore.OpGet {
			reads.Add(1)
		}
		return nil
	}
	for range 100 {
		redeemed, err := lookUp(t, service, keyID).Redeem(t.Context(), token)
		if err != nil || redeemed.Grant(grantID) != nil {
			t.Fatalf("error %v, grants %v", err, redeemed.Record().Grants)
		}
	}
	if n := reads.Load(); n != 1 {
		t.Errorf("the store was read %d times for a hundred requests", n)
	}
}

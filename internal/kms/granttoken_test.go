// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/memstore"
)

func lookUp(t *testing.T, service *kms.Service, keyID string) *kms.Key {
	t.Helper()
	key, err := service.Key(keyID)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func grantOn(t *testing.T, service *kms.Service, keyID string, grant kms.Grant) (grantID, token string) {
	t.Helper()
	if grant.Grantee == "" {
		grant.Grantee, grant.Operations = userARN, []string{"Decrypt"}
	}
	grant.IssuingAccount = rootARN
	grantID, token, err := lookUp(t, service, keyID).CreateGrant(t.Context(), grant)
	if err != nil {
		t.Fatal(err)
	}
	return grantID, token
}

// deaf is a second process on the house's store that hears of no changes.
func deaf(t *testing.T, h *house) *kms.Service {
	t.Helper()
	service, _, stop := h.open(t)
	stop()
	return service
}

func TestATokenBringsItsGrantToAProcessThatHasNotHeardOfIt(t *testing.T) {
	service, h := newService(t)
	keyID := create(t, service, kms.CreateKeyInput{}).KeyID
	other := deaf(t, h)
	grantID, token := grantOn(t, service, keyID, kms.Grant{})
	key := lookUp(t, other, keyID)
	if key.Grant(grantID) != nil {
		t.Fatal("the other process knows of the grant, so this proves nothing")
	}
	redeemed, err := key.Redeem(t.Context(), token)
	if err != nil || redeemed.Grant(grantID) == nil {
		t.Errorf("error %v, grants %v", err, redeemed.Record().Grants)
	}
}

func TestARevokedGrantStaysRevokedWhateverTokenComes(t *testing.T) {
	service, h := newService(t)
	keyID := create(t, service, kms.CreateKeyInput{}).KeyID
	grantID, token := grantOn(t, service, keyID, kms.Grant{})
	if err := lookUp(t, service, keyID).DeleteGrant(t.Context(), grantID); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*kms.Service{"this process": service, "another": deaf(t, h)} {
		redeemed, err := lookUp(t, s, keyID).Redeem(t.Context(), token)
		if err != nil || redeemed.Grant(grantID) != nil {
			t.Errorf("%s: error %v, grants %v", name, err, redeemed.Record().Grants)
		}
	}
}

func TestAKnownGrantsTokenNeedsNoStore(t *testing.T) {
	service, h := newService(t)
	keyID := create(t, service, kms.CreateKeyInput{}).KeyID
	_, token := grantOn(t, service, keyID, kms.Grant{})
	_, gone := grantOn(t, service, keyID, kms.Grant{})
	grants := lookUp(t, service, keyID).Record().Grants
	if err := lookUp(t, service, keyID).DeleteGrant(t.Context(), grants[1].ID); err != nil {
		t.Fatal(err)
	}
	h.store.Before = func(memstore.Op, string) error { return errors.New("the store is away") }
	if _, err := lookUp(t, service, keyID).Redeem(t.Context(), token); err != nil {
		t.Errorf("the token of a known grant: %v", err)
	}
	if _, err := lookUp(t, service, keyID).Redeem(t.Context(), gone); !kms.HasCode(err, kms.DependencyTimeoutException) {
		t.Errorf("the token of one that may be new: %v", err)
	}
}

func TestATokenThatCreateGrantDidNotMakeIsRefused(t *testing.T) {
	service, _ := newService(t)
	keyID := create(t, service, kms.CreateKeyInput{}).KeyID
	second := create(t, service, kms.CreateKeyInput{}).KeyID
	_, token := grantOn(t, service, keyID, kms.Grant{})
	_, othersToken := grantOn(t, service, second, kms.Grant{})
	key := lookUp(t, service, keyID)
	refused := func(what, token string) {
		t.Helper()
		if _, err := key.Redeem(t.Context(), token); !kms.HasCode(err, kms.InvalidGrantTokenException) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := range token {
		for _, char := range []byte{'A', 'z', '.', '='} {
			if token[i] != char {
				refused("changed", token[:i]+string(char)+token[i+1:])
			}
		}
		refused("cut", token[:i])
	}
	refused("longer", token+"A")
	head, _, _ := strings.Cut(token, ".")
	_, tail, _ := strings.Cut(othersToken, ".")
	refused("of another key under this one's name", head+"."+tail)
	elsewhere, _ := newService(t)
	_, foreign := grantOn(t, elsewhere, create(t, elsewhere, kms.CreateKeyInput{KeyID: keyID}).KeyID, kms.Grant{})
	refused("of a key with this ID under other root keys", foreign)
	if redeemed, err := key.Redeem(t.Context(), othersToken); err != nil || redeemed != key {
		t.Errorf("another key's token, which ReEncrypt may bring, made it %v, %v", redeemed, err)
	}
}

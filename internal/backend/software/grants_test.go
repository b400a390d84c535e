// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package software

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

func apiGrant(b *Backend) backend.Grant {
	return backend.Grant{
		Name:    backend.GrantName(owner("shop", "orders"), "api"),
		Grantee: "arn:aws:iam::" + b.config.AccountID + ":role/shop/api", Operations: []string{"Decrypt"},
	}
}

func grantsOf(t *testing.T, b *Backend, keyID string) []backend.Grant {
	t.Helper()
	grants, err := b.Grants(t.Context(), keyID)
	if err != nil {
		t.Fatal(err)
	}
	return grants
}

func TestTheGrantsOfOthersAreNeitherListedNorTouched(t *testing.T) {
	b := newHouse(t).open(t)
	made := create(t, b, symmetric(owner("shop", "orders")))
	key, err := b.service.Key(made.ID)
	if err != nil {
		t.Fatal(err)
	}
	others := kms.Grant{Name: "api", Grantee: apiGrant(b).Grantee, Operations: []string{"Encrypt"}, IssuingAccount: "arn:aws:iam::444455556666:root"}
	othersID, _, err := key.CreateGrant(t.Context(), others)
	if err != nil {
		t.Fatal(err)
	}
	apply(t, b, made.ID, backend.PutGrant{Grant: apiGrant(b)})
	grants := grantsOf(t, b, made.ID)
	if len(grants) != 1 || !grants[0].SameAs(apiGrant(b)) {
		t.Errorf("the grants are %+v", grants)
	}
	apply(t, b, made.ID, backend.RevokeGrant{ID: grants[0].ID, Name: grants[0].Name})
	if key, err = b.service.Key(made.ID); err != nil || key.Grant(othersID) == nil {
		t.Errorf("the grant of others is gone (%v)", err)
	}
}

func TestAGrantOfOthersUnderAKeysNameIsTold(t *testing.T) {
	b := newHouse(t).open(t)
	made := create(t, b, symmetric(owner("shop", "orders")))
	key, err := b.service.Key(made.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := apiGrant(b)
	if _, _, err := key.CreateGrant(t.Context(), kms.Grant{
		Name: want.Name, Grantee: want.Grantee, Operations: want.Operations, SourceArn: "arn:aws:s3:::bucket",
	}); err != nil {
		t.Fatal(err)
	}
	if grants := grantsOf(t, b, made.ID); len(grants) != 1 || grants[0].SameAs(want) || !grants[0].Foreign {
		t.Errorf("the grants are %+v", grants)
	}
}

func TestManyProcessesMakeAGrantOnce(t *testing.T) {
	h := newHouse(t)
	processes := []*Backend{h.open(t), h.open(t), h.open(t)}
	made := create(t, processes[0], symmetric(owner("shop", "orders")))
	for _, b := range processes {
		eventually(t, "every process has the key", func() bool { _, err := b.Get(t.Context(), made.ID); return err == nil })
	}
	var group sync.WaitGroup
	for i := range 12 {
		group.Go(func() {
			b := processes[i%len(processes)]
			if _, err := b.Apply(t.Context(), made.ID, []backend.Change{backend.PutGrant{Grant: apiGrant(b)}}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, b := range processes {
		eventually(t, "every process has the grant", func() bool { return len(grantsOf(t, b, made.ID)) == 1 })
	}
}

func TestAGrantIsOneWriteAndItsReplacementTwo(t *testing.T) {
	h := newHouse(t)
	b := h.open(t)
	made := create(t, b, symmetric(owner("shop", "orders")))
	first := apiGrant(b)
	if diff := cmp.Diff([]string{"PATCH secrets kms-key"}, h.written(func() { apply(t, b, made.ID, backend.PutGrant{Grant: first}) })); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	if again := h.written(func() { apply(t, b, made.ID, backend.PutGrant{Grant: first}) }); len(again) > 0 {
		t.Errorf("made again, it was written: %v", again)
	}
	second := first
	second.Operations = []string{"Encrypt"}
	replace := backend.PutGrant{Grant: second, Replaces: []string{grantsOf(t, b, made.ID)[0].ID}}
	if writes := h.written(func() { apply(t, b, made.ID, replace) }); len(writes) != 2 {
		t.Errorf("replacing took %v", writes)
	}
}

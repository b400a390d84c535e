// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package software

import (
	"regexp"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

func TestAKeyIsOneWriteItsSettingsOneMoreAndEachAliasOneMore(t *testing.T) {
	h := newHouse(t)
	b := h.open(t)
	in := symmetric(owner("orders", "payments"))
	in.Description, in.Tags, in.RotationPeriodInDays = "for payments", map[string]string{"team": "orders"}, 90
	var key *backend.Key
	steps := []struct {
		what string
		do   func()
		want []string
	}{
		{"creating", func() { key = create(t, b, in) }, []string{"POST secrets"}},
		{"creating again", func() { create(t, b, in) }, nil},
		{"all settings", func() {
			apply(t, b, key.ID, backend.SetDescription{To: "new"}, backend.SetTags{Tags: map[string]string{"a": "1"}},
				backend.RemoveTags{Keys: []string{"team"}}, backend.SetRotation{ToDays: 365}, backend.Rotate{},
				backend.Disable{})
		}, []string{"PATCH secrets kms-key"}},
		{"what is so already", func() {
			apply(t, b, key.ID, backend.SetDescription{To: "new"}, backend.Disable{}, backend.CancelDeletion{})
		}, nil},
		{"two aliases and a setting", func() {
			apply(t, b, key.ID, backend.PutAlias{Name: "alias/a"}, backend.PutAlias{Name: "alias/b"}, backend.Enable{})
		}, []string{"PATCH secrets kms-key", "POST secrets", "POST secrets"}},
		{"an alias it has", func() { apply(t, b, key.ID, backend.PutAlias{Name: "alias/a"}) }, nil},
		{"removing aliases", func() {
			apply(t, b, key.ID, backend.RemoveAlias{Name: "alias/a"}, backend.RemoveAlias{Name: "alias/never"})
		}, []string{"DELETE secrets kms-alias"}},
		{"reading", func() {
			get(t, b, key.ID)
			if _, err := b.Owned(t.Context(), in.Owner); err != nil {
				t.Error(err)
			}
		}, nil},
	}
	for _, step := range steps {
		if got := h.written(step.do); !slices.Equal(got, step.want) {
			t.Errorf("%s: wrote %q, want %q", step.what, got, step.want)
		}
	}
}

func TestTwoProcessesThatCreateForOneOwnerMakeOneKey(t *testing.T) {
	h := newHouse(t)
	processes := []*Backend{h.open(t), h.open(t)}
	keys := make([]*backend.Key, 8)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() { keys[i] = create(t, processes[i%2], symmetric(owner("orders", "payments"))) })
	}
	wg.Wait()
	for _, key := range keys {
		if key.ID != keys[0].ID {
			t.Errorf("keys %s and %s", key.ID, keys[0].ID)
		}
	}
	list, err := h.client.CoreV1().Secrets(h.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "kms.chatelaine.dev/record"})
	if err != nil || len(list.Items) != 1 {
		t.Errorf("%d records, %v", len(list.Items), err)
	}
}

func TestAKeysIDIsDerivedFromItsOwnerAndLooksLikeAnyOther(t *testing.T) {
	b := &Backend{config: Config{AccountID: "123456789012", Region: "local"}}
	base := owner("orders", "payments")
	id := b.keyIDFor(base, false)
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) {
		t.Errorf("%s is no version 4 UUID", id)
	}
	renamed := base
	renamed.Name = "other"
	if b.keyIDFor(renamed, false) != id {
		t.Error("the ID depends on more than the UID")
	}
	otherUID, otherCluster := base, base
	otherUID.UID, otherCluster.Cluster = "another", "another"
	elsewhere := &Backend{config: Config{AccountID: "123456789012", Region: "mars"}}
	for what, other := range map[string]string{
		"UID": b.keyIDFor(otherUID, false), "cluster": b.keyIDFor(otherCluster, false), "region": elsewhere.keyIDFor(base, false),
	} {
		if other == id {
			t.Errorf("another %s has the same key ID", what)
		}
	}
	if _, err := b.Create(t.Context(), backend.CreateInput{Owner: backend.Owner{Cluster: "c", Namespace: "n", Name: "x"}}); backend.ClassOf(err) != backend.InvalidInput {
		t.Errorf("an owner without UID: %v", err)
	}
}

func TestTheAccountIDIsDerivedFromTheCluster(t *testing.T) {
	account := DeriveAccountID(clusterUID)
	if !regexp.MustCompile(`^\d{12}$`).MatchString(account) || account != DeriveAccountID(clusterUID) {
		t.Errorf("account %s", account)
	}
	if account == DeriveAccountID("another") {
		t.Error("two clusters have one account")
	}
	h := newHouse(t)
	config := h.config()
	config.AccountID = ""
	b, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.Identify(t.Context())
	role := "arn:aws:iam::" + account + ":role/" + h.namespace + "/chatelaine-manager"
	want := backend.Identity{
		AccountID: account, Region: "local", CallerARN: role, PrincipalARN: role, NamesServiceAccounts: true,
	}
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	b.Close()
	if _, err := b.Identify(t.Context()); backend.ClassOf(err) != backend.Unavailable {
		t.Errorf("closed: %v", err)
	}
}

func TestWatchersHearOfTheirClustersOwners(t *testing.T) {
	h := newHouse(t)
	b, other := h.open(t), h.open(t)
	var mu sync.Mutex
	heard := map[string]int{}
	stop := b.Watch(func(o backend.Owner) {
		mu.Lock()
		defer mu.Unlock()
		heard[o.String()]++
	})
	count := func(name string) int {
		mu.Lock()
		defer mu.Unlock()
		return heard[name]
	}
	abroad := symmetric(owner("orders", "abroad"))
	abroad.Owner.Cluster = "another-cluster"
	create(t, other, abroad)
	key := create(t, other, symmetric(owner("orders", "a"))) // by another process
	eventually(t, "the creation is heard", func() bool { return count("orders/a") == 1 })
	apply(t, other, key.ID, backend.Disable{})
	eventually(t, "the change is heard", func() bool { return count("orders/a") == 2 })
	apply(t, other, key.ID, backend.PutAlias{Name: "alias/a"})
	eventually(t, "the alias is heard", func() bool { return count("orders/a") == 3 })
	moved := owner("billing", "a")
	apply(t, other, key.ID, backend.SetTags{Tags: moved.Tags()})
	eventually(t, "both owners hear", func() bool { return count("orders/a") == 4 && count("billing/a") == 1 })
	stop()
	apply(t, other, key.ID, backend.Enable{})
	marker := create(t, other, symmetric(owner("orders", "marker")))
	eventually(t, "the watch is past that", func() bool { _, err := b.Get(t.Context(), marker.ID); return err == nil })
	if count("billing/a") != 1 || count("orders/abroad") != 0 || count("orders/marker") != 0 {
		t.Errorf("heard %v", heard)
	}
}

func TestKeysAreRotatedAndDestroyedInTheBackgroundEvenIfTheDatePassedWhileNothingRan(t *testing.T) {
	h := newHouse(t)
	b, err := Open(t.Context(), h.config())
	if err != nil {
		t.Fatal(err)
	}
	rotating := symmetric(owner("orders", "rotating"))
	rotating.RotationPeriodInDays = 90
	key, doomed := create(t, b, rotating), create(t, b, symmetric(owner("orders", "doomed")))
	if _, err := b.ScheduleDeletion(t.Context(), doomed.ID, 7); err != nil {
		t.Fatal(err)
	}
	b.Close()
	h.clock.Step(100 * day)
	b = h.open(t)
	eventually(t, "both is done", func() bool {
		_, err := b.Get(t.Context(), doomed.ID)
		return backend.IsNotFound(err) && !get(t, b, key.ID).Rotation.LastTime.IsZero()
	})
}

func TestPublicKeysAreThoseOfTheKey(t *testing.T) {
	h := newHouse(t)
	b := h.open(t)
	in := backend.CreateInput{Owner: owner("orders", "signing"), Spec: keyspec.ECCNISTP256, Usage: keyspec.SignVerify}
	key := create(t, b, in)
	first, err := b.PublicKey(t.Context(), key.ID)
	if err != nil {
		t.Fatal(err)
	}
	again, err := h.open(t).PublicKey(t.Context(), key.ID)
	if err != nil || !cmp.Equal(first, again) {
		t.Errorf("another process tells another public key: %v", err)
	}
	plain := create(t, b, symmetric(owner("orders", "plain")))
	if _, err := b.PublicKey(t.Context(), plain.ID); backend.ClassOf(err) != backend.InvalidInput {
		t.Errorf("got %v", err)
	}
}

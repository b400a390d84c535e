// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package software

import (
	"regexp"
	"slices"
	"strings"
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

func TestWhoLosesAnAliasLearnsOfTheHolderWithinTheNamespaceOnly(t *testing.T) {
	b := newHouse(t).open(t)
	holder := apply(t, b, create(t, b, symmetric(owner("orders", "holder"))).ID, backend.PutAlias{Name: "alias/x"})
	neighbour := create(t, b, symmetric(owner("orders", "neighbour")))
	stranger := create(t, b, symmetric(owner("billing", "stranger")))

	_, err := b.Apply(t.Context(), neighbour.ID, []backend.Change{backend.PutAlias{Name: "alias/x"}})
	wantError(t, err, backend.Conflict, "aliases: alias alias/x is held by key "+holder.ID+" (Key orders/holder)")
	_, err = b.Apply(t.Context(), stranger.ID, []backend.Change{backend.PutAlias{Name: "alias/x"}})
	wantError(t, err, backend.Conflict, "aliases: alias alias/x is held by key "+holder.ID+" (not in this namespace)")
}

func TestErrorsSayWhatIsWrongAndWhere(t *testing.T) {
	b := newHouse(t).open(t)
	const none = "00000000-0000-4000-8000-000000000000"
	here := "region local of account 123456789012"
	for ref, want := range map[string]string{
		none:         "key " + none + " does not exist in " + here,
		"alias/none": "alias alias/none does not exist in " + here,
		"arn:aws:kms:local:123456789012:key/" + none: "arn:aws:kms:local:123456789012:key/" + none + " does not exist",
		"arn:aws:kms:eu-west-1:999999999999:key/" + none: "arn:aws:kms:eu-west-1:999999999999:key/" + none +
			" is of region eu-west-1 of account 999999999999, and this backend is " + here,
	} {
		_, err := b.Get(t.Context(), ref)
		wantError(t, err, backend.NotFound, want)
	}
	_, err := b.Get(t.Context(), "arn:aws:s3:::bucket")
	wantError(t, err, backend.InvalidInput, "Invalid arn 'arn:aws:s3:::bucket'")

	key := create(t, b, symmetric(owner("orders", "a")))
	_, err = b.ScheduleDeletion(t.Context(), key.ID, 31)
	wantError(t, err, backend.InvalidInput, "pendingWindowInDays is 31: it must be from 7 to 30 days")
	disabled := apply(t, b, key.ID, backend.Disable{})
	after, err := b.Apply(t.Context(), key.ID, []backend.Change{backend.SetRotation{ToDays: 90}, backend.SetDescription{To: "made"}})
	wantError(t, err, backend.NotReady, "rotation: "+disabled.ARN+" is disabled.")
	if after == nil || after.Description != "made" {
		t.Errorf("the other change was not made: %+v", after)
	}
}

func TestWhatTheAPIServerForbidsIsSaidAsItSaysIt(t *testing.T) {
	h := newHouse(t)
	b := h.open(t)
	key := create(t, b, symmetric(owner("orders", "a")))
	h.terminate(t)
	_, err := b.Create(t.Context(), symmetric(owner("orders", "b")))
	if backend.ClassOf(err) != backend.AccessDenied || !strings.Contains(err.Error(), "being terminated") {
		t.Errorf("got %s: %v", backend.ClassOf(err), err)
	}
	get(t, b, key.ID)
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

func TestADamagedRecordStopsItsOwnerAndNobodyElse(t *testing.T) {
	h := newHouse(t)
	b := h.open(t)
	victim, other := create(t, b, symmetric(owner("orders", "victim"))), create(t, b, symmetric(owner("orders", "other")))
	name := recordOf(t, h, victim.ID)
	backup := h.secret(t, name)
	var mu sync.Mutex
	var heard []string
	defer b.Watch(func(o backend.Owner) {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, o.String())
	})()
	altered := backup.DeepCopy()
	altered.Data["sealed"][70] ^= 1
	if _, err := h.client.CoreV1().Secrets(h.namespace).Update(t.Context(), altered, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the damage is seen", func() bool { return len(b.Damaged()) == 1 })
	if diff := cmp.Diff([]string{h.namespace + "/" + name}, b.Damaged()); diff != "" {
		t.Error(diff)
	}
	eventually(t, "the owner is told", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return cmp.Equal(heard, []string{"orders/victim"})
	})
	_, getErr := b.Get(t.Context(), victim.ID)
	_, ownedErr := b.Owned(t.Context(), owner("orders", "victim"))
	_, createErr := b.Create(t.Context(), symmetric(owner("orders", "victim")))
	_, applyErr := b.Apply(t.Context(), victim.ID, []backend.Change{backend.Disable{}})
	_, deleteErr := b.ScheduleDeletion(t.Context(), victim.ID, 7)
	for verb, err := range map[string]error{
		"Get": getErr, "Owned": ownedErr, "Create": createErr, "Apply": applyErr, "ScheduleDeletion": deleteErr,
	} {
		if backend.ClassOf(err) != backend.Damaged || !strings.Contains(err.Error(), h.namespace+"/"+name) {
			t.Errorf("%s: %s: %v", verb, backend.ClassOf(err), err)
		}
	}
	apply(t, b, other.ID, backend.SetDescription{To: "served on"})
	if owned, err := b.Owned(t.Context(), owner("orders", "other")); err != nil || len(owned) != 1 {
		t.Errorf("got %v, %v", owned, err)
	}
	h.deleteSecret(t, name)
	h.restore(t, backup)
	eventually(t, "the key is back", func() bool { key, err := b.Get(t.Context(), victim.ID); return err == nil && key.ID == victim.ID })
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

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package software

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

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

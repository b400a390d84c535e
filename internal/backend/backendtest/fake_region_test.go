// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backendtest_test

import (
	"testing"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

func newMultiRegionKey(t *testing.T, fake *backendtest.Fake) *backend.Key {
	t.Helper()
	key, err := fake.Create(t.Context(), backend.CreateInput{
		Owner: backend.Owner{Cluster: "c", Namespace: "n", Name: "k", UID: "u"}, MultiRegion: true,
		Spec: keyspec.SymmetricDefault, Usage: keyspec.EncryptDecrypt,
	})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestFakeHasOneRegionOfANameAndHoldsItsReplicasOnDemand(t *testing.T) {
	fake := backendtest.NewFake(time.Now())
	south := fake.Elsewhere("south")
	if south != fake.Elsewhere("south") || south.Elsewhere("fake-1") != fake {
		t.Fatal("a Region has two Fakes")
	}
	key := newMultiRegionKey(t, fake)
	state := func() backend.State {
		replica, err := south.Get(t.Context(), key.ID)
		if err != nil {
			t.Fatal(err)
		}
		return replica.State
	}
	south.HoldReplicas(true)
	if _, err := fake.Apply(t.Context(), key.ID, []backend.Change{backend.Replicate{Region: "south"}}); err != nil || state() != backend.StateCreating {
		t.Fatalf("replicating: %v, the replica is %s", err, state())
	}
	_, err := south.Apply(t.Context(), key.ID, []backend.Change{backend.Disable{}})
	if _, scheduling := south.ScheduleDeletion(t.Context(), key.ID, 7); backend.ClassOf(err) != backend.NotReady || backend.ClassOf(scheduling) != backend.NotReady {
		t.Errorf("a replica that is being made is disabled: %v, and to be deleted: %v; want neither", err, scheduling)
	}
	south.HoldReplicas(false)
	if state() != backend.StateEnabled {
		t.Errorf("the replica is %s", state())
	}
}

func TestFakeFailsOneFieldOfAnApply(t *testing.T) {
	fake := backendtest.NewFake(time.Now())
	south := fake.Elsewhere("south")
	key := newMultiRegionKey(t, fake)
	changes := []backend.Change{backend.SetDescription{To: "changed"}, backend.Replicate{Region: "south"}}
	denied := &backend.Error{Class: backend.AccessDenied, Message: "kms:ReplicateKey is denied"}
	for _, after := range []bool{false, true} {
		fake.Inject(backendtest.Fault{Verb: backendtest.VerbApply, Field: "replicas", Err: denied, Times: 1, AfterEffect: after})
		got, err := fake.Apply(t.Context(), key.ID, changes)
		if err == nil || err.Error() != "replicas: kms:ReplicateKey is denied" || backend.ClassOf(err) != backend.AccessDenied || got.Description != "changed" {
			t.Errorf("after the effect %t: %v, description %q", after, err, got.Description)
		}
		if _, err := south.Get(t.Context(), key.ID); backend.IsNotFound(err) == after {
			t.Errorf("after the effect %t, the replica: %v", after, err)
		}
	}
	if _, err := fake.Apply(t.Context(), key.ID, changes); err != nil {
		t.Errorf("after the faults: %v", err)
	}
	if calls := south.Calls(backendtest.VerbApply); calls != 0 {
		t.Errorf("the other Region was called %d times", calls)
	}
}

func TestFakeTakesCustomKeyStoresAsAWSDoes(t *testing.T) {
	fake := backendtest.NewFake(time.Now())
	hsm, xks := backend.CustomKeyStore{ID: "cks-1"}, backend.CustomKeyStore{ID: "cks-2", XksKeyID: "x"}
	good := backend.CreateInput{Spec: keyspec.SymmetricDefault, Usage: keyspec.EncryptDecrypt, Origin: backend.OriginCloudHSM, Store: hsm}
	for name, c := range map[string]struct {
		change func(*backend.CreateInput)
		want   backend.Class
	}{
		"CloudHSM":                     {func(*backend.CreateInput) {}, ""},
		"external key store":           {func(in *backend.CreateInput) { in.Origin, in.Store = backend.OriginExternalKeyStore, xks }, ""},
		"external key store, no key":   {func(in *backend.CreateInput) { in.Origin = backend.OriginExternalKeyStore }, backend.InvalidInput},
		"CloudHSM with a key":          {func(in *backend.CreateInput) { in.Store = xks }, backend.InvalidInput},
		"CloudHSM without a store":     {func(in *backend.CreateInput) { in.Store = backend.CustomKeyStore{} }, backend.InvalidInput},
		"a store with AWS's own key":   {func(in *backend.CreateInput) { in.Origin = backend.OriginAWSKMS }, backend.InvalidInput},
		"a multi-Region key":           {func(in *backend.CreateInput) { in.MultiRegion = true }, backend.InvalidInput},
		"a key that is not symmetric":  {func(in *backend.CreateInput) { in.Spec, in.Usage = keyspec.RSA2048, keyspec.SignVerify }, backend.InvalidInput},
		"a key that rotates by itself": {func(in *backend.CreateInput) { in.RotationPeriodInDays = 90 }, backend.InvalidInput},
	} {
		in := good
		in.Owner = backend.Owner{Cluster: "c", Namespace: "n", Name: name, UID: name}
		c.change(&in)
		key, err := fake.Create(t.Context(), in)
		if backend.ClassOf(err) != c.want || err == nil && (key.Store != in.Store || key.Origin != in.Origin) {
			t.Errorf("%s: %+v, %v", name, key, err)
		}
	}
}

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

func TestFakePassesTheConformanceSuite(t *testing.T) {
	backendtest.Run(t, func(*testing.T) backendtest.Subject {
		fake := backendtest.NewFake(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		return backendtest.Subject{
			Backend:       fake,
			CreateOutside: func(_ *testing.T, tags map[string]string) string { return fake.CreateOutside(tags) },
			Destroy:       func(_ *testing.T, id string) { fake.Destroy(id) },
			Advance:       func(_ *testing.T, by time.Duration) { fake.Advance(by) },
			Elsewhere:     fake.Elsewhere("fake-2"),
		}
	})
}

func TestFakeFailsOnDemandBeforeOrAfterTheEffect(t *testing.T) {
	fake := backendtest.NewFake(time.Now())
	in := backend.CreateInput{
		Owner: backend.Owner{Cluster: "c", Namespace: "n", Name: "k", UID: "u"},
		Spec:  keyspec.SymmetricDefault, Usage: keyspec.EncryptDecrypt,
	}
	throttled := &backend.Error{Class: backend.Throttled, Message: "slow down"}
	owned := func() int {
		keys, err := fake.Owned(t.Context(), in.Owner)
		if err != nil {
			t.Fatal(err)
		}
		return len(keys)
	}

	fake.Inject(backendtest.Fault{Verb: backendtest.VerbCreate, Err: throttled, Times: 1})
	if _, err := fake.Create(t.Context(), in); backend.ClassOf(err) != backend.Throttled || owned() != 0 {
		t.Errorf("a fault before the effect: %v, %d keys", err, owned())
	}
	fake.Inject(backendtest.Fault{Verb: backendtest.VerbCreate, Err: throttled, Times: 1, AfterEffect: true})
	if _, err := fake.Create(t.Context(), in); backend.ClassOf(err) != backend.Throttled || owned() != 1 {
		t.Errorf("a fault after the effect: %v, %d keys", err, owned())
	}
	if _, err := fake.Create(t.Context(), in); err != nil || owned() != 1 {
		t.Errorf("after the faults: %v, %d keys", err, owned())
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms_test

import (
	"sync"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/memstore"
	"github.com/chatelaine-dev/chatelaine/internal/kms/seal"
)

const day = 24 * time.Hour

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// house is a store and the root keys to it, in which services are opened.
type house struct {
	store *memstore.Store
	roots seal.RootKeys
	clock *clocktesting.FakeClock
	// options are those of the services that are opened.
	options kms.Options

	mu     sync.Mutex
	writes int
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{store: &memstore.Store{}, roots: keyringtest.NewRoots(t), clock: clocktesting.NewFakeClock(begin)}
	h.store.After = func(op memstore.Op, _ string) error {
		if op == memstore.OpCreate || op == memstore.OpUpdate || op == memstore.OpDelete {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.writes++
		}
		return nil
	}
	return h
}

// written counts the writes that do makes.
func (h *house) written(do func()) int {
	count := func() int {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.writes
	}
	before := count()
	do()
	return count() - before
}

// open is a process: a service on a keyring of its own, stopped by the function returned or when the test ends.
func (h *house) open(t *testing.T) (*kms.Service, *keyring.Keyring, func()) {
	t.Helper()
	ring := keyring.New(keyring.ID{AccountID: "123456789012", Region: "local"}, h.store, h.roots, keyring.Options{
		Owner: func(tags map[string]string) string { return tags["owner"] },
	})
	stop := keyringtest.Start(t, ring)
	return kms.New(ring, h.clock, h.options), ring, stop
}

func newService(t *testing.T) (*kms.Service, *house) {
	t.Helper()
	h := newHouse(t)
	service, _, _ := h.open(t)
	return service, h
}

func create(t *testing.T, service *kms.Service, in kms.CreateKeyInput) *kms.KeyMetadata {
	t.Helper()
	key, err := service.CreateKey(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func update(t *testing.T, service *kms.Service, keyID string, mutations ...kms.Mutation) *kms.KeyMetadata {
	t.Helper()
	key, err := service.Update(t.Context(), keyID, mutations...)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func describe(t *testing.T, service *kms.Service, ref string) *kms.KeyMetadata {
	t.Helper()
	key, err := service.DescribeKey(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// eventually waits for what happens in another goroutine.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting until %s", what)
		}
	}
}

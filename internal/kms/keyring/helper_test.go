// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/memstore"
	"github.com/chatelaine-dev/chatelaine/internal/kms/material"
	"github.com/chatelaine-dev/chatelaine/internal/kms/seal"
)

var ringID = keyring.ID{AccountID: "123456789012", Region: "local"}

func owner(tags map[string]string) string { return tags["owner"] }

// rotated are the roots with a new current one.
func rotated(t *testing.T, roots seal.RootKeys) seal.RootKeys {
	t.Helper()
	next := seal.NewRootKey()
	roots, err := roots.Add(next)
	if err == nil {
		roots, err = roots.SetCurrent(next.ID())
	}
	if err != nil {
		t.Fatal(err)
	}
	return roots
}

// open runs a Keyring on the store until the test ends.
func open(t *testing.T, store keyring.Store, roots seal.RootKeys, options keyring.Options) *keyring.Keyring {
	t.Helper()
	if options.Owner == nil {
		options.Owner = owner
	}
	ring := keyring.New(ringID, store, roots, options)
	keyringtest.Start(t, ring)
	return ring
}

func mustCreate(t *testing.T, ring *keyring.Keyring, record *keyring.KeyRecord) *keyring.KeyRecord {
	t.Helper()
	got, err := ring.CreateKey(t.Context(), record)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func mustAlias(t *testing.T, ring *keyring.Keyring, name, keyID string) {
	t.Helper()
	if err := ring.CreateAlias(t.Context(), keyring.AliasRecord{Name: name, KeyID: keyID, CreationTime: keyringtest.Created}); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for what the watch brings.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting until %s", what)
		}
	}
}

func describe(text string) func(*keyring.KeyRecord) error {
	return func(r *keyring.KeyRecord) error {
		r.Description = text
		return nil
	}
}

func always(*keyring.KeyRecord) error { return nil }

// material says that the record's current material can be used.
func usable(record *keyring.KeyRecord) error {
	return record.Current().Bytes.Use(func(b []byte) error {
		m, err := material.Parse(record.Spec, b)
		if err == nil && m.ID() != record.Current().ID {
			err = fmt.Errorf("material %s is %s", record.Current().ID, m.ID())
		}
		return err
	})
}

// counter counts the store's calls.
type counter struct {
	mu    sync.Mutex
	calls map[memstore.Op]int
}

func (c *counter) count(op memstore.Op, _ string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls == nil {
		c.calls = map[memstore.Op]int{}
	}
	c.calls[op]++
	return nil
}

func (c *counter) of(op memstore.Op) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[op]
}

// scripted is a store whose watch brings only what the test tells.
type scripted struct {
	memstore.Store
	sink  keyring.Sink
	ready chan struct{}
}

func newScripted() *scripted { return &scripted{ready: make(chan struct{})} }

func (s *scripted) Run(ctx context.Context, sink keyring.Sink) error {
	s.sink = sink
	sink.Replace(s.Items(), s.version())
	close(s.ready)
	<-ctx.Done()
	return nil
}

func (s *scripted) version() uint64 {
	if items := s.Items(); len(items) > 0 {
		return items[len(items)-1].Version
	}
	return 0
}

// lateStore is a store whose watch brings nothing after the first.
type lateStore struct{ *memstore.Store }

func (s *lateStore) Run(ctx context.Context, sink keyring.Sink) error {
	sink.Replace(s.Items(), 0)
	<-ctx.Done()
	return nil
}

// item is the item of a name as it is in the store.
func item(t *testing.T, store *memstore.Store, name string) keyring.Item {
	t.Helper()
	for _, item := range store.Items() {
		if item.Name == name {
			return item
		}
	}
	t.Fatalf("the store has no item %s", name)
	return keyring.Item{}
}

var errOutage = errors.New("the store is away")

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package keyringtest makes and runs keyrings for tests and benchmarks.
package keyringtest

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/memstore"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
	"github.com/chatelaine-dev/chatelaine/internal/kms/material"
	"github.com/chatelaine-dev/chatelaine/internal/kms/seal"
)

// Created is when the keys of NewKey were made.
var Created = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// New is an empty keyring in memory that runs until the test ends.
func New(tb testing.TB, id keyring.ID) *keyring.Keyring {
	tb.Helper()
	ring := keyring.New(id, &memstore.Store{}, NewRoots(tb), keyring.Options{})
	Start(tb, ring)
	return ring
}

// NewRoots is a new root key.
func NewRoots(tb testing.TB) seal.RootKeys {
	tb.Helper()
	roots, err := seal.NewRootKeys(seal.NewRootKey())
	if err != nil {
		tb.Fatal(err)
	}
	return roots
}

// Start runs the keyring until stop is called or the test ends, and returns when it has loaded what is in its store. After
// stop it hears of nothing any more. A keyring that ends with an error fails the test.
func Start(tb testing.TB, ring *keyring.Keyring) (stop func()) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	done := make(chan error, 1)
	go func() { done <- ring.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("the keyring ended with %v", err)
		}
	})
	tb.Cleanup(stop)
	if err := ring.WaitSynced(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return stop
}

// NewKey is the record of a symmetric key with new material, for CreateKey. Tags are given as key=value.
func NewKey(tb testing.TB, tags ...string) *keyring.KeyRecord {
	tb.Helper()
	m, err := material.Generate(keyspec.SymmetricDefault)
	if err != nil {
		tb.Fatal(err)
	}
	record := &keyring.KeyRecord{
		KeyID: uuid.NewString(), Spec: keyspec.SymmetricDefault, Usage: keyspec.EncryptDecrypt, State: lifecycle.Enabled,
		Tags: map[string]string{}, CreationTime: Created,
		Materials: []keyring.Material{{ID: m.ID(), CreatedAt: Created, Bytes: keyring.NewSecretBytes(m.Export())}},
	}
	for _, tag := range tags {
		key, value, _ := strings.Cut(tag, "=")
		record.Tags[key] = value
	}
	return record
}

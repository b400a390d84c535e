// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

func external(name string) backend.CreateInput {
	in := symmetric(name)
	in.Origin = backend.OriginExternal
	return in
}

func material() *backend.Material { return backend.NewMaterial(bytes.Repeat([]byte{0xa5}, 32)) }

func TestAnImportIsTwoCallsAndALostAnswerOneMore(t *testing.T) {
	t.Parallel()
	_, p, b := faulty(t)
	key := create(t, b, external("key"))
	put := func() *backend.Key {
		after, err := b.ImportMaterial(t.Context(), key.ID, material(), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		return after
	}
	if diff := cmp.Diff(map[string]int{"GetParametersForImport": 1, "ImportKeyMaterial": 1}, p.counted(func() { put() })); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	p.inject(fault{operation: "ImportKeyMaterial", times: 1, afterEffect: true})
	calls := p.counted(func() {
		if after := put(); after.State != backend.StateEnabled {
			t.Errorf("the key is %s", after.State)
		}
	})
	if diff := cmp.Diff(map[string]int{"GetParametersForImport": 1, "ImportKeyMaterial": 2}, calls); diff != "" {
		t.Errorf("calls when the answer was lost (-want +got):\n%s", diff)
	}
}

func TestMaterialLeavesTheProcessEncryptedOnly(t *testing.T) {
	t.Parallel()
	w := newEndpoint(t)
	var mu sync.Mutex
	var sent bytes.Buffer
	serve := w.handler
	w.handler = http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		body, err := io.ReadAll(in.Body)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		sent.Write(body)
		mu.Unlock()
		in.Body = io.NopCloser(bytes.NewReader(body))
		serve.ServeHTTP(out, in)
	})
	b := open(t, settings(w.url(), clock.RealClock{}))
	key := create(t, b, external("key"))
	if _, err := b.ImportMaterial(t.Context(), key.ID, material(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	secret := bytes.Repeat([]byte{0xa5}, 32)
	text := base64.StdEncoding.EncodeToString(secret)
	if !strings.Contains(sent.String(), "EncryptedKeyMaterial") || bytes.Contains(sent.Bytes(), secret) || strings.Contains(sent.String(), text[:40]) {
		t.Errorf("what was sent is not encrypted, or nothing was:\n%s", sent.String())
	}
}

// AWS hands out a wrapping key in four seconds. Who cannot have one soon is told at once, so that nobody waits behind him.
func TestWhoCannotImportSoonIsToldSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newEndpoint(t)
		config := settings(piped, clock.RealClock{})
		config.Quotas["GetParametersForImport"] = 0.01
		b := w.open(t, config)
		first, second := create(t, b, external("first")), create(t, b, external("second"))
		if _, err := b.ImportMaterial(t.Context(), first.ID, material(), time.Time{}); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			begun := time.Now()
			_, err := b.ImportMaterial(t.Context(), second.ID, material(), time.Time{})
			if backend.ClassOf(err) != backend.Throttled || time.Since(begun) > importTime/2 {
				t.Errorf("after %s: %v, want %s at once", time.Since(begun), err, backend.Throttled)
			}
		}
		if share := b.limits["GetParametersForImport"].share(); share != 1 {
			t.Errorf("the rate is %v of its own, and AWS throttled nothing", share)
		}
	})
}

func TestThatMaterialExpiredIsSeenWithoutASweep(t *testing.T) {
	t.Parallel()
	w := newEndpoint(t)
	b := open(t, settings(w.url(), w.clock))
	key := create(t, b, external("key"))
	until := w.clock.Now().Add(30 * day)
	if _, err := b.ImportMaterial(t.Context(), key.ID, material(), until); err != nil {
		t.Fatal(err)
	}
	w.clock.Step(31 * day)
	if seen := get(t, b, key.ID); seen.State != backend.StateEnabled || seen.ExpirationTime.IsZero() {
		t.Errorf("AWS has not deleted it yet, and the key is %s until %s", seen.State, seen.ExpirationTime)
	}
	if _, err := w.service.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if seen := get(t, b, key.ID); seen.State != backend.StatePendingImport || !seen.ExpirationTime.IsZero() {
		t.Errorf("the key is %s until %s", seen.State, seen.ExpirationTime)
	}
}

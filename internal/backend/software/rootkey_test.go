// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package software

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/kms/seal"
)

// wantRootKeyError says what a root key's error has to be like; cause says whether its cause is of the right type.
func wantRootKeyError(t *testing.T, err error, reason string, cause func(error) bool, parts ...string) {
	t.Helper()
	failure, ok := errors.AsType[*backend.Error](err)
	if !ok || failure.Class != backend.Damaged || failure.Reason != reason || !cause(err) {
		t.Fatalf("got %+v, want reason %s", err, reason)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %s", err, part)
		}
	}
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func TestTheRootKeyIsMadeWithTheKeyringAndNeverAgain(t *testing.T) {
	h := newHouse(t)
	b, err := Open(t.Context(), h.config())
	if err != nil {
		t.Fatal(err)
	}
	key := create(t, b, symmetric(owner("orders", "a")))
	b.Close()
	backup := h.secret(t, rootSecret)
	location := h.namespace + "/" + rootSecret

	h.deleteSecret(t, rootSecret)
	_, err = Open(t.Context(), h.config())
	wantRootKeyError(t, err, "RootKeyMissing", is[*RootKeyMissingError], location, "backup")
	mars := h.config() // another keyring with the same root key must not make a new one either
	mars.Region = "mars"
	_, err = Open(t.Context(), mars)
	wantRootKeyError(t, err, "RootKeyMissing", is[*RootKeyMissingError], location)

	wrong, err := seal.NewRootKeys(seal.NewRootKey())
	if err != nil {
		t.Fatal(err)
	}
	h.restore(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: rootSecret}, Data: wrong.Encode()})
	_, err = Open(t.Context(), h.config())
	right, err2 := seal.ParseRootKeys(backup.Data)
	if err2 != nil {
		t.Fatal(err2)
	}
	wantRootKeyError(t, err, "RootKeyMismatch", is[*RootKeyMismatchError], location, right.Current(), wrong.Current())

	h.deleteSecret(t, rootSecret)
	h.restore(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: rootSecret}, Data: map[string][]byte{"password": []byte("hunter2")}})
	_, err = Open(t.Context(), h.config())
	wantRootKeyError(t, err, "RootKeyInvalid", is[*RootKeyInvalidError], location)
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the Secret's content shows: %v", err)
	}

	h.deleteSecret(t, rootSecret)
	h.restore(t, backup)
	get(t, h.open(t), key.ID)
}

func TestKeysServeOnWhenTheRootKeyGoesMissingOrWrongAtRuntime(t *testing.T) {
	h := newHouse(t)
	b := h.open(t)
	key := create(t, b, symmetric(owner("orders", "a")))
	backup := h.secret(t, rootSecret)
	h.deleteSecret(t, rootSecret)
	wantRootKeyError(t, b.Refresh(t.Context()), "RootKeyMissing", is[*RootKeyMissingError])
	wantRootKeyError(t, b.RotateRootKey(t.Context(), time.Now().Add(time.Hour)), "RootKeyMissing", is[*RootKeyMissingError])
	apply(t, b, key.ID, backend.SetDescription{To: "served on"})

	wrong, err := seal.NewRootKeys(seal.NewRootKey())
	if err != nil {
		t.Fatal(err)
	}
	h.restore(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: rootSecret}, Data: wrong.Encode()})
	wantRootKeyError(t, b.Refresh(t.Context()), "RootKeyMismatch", is[*RootKeyMismatchError])
	apply(t, b, key.ID, backend.SetDescription{To: "and on, not under the wrong root key"})

	h.deleteSecret(t, rootSecret)
	h.restore(t, backup)
	if err := b.Refresh(t.Context()); err != nil {
		t.Error(err)
	}
	get(t, h.open(t), key.ID)
}

func TestTheRootKeyRotatesUnderTrafficFromTwoProcesses(t *testing.T) {
	h := newHouse(t)
	a, b := h.open(t), h.open(t)
	var ids []string
	for i := range 10 {
		name := strconv.Itoa(i)
		key := apply(t, a, create(t, a, symmetric(owner("orders", name))).ID, backend.PutAlias{Name: "alias/" + name})
		ids = append(ids, key.ID)
	}
	last := ids[len(ids)-1]
	eventually(t, "b has all keys", func() bool { key, err := b.Get(t.Context(), last); return err == nil && len(key.Aliases) == 1 })
	first, rotatedAt := a.RootKey()
	if !rotatedAt.IsZero() {
		t.Errorf("a new root key was rotated at %s", rotatedAt)
	}

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var traffic sync.WaitGroup
	for _, process := range []*Backend{a, b} {
		traffic.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				id := ids[i%len(ids)]
				_, getErr := process.Get(ctx, id)
				_, applyErr := process.Apply(ctx, id, []backend.Change{backend.SetDescription{To: strconv.Itoa(i)}})
				if err := errors.Join(getErr, applyErr); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			}
		})
	}
	h.clock.Step(time.Hour)
	requestedAt := h.clock.Now().Truncate(time.Second)
	for range 2 { // asking again for the same rotation does nothing
		if err := a.RotateRootKey(ctx, requestedAt); err != nil {
			t.Fatal(err)
		}
	}
	for a.Stale() > 0 {
		if _, err := a.Reseal(ctx); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "b has everything under the new root key", func() bool { return b.Stale() == 0 })
	stop()
	traffic.Wait()

	for name, process := range map[string]*Backend{"a": a, "b": b} {
		id, at := process.RootKey()
		if id == first || !at.Equal(requestedAt) || len(process.Damaged()) > 0 {
			t.Errorf("%s: root key %s since %s, damaged %v", name, id, at, process.Damaged())
		}
	}
	secret := h.secret(t, rootSecret)
	if len(secret.Data) != 3 {
		t.Errorf("the Secret has %d entries, want current and two keys", len(secret.Data))
	}
	delete(secret.Data, "key-"+first)
	if _, err := h.client.CoreV1().Secrets(h.namespace).Update(t.Context(), secret, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	fresh := h.open(t) // nothing needs the old root key any more
	for _, id := range ids {
		get(t, fresh, id)
	}
}

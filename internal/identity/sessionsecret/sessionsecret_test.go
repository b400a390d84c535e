// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package sessionsecret_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/internal/identity"
	"github.com/chatelaine-dev/chatelaine/internal/identity/sessionsecret"
)

func TestReplicasThatStartTogetherShareTheirKeys(t *testing.T) {
	namespace := env.Namespace(t)
	replicas := make([]*replica, 6)
	for i := range replicas {
		replicas[i] = newReplica(t, namespace)
	}
	var wg sync.WaitGroup
	for _, r := range replicas {
		wg.Go(func() {
			if err := r.Sync(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	issued := issue(t, replicas[0])
	for _, r := range replicas {
		if err := lookup(t, r, issued); err != nil {
			t.Error(err)
		}
	}
	secret := replicas[0].secret(t)
	if secret.Labels["kms.chatelaine.dev/session-keys"] != "true" || len(secret.Data) != 2 {
		t.Errorf("the Secret has labels %v and %d entries", secret.Labels, len(secret.Data))
	}
}

func TestOneReplicaRotatesForAll(t *testing.T) {
	namespace := env.Namespace(t)
	replicas := []*replica{newReplica(t, namespace), newReplica(t, namespace), newReplica(t, namespace)}
	for _, r := range replicas {
		r.sync(t)
	}
	old := issue(t, replicas[0])
	var wg sync.WaitGroup
	for _, r := range replicas {
		r.clock.SetTime(start.Add(identity.KeyRotation))
		wg.Go(func() {
			if err := r.Sync(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	want := replicas[0].Keys().IDs()
	if len(want) != 2 {
		t.Errorf("after the rotation there are keys %v", want)
	}
	for _, r := range replicas {
		if diff := cmp.Diff(want, r.sync(t).IDs()); diff != "" {
			t.Error(diff)
		}
		r.clock.SetTime(start.Add(identity.KeyRotation + identity.KeyActivation))
	}
	young := issue(t, replicas[1])
	for _, r := range replicas {
		if err := lookup(t, r, young); err != nil {
			t.Errorf("a session under the new key: %v", err)
		}
		if err := lookup(t, r, old); !errors.Is(err, identity.ErrExpired) {
			t.Errorf("a session of the week before: %v", err)
		}
		r.clock.SetTime(start.Add(identity.KeyRotation + 24*time.Hour))
	}
	if ids := replicas[2].sync(t).IDs(); len(ids) != 1 || ids[0] != want[1] {
		t.Errorf("a day later there are keys %v of %v", ids, want)
	}
}

func TestAReplicaThatComesSecondTakesWhatTheFirstWrote(t *testing.T) {
	namespace := env.Namespace(t)
	one, two := newReplica(t, namespace), newReplica(t, namespace)
	same := func() {
		t.Helper()
		if diff := cmp.Diff(one.Keys().IDs(), two.Keys().IDs()); diff != "" {
			t.Error(diff)
		}
	}
	two.beforeWrite(func() { one.sync(t) })
	two.sync(t) // one makes the Secret when two is about to
	same()
	one.clock.SetTime(start.Add(identity.KeyRotation))
	two.clock.SetTime(start.Add(identity.KeyRotation))
	two.beforeWrite(func() { one.sync(t) })
	two.sync(t) // one rotates when two is about to
	same()
	if n := len(one.sync(t).IDs()); n != 2 {
		t.Errorf("there are %d keys", n)
	}
	one.clock.Step(identity.KeyRotation)
	two.clock.Step(identity.KeyRotation)
	two.beforeWrite(func() { one.delete(t) })
	two.sync(t) // the Secret goes when two is about to rotate
	one.sync(t)
	same()
	if n := len(one.Keys().IDs()); n != 1 {
		t.Errorf("after the Secret was deleted there are %d keys", n)
	}
}

func TestARotationThatFailsStillTellsOfKeys(t *testing.T) {
	namespace := env.Namespace(t)
	one, two := newReplica(t, namespace), newReplica(t, namespace)
	one.sync(t)
	two.clock.SetTime(start.Add(identity.KeyRotation))
	two.beforeWrite(two.network.Cut)
	if err := two.Sync(t.Context()); err == nil {
		t.Error("a rotation that failed went unnoticed")
	}
	if diff := cmp.Diff(one.Keys().IDs(), two.Keys().IDs()); diff != "" {
		t.Error(diff)
	}
}

func TestNothingIsWrittenWhenNothingIsDue(t *testing.T) {
	r := newReplica(t, env.Namespace(t))
	r.sync(t)
	version := r.secret(t).ResourceVersion
	before := r.network.Requests()
	for range 3 {
		r.clock.Step(time.Hour)
		r.sync(t)
	}
	if n := r.network.Requests() - before; n != 3 {
		t.Errorf("%d requests for 3 looks", n)
	}
	if now := r.secret(t).ResourceVersion; now != version {
		t.Errorf("the Secret went from %s to %s", version, now)
	}
}

func TestAKeyThatAnotherReplicaMadeIsFetchedForAToken(t *testing.T) {
	namespace := env.Namespace(t)
	one, two := newReplica(t, namespace), newReplica(t, namespace)
	one.sync(t)
	two.sync(t)
	one.delete(t)
	one.clock.Step(2 * time.Second)
	two.clock.Step(2 * time.Second)
	one.sync(t)
	if err := lookup(t, two, issue(t, one)); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestMadeUpTokensDoNotLoadTheAPIServer(t *testing.T) {
	r := newReplica(t, env.Namespace(t))
	r.sync(t)
	r.clock.Step(time.Minute)
	before := r.network.Requests()
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if err := r.Refresh(t.Context(), "0000000000000000"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := r.network.Requests() - before; n != 1 {
		t.Errorf("%d requests in one second", n)
	}
	r.clock.Step(time.Second)
	if err := r.Refresh(t.Context(), "0000000000000000"); err != nil {
		t.Error(err)
	}
	if n := r.network.Requests() - before; n != 2 {
		t.Errorf("%d requests in two seconds", n)
	}
}

func TestSessionsGoOnWhileTheAPIServerIsAway(t *testing.T) {
	namespace := env.Namespace(t)
	r, late := newReplica(t, namespace), newReplica(t, namespace)
	r.sync(t)
	issued := issue(t, r)
	r.network.Cut()
	late.network.Cut()
	for range 3 {
		if err := r.Sync(t.Context()); err == nil {
			t.Error("the cut went unnoticed")
		}
	}
	if err := lookup(t, r, issued); err != nil {
		t.Errorf("got %v", err)
	}
	if err := lookup(t, r, issue(t, r)); err != nil {
		t.Errorf("a new session: %v", err)
	}
	// One that never read the keys says so, and not that the token is bad.
	if err := late.Sync(t.Context()); err == nil {
		t.Error("the cut went unnoticed")
	}
	if err := lookup(t, late, issued); !errors.Is(err, identity.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if n := strings.Count(r.log.String(), "could not be read"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, &r.log)
	}
	late.network.Mend()
	late.clock.Step(2 * time.Second)
	if err := lookup(t, late, issued); err != nil {
		t.Errorf("when it is back: %v", err)
	}
}

func TestDeletingTheSecretEndsAllSessions(t *testing.T) {
	r := newReplica(t, env.Namespace(t))
	r.sync(t)
	issued := issue(t, r)
	r.delete(t)
	r.sync(t)
	if err := lookup(t, r, issued); !errors.Is(err, identity.ErrUnknown) {
		t.Errorf("got %v", err)
	}
	if err := lookup(t, r, issue(t, r)); err != nil {
		t.Errorf("a new session: %v", err)
	}
}

func TestASecretThatHoldsSomethingElseIsNeverOverwritten(t *testing.T) {
	r := newReplica(t, env.Namespace(t))
	r.sync(t)
	issued := issue(t, r)
	secret := r.secret(t)
	secret.Data = map[string][]byte{"password": []byte("hunter2")}
	_, err := r.config.Client.CoreV1().Secrets(r.config.Namespace).Update(t.Context(), secret, metav1.UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r.clock.Step(30 * 24 * time.Hour)
	err = r.Sync(t.Context())
	if _, ok := errors.AsType[*sessionsecret.InvalidError](err); !ok {
		t.Fatalf("got %v", err)
	}
	for _, part := range []string{r.config.Namespace + "/" + r.config.Name, "delete it"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %s", err, part)
		}
	}
	if strings.Contains(err.Error()+r.log.String(), "hunter2") || !maps.EqualFunc(r.secret(t).Data, secret.Data, slices.Equal) {
		t.Errorf("the Secret was shown or changed: %v", err)
	}
	r.clock.SetTime(start)
	if err := lookup(t, r, issued); err != nil {
		t.Errorf("the keys known before: %v", err)
	}
}

func TestRunKeepsTheKeysInStepAndEndsWithItsContext(t *testing.T) {
	r := newReplica(t, env.Namespace(t))
	r.network.Cut()
	done := make(chan error)
	go func() { done <- r.Run(t.Context()) }()
	r.awaitTimer(t)
	r.network.Mend()
	r.clock.Step(5 * time.Second) // a failure is tried again sooner
	r.awaitTimer(t)
	if len(r.Keys().IDs()) != 1 {
		t.Fatalf("keys are %v", r.Keys())
	}
	r.clock.Step(identity.KeyRotation)
	r.awaitTimer(t)
	if len(r.Keys().IDs()) != 2 {
		t.Errorf("keys are %v", r.Keys())
	}
	t.Cleanup(func() { // runs when t.Context has ended
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

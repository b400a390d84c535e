// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package sessionsecret_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/chatelaine-dev/chatelaine/internal/identity"
	"github.com/chatelaine-dev/chatelaine/internal/identity/sessionsecret"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

var env *testenv.Env

func TestMain(m *testing.M) { os.Exit(testenv.Run(m, &env, testenv.Options{WithoutCRDs: true})) }

var start = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

// replica is one process's Source, with a clock and a way to the API server of its own.
type replica struct {
	*sessionsecret.Source
	config sessionsecret.Config
	clock  *clocktesting.FakeClock
	// network is the replica's own way to the API server.
	network *testenv.Network
	log     strings.Builder
}

func newReplica(t *testing.T, namespace string) *replica {
	t.Helper()
	r := &replica{clock: clocktesting.NewFakeClock(start)}
	client, network := env.ClientOver(t)
	r.network = network
	log := funcr.New(func(_, args string) { r.log.WriteString(args + "\n") }, funcr.Options{})
	r.config = sessionsecret.Config{
		Client: client, Namespace: namespace, Name: sessionsecret.DefaultName, Clock: r.clock, Log: log,
	}
	r.Source = sessionsecret.New(r.config)
	return r
}

// beforeWrite has do called once, before the next write gets on its way.
func (r *replica) beforeWrite(do func()) {
	r.network.Before(func(request *http.Request) {
		if request.Method != http.MethodGet {
			r.network.Before(nil)
			do()
		}
	})
}

func (r *replica) sync(t *testing.T) identity.Keys {
	t.Helper()
	if err := r.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r.Keys()
}

func (r *replica) secret(t *testing.T) *corev1.Secret {
	t.Helper()
	secret, err := r.config.Client.CoreV1().Secrets(r.config.Namespace).Get(t.Context(), r.config.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func (r *replica) delete(t *testing.T) {
	t.Helper()
	err := r.config.Client.CoreV1().Secrets(r.config.Namespace).Delete(t.Context(), r.config.Name, metav1.DeleteOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func issue(t *testing.T, r *replica) identity.Issued {
	t.Helper()
	issued, err := identity.NewSessions(r, r.clock).Issue("arn:aws:iam::111122223333:role/ns/api",
		identity.Session{Name: "web"}, identity.MaxSession)
	if err != nil {
		t.Fatal(err)
	}
	return issued
}

func lookup(t *testing.T, r *replica, issued identity.Issued) error {
	t.Helper()
	_, err := identity.NewSessions(r, r.clock).Lookup(t.Context(), issued.Caller.AccessKeyID, issued.SessionToken)
	return err
}

// awaitTimer waits until Run sleeps.
func (r *replica) awaitTimer(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !r.clock.HasWaiters(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("Run does not come to rest")
		}
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskeys_test

import (
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/chatelaine-dev/chatelaine/internal/identity"
	"github.com/chatelaine-dev/chatelaine/internal/identity/accesskeys"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

var env *testenv.Env

func TestMain(m *testing.M) { os.Exit(testenv.Run(m, &env, testenv.Options{WithoutCRDs: true})) }

const (
	keyID  = "AKIAEXAMPLE123456789"
	secret = "qzjxvkwypfmbgculdrhstnioea"
	root   = "arn:aws:iam::111122223333:root"
	// soon is for how long a change is waited for. That it is in effect at once other tests show, in virtual time.
	soon = time.Minute
)

// fixture is a running Source and the Secrets that it reads.
type fixture struct {
	*accesskeys.Source
	client    kubernetes.Interface // the tests' own, never cut
	network   *testenv.Network     // the Source's
	namespace string

	mu  sync.Mutex
	log []string
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{namespace: env.Namespace(t)}
	f.client, _ = env.ClientOver(t)
	client, network := env.ClientOver(t)
	f.network = network
	log := funcr.New(func(_, args string) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.log = append(f.log, args)
	}, funcr.Options{})
	f.Source = accesskeys.New(accesskeys.Config{Client: client, Namespace: f.namespace, Log: log})
	return f
}

func (f *fixture) run(t *testing.T) {
	t.Helper()
	done := make(chan error)
	go func() { done <- f.Run(t.Context()) }()
	t.Cleanup(func() { // runs when t.Context has ended
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-f.Synced():
	case <-time.After(soon):
		t.Fatal("the Secrets were not read")
	}
}

func (f *fixture) create(t *testing.T, name, id, secret, principal string) *corev1.Secret {
	t.Helper()
	made, err := f.client.CoreV1().Secrets(f.namespace).Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{accesskeys.Label: "true"}},
		StringData: map[string]string{"accessKeyID": id, "secretAccessKey": secret, "principal": principal},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func (f *fixture) update(t *testing.T, secret *corev1.Secret) {
	t.Helper()
	if _, err := f.client.CoreV1().Secrets(f.namespace).Update(t.Context(), secret, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) delete(t *testing.T, name string) {
	t.Helper()
	if err := f.client.CoreV1().Secrets(f.namespace).Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

// within waits until the look-up of an access key ends as wanted, nil meaning that it is known.
func (f *fixture) within(t *testing.T, limit time.Duration, id string, want error) identity.Credential {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		got, err := f.Lookup(t.Context(), id, "")
		if errors.Is(err, want) {
			return got
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %s the look-up of %s ends with %v, want %v", limit, id, err, want)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// logged is what was logged with all the words.
func (f *fixture) logged(words ...string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var lines []string
lines:
	for _, line := range f.log {
		for _, word := range words {
			if !strings.Contains(line, word) {
				continue lines
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// settle waits until the Source has seen everything that was done so far.
func (f *fixture) settle(t *testing.T) {
	t.Helper()
	f.create(t, "settle", "AKIASETTLE1234567890", secret, root)
	f.within(t, soon, "AKIASETTLE1234567890", nil)
	f.delete(t, "settle")
	f.within(t, soon, "AKIASETTLE1234567890", identity.ErrUnknown)
}

// reconnect waits until a Source whose network was cut has listed anew.
func (f *fixture) reconnect(t *testing.T) {
	t.Helper()
	f.create(t, "reconnected", "AKIARECONNECTED12345", secret, root)
	f.within(t, soon, "AKIARECONNECTED12345", nil)
}

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
	// soon is how quickly a change must be in effect.
	soon = time.Second
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
	case <-time.After(10 * time.Second):
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

func TestAnAccessKeyWorksFromItsSecretsApplyToItsDelete(t *testing.T) {
	f := newFixture(t)
	f.create(t, "before", "AKIABEFORE1234567890", secret, root)
	if _, err := f.Lookup(t.Context(), "AKIABEFORE1234567890", ""); !errors.Is(err, identity.ErrUnavailable) {
		t.Errorf("before the Secrets were read: %v", err)
	}
	f.run(t)
	f.within(t, 0, "AKIABEFORE1234567890", nil)

	f.create(t, "alice", keyID, secret, "arn:aws:iam::111122223333:user/alice")
	got := f.within(t, soon, keyID, nil)
	if got.SecretAccessKey.Reveal() != secret || got.Caller.Type != identity.IAMUser || got.Caller.UserName != "alice" ||
		got.Caller.AccessKeyID != keyID || !got.Expires.IsZero() {
		t.Errorf("got %+v", got)
	}
	if _, err := f.Lookup(t.Context(), keyID, "token"); !errors.Is(err, identity.ErrUnknown) {
		t.Errorf("with a session token: %v", err)
	}
	f.delete(t, "alice")
	f.within(t, soon, keyID, identity.ErrUnknown)
}

func TestAChangedSecretIsWhatCounts(t *testing.T) {
	f := newFixture(t)
	f.run(t)
	made := f.create(t, "alice", keyID, secret, root)
	f.within(t, soon, keyID, nil)
	made.Data["accessKeyID"] = []byte("AKIAOTHER12345678901")
	f.update(t, made)
	f.within(t, soon, "AKIAOTHER12345678901", nil)
	f.within(t, 0, keyID, identity.ErrUnknown)
}

func TestASecretThatLosesItsLabelIsNoAccessKeyAnyMore(t *testing.T) {
	f := newFixture(t)
	f.run(t)
	made := f.create(t, "alice", keyID, secret, root)
	f.within(t, soon, keyID, nil)
	made.Labels[accesskeys.Label] = "false"
	f.update(t, made)
	f.within(t, soon, keyID, identity.ErrUnknown)
}

func TestSecretsElsewhereAreNoAccessKeys(t *testing.T) {
	f, elsewhere := newFixture(t), newFixture(t)
	f.run(t)
	elsewhere.create(t, "alice", keyID, secret, root)
	f.settle(t)
	f.within(t, 0, keyID, identity.ErrUnknown)
}

func TestAMalformedSecretIsLoggedOnceByNameFieldAndWayOut(t *testing.T) {
	f := newFixture(t)
	f.run(t)
	made := f.create(t, "alice", keyID, secret+"\n", root)
	f.create(t, "bob", keyID, secret, secret) // the secret in the wrong field
	f.create(t, "carol", "short", secret, root)
	f.create(t, "dave", keyID, "short", root)
	f.settle(t)
	f.within(t, 0, keyID, identity.ErrUnknown)
	made.Annotations = map[string]string{"touched": "yes"}
	f.update(t, made)
	f.settle(t)
	f.network.Cut()
	f.network.Mend()
	f.reconnect(t)
	for _, want := range [][]string{
		{"alice", "secretAccessKey", "white space"}, {"bob", "principal", "write the ARN"},
		{"carol", "accessKeyID", "16 to 128"}, {"dave", "secretAccessKey", "16 to 128"},
	} {
		if lines := f.logged(append(want, "access key refused")...); len(lines) != 1 {
			t.Errorf("logged about %s: %q", want, lines)
		}
	}
	if lines := f.logged(secret); len(lines) > 0 {
		t.Errorf("logged the secret: %q", lines)
	}
}

// reconnect waits until a Source whose network was cut has listed anew.
func (f *fixture) reconnect(t *testing.T) {
	t.Helper()
	f.create(t, "reconnected", "AKIARECONNECTED12345", secret, root)
	f.within(t, 15*time.Second, "AKIARECONNECTED12345", nil)
}

func TestAMendedSecretIsUsedAndABrokenOneNoLonger(t *testing.T) {
	f := newFixture(t)
	f.run(t)
	made := f.create(t, "alice", keyID, secret, "nobody")
	f.settle(t)
	f.within(t, 0, keyID, identity.ErrUnknown)
	made.Data["principal"] = []byte(root)
	f.update(t, made)
	f.within(t, soon, keyID, nil)
	if lines := f.logged("access key accepted", "alice"); len(lines) != 1 {
		t.Errorf("logged %q", lines)
	}
	fresh, err := f.client.CoreV1().Secrets(f.namespace).Get(t.Context(), "alice", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	delete(fresh.Data, "secretAccessKey")
	f.update(t, fresh)
	f.within(t, soon, keyID, identity.ErrUnknown)
	f.delete(t, "alice") // a broken one that goes away leaves nothing behind
	f.create(t, "alice", keyID, secret, root)
	f.within(t, soon, keyID, nil)
}

func TestTwoSecretsWithOneAccessKeyIDAreBothRefused(t *testing.T) {
	f := newFixture(t)
	f.create(t, "alice", keyID, secret, "arn:aws:iam::111122223333:user/alice")
	f.run(t)
	f.within(t, 0, keyID, nil)
	f.create(t, "mallory", keyID, secret+"2", root)
	f.within(t, soon, keyID, identity.ErrUnknown)
	_, err := f.Lookup(t.Context(), keyID, "")
	for _, name := range []string{"alice", "mallory"} {
		if lines := f.logged("access key refused", `"secret"="`+name+`"`, "delete one"); len(lines) != 1 {
			t.Errorf("logged about %s: %q", name, lines)
		}
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%q does not name %s", err, name)
		}
	}
	if lines := f.logged(keyID); len(lines) > 0 {
		t.Errorf("logged the access key ID, which may be a secret in the wrong field: %q", lines)
	}
	f.delete(t, "mallory")
	if got := f.within(t, soon, keyID, nil); got.Caller.UserName != "alice" {
		t.Errorf("got %+v", got.Caller)
	}
	if lines := f.logged("access key accepted", "alice"); len(lines) != 1 {
		t.Errorf("logged %q", lines)
	}
}

func TestAccessKeysGoOnWorkingWhileTheAPIServerIsAway(t *testing.T) {
	f := newFixture(t)
	f.create(t, "alice", keyID, secret, root)
	f.run(t)
	f.network.Cut()
	f.create(t, "bob", "AKIABOB1234567890123", secret, root)
	f.delete(t, "alice")
	for range 20 {
		f.within(t, 0, keyID, nil)
		time.Sleep(20 * time.Millisecond)
	}
	f.within(t, 0, "AKIABOB1234567890123", identity.ErrUnknown)
	f.network.Mend()
	f.within(t, 15*time.Second, "AKIABOB1234567890123", nil)
	f.within(t, soon, keyID, identity.ErrUnknown) // the watch tells of one after the other
}

func TestManyCallersLookUpWhileSecretsChange(t *testing.T) {
	f := newFixture(t)
	f.create(t, "alice", keyID, secret, root)
	f.run(t)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 8 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := f.Lookup(t.Context(), keyID, ""); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 5 {
		f.settle(t)
	}
	close(stop)
	wg.Wait()
}

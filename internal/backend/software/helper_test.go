// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package software

import (
	"context"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

var env *testenv.Env

func TestMain(m *testing.M) { os.Exit(testenv.Run(m, &env, testenv.Options{WithoutCRDs: true})) }

const (
	clusterUID = "c0ffee00-0000-4000-8000-000000000000"
	rootSecret = "chatelaine-root-key"
	day        = 24 * time.Hour
)

// house is a namespace in which backends are opened, each a process of its own.
type house struct {
	client    kubernetes.Interface
	network   *testenv.Network // the client's
	namespace string
	clock     *clocktesting.FakeClock
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{namespace: env.Namespace(t), clock: clocktesting.NewFakeClock(time.Now())}
	h.client, h.network = env.ClientOver(t)
	return h
}

func (h *house) config() Config {
	return Config{
		Client: h.client, Namespace: h.namespace, ClusterUID: clusterUID, AccountID: "123456789012", Region: "local",
		RootKeySecret: rootSecret, Clock: h.clock,
	}
}

// open is a process, stopped when the test ends.
func (h *house) open(t *testing.T) *Backend {
	t.Helper()
	b, err := Open(t.Context(), h.config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// openRegions is a process with two Regions of one account.
func (h *house) openRegions(t *testing.T) (local, elsewhere *Backend) {
	t.Helper()
	return h.openRegionsIn(t, kms.NewPartition())
}

func (h *house) openRegionsIn(t *testing.T, partition *kms.Partition) (local, elsewhere *Backend) {
	t.Helper()
	open := func(region string) *Backend {
		config := h.config()
		config.Region = region
		b, err := Open(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		partition.Add(b.Service())
		return b
	}
	return open("local"), open("elsewhere")
}

// firstWords are the parts of a Secret's name that are the same at each run.
func firstWords(name string) string {
	parts := strings.SplitN(name, "-", 3)
	return strings.Join(parts[:min(2, len(parts))], "-")
}

// written are the writes to the API server that do makes.
func (h *house) written(do func()) []string {
	var mu sync.Mutex
	var writes []string
	h.network.Before(func(request *http.Request) {
		if request.Method == http.MethodGet {
			return
		}
		_, resource, _ := strings.Cut(request.URL.Path, h.namespace+"/")
		resource, name, _ := strings.Cut(resource, "/")
		mu.Lock()
		defer mu.Unlock()
		writes = append(writes, strings.TrimSpace(request.Method+" "+resource+" "+firstWords(name)))
	})
	do()
	h.network.Before(nil)
	mu.Lock()
	defer mu.Unlock()
	return writes
}

func (h *house) secret(t *testing.T, name string) *corev1.Secret {
	t.Helper()
	secret, err := h.client.CoreV1().Secrets(h.namespace).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func (h *house) deleteSecret(t *testing.T, name string) {
	t.Helper()
	if err := h.client.CoreV1().Secrets(h.namespace).Delete(context.WithoutCancel(t.Context()), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

// restore puts a Secret back from a copy made before.
func (h *house) restore(t *testing.T, backup *corev1.Secret) {
	t.Helper()
	secret := backup.DeepCopy()
	secret.ResourceVersion, secret.UID = "", ""
	if _, err := h.client.CoreV1().Secrets(h.namespace).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// terminate makes the API server refuse anything new in the namespace.
func (h *house) terminate(t *testing.T) {
	t.Helper()
	if err := h.client.CoreV1().Namespaces().Delete(t.Context(), h.namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

// recordOf is the name of the Secret with a key's record.
func recordOf(t *testing.T, h *house, keyID string) string {
	t.Helper()
	list, err := h.client.CoreV1().Secrets(h.namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range list.Items {
		if secret.Annotations["kms.chatelaine.dev/key-id"] == keyID {
			return secret.Name
		}
	}
	t.Fatalf("key %s has no record", keyID)
	return ""
}

func owner(namespace, name string) backend.Owner {
	return backend.Owner{Cluster: clusterUID, Namespace: namespace, Name: name, UID: "uid-of-" + namespace + "-" + name}
}

func symmetric(who backend.Owner) backend.CreateInput {
	return backend.CreateInput{Owner: who, Spec: keyspec.SymmetricDefault, Usage: keyspec.EncryptDecrypt}
}

func create(t *testing.T, b *Backend, in backend.CreateInput) *backend.Key {
	t.Helper()
	key, err := b.Create(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func apply(t *testing.T, b *Backend, keyID string, changes ...backend.Change) *backend.Key {
	t.Helper()
	key, err := b.Apply(t.Context(), keyID, changes)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func get(t *testing.T, b *Backend, ref string) *backend.Key {
	t.Helper()
	key, err := b.Get(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func wantError(t *testing.T, err error, class backend.Class, message string) {
	t.Helper()
	if backend.ClassOf(err) != class || err == nil || err.Error() != message {
		t.Errorf("\n got %s: %v\nwant %s: %s", backend.ClassOf(err), err, class, message)
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting until %s", what)
		}
	}
}

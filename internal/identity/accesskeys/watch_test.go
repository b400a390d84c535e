// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskeys_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/chatelaine-dev/chatelaine/internal/identity/accesskeys"
)

// watched is an API server with Secrets that are watched. It works within synctest's time.
type watched struct {
	mu      sync.Mutex
	secrets []*corev1.Secret
	watch   *io.PipeWriter
	away    bool
}

// RoundTrip implements http.RoundTripper: it lists, or begins a watch, which tells of all there is first.
func (w *watched) RoundTrip(request *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.away {
		return nil, errors.New("the API server is away")
	}
	body, answer := io.Pipe()
	told := w.secrets
	if request.URL.Query().Get("watch") == "" {
		go list(answer, told)
	} else {
		w.watch = answer
		go watch(request.Context(), answer, told)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}, nil
}

func list(answer *io.PipeWriter, secrets []*corev1.Secret) {
	_ = json.NewEncoder(answer).Encode(map[string]any{
		"apiVersion": "v1", "kind": "SecretList", "metadata": metav1.ListMeta{ResourceVersion: strconv.Itoa(len(secrets))}, "items": secrets,
	})
	_ = answer.Close()
}

func watch(ctx context.Context, answer *io.PipeWriter, secrets []*corev1.Secret) {
	for _, secret := range secrets {
		tell(answer, "ADDED", secret)
	}
	tell(answer, "BOOKMARK", numbered(len(secrets), "", map[string]string{metav1.InitialEventsAnnotationKey: "true"}))
	<-ctx.Done()
	_ = answer.Close()
}

// apply adds the access key's Secret, and tells whoever watches.
func (w *watched) apply(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	secret := numbered(len(w.secrets)+1, id, nil)
	w.secrets = append(w.secrets, secret)
	if !w.away {
		tell(w.watch, "ADDED", secret)
	}
}

// be ends what is under way, and is away or back.
func (w *watched) be(away bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.away = away
	_ = w.watch.Close()
}

func numbered(version int, id string, annotations map[string]string) *corev1.Secret {
	return &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Name: "secret-" + strconv.Itoa(version), ResourceVersion: strconv.Itoa(version), Annotations: annotations},
		Data:       map[string][]byte{"accessKeyID": []byte(id), "secretAccessKey": []byte(secret), "principal": []byte(root)},
	}
}

// tell fails when nobody watches any more.
func tell(watch io.Writer, kind string, secret *corev1.Secret) {
	_ = json.NewEncoder(watch).Encode(map[string]any{"type": kind, "object": secret})
}

// inVirtualTime runs a Source on an API server of its own.
func inVirtualTime(t *testing.T, do func(t *testing.T, server *watched, source *accesskeys.Source)) {
	t.Helper()
	// One of these remembers when there was an error last, and waits until a moment after it: decades, after one of a real test.
	handlers := slices.Clone(utilruntime.ErrorHandlers)
	for i := range handlers {
		utilruntime.ErrorHandlers[i] = func(context.Context, error, string, ...any) {}
	}
	t.Cleanup(func() { copy(utilruntime.ErrorHandlers, handlers) })
	synctest.Test(t, func(t *testing.T) {
		server := &watched{}
		client, err := kubernetes.NewForConfig(&rest.Config{Host: "http://apiserver.invalid", QPS: -1, Transport: server})
		if err != nil {
			t.Fatal(err)
		}
		source := accesskeys.New(accesskeys.Config{Client: client, Namespace: "operator", Log: logr.Discard()})
		done := make(chan error)
		go func() { done <- source.Run(t.Context()) }()
		t.Cleanup(func() { // runs when t.Context has ended
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
		<-source.Synced()
		do(t, server, source)
	})
}

func TestAnAccessKeyWorksAsSoonAsTheAPIServerTellsOfItsSecret(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, server *watched, source *accesskeys.Source) {
		begun := time.Now()
		server.apply(keyID)
		synctest.Wait()
		if _, err := source.Lookup(t.Context(), keyID, ""); err != nil || time.Since(begun) > 0 {
			t.Errorf("after %s: %v", time.Since(begun), err)
		}
	})
}

func TestAnAccessKeyWorksWithinAQuarterOfAMinuteOnceTheAPIServerIsBack(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, server *watched, source *accesskeys.Source) {
		server.be(true)
		server.apply(keyID)
		time.Sleep(10 * time.Minute)
		server.be(false)
		time.Sleep(15 * time.Second)
		if _, err := source.Lookup(t.Context(), keyID, ""); err != nil {
			t.Error(err)
		}
	})
}

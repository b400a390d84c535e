// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package testenv_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

func TestACutNetworkEndsTheWatchOnItAndRefusesRequestsUntilItIsMended(t *testing.T) {
	client, network := env.ClientOver(t)
	secrets := client.CoreV1().Secrets(env.Namespace(t))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	watching, err := secrets.Watch(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	network.Cut()
	for event := range watching.ResultChan() {
		if event.Type != watch.Error {
			t.Errorf("the watch tells of %v", event)
		}
	}
	if ctx.Err() != nil {
		t.Error("the watch outlived the cut")
	}
	if _, err := secrets.List(t.Context(), metav1.ListOptions{}); !errors.Is(err, testenv.ErrCut) {
		t.Errorf("a list ends with %v", err)
	}
	network.Mend()
	if _, err := secrets.List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Errorf("a list over the mended network: %v", err)
	}
	if n := network.Requests(); n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
}

func TestARequestWhoseAnswerGetsLostIsCarriedOut(t *testing.T) {
	client, network := env.ClientOver(t)
	secrets := client.CoreV1().Secrets(env.Namespace(t))
	network.Lose(func(request *http.Request) bool { return request.Method == http.MethodPost })
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "made"}}
	if _, err := secrets.Create(t.Context(), secret, metav1.CreateOptions{}); !errors.Is(err, testenv.ErrCut) {
		t.Errorf("the creation ends with %v", err)
	}
	if _, err := secrets.Get(t.Context(), "made", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
}

func TestWhatIsDoneBeforeARequestHappensBeforeItsEffect(t *testing.T) {
	client, network := env.ClientOver(t)
	secrets := client.CoreV1().Secrets(env.Namespace(t))
	network.Before(func(*http.Request) {
		network.Before(nil)
		if _, err := secrets.Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "first"}}, metav1.CreateOptions{}); err != nil {
			t.Error(err)
		}
	})
	second := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "first"}}
	if _, err := secrets.Create(t.Context(), second, metav1.CreateOptions{}); !apierrors.IsAlreadyExists(err) {
		t.Errorf("the later one ends with %v", err)
	}
}

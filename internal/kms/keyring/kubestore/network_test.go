// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kubestore_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// network is the way to the API server. It can be cut, and it can lose answers.
type network struct {
	base http.RoundTripper

	mu   sync.Mutex
	cut  bool
	lose func(*http.Request) bool
	open map[context.Context]context.CancelFunc
}

var errCut = errors.New("the network is cut")

// clientOver is a client whose every request goes over the network returned.
func clientOver(t *testing.T) (kubernetes.Interface, *network) {
	t.Helper()
	n := &network{open: map[context.Context]context.CancelFunc{}}
	config := rest.CopyConfig(env.Config)
	config.Wrap(func(base http.RoundTripper) http.RoundTripper {
		n.base = base
		return n
	})
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client, n
}

// setCut cuts the network, and everything under way on it, or mends it.
func (n *network) setCut(cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut = cut
	if cut {
		for _, cancel := range n.open {
			cancel()
		}
		clear(n.open)
	}
}

// setLose makes the answers to the requests that lose says yes to get lost.
func (n *network) setLose(lose func(*http.Request) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lose = lose
}

func (n *network) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(request.Context())
	n.mu.Lock()
	cut, lose := n.cut, n.lose
	n.open[ctx] = cancel
	n.mu.Unlock()
	if cut {
		cancel()
		return nil, errCut
	}
	response, err := n.base.RoundTrip(request.WithContext(ctx))
	if err == nil && lose != nil && lose(request) {
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		return nil, errCut
	}
	return response, err
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// ErrCut is what requests end with that a Network does not let through.
var ErrCut = errors.New("the network is cut")

// Network is the way of one client to the API server: it can be cut, it loses answers, and it tells of requests.
type Network struct {
	base http.RoundTripper

	mu       sync.Mutex
	up       context.Context // done when the network is cut
	cut      context.CancelFunc
	before   func(*http.Request)
	lose     func(*http.Request) bool
	requests int
}

// ClientOver is a client with the rights of Config whose every request goes over the network returned. Like the
// operator's, it speaks protobuf.
func (e *Env) ClientOver(tb testing.TB) (kubernetes.Interface, *Network) {
	tb.Helper()
	n := &Network{}
	n.Mend()
	config := rest.CopyConfig(e.Config)
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	config.ContentType = runtime.ContentTypeProtobuf
	config.Wrap(func(base http.RoundTripper) http.RoundTripper {
		n.base = base
		return n
	})
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		tb.Fatalf("making a client: %v", err)
	}
	return client, n
}

// Cut cuts the network, and everything that is under way on it: requests fail until Mend.
func (n *Network) Cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut()
}

// Mend makes a network that was cut whole again. What broke stays broken.
func (n *Network) Mend() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.up, n.cut = context.WithCancel(context.Background())
}

// Before has do called before each request gets on its way, also before one that then meets a cut; nil ends that.
func (n *Network) Before(do func(*http.Request)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.before = do
}

// Lose has the answers get lost to the requests that lose says yes to; the API server has carried those out.
func (n *Network) Lose(lose func(*http.Request) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lose = lose
}

// Requests is how many requests were sent, those included that met a cut.
func (n *Network) Requests() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.requests
}

// RoundTrip implements http.RoundTripper.
func (n *Network) RoundTrip(request *http.Request) (*http.Response, error) {
	n.mu.Lock()
	n.requests++
	before := n.before
	n.mu.Unlock()
	if before != nil {
		before(request)
	}
	n.mu.Lock()
	up, lose := n.up, n.lose
	n.mu.Unlock()
	if up.Err() != nil {
		return nil, ErrCut
	}
	ctx, cancel := context.WithCancel(request.Context())
	context.AfterFunc(up, cancel)
	response, err := n.base.RoundTrip(request.WithContext(ctx))
	if err == nil && lose != nil && lose(request) {
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		return nil, ErrCut
	}
	if err == nil {
		response.Body = wire{response.Body, up}
	}
	return response, err
}

// wire is an answer on its way, of which nothing arrives once the network is cut: what was under way is cancelled a moment
// later only, and a watch could still tell of what happened after the cut.
type wire struct {
	io.ReadCloser

	up context.Context
}

// Read implements io.Reader.
func (w wire) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if w.up.Err() != nil {
		return 0, ErrCut
	}
	return n, err
}

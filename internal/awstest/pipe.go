// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package awstest

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// latency is how long after a request its answer comes. Without it an answer can be there before the client's transport has
// returned from writing the request, which AWS's SDK takes for a broken connection now and then.
const latency = time.Millisecond

// Pipe is a server with clients in the same process, connected in memory. In a bubble of testing/synctest, time stands still
// while any of them works, and goes on when all of them wait; connections of a network would keep it from going on.
type Pipe struct {
	waiting chan net.Conn
	closed  chan struct{}
	close   sync.Once
}

var _ net.Listener = (*Pipe)(nil)

// Serve serves handler over HTTP, as at http://pipe, to those who connect with DialContext, until the test ends, and their
// connections with it.
func Serve(tb testing.TB, handler http.Handler) *Pipe {
	tb.Helper()
	p := &Pipe{waiting: make(chan net.Conn), closed: make(chan struct{})}
	late := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(latency)
		handler.ServeHTTP(w, r)
	})
	server := &http.Server{Handler: late, ReadHeaderTimeout: time.Minute}
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(p) })
	tb.Cleanup(func() {
		if err := server.Close(); err != nil {
			tb.Error(err)
		}
		running.Wait()
	})
	return p
}

// DialContext connects a client; it is one for http.Transport.
func (p *Pipe) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.waiting <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (p *Pipe) Accept() (net.Conn, error) {
	select {
	case connection := <-p.waiting:
		return connection, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *Pipe) Close() error {
	p.close.Do(func() { close(p.closed) })
	return nil
}

// Addr implements net.Listener.
func (p *Pipe) Addr() net.Addr { return address{} }

type address struct{}

func (address) Network() string { return "pipe" }
func (address) String() string  { return "pipe" }

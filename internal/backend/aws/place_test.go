// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/chatelaine-dev/chatelaine/internal/awstest"
)

// piped is the endpoint in the settings of a backend that reaches AWS through a pipe.
const piped = "http://pipe"

// place is where a handler is found. It is served from when it is first looked for until the test ends: over the network at url, and
// through pipe to those who are in a bubble of synctest, whose time goes on while all wait. There a lag takes as long as it is said to
// take, however busy the machine is.
type place struct {
	handler http.Handler
	url     func() string
	pipe    func() *awstest.Pipe
}

func newPlace(t *testing.T, handler http.Handler) *place {
	t.Helper()
	p := &place{handler: handler}
	p.url = sync.OnceValue(func() string {
		server := httptest.NewServer(p.handler)
		t.Cleanup(server.Close)
		return server.URL
	})
	p.pipe = sync.OnceValue(func() *awstest.Pipe { return awstest.Serve(t, p.handler) })
	return p
}

// open opens a backend that reaches the place through its pipe.
func (p *place) open(t *testing.T, config Config) *Backend {
	t.Helper()
	return openThrough(t, p.pipe(), config)
}

// openThrough opens a backend that reaches AWS through the pipe.
func openThrough(t *testing.T, pipe *awstest.Pipe, config Config) *Backend {
	t.Helper()
	b := open(t, config)
	transport := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.Proxy, t.DialContext = nil, pipe.DialContext
	})
	through, err := clientsOver(t.Context(), transport, config, b.observer)
	if err != nil {
		t.Fatal(err)
	}
	b.clients = through
	return b
}

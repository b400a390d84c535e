// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"context"
	"io"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
)

// requestTimeout is how long the API server may take for one object. A client of AWS's API waits for it: it is better off
// with an error that it may try again after. What became of a write that was given up is looked for by the keyring.
const requestTimeout = 5 * time.Second

// directConfig is that of the client by which requests of AWS's API get to the API server. Secrets and other built-in kinds
// come in the form that costs both sides least.
func directConfig(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	config.ContentType = runtime.ContentTypeProtobuf
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return impatient{next} })
	return config
}

// impatient gives each request requestTimeout, but for lists and watches, which take as long as there is something to tell.
// An API server that hangs keeps its connections open, so nothing else would end them soon.
type impatient struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (i impatient) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method == http.MethodGet && request.URL.RawQuery != "" { // of one object there is nothing to select
		return i.next.RoundTrip(request)
	}
	ctx, cancel := context.WithTimeout(request.Context(), requestTimeout)
	response, err := i.next.RoundTrip(request.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	response.Body = &ending{response.Body, cancel}
	return response, nil
}

// ending is a body that ends its request's timeout when it has been read.
type ending struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// Close implements io.Closer.
func (e *ending) Close() error {
	defer e.cancel()
	return e.ReadCloser.Close()
}

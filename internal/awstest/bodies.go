// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package awstest

import (
	"io"
	"net/http"
)

// PlainBodies makes requests for clients that try none again. AWS's SDK (smithy-go 1.28.8) now and then closes the connection under an
// answer of more than 4 KiB that comes faster than the SDK is done with sending, since its bodies fail where they write themselves and
// are closed already; here they are only read.
type PlainBodies struct{ Next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (p PlainBodies) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Body != nil {
		request = request.WithContext(request.Context())
		request.Body = struct{ io.ReadCloser }{request.Body}
	}
	return p.Next.RoundTrip(request)
}

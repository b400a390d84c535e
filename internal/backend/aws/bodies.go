// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"io"
	"net/http"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
)

// plainBodies makes requests whose bodies can only be read. The SDK closes a request's body as soon as the answer begins, and net/http
// may look for the body's end after that, since an answer can overtake the return from writing. The SDK's own body then fails where it
// is asked to write itself, so net/http takes the request for broken: it closes the connection, and of a long answer the rest is lost.
type plainBodies struct{ client awssdk.HTTPClient }

// Do implements awssdk.HTTPClient.
func (p plainBodies) Do(request *http.Request) (*http.Response, error) {
	if request.Body != nil {
		request.Body = struct{ io.ReadCloser }{request.Body}
	}
	return p.client.Do(request)
}

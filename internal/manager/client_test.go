// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

// deadline is a RoundTripper that tells how long a request may take, and does nothing.
type deadline struct{ left time.Duration }

func (d *deadline) RoundTrip(request *http.Request) (*http.Response, error) {
	d.left = 0
	if at, ok := request.Context().Deadline(); ok {
		d.left = time.Until(at)
	}
	return httptest.NewRecorder().Result(), nil
}

func TestRequestsForOneObjectAreGivenUpAndListsAndWatchesAreNot(t *testing.T) {
	for request, limited := range map[string]bool{
		"GET /api/v1/namespaces/a/secrets/b":                 true,
		"POST /api/v1/namespaces/a/secrets":                  true,
		"PATCH /api/v1/namespaces/a/secrets/b":               true,
		"DELETE /api/v1/namespaces/a/secrets/b":              true,
		"GET /api/v1/namespaces/a/secrets?limit=500":         false,
		"GET /api/v1/namespaces/a/secrets?watch=true&type=x": false,
	} {
		t.Run(request, func(t *testing.T) {
			seen := &deadline{}
			transport := directConfig(&rest.Config{}).WrapTransport(seen)
			method, path, _ := strings.Cut(request, " ")
			response, err := transport.RoundTrip(httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody))
			if err != nil {
				t.Fatal(err)
			}
			if got := seen.left > 0; got != limited || seen.left > requestTimeout {
				t.Errorf("it may take %s", seen.left)
			}
			if err := response.Body.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

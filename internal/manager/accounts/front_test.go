// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package accounts

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// front stands between the rig and its stand-in. It refuses requests, by access key and operation, with a code; and it counts.
type front struct {
	behind http.Handler

	mu      sync.Mutex
	refuses func(accessKeyID, operation string) (code string)
	asked   int
}

// newFront puts a front before the stand-in, which lets everything pass.
func (r *rig) newFront(t *testing.T) *front {
	t.Helper()
	f := &front{behind: r.aws}
	r.aws.Server = httptest.NewServer(f)
	t.Cleanup(r.aws.Server.Close)
	return f
}

// refuse has requests refused from now on that have a code.
func (f *front) refuse(code func(accessKeyID, operation string) string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refuses = code
}

func (f *front) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

func (f *front) code(accessKeyID, operation string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	if f.refuses == nil {
		return ""
	}
	return f.refuses(accessKeyID, operation)
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body))
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	accessKeyID, _, _ := strings.Cut(credential, "/")
	code := f.code(accessKeyID, operation+form.Get("Action"))
	switch {
	case code == "":
		f.behind.ServeHTTP(w, r)
	case operation != "":
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"__type": %q}`, code)
	default:
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>no</Message></Error></ErrorResponse>`, code)
	}
}

func unknownKey(wrong string) func(accessKeyID, operation string) string {
	return func(accessKeyID, _ string) string {
		if accessKeyID == wrong {
			return "UnrecognizedClientException"
		}
		return ""
	}
}

func throttled(operations ...string) func(accessKeyID, operation string) string {
	return func(_, operation string) string {
		if slices.Contains(operations, operation) {
			return "ThrottlingException"
		}
		return ""
	}
}

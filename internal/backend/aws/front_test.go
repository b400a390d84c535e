// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// front stands before our endpoint and makes of its requests and answers those of an AWS that can do more. It signs what it changed.
type front struct {
	t      *testing.T
	behind string
	// asked may change a request, or refuse it with a code; answered may change the answer to it. Both may be called by many at once.
	asked    func(operation string, in map[string]any) (code string)
	answered func(operation string, in, out map[string]any)
}

// newFront is the endpoint with a front before it.
func newFront(t *testing.T, behind *endpoint, f *front) *endpoint {
	t.Helper()
	f.t, f.behind = t, behind.url()
	before := *behind
	before.place = newPlace(t, f)
	return &before
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil { // whoever asked has broken off
		return
	}
	operation := operationOf(r, body)
	in := members(body)
	if code := f.asked(operation, in); code != "" {
		answer(w, &fault{code: code, status: http.StatusBadRequest})
		return
	}
	changed := f.marshal(in)
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-amz-json") {
		changed = body
	}
	status, content := f.send(r, changed)
	if status == http.StatusOK && len(content) > 0 && content[0] == '{' {
		out := members(content)
		f.answered(operation, in, out)
		content = f.marshal(out)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_, _ = w.Write(content)
}

func (f *front) marshal(object map[string]any) []byte {
	text, err := json.Marshal(object)
	if err != nil {
		f.t.Error(err)
	}
	return text
}

// send asks the endpoint, in the Region and for the service of the request that came.
func (f *front) send(r *http.Request, body []byte) (status int, content []byte) {
	scope := strings.Split(r.Header.Get("Authorization"), "/") // ...Credential=ID/DATE/REGION/SERVICE/aws4_request...
	out, err := http.NewRequestWithContext(r.Context(), http.MethodPost, f.behind, bytes.NewReader(body))
	if err != nil || len(scope) < 5 {
		f.t.Errorf("a request without a signature, %v", err)
		return http.StatusInternalServerError, nil
	}
	for _, name := range []string{"Content-Type", "X-Amz-Target"} {
		if value := r.Header.Get(name); value != "" {
			out.Header.Set(name, value)
		}
	}
	hash := sha256.Sum256(body)
	keys := awssdk.Credentials{AccessKeyID: accessKey, SecretAccessKey: secretKey}
	if err := v4.NewSigner().SignHTTP(r.Context(), keys, out, hex.EncodeToString(hash[:]), scope[3], scope[2], time.Now()); err != nil {
		f.t.Error(err)
	}
	response, err := http.DefaultTransport.RoundTrip(out)
	if err != nil {
		return http.StatusBadGateway, nil
	}
	defer func() { _ = response.Body.Close() }()
	content, err = io.ReadAll(response.Body)
	if err != nil {
		return http.StatusBadGateway, nil
	}
	return response.StatusCode, content
}

// text is a member that is a string; empty if there is none.
func text(object map[string]any, name string) string {
	if value, ok := object[name]; ok {
		return fmt.Sprint(value)
	}
	return ""
}

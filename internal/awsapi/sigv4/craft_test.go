// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
)

// craft signs what no SDK would sign, correctly: the list of headers, the scope and the algorithm are the test's. A request
// that it signed and that is refused is refused for the rule that the test names, not because a signature differs.
//
// It is written for this, from AWS's description, and shares nothing with the package. It takes a path and a query that
// are canonical already.
type craft struct {
	headers   string // SignedHeaders; all that the Go SDK signs by default
	scope     string // 20260314/eu-central-1/kms/aws4_request by default
	algorithm string // AWS4-HMAC-SHA256 by default
	bodyHash  string // the body's by default
	time      string // 20260314T150926Z by default
}

// sign sets the Authorization header, and X-Amz-Date unless the list goes without it.
func (c craft) sign(r *http.Request, body string) *http.Request {
	set := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	set(&c.headers, "content-type;host;x-amz-date;x-amz-target")
	set(&c.scope, "20260314/eu-central-1/kms/aws4_request")
	set(&c.algorithm, "AWS4-HMAC-SHA256")
	set(&c.bodyHash, hash(body))
	set(&c.time, "20260314T150926Z")
	if strings.Contains(c.headers, "x-amz-date") {
		r.Header.Set("X-Amz-Date", c.time)
	}
	r.Header.Set("Authorization", c.algorithm+" Credential=AKIAIOSFODNN7EXAMPLE/"+c.scope+
		", SignedHeaders="+c.headers+", Signature="+c.signature(r))
	return r
}

func (c craft) signature(r *http.Request) string {
	canonical := r.Method + "\n" + r.URL.EscapedPath() + "\n" + r.URL.RawQuery + "\n"
	for name := range strings.SplitSeq(c.headers, ";") {
		value := strings.Join(r.Header[http.CanonicalHeaderKey(name)], ",")
		if strings.EqualFold(name, "host") {
			value = r.Host
		}
		canonical += name + ":" + value + "\n"
	}
	canonical += "\n" + c.headers + "\n" + c.bodyHash
	key := []byte("AWS4" + exampleSecret)
	for part := range strings.SplitSeq(c.scope, "/") {
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, c.algorithm+"\n"+c.time+"\n"+c.scope+"\n"+hash(canonical)))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write([]byte(text))
	return h.Sum(nil)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/awsapi/sigv4"
)

// BenchmarkVerify is what every request costs: an Encrypt of 1 KiB, 1.4 KB of JSON, signed by a session, under a key that
// is in the caller's cache.
func BenchmarkVerify(b *testing.B) {
	body := `{"KeyId":"alias/app","Plaintext":"` + strings.Repeat("QUJD", 342) + `"}`
	r := encryptRequest()
	r.ContentLength = int64(len(body))
	r.Header.Set("Content-Length", "1404")
	withToken := session
	withToken.SessionToken = strings.Repeat("0123456789abcdef", 24)
	benchmark(b, sign(b, withToken, r, body), []byte(body))
}

func BenchmarkVerifyPresigned(b *testing.B) { benchmark(b, presigned(b), nil) }

func benchmark(b *testing.B, r *http.Request, body []byte) {
	b.Helper()
	s, err := sigv4.Parse(r)
	if err != nil {
		b.Fatal(err)
	}
	key := sigv4.DeriveKey(exampleSecret, s.Scope)
	b.ReportAllocs()
	for b.Loop() {
		s, err := sigv4.Parse(r)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Verify(key, body, kmsEndpoint, signedAt); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDeriveKey(b *testing.B) {
	scope := sigv4.Scope{Date: "20260314", Region: "eu-central-1", Service: "kms"}
	b.ReportAllocs()
	for b.Loop() {
		sigv4.DeriveKey(exampleSecret, scope)
	}
}

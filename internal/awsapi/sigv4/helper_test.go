// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/chatelaine-dev/chatelaine/internal/awsapi/sigv4"
)

// exampleSecret is the one of AWS's own documentation and test suites.
const exampleSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

const encryptBody = `{"KeyId":"alias/app","Plaintext":"aGVsbG8="}`

var (
	signedAt = time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)
	longTerm = aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: exampleSecret}
	session  = aws.Credentials{
		AccessKeyID: "ASIAIOSFODNN7EXAMPLE", SecretAccessKey: exampleSecret, SessionToken: "FwoGZXIvYXdzEXAMPLE//token+with/slashes==",
	}
	kmsEndpoint = sigv4.Endpoint{Service: "kms", HasRegion: func(region string) bool { return region == "eu-central-1" }}
)

// encryptRequest is what a client of KMS sends, without a signature.
func encryptRequest() *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(encryptBody))
	r.Host = "kms.eu-central-1.example.com:8443"
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "TrentService.Encrypt")
	r.Header.Set("User-Agent", "aws-sdk-go-v2/1.47")
	r.Header.Set("Amz-Sdk-Invocation-Id", "8e1c1a6c-7c0f-4e4b-9e2e-0f7f6d1d2c3b")
	r.Header.Set("Amz-Sdk-Request", "attempt=1; max=3")
	return r
}

// sign signs with the Go SDK, for kms in eu-central-1, and returns the request that it was given.
func sign(tb testing.TB, credentials aws.Credentials, r *http.Request, body string) *http.Request {
	tb.Helper()
	return signFor(tb, credentials, r, body, "kms", "eu-central-1")
}

func signFor(tb testing.TB, credentials aws.Credentials, r *http.Request, body, service, region string) *http.Request {
	tb.Helper()
	err := v4.NewSigner().SignHTTP(tb.Context(), credentials, r, hash(body), service, region, signedAt)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// presign presigns with the Go SDK and returns the request that the URL's holder sends.
func presign(tb testing.TB, credentials aws.Credentials, r *http.Request, body string) *http.Request {
	tb.Helper()
	uri, headers, err := v4.NewSigner().PresignHTTP(tb.Context(), credentials, r, hash(body), "kms", "eu-central-1", signedAt)
	if err != nil {
		tb.Fatal(err)
	}
	sent := httptest.NewRequest(r.Method, uri, strings.NewReader(body))
	sent.Host = r.Host
	for name, values := range headers {
		if name != "Host" {
			sent.Header[name] = values
		}
	}
	return sent
}

// presigned is a request to KMS that was presigned for 15 minutes.
func presigned(tb testing.TB) *http.Request {
	tb.Helper()
	r := httptest.NewRequest(http.MethodGet, "/?Action=ListKeys&X-Amz-Expires=900", http.NoBody)
	r.Host = "kms.eu-central-1.example.com"
	return presign(tb, session, r, "")
}

// verify parses and verifies at the moment of signing.
func verify(r *http.Request, body string) error { return verifyAt(r, body, signedAt) }

func verifyAt(r *http.Request, body string, now time.Time) error {
	s, err := sigv4.Parse(r)
	if err != nil {
		return err
	}
	return s.Verify(sigv4.DeriveKey(exampleSecret, s.Scope), []byte(body), kmsEndpoint, now)
}

func mustVerify(t *testing.T, r *http.Request, body string) {
	t.Helper()
	if err := verify(r, body); err != nil {
		t.Fatal(err)
	}
}

const mismatch = "The request signature we calculated does not match the signature you provided. " +
	"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."

// mustRefuse wants an Error of the code whose message contains the text.
func mustRefuse(t *testing.T, err error, code sigv4.Code, text string) {
	t.Helper()
	var refused *sigv4.Error
	if !errors.As(err, &refused) {
		t.Fatalf("error is %v, want one of code %v", err, code)
	}
	if refused.Code != code || !strings.Contains(refused.Message, text) {
		t.Fatalf("error is %v: %s\nwant %v: ...%s...", refused.Code, refused.Message, code, text)
	}
}

// replaceIn edits one header's only value.
func replaceIn(t *testing.T, r *http.Request, name, from, to string) {
	t.Helper()
	before := r.Header.Get(name)
	if after := strings.ReplaceAll(before, from, to); after != before {
		r.Header.Set(name, after)
		return
	}
	t.Fatalf("%s: %q has no %q", name, before, from)
}

// readRequest is a request as net/http's server reads it.
func readRequest(tb testing.TB, text string) *http.Request {
	tb.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(text, "\n", "\r\n"))))
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func hash(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/awsapi/sigv4"
)

const (
	needCredential    = "Authorization header requires 'Credential' parameter."
	needSignature     = "Authorization header requires 'Signature' parameter."
	needSignedHeaders = "Authorization header requires 'SignedHeaders' parameter."
	needDate          = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."

	someScope  = "Credential=AKIAIOSFODNN7EXAMPLE/20260314/eu-central-1/kms/aws4_request"
	someDigits = "3b1f6c2d4e5f60718293a4b5c6d7e8f93b1f6c2d4e5f60718293a4b5c6d7e8f9"
)

func TestAnIncompleteAuthorizationHeaderIsToldEverythingThatIsMissing(t *testing.T) {
	for authorization, want := range map[string]string{
		"AWS4-HMAC-SHA256":                           "Invalid key=value pair (missing equal-sign) in Authorization header.",
		"AWS4-HMAC-SHA256 ":                          "Invalid key=value pair (missing equal-sign) in Authorization header.",
		"AWS4-HMAC-SHA256 Credential=":               needCredential + " " + needSignature + " " + needSignedHeaders,
		"AWS4-HMAC-SHA256 " + someScope:              needSignature + " " + needSignedHeaders,
		"AWS4-HMAC-SHA256 Signature=" + someDigits:   needCredential + " " + needSignedHeaders,
		"AWS4-HMAC-SHA256 SignedHeaders=host":        needCredential + " " + needSignature,
		"AWS4-HMAC-SHA256 Credential, Signature=a":   "Invalid key=value pair (missing equal-sign) in Authorization header.",
		"AWS4-HMAC-SHA256 " + someScope + ",":        "Invalid key=value pair (missing equal-sign) in Authorization header.",
		"AWS4-HMAC-SHA256 credential=a":              "Authorization header has an unknown parameter 'credential'.",
		"AWS4-HMAC-SHA256 Nonce=a":                   "Authorization header has an unknown parameter 'Nonce'.",
		"AWS4-HMAC-SHA256 Signature=a, Signature=b":  "Authorization header must not repeat the 'Signature' parameter.",
		"AWS4-HMAC-SHA256 Signature=, Signature=b":   "Authorization header must not repeat the 'Signature' parameter.",
		"AWS4-HMAC-SHA256 a=b, AWS4-HMAC-SHA256 c=d": "Authorization header has an unknown parameter 'a'.",
		"AWS4-ECDSA-P256-SHA256 " + someScope:        "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256' (only AWS4-HMAC-SHA256 for now).",
		"AWS4-HMAC-SHA256-PAYLOAD " + someScope:      "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA256-PAYLOAD' (only AWS4-HMAC-SHA256 for now).",
	} {
		t.Run(authorization, func(t *testing.T) {
			r := encryptRequest()
			r.Header.Set("X-Amz-Date", "20260314T150926Z")
			r.Header.Set("Authorization", authorization)
			mustRefuse(t, verify(r, encryptBody), sigv4.CodeIncomplete, want)
		})
	}
}

func TestEmptySignedHeadersAreMissing(t *testing.T) {
	r := craft{}.sign(encryptRequest(), encryptBody)
	replaceIn(t, r, "Authorization", "content-type;host;x-amz-date;x-amz-target", "")
	mustRefuse(t, verify(r, encryptBody), sigv4.CodeIncomplete, needSignedHeaders)
}

func TestASignatureWithoutAnyDateIsIncomplete(t *testing.T) {
	r := encryptRequest()
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=, SignedHeaders=, Signature=")
	mustRefuse(t, verify(r, encryptBody), sigv4.CodeIncomplete, needCredential+" "+needSignature+" "+needSignedHeaders+" "+needDate)
}

func TestBlanksAndOrderOfTheAuthorizationParametersDoNotMatter(t *testing.T) {
	r := craft{}.sign(encryptRequest(), encryptBody)
	parts := strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 "), ", ")
	for _, authorization := range []string{
		parts[0] + "," + parts[1] + "," + parts[2],
		parts[2] + ",   " + parts[0] + ",\t" + parts[1],
		"  " + parts[1] + " , " + parts[2] + " ," + parts[0] + " ",
	} {
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 "+authorization)
		mustVerify(t, r, encryptBody)
	}
}

func TestASignatureThatIsNotAHashIsIncomplete(t *testing.T) {
	for _, signature := range []string{someDigits[1:], someDigits + "0", strings.ToUpper(someDigits), "g" + someDigits[1:], "0x" + someDigits[2:]} {
		r := encryptRequest()
		r.Header.Set("X-Amz-Date", "20260314T150926Z")
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 "+someScope+", SignedHeaders=host, Signature="+signature)
		mustRefuse(t, verify(r, encryptBody), sigv4.CodeIncomplete, "Signature must have 64 lower-case hexadecimal digits.")
	}
}

func TestACredentialThatIsNotFiveElementsIsIncomplete(t *testing.T) {
	for _, credential := range []string{
		"AKIAIOSFODNN7EXAMPLE", "a/b/c/d", "a/b/c/d/e/f", "a/b/c/d/", "/b/c/d/e", "a//c/d/e", "a/b/c d/d/e", "a/b/c/d/\u00e9", strings.Repeat("a/", 500),
	} {
		r := craft{}.sign(encryptRequest(), encryptBody)
		replaceIn(t, r, "Authorization", strings.TrimPrefix(someScope, "Credential="), credential)
		mustRefuse(t, verify(r, encryptBody), sigv4.CodeIncomplete, "Credential must ")
	}
}

func TestAPayloadThatIsNotSignedAsAWholeIsRefused(t *testing.T) {
	for _, value := range []string{
		"UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "", strings.ToUpper(hash(encryptBody)),
	} {
		t.Run(value, func(t *testing.T) {
			r := encryptRequest()
			r.Header.Set("X-Amz-Content-Sha256", value)
			craft{headers: "content-type;host;x-amz-content-sha256;x-amz-date;x-amz-target", bodyHash: value}.sign(r, encryptBody)
			mustRefuse(t, verify(r, encryptBody), sigv4.CodeIncomplete, "The provided 'x-amz-content-sha256' header must be a valid sha256 value.")
		})
	}
}

func TestAnUnsignedPayloadThatTheHeaderDoesNotTellIsAMismatch(t *testing.T) {
	r := craft{bodyHash: "UNSIGNED-PAYLOAD"}.sign(encryptRequest(), encryptBody)
	mustRefuse(t, verify(r, encryptBody), sigv4.CodeInvalid, mismatch)
}

func TestAContentHashOfAnotherBodyIsRefused(t *testing.T) {
	r := encryptRequest()
	r.Header.Set("X-Amz-Content-Sha256", hash("another"))
	craft{headers: "content-type;host;x-amz-content-sha256;x-amz-date;x-amz-target"}.sign(r, encryptBody)
	mustRefuse(t, verify(r, encryptBody), sigv4.CodeInvalid, "The provided 'x-amz-content-sha256' header does not match what was computed.")
}

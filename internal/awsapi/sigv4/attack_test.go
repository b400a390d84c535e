// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/awsapi/sigv4"
)

func TestTheCraftedRequestThatTheAttacksStartFromVerifies(t *testing.T) {
	mustVerify(t, craft{}.sign(encryptRequest(), encryptBody), encryptBody)
}

func TestARequestWithoutASignatureIsMissingOne(t *testing.T) {
	for name, authorization := range map[string][]string{
		"no header": nil, "empty": {""}, "bearer token": {"Bearer abc"}, "basic": {"Basic YTpi"}, "lower case": {"aws4-hmac-sha256 Credential=a"},
	} {
		t.Run(name, func(t *testing.T) {
			r := encryptRequest()
			if authorization != nil {
				r.Header["Authorization"] = authorization
			}
			if _, err := sigv4.Parse(r); !errors.Is(err, sigv4.ErrMissing) {
				t.Fatalf("error is %v, want ErrMissing", err)
			}
		})
	}
}

func TestAChangeToWhatIsSignedIsAMismatch(t *testing.T) {
	for name, change := range map[string]func(r *http.Request){
		"method":                func(r *http.Request) { r.Method = http.MethodPut },
		"path":                  func(r *http.Request) { r.URL.Path = "/other" },
		"path behind RawPath":   func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/other", "/" },
		"added query":           func(r *http.Request) { r.URL.RawQuery = "Action=Decrypt" },
		"host":                  func(r *http.Request) { r.Host = "kms.eu-central-1.example.org:8443" },
		"port":                  func(r *http.Request) { r.Host = "kms.eu-central-1.example.com:9443" },
		"no host":               func(r *http.Request) { r.Host = "" },
		"target":                func(r *http.Request) { r.Header.Set("X-Amz-Target", "TrentService.Decrypt") },
		"target's case":         func(r *http.Request) { r.Header.Set("X-Amz-Target", "trentservice.encrypt") },
		"content type":          func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") },
		"content length":        func(r *http.Request) { r.ContentLength++ },
		"date":                  func(r *http.Request) { r.Header.Set("X-Amz-Date", "20260314T150927Z") },
		"token":                 func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "another") },
		"no token":              func(r *http.Request) { r.Header.Del("X-Amz-Security-Token") },
		"removed target":        func(r *http.Request) { r.Header.Del("X-Amz-Target") },
		"removed content type":  func(r *http.Request) { r.Header.Del("Content-Type") },
		"emptied header":        func(r *http.Request) { r.Header["Content-Type"] = []string{} },
		"second value":          func(r *http.Request) { r.Header.Add("X-Amz-Target", "TrentService.Decrypt") },
		"signature":             func(r *http.Request) { edit(r, "Signature=", "Signature=0"); trim(r) },
		"shorter signed list":   func(r *http.Request) { edit(r, "amz-sdk-invocation-id;", "") },
		"other signed list":     func(r *http.Request) { edit(r, "amz-sdk-invocation-id;", "accept;") },
		"replaced content-type": func(r *http.Request) { edit(r, ";content-type", ""); r.Header.Del("Content-Type") },
	} {
		t.Run(name, func(t *testing.T) {
			r := sign(t, session, encryptRequest(), encryptBody)
			mustVerify(t, r, encryptBody)
			change(r)
			mustRefuse(t, verify(r, encryptBody), sigv4.CodeInvalid, mismatch)
		})
	}
}

// edit changes the Authorization header.
func edit(r *http.Request, from, to string) {
	r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), from, to, 1))
}

// trim cuts the last character of the Authorization header.
func trim(r *http.Request) {
	authorization := r.Header.Get("Authorization")
	r.Header.Set("Authorization", authorization[:len(authorization)-1])
}

func TestAnotherBodyIsAMismatch(t *testing.T) {
	r := sign(t, session, encryptRequest(), encryptBody)
	for _, body := range []string{"", encryptBody + " ", strings.Replace(encryptBody, "app", "abb", 1)} {
		mustRefuse(t, verify(r, body), sigv4.CodeInvalid, mismatch)
	}
}

// The access key is not part of what is signed; its secret is.
func TestASignatureUnderAnotherAccessKeysNameIsAMismatch(t *testing.T) {
	r := sign(t, longTerm, encryptRequest(), encryptBody)
	edit(r, longTerm.AccessKeyID, "AKIAIOSFODNN7OTHER00")
	s, err := sigv4.Parse(r)
	if err != nil {
		t.Fatal(err)
	}
	if s.AccessKeyID != "AKIAIOSFODNN7OTHER00" {
		t.Fatalf("signed by %s", s.AccessKeyID)
	}
	key := sigv4.DeriveKey("the other key's secret", s.Scope)
	mustRefuse(t, s.Verify(key, []byte(encryptBody), kmsEndpoint, signedAt), sigv4.CodeInvalid, mismatch)
}

func TestASignatureMadeWithAnotherSecretIsAMismatch(t *testing.T) {
	another := session
	another.SecretAccessKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEz"
	mustRefuse(t, verify(sign(t, another, encryptRequest(), encryptBody), encryptBody), sigv4.CodeInvalid, mismatch)
}

func TestEveryAmzHeaderMustBeSigned(t *testing.T) {
	for name, value := range map[string]string{
		"X-Amz-Security-Token": session.SessionToken,
		"X-Amz-Target":         "TrentService.Decrypt",
		"X-Amz-Date":           "20260314T150926Z",
		"X-Amz-Content-Sha256": hash(encryptBody),
		"X-Amz-Anything":       "",
	} {
		t.Run(name, func(t *testing.T) {
			r := encryptRequest()
			r.Header.Del("X-Amz-Target")
			r.Header.Set("Date", "Sat, 14 Mar 2026 15:09:26 GMT")
			craft{headers: "content-type;date;host"}.sign(r, encryptBody)
			mustVerify(t, r, encryptBody)
			r.Header.Set(name, value)
			mustRefuse(t, verify(r, encryptBody), sigv4.CodeInvalid, "'"+name+"' must be a 'SignedHeader' in the AWS Authorization.")
		})
	}
}

func TestHeadersThatLoadBalancersAddNeedNoSignature(t *testing.T) {
	r := sign(t, session, encryptRequest(), encryptBody)
	r.Header.Set("X-Amzn-Trace-Id", "Root=1-67891233-abcdef012345678912345678")
	r.Header.Set("X-Forwarded-For", "192.0.2.1")
	mustVerify(t, r, encryptBody)
}

func TestHostMustBeSigned(t *testing.T) {
	r := craft{headers: "content-type;x-amz-date;x-amz-target"}.sign(encryptRequest(), encryptBody)
	mustRefuse(t, verify(r, encryptBody), sigv4.CodeInvalid, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
}

func TestAHostHeaderBesideTheRequestsOwnHostCountsForNothing(t *testing.T) {
	r := craft{}.sign(encryptRequest(), encryptBody)
	r.Header.Set("Host", r.Host)
	r.Host = "evil.example.com"
	mustRefuse(t, verify(r, encryptBody), sigv4.CodeInvalid, mismatch)
}

func TestAHostHeaderDoesNotStandInForTheHostThatIsMissing(t *testing.T) {
	r := craft{}.sign(encryptRequest(), encryptBody)
	r.Header.Set("Host", r.Host)
	r.Host = ""
	mustRefuse(t, verify(r, encryptBody), sigv4.CodeInvalid, mismatch)
}

func TestASignedHeaderThatIsAbsentIsNotAnEmptyOne(t *testing.T) {
	r := encryptRequest()
	r.Header.Set("X-Amz-Note", "")
	craft{headers: "content-type;host;x-amz-date;x-amz-note;x-amz-target"}.sign(r, encryptBody)
	mustVerify(t, r, encryptBody)
	r.Header.Del("X-Amz-Note")
	mustRefuse(t, verify(r, encryptBody), sigv4.CodeInvalid, mismatch)
}

func TestSignedHeadersHasOneSpelling(t *testing.T) {
	const message = "SignedHeaders must be lower-case header names"
	for name, list := range map[string]string{
		"unsorted":          "host;content-type;x-amz-date;x-amz-target",
		"repeated":          "content-type;host;host;x-amz-date;x-amz-target",
		"upper-case":        "content-type;Host;x-amz-date;x-amz-target",
		"upper-case inside": "content-type;host;x-amz-Date;x-amz-target",
		"empty name":        "content-type;;host;x-amz-date;x-amz-target",
		"leading separator": ";content-type;host;x-amz-date;x-amz-target",
		"trailing":          "content-type;host;x-amz-date;x-amz-target;",
		"blank":             "content-type; host;x-amz-date;x-amz-target",
		"kelvin sign":       "content-type;host;x-amz-date;x-amz-target;x-\u212aey",
		"dotless i":         "content-type;host;x-amz-date;x-amz-targ\u0131t",
		"control character": "content-type;host;x-amz-date\x00;x-amz-target",
		"colon":             "content-type:host;host;x-amz-date;x-amz-target",
	} {
		t.Run(name, func(t *testing.T) {
			r := craft{headers: list}.sign(encryptRequest(), encryptBody)
			r.Header.Set("X-Amz-Date", "20260314T150926Z")
			mustRefuse(t, verify(r, encryptBody), sigv4.CodeIncomplete, message)
		})
	}
}

func TestHeaderNamesThatOnlyLookAlikeAreRefused(t *testing.T) {
	for name, header := range map[string]string{
		"lower case beside canonical": "x-amz-target",
		"odd case":                    "X-aMZ-Target",
		"upper case":                  "X-AMZ-Target",
		"kelvin sign":                 "X-\u212aey",
		"long s":                      "X-Amz-\u017fecurity-Token",
		"cyrillic a":                  "X-\u0410mz-Target",
		"full-width":                  "\uff38-Amz-Target",
		"zero width space":            "X-Amz-Target\u200b",
		"trailing blank":              "X-Amz-Target ",
		"line end":                    "X\nAmz",
		"empty":                       "",
	} {
		t.Run(name, func(t *testing.T) {
			r := craft{}.sign(encryptRequest(), encryptBody)
			r.Header[header] = []string{"TrentService.Decrypt"}
			mustRefuse(t, verify(r, encryptBody), sigv4.CodeIncomplete, "is not valid.")
		})
	}
}

func TestAHeaderValueCannotPassForAnotherHeader(t *testing.T) {
	r := encryptRequest()
	r.Header["Content-Type"] = []string{"text/plain\nhost:evil.example.com"}
	craft{}.sign(r, encryptBody)
	mustRefuse(t, verify(r, encryptBody), sigv4.CodeInvalid, mismatch)
}

func TestAMethodThatIsNotATokenIsRefused(t *testing.T) {
	for _, method := range []string{"", "POST\n/", "P\u00d6ST", "POST "} {
		r := encryptRequest()
		r.Method = method
		craft{}.sign(r, encryptBody)
		mustRefuse(t, verify(r, encryptBody), sigv4.CodeIncomplete, "is not valid.")
	}
}

func TestHeadersThatAuthenticateMustNotBeRepeated(t *testing.T) {
	for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256"} {
		r := encryptRequest()
		r.Header.Set("X-Amz-Content-Sha256", hash(encryptBody))
		sign(t, session, r, encryptBody)
		r.Header.Add(name, r.Header.Get(name))
		mustRefuse(t, verify(r, encryptBody), sigv4.CodeIncomplete, "Header '"+name+"' must not be repeated.")
	}
	r := encryptRequest()
	r.Header["Date"] = []string{"20260314T150926Z", "20260314T150926Z"}
	craft{headers: "content-type;date;host;x-amz-target"}.sign(r, encryptBody)
	mustRefuse(t, verify(r, encryptBody), sigv4.CodeIncomplete, "Header 'Date' must not be repeated.")
}

func TestAnEmptySessionTokenIsRefused(t *testing.T) {
	r := encryptRequest()
	r.Header.Set("X-Amz-Security-Token", "")
	craft{headers: "content-type;host;x-amz-date;x-amz-security-token;x-amz-target"}.sign(r, encryptBody)
	mustRefuse(t, verify(r, encryptBody), sigv4.CodeIncomplete, "must not be empty")
}

func TestBothFormsAtOnceAreRefused(t *testing.T) {
	const message = "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."
	r := presigned(t)
	r.Header.Set("Authorization", sign(t, session, encryptRequest(), encryptBody).Header.Get("Authorization"))
	mustRefuse(t, verify(r, ""), sigv4.CodeInvalid, message)

	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Security-Token", "X-Amz-Signature", "X-Amz-SignedHeaders"} {
		r := httptest.NewRequest(http.MethodPost, "/?"+url.Values{name: {"x"}}.Encode(), strings.NewReader(encryptBody))
		mustRefuse(t, verify(sign(t, longTerm, r, encryptBody), encryptBody), sigv4.CodeInvalid, message)
	}
}

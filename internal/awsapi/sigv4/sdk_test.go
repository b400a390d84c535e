// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/awsapi/sigv4"
)

func TestARequestSignedByTheGoSDKVerifies(t *testing.T) {
	for name, signer := range map[string]aws.Credentials{"long-term key": longTerm, "session": session} {
		t.Run(name, func(t *testing.T) {
			r := sign(t, signer, encryptRequest(), encryptBody)
			s, err := sigv4.Parse(r)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Verify(sigv4.DeriveKey(exampleSecret, s.Scope), []byte(encryptBody), kmsEndpoint, signedAt); err != nil {
				t.Fatal(err)
			}
			want := sigv4.Scope{Date: "20260314", Region: "eu-central-1", Service: "kms"}
			if diff := cmp.Diff(want, s.Scope); diff != "" {
				t.Errorf("scope (-want +got):\n%s", diff)
			}
			if s.AccessKeyID != signer.AccessKeyID || s.SessionToken != signer.SessionToken {
				t.Errorf("signed by %q with token %q", s.AccessKeyID, s.SessionToken)
			}
			if !s.Time.Equal(signedAt) || s.Presigned || s.Expires != 0 {
				t.Errorf("time %v, presigned %t, expires %v", s.Time, s.Presigned, s.Expires)
			}
		})
	}
}

func TestARequestPresignedByTheGoSDKVerifiesAndSaysSo(t *testing.T) {
	r := presigned(t)
	mustVerify(t, r, "")
	s, err := sigv4.Parse(r)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Presigned || s.Expires != 15*time.Minute || s.SessionToken != session.SessionToken || s.AccessKeyID != session.AccessKeyID {
		t.Errorf("presigned %t for %v by %s with token %q", s.Presigned, s.Expires, s.AccessKeyID, s.SessionToken)
	}
}

func TestAPresignedRequestMayHaveABodyAndSignedHeaders(t *testing.T) {
	r := presign(t, longTerm, encryptRequest(), encryptBody)
	mustVerify(t, r, encryptBody)
	mustRefuse(t, verify(r, ""), sigv4.CodeInvalid, mismatch)
}

func TestPathsAndQueriesAreCanonicalisedAsTheGoSDKDoes(t *testing.T) {
	for _, target := range []string{
		"/", "/a", "/a/b/", "/a%2Fb", "/a%20b", "/%E1%88%B4", "/a+b", "/a:b@c=d&e", "/%25", "/~tilde_-.",
		"/?a=1&a=0&b", "/?a-b=1&a%2Fb=1&a=1", "/?q=a+b%20c%2Bd", "/?q=%E1%88%B4&%E1%88%B4=q", "/?", "/?a=b=c&=&x=",
	} {
		t.Run(target, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, target, http.NoBody)
			mustVerify(t, sign(t, longTerm, r, ""), "")
		})
	}
}

// What an unmodified client sends, over real HTTP, where the SDK, the Go transport and the Go server each have their hand
// in the headers.
func TestTheSDKsClientsVerifyOverHTTP(t *testing.T) {
	var verified atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s, err := sigv4.Parse(r)
		if err == nil {
			endpoint := sigv4.Endpoint{Service: s.Scope.Service, HasRegion: kmsEndpoint.HasRegion}
			err = s.Verify(sigv4.DeriveKey(exampleSecret, s.Scope), body, endpoint, time.Now())
		}
		if err != nil {
			t.Error(err)
		} else {
			verified.Add(1)
		}
		switch {
		case r.Method == http.MethodGet, r.Header.Get("X-Amz-Target") != "":
			_, _ = w.Write([]byte("{}"))
		default:
			_, _ = w.Write([]byte("<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>"))
		}
	}))
	defer server.Close()
	config := aws.Config{
		Region: "eu-central-1", BaseEndpoint: aws.String(server.URL), HTTPClient: server.Client(),
		Credentials: credentials.StaticCredentialsProvider{Value: session},
	}
	if _, err := kms.NewFromConfig(config).Encrypt(t.Context(), &kms.EncryptInput{KeyId: aws.String("alias/app"), Plaintext: []byte("hello")}); err != nil {
		t.Error(err)
	}
	client := sts.NewFromConfig(config)
	if _, err := client.GetCallerIdentity(t.Context(), nil); err != nil {
		t.Error(err)
	}
	url, err := sts.NewPresignClient(client).PresignGetCallerIdentity(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), url.Method, url.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if verified.Load() != 3 {
		t.Errorf("%d requests verified, want 3", verified.Load())
	}
}

// The third implementation: what botocore 1.43.11 (SigV4Auth, SigV4QueryAuth) sends at signedAt.
var botocoreRequests = map[string]string{
	"SigV4Auth for KMS": `POST / HTTP/1.1
Host: kms.eu-central-1.example.com:8443
Content-Type: application/x-amz-json-1.1
X-Amz-Target: TrentService.Encrypt
User-Agent: Boto3
X-Amz-Date: 20260314T150926Z
X-Amz-Security-Token: FwoGZXIvYXdzEXAMPLE//token+with/slashes==
Authorization: AWS4-HMAC-SHA256 Credential=ASIAIOSFODNN7EXAMPLE/20260314/eu-central-1/kms/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=46e0d2833896d276648bd7726cf76c902417ffbcf6977559b4fb258299684a96

` + encryptBody,
	"SigV4Auth for STS": `POST / HTTP/1.1
Host: sts.eu-central-1.example.com
Content-Type: application/x-www-form-urlencoded; charset=utf-8
X-Amz-Date: 20260314T150926Z
Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260314/eu-central-1/sts/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=4efabf5ecd478e1e5c5300d16a7682ecc148b29afc5c54bdfd31dde6a7417dff

Action=GetCallerIdentity&Version=2011-06-15`,
	"SigV4QueryAuth with a signed header": `GET /?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIAIOSFODNN7EXAMPLE%2F20260314%2Feu-central-1%2Fsts%2Faws4_request&X-Amz-Date=20260314T150926Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id&X-Amz-Security-Token=FwoGZXIvYXdzEXAMPLE%2F%2Ftoken%2Bwith%2Fslashes%3D%3D&X-Amz-Signature=182103e62aff937f2dcdd1f6338654f150478d38e7dfc6c482b77e59b6f33825 HTTP/1.1
Host: sts.eu-central-1.example.com
x-k8s-aws-id: demo  cluster

`,
	"SigV4Auth with a Date header, a path and a query": `GET /a//b/./c/../d%2Fe%20f/?q=a%20b&q=A&empty=&z HTTP/1.1
Host: kms.eu-central-1.example.com
Date: Sat, 14 Mar 2026 15:09:26 -0000
Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260314/eu-central-1/kms/aws4_request, SignedHeaders=date;host, Signature=be1bc5c94d7c6107ce046fda6a52b04012ecd01fb1399c780c9e839f6da981e3

`,
}

func TestARequestSignedByBotocoreVerifies(t *testing.T) {
	for name, text := range botocoreRequests {
		t.Run(name, func(t *testing.T) {
			r := readRequest(t, text)
			_, body, _ := strings.Cut(text, "\n\n")
			s, err := sigv4.Parse(r)
			if err != nil {
				t.Fatal(err)
			}
			endpoint := sigv4.Endpoint{Service: s.Scope.Service, HasRegion: kmsEndpoint.HasRegion}
			if err := s.Verify(sigv4.DeriveKey(exampleSecret, s.Scope), []byte(body), endpoint, signedAt); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestHeaderValuesAreTrimmedJoinedAndCollapsed(t *testing.T) {
	r := encryptRequest()
	r.Header["Amz-Sdk-Request"] = []string{"attempt=1", "max=3"}
	sign(t, longTerm, r, encryptBody)
	for name, values := range map[string][]string{
		"as it was signed": {"attempt=1", "max=3"},
		"in one line":      {"attempt=1,max=3"},
		"in more space":    {"  attempt=1\t", " max=3 "},
	} {
		r.Header["Amz-Sdk-Request"] = values
		if err := verify(r, encryptBody); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	r.Header["Amz-Sdk-Request"] = []string{"max=3", "attempt=1"}
	mustRefuse(t, verify(r, encryptBody), sigv4.CodeInvalid, mismatch)

	r.Header["Amz-Sdk-Request"] = []string{"attempt = 1"}
	sign(t, longTerm, r, encryptBody)
	for _, value := range []string{"attempt\t=\t1", "attempt   = 1", "\tattempt \t = \t\t1"} {
		r.Header["Amz-Sdk-Request"] = []string{value}
		if err := verify(r, encryptBody); err != nil {
			t.Errorf("%q: %v", value, err)
		}
	}
	r.Header["Amz-Sdk-Request"] = []string{"attempt=1"}
	mustRefuse(t, verify(r, encryptBody), sigv4.CodeInvalid, mismatch)
}

func TestAContentHashThatAgreesIsAccepted(t *testing.T) {
	r := encryptRequest()
	r.Header.Set("X-Amz-Content-Sha256", hash(encryptBody))
	mustVerify(t, sign(t, longTerm, r, encryptBody), encryptBody)
}

func TestADateHeaderIsAcceptedInEveryFormThatClientsWrite(t *testing.T) {
	for _, date := range []string{
		"20260314T150926Z", "Sat, 14 Mar 2026 15:09:26 GMT", "Sat, 14 Mar 2026 15:09:26 +0000", "Sat, 14 Mar 2026 17:09:26 +0200",
	} {
		r := encryptRequest()
		r.Header.Set("Date", date)
		craft{headers: "content-type;date;host;x-amz-target"}.sign(r, encryptBody)
		if err := verify(r, encryptBody); err != nil {
			t.Errorf("Date: %s: %v", date, err)
		}
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/awsapi/sigv4"
)

// suiteCase is a case of AWS's "Signature Version 4 test suite", as published with
// https://docs.aws.amazon.com/general/latest/gr/signature-v4-test-suite.html and kept by AWS in
// https://github.com/awslabs/aws-c-auth/tree/main/tests/aws-signing-test-suite/v4 (Apache-2.0). All of them are signed at
// 2015-08-30T12:36:00Z with AKIDEXAMPLE and exampleSecret for us-east-1 and the service "service". The cases with folded
// header lines and with paths that are not normalised (S3) do not apply to a server like this one.
type suiteCase struct {
	name      string
	method    string
	target    string
	headers   string
	body      string
	signed    string
	signature string
}

var suiteTime = time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)

var suiteEndpoint = sigv4.Endpoint{Service: "service", HasRegion: func(region string) bool { return region == "us-east-1" }}

const vanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"

// unreserved are the characters that are never escaped.
const unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

var headerSuite = []suiteCase{
	{name: "get-vanilla", signature: vanilla},
	{name: "get-vanilla-empty-query-key", target: "/?Param1=value1", signature: "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
	{name: "get-vanilla-query-order-key-case", target: "/?Param2=value2&Param1=value1", signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
	{name: "get-vanilla-query-order-encoded", target: "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1", signature: "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
	{name: "get-vanilla-query-unreserved", target: "/?" + unreserved + "=" + unreserved, signature: "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
	{name: "get-vanilla-utf8-query", target: "/?ሴ=bar", signature: "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
	{name: "get-unreserved", target: "/" + unreserved, signature: "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
	{name: "get-utf8", target: "/ሴ", signature: "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
	{name: "get-space-normalized", target: "/example space/", signature: "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
	{name: "get-slashes-normalized", target: "//example//", signature: "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
	{name: "get-slash-pointless-dot-normalized", target: "/./example", signature: "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
	{name: "get-slash-dot-slash-normalized", target: "/./", signature: vanilla},
	{name: "get-relative-relative-normalized", target: "/example1/example2/../..", signature: vanilla},
	{
		name: "get-header-key-duplicate", headers: "My-Header1:value2\nMy-Header1:value2\nMy-Header1:value1\n",
		signed: "host;my-header1;x-amz-date", signature: "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
	},
	{
		name: "get-header-value-order", headers: "My-Header1:value4\nMy-Header1:value1\nMy-Header1:value3\nMy-Header1:value2\n",
		signed: "host;my-header1;x-amz-date", signature: "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
	},
	{
		name: "get-header-value-trim", headers: "My-Header1: value1\nMy-Header2: \"a   b   c\"\n",
		signed: "host;my-header1;my-header2;x-amz-date", signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
	},
	{
		name: "get-vanilla-with-session-token", headers: "X-Amz-Security-Token:6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267\n",
		signed: "host;x-amz-date;x-amz-security-token", signature: "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
	},
	{
		name: "post-header-key-sort", method: http.MethodPost, headers: "My-Header1:value1\n",
		signed: "host;my-header1;x-amz-date", signature: "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
	},
	{
		name: "post-header-value-case", method: http.MethodPost, headers: "My-Header1:VALUE1\n",
		signed: "host;my-header1;x-amz-date", signature: "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
	},
	{
		name: "post-x-www-form-urlencoded", method: http.MethodPost, body: "Param1=value1",
		headers: "Content-Type:application/x-www-form-urlencoded\nContent-Length:13\n" +
			"x-amz-content-sha256:9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e\n",
		signed:    "content-length;content-type;host;x-amz-content-sha256;x-amz-date",
		signature: "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
	},
}

// querySuite are the same suite's presigned requests. The suite leaves the unsigned request's X-Amz-Date header in them,
// which is not sent here: nobody signed it.
var querySuite = []suiteCase{
	{name: "get-vanilla-query", target: "/?", signature: "e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d"},
	{name: "get-vanilla-query-order-encoded", target: "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1&", signature: "c5f1848ceec943ac2ca68ee720460c23aaae30a2300586597ada94c4a65e4787"},
	{name: "get-utf8", target: "/ሴ?", signature: "10eae3f14a260bd3911cc6d008d3c576d143b05b62f09782a7a4b37f52178e44"},
	{
		name: "get-header-value-trim", target: "/?", headers: "My-Header1: value1\nMy-Header2: \"a   b   c\"\n",
		signed: "host%3Bmy-header1%3Bmy-header2", signature: "e7bb0fd515e125e1aec2ecc4c0c17484fb06f6846b927c35e46005dd3df3acd4",
	},
}

// request is the case as net/http's server would read it, but with a path that its parser might refuse.
func (c suiteCase) request(t *testing.T) *http.Request {
	t.Helper()
	method := c.method
	if method == "" {
		method = http.MethodGet
	}
	r := readRequest(t, method+" / HTTP/1.1\nHost:example.amazonaws.com\n"+c.headers+"\n"+c.body)
	raw, query, _ := strings.Cut(c.target, "?")
	meaning, err := url.PathUnescape(raw)
	if err != nil {
		t.Fatal(err)
	}
	if meaning == "" {
		meaning, raw = "/", "/"
	}
	r.URL = &url.URL{Path: meaning, RawPath: raw, RawQuery: query}
	return r
}

func TestAWSTestSuiteSignaturesInTheHeaderVerify(t *testing.T) {
	for _, c := range headerSuite {
		t.Run(c.name, func(t *testing.T) {
			signed := c.signed
			if signed == "" {
				signed = "host;x-amz-date"
			}
			r := c.request(t)
			r.Header.Set("X-Amz-Date", "20150830T123600Z")
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders="+
				signed+", Signature="+c.signature)
			verifySuite(t, r, c.body)
		})
	}
}

func TestAWSTestSuiteSignaturesInTheQueryVerify(t *testing.T) {
	for _, c := range querySuite {
		t.Run(c.name, func(t *testing.T) {
			signed := c.signed
			if signed == "" {
				signed = "host"
			}
			c.target += "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fservice%2Faws4_request" +
				"&X-Amz-Date=20150830T123600Z&X-Amz-SignedHeaders=" + signed + "&X-Amz-Expires=3600&X-Amz-Signature=" + c.signature
			verifySuite(t, c.request(t), c.body)
		})
	}
}

func verifySuite(t *testing.T, r *http.Request, body string) {
	t.Helper()
	s, err := sigv4.Parse(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(sigv4.DeriveKey(exampleSecret, s.Scope), []byte(body), suiteEndpoint, suiteTime); err != nil {
		t.Fatal(err)
	}
	another := sigv4.DeriveKey(exampleSecret+"!", s.Scope)
	mustRefuse(t, s.Verify(another, []byte(body), suiteEndpoint, suiteTime), sigv4.CodeInvalid, mismatch)
}

// The example of AWS's "Create a signed AWS API request" (IAM User Guide), which has the signature for this request too.
func TestTheDocumentedListUsersExampleVerifies(t *testing.T) {
	r := readRequest(t, `GET /?Action=ListUsers&Version=2010-05-08 HTTP/1.1
Host: iam.amazonaws.com
Content-Type: application/x-www-form-urlencoded; charset=utf-8
X-Amz-Date: 20150830T123600Z
Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7

`)
	s, err := sigv4.Parse(r)
	if err != nil {
		t.Fatal(err)
	}
	endpoint := sigv4.Endpoint{Service: "iam", HasRegion: suiteEndpoint.HasRegion}
	if err := s.Verify(sigv4.DeriveKey(exampleSecret, s.Scope), nil, endpoint, suiteTime); err != nil {
		t.Fatal(err)
	}
}

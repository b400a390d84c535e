// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package clients_test

import (
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func newSTSClient(who string) *sts.Client {
	return sts.New(sts.Options{
		BaseEndpoint: aws.String(endpoint), Region: region, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(callers[who].AccessKeyID, callers[who].SecretAccessKey, ""),
	})
}

func TestSTSTellsEveryCallerWhoHeIs(t *testing.T) {
	for who, c := range callers {
		out := must(newSTSClient(who).GetCallerIdentity(t.Context(), nil))(t)
		want := c.Principal
		if who == "role" { // a role acts in sessions only
			want = "arn:aws:sts::" + account + ":assumed-role/app/"
		}
		if !strings.HasPrefix(*out.Arn, want) || *out.Account != strings.Split(c.Principal, ":")[4] || *out.UserId == "" {
			t.Errorf("%s is %s of account %s with ID %s", who, *out.Arn, *out.Account, *out.UserId)
		}
	}
}

// presigned is the URL with which somebody else can ask who the caller is, as `aws eks get-token` makes it.
func presigned(t *testing.T, who string) *url.URL {
	t.Helper()
	request := must(sts.NewPresignClient(newSTSClient(who)).PresignGetCallerIdentity(t.Context(), nil))(t)
	return must(url.Parse(request.URL))(t)
}

// fetch sends a GET request, and returns the status and what is in the document's Arn or Code.
func fetch(t *testing.T, to *url.URL, header http.Header) (status int, arn, code string) {
	t.Helper()
	request := must(http.NewRequestWithContext(t.Context(), http.MethodGet, to.String(), http.NoBody))(t)
	maps.Copy(request.Header, header)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var document struct {
		Result struct{ Arn string }  `xml:"GetCallerIdentityResult"`
		Error  struct{ Code string } `xml:"Error"`
	}
	body := must(io.ReadAll(response.Body))(t)
	if err := xml.Unmarshal(body, &document); err != nil {
		t.Fatalf("%v in %q", err, body)
	}
	return response.StatusCode, document.Result.Arn, document.Error.Code
}

func TestAPresignedURLProvesItsMakerForAWhile(t *testing.T) {
	post := func(to *url.URL) (int, string, string) { return fetch(t, to, nil) }
	if status, arn, code := post(presigned(t, "user")); status != http.StatusOK || arn != callers["user"].Principal {
		t.Errorf("got %d, %q, %s", status, arn, code)
	}
	change := func(name, value string) *url.URL {
		to := presigned(t, "user")
		query := to.Query()
		query.Set(name, value)
		to.RawQuery = query.Encode()
		return to
	}
	now := time.Now().UTC()
	past, rootsScope := now.AddDate(0, 0, -8), callers["root"].AccessKeyID+now.Format("/20060102/")+region+"/sts/aws4_request"
	for name, to := range map[string]*url.URL{
		"another action's": change("Action", "AssumeRoleWithWebIdentity"), "prolonged": change("X-Amz-Expires", "86400"),
		"another date's": change("X-Amz-Date", past.Format("20060102T150405Z")), "with a parameter more": change("Extra", "1"),
		"a forged one":     change("X-Amz-Signature", strings.Repeat("0", 64)),
		"somebody else's":  change("X-Amz-Credential", rootsScope),
		"for ever":         change("X-Amz-Expires", "99999999"),
		"with no lifetime": change("X-Amz-Expires", ""),
	} {
		if status, arn, code := post(to); status < 400 || status >= 500 || arn != "" || code == "" {
			t.Errorf("%s: got %d, %q, %s", name, status, arn, code)
		}
	}
}

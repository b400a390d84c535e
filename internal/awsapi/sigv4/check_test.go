// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/awsapi/sigv4"
)

func TestARequestIsOfItsTimeForFiveMinutesEitherWay(t *testing.T) {
	r := sign(t, session, encryptRequest(), encryptBody)
	for _, after := range []time.Duration{0, 5 * time.Minute, 5*time.Minute + 999*time.Millisecond, -5 * time.Minute} {
		if err := verifyAt(r, encryptBody, signedAt.Add(after)); err != nil {
			t.Errorf("after %v: %v", after, err)
		}
	}
}

func TestAReplayOutsideTheWindowIsExpired(t *testing.T) {
	r := sign(t, session, encryptRequest(), encryptBody)
	mustRefuse(t, verifyAt(r, encryptBody, signedAt.Add(5*time.Minute+time.Second)), sigv4.CodeExpired,
		"Signature expired: 20260314T150926Z is now earlier than 20260314T150927Z (20260314T151427Z - 5 min.)")
	mustRefuse(t, verifyAt(r, encryptBody, signedAt.AddDate(1, 0, 0)), sigv4.CodeExpired, "Signature expired")
}

func TestARequestFromTheFutureIsNotYetCurrent(t *testing.T) {
	r := sign(t, session, encryptRequest(), encryptBody)
	mustRefuse(t, verifyAt(r, encryptBody, signedAt.Add(-5*time.Minute-time.Second)), sigv4.CodeNotYetCurrent,
		"Signature not yet current: 20260314T150926Z is still later than 20260314T150925Z (20260314T150425Z + 5 min.)")
}

func TestTheServersTimeZoneDoesNotMatter(t *testing.T) {
	r := sign(t, session, encryptRequest(), encryptBody)
	zone := time.FixedZone("", 9*60*60)
	if err := verifyAt(r, encryptBody, signedAt.In(zone)); err != nil {
		t.Error(err)
	}
	mustRefuse(t, verifyAt(r, encryptBody, signedAt.Add(time.Hour).In(zone)), sigv4.CodeExpired, "(20260314T160926Z - 5 min.)")
}

func TestADateThatIsNotBasicISO8601IsIncomplete(t *testing.T) {
	for _, date := range []string{
		"20260314", "2026-03-14T15:09:26Z", "20260314T150926", "20260314T150926z", "20260314T150926.5Z", "20260314T150926,5Z",
		"20260230T150926Z", "20260314T240000Z", "20260314T150960Z", "20260314T1509260", " 20260314T15092Z", "Sat, 14 Mar 2026 15:09:26 GMT", "\u0660",
	} {
		r := craft{time: date}.sign(encryptRequest(), encryptBody)
		mustRefuse(t, verify(r, encryptBody), sigv4.CodeIncomplete, "Date must be in ISO-8601 'basic format'. Got '")
	}
	r := encryptRequest()
	r.Header.Set("Date", "Sat, 14 Mar 2026 15:09:26 CET")
	craft{headers: "content-type;date;host;x-amz-target"}.sign(r, encryptBody)
	mustRefuse(t, verify(r, encryptBody), sigv4.CodeIncomplete, "Date must be in ISO-8601 'basic format'.")
}

func TestACredentialOfAnotherScopeIsRefused(t *testing.T) {
	for scope, want := range map[string]string{
		"20260314/us-east-1/kms/aws4_request":       "Credential should be scoped to a valid region, not 'us-east-1'.",
		"20260314/EU-central-1/kms/aws4_request":    "Credential should be scoped to a valid region, not 'EU-central-1'.",
		"20260314/eu-central-1/sts/aws4_request":    "Credential should be scoped to correct service: 'kms'.",
		"20260314/eu-central-1/KMS/aws4_request":    "Credential should be scoped to correct service: 'kms'.",
		"20260314/eu-central-1/kms/aws4_request2":   "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws4_request2'.",
		"20260313/eu-central-1/kms/aws4_request":    "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20260313' != '20260314', from '20260314T150926Z'.",
		"2026314/eu-central-1/kms/aws4_request":     "'2026314' != '20260314'",
		"20260314T15/eu-central-1/kms/aws4_request": "'20260314T15' != '20260314'",
		"b/c/d/e": "Credential should be scoped to a valid region, not 'c'. Credential should be scoped to correct service: 'kms'. " +
			"Credential should be scoped with a valid terminator: 'aws4_request', not 'e'. " +
			"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: 'b' != '20260314', from '20260314T150926Z'.",
	} {
		t.Run(scope, func(t *testing.T) {
			r := craft{scope: scope}.sign(encryptRequest(), encryptBody)
			mustRefuse(t, verify(r, encryptBody), sigv4.CodeScope, want)
		})
	}
}

func TestAnEndpointWithoutRegionsServesNone(t *testing.T) {
	s, err := sigv4.Parse(sign(t, longTerm, encryptRequest(), encryptBody))
	if err != nil {
		t.Fatal(err)
	}
	err = s.Verify(sigv4.DeriveKey(exampleSecret, s.Scope), []byte(encryptBody), sigv4.Endpoint{Service: "kms"}, signedAt)
	mustRefuse(t, err, sigv4.CodeScope, "valid region")
}

func TestCheckRefusesWithoutASecretWhatVerifyWouldRefuse(t *testing.T) {
	s, err := sigv4.Parse(sign(t, longTerm, encryptRequest(), encryptBody))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(kmsEndpoint, signedAt); err != nil {
		t.Error(err)
	}
	mustRefuse(t, s.Check(kmsEndpoint, signedAt.Add(time.Hour)), sigv4.CodeExpired, "")
	mustRefuse(t, s.Check(sigv4.Endpoint{Service: "sts", HasRegion: kmsEndpoint.HasRegion}, signedAt), sigv4.CodeScope, "'sts'")
}

func TestAKeyOfAnotherScopeIsAMismatch(t *testing.T) {
	s, err := sigv4.Parse(sign(t, longTerm, encryptRequest(), encryptBody))
	if err != nil {
		t.Fatal(err)
	}
	for _, scope := range []sigv4.Scope{
		{Date: "20260315", Region: s.Scope.Region, Service: s.Scope.Service},
		{Date: s.Scope.Date, Region: "us-east-1", Service: s.Scope.Service},
		{Date: s.Scope.Date, Region: s.Scope.Region, Service: "sts"},
	} {
		err := s.Verify(sigv4.DeriveKey(exampleSecret, scope), []byte(encryptBody), kmsEndpoint, signedAt)
		mustRefuse(t, err, sigv4.CodeInvalid, mismatch)
	}
}

func TestAKeyServesManyRequestsAtOnce(t *testing.T) {
	r := sign(t, longTerm, encryptRequest(), encryptBody)
	s, err := sigv4.Parse(r)
	if err != nil {
		t.Fatal(err)
	}
	key := sigv4.DeriveKey(exampleSecret, s.Scope)
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for range 100 {
				if err := s.Verify(key, []byte(encryptBody), kmsEndpoint, signedAt); err != nil {
					t.Error(err)
				}
				if err := s.Verify(key, nil, kmsEndpoint, signedAt); err == nil {
					t.Error("another body verifies")
				}
			}
		})
	}
	group.Wait()
}

func TestAnErrorTellsNeitherSignatureNorTokenNorLongAndUnprintableInput(t *testing.T) {
	r := craft{scope: "20260314/" + strings.Repeat("long", 1000) + "/kms/aws4_request"}.sign(encryptRequest(), encryptBody)
	long := verify(r, encryptBody)
	r = presigned(t)
	r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "20260314T150926Z", "%00%1b%5b31m%e2%80%ae", 1)
	unprintable := verify(r, "")
	r = sign(t, session, encryptRequest(), encryptBody)
	r.Host = "elsewhere"
	differs := verify(r, encryptBody)
	for _, err := range []error{long, unprintable, differs} {
		var refused *sigv4.Error
		if !errors.As(err, &refused) || len(refused.Message) > 400 {
			t.Fatalf("error is %v", err)
		}
		if strings.IndexFunc(refused.Message, func(c rune) bool { return c < ' ' || c > '~' }) >= 0 {
			t.Errorf("message has unprintable characters: %q", refused.Message)
		}
		_, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
		for _, secret := range []string{exampleSecret, session.SessionToken, signature, "AWS4-HMAC-SHA256\n"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%v tells %q", err, secret)
			}
		}
	}
}

func TestCodesHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for code := sigv4.CodeMissing; code <= sigv4.CodeNotYetCurrent; code++ {
		if name := code.String(); name == "unknown" || seen[name] {
			t.Errorf("code %d is called %q", int(code), name)
		} else {
			seen[name] = true
		}
	}
	if name := sigv4.Code(0).String(); name != "unknown" {
		t.Errorf("code 0 is called %q", name)
	}
}

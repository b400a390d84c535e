// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/awsapi/sigv4"
)

func TestAPresignedRequestThatIsChangedIsAMismatch(t *testing.T) {
	for name, change := range map[string]func(r *http.Request, query url.Values){
		"method":            func(r *http.Request, _ url.Values) { r.Method = http.MethodPost },
		"path":              func(r *http.Request, _ url.Values) { r.URL.Path = "/other" },
		"host":              func(r *http.Request, _ url.Values) { r.Host = "kms.eu-west-1.example.com" },
		"action":            func(_ *http.Request, query url.Values) { query.Set("Action", "ScheduleKeyDeletion") },
		"second action":     func(_ *http.Request, query url.Values) { query.Add("Action", "ScheduleKeyDeletion") },
		"added parameter":   func(_ *http.Request, query url.Values) { query.Set("KeyId", "k") },
		"removed parameter": func(_ *http.Request, query url.Values) { query.Del("Action") },
		"longer life":       func(_ *http.Request, query url.Values) { query.Set("X-Amz-Expires", "604800") },
		"no life":           func(_ *http.Request, query url.Values) { query.Del("X-Amz-Expires") },
		"other date":        func(_ *http.Request, query url.Values) { query.Set("X-Amz-Date", "20260314T150927Z") },
		"other token":       func(_ *http.Request, query url.Values) { query.Set("X-Amz-Security-Token", "another") },
		"removed token":     func(_ *http.Request, query url.Values) { query.Del("X-Amz-Security-Token") },
		"other signature":   func(_ *http.Request, query url.Values) { query.Set("X-Amz-Signature", someDigits) },
		"more headers":      func(_ *http.Request, query url.Values) { query.Set("X-Amz-SignedHeaders", "accept;host") },
	} {
		t.Run(name, func(t *testing.T) {
			r := presigned(t)
			query := r.URL.Query()
			change(r, query)
			r.URL.RawQuery = query.Encode()
			mustRefuse(t, verify(r, ""), sigv4.CodeInvalid, mismatch)
		})
	}
}

func TestATokenAddedToAPresignedRequestAfterwardsIsAMismatch(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/?Action=ListKeys&X-Amz-Expires=900", http.NoBody)
	r = presign(t, longTerm, r, "")
	mustVerify(t, r, "")
	r.URL.RawQuery += "&X-Amz-Security-Token=added"
	mustRefuse(t, verify(r, ""), sigv4.CodeInvalid, mismatch)
}

func TestOrderAndSpellingOfAQueryDoNotMatterButItsMeaningDoes(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/?a=1&b=x%20y&X-Amz-Expires=900", http.NoBody)
	r = presign(t, longTerm, r, "")
	spelt := strings.NewReplacer("b=x%20y", "&%62=x+y&", "a=1", "a=%31")
	r.URL.RawQuery = spelt.Replace(r.URL.RawQuery)
	mustVerify(t, r, "")
	r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "x+y", "x%2By", 1)
	mustRefuse(t, verify(r, ""), sigv4.CodeInvalid, mismatch)
}

func TestAQueryThatNetURLWouldNotReadCompletelyIsRefused(t *testing.T) {
	for _, addition := range []string{"&a=%", "&a=%zz", "&%=a", "&a=b;c=d", ";"} {
		for name, r := range map[string]*http.Request{"presigned": presigned(t), "header": sign(t, longTerm, encryptRequest(), encryptBody)} {
			r.URL.RawQuery += addition
			if _, err := url.ParseQuery(r.URL.RawQuery); err == nil {
				t.Errorf("net/url reads %q", addition)
			}
			t.Run(name+addition, func(t *testing.T) {
				mustRefuse(t, verify(r, ""), sigv4.CodeIncomplete, "The query string is malformed.")
			})
		}
	}
}

func TestAnIncompletePresignedRequestIsToldEverythingThatIsMissing(t *testing.T) {
	need := func(names ...string) string {
		return "AWS query-string parameters must include '" + strings.Join(names, "'. AWS query-string parameters must include '") +
			"'. Re-examine the query-string parameters."
	}
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"} {
		r := presigned(t)
		query := r.URL.Query()
		query.Del(name)
		r.URL.RawQuery = query.Encode()
		mustRefuse(t, verify(r, ""), sigv4.CodeIncomplete, need(name))
		query.Set(name, "")
		r.URL.RawQuery = query.Encode()
		mustRefuse(t, verify(r, ""), sigv4.CodeIncomplete, need(name))
	}
	r := httptest.NewRequest(http.MethodGet, "/?X-Amz-Algorithm=AWS4-HMAC-SHA256", http.NoBody)
	mustRefuse(t, verify(r, ""), sigv4.CodeIncomplete, need("X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"))
}

func TestQueryParametersThatAuthenticateMustNotBeRepeatedNorWrittenOtherwise(t *testing.T) {
	for _, name := range []string{
		"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Security-Token",
	} {
		for _, spelling := range []string{name, strings.Replace(name, "-", "%2D", 1)} {
			r := presigned(t)
			r.URL.RawQuery += "&" + spelling + "=" + url.QueryEscape(r.URL.Query().Get(name))
			mustRefuse(t, verify(r, ""), sigv4.CodeIncomplete, "Query-string parameter '"+name+"' must not be repeated.")
		}
		for _, spelling := range []string{strings.ToLower(name), strings.ToUpper(name), strings.Replace(name, "z", "Z", 1)} {
			r := presigned(t)
			r.URL.RawQuery += "&" + spelling + "=x"
			mustRefuse(t, verify(r, ""), sigv4.CodeIncomplete, "must be written '"+name+"'.")
		}
	}
	r := presigned(t)
	r.URL.RawQuery += "&X-Amz-%C5%BFignature=x" // a long s, which folds to s
	mustRefuse(t, verify(r, ""), sigv4.CodeIncomplete, "must be written 'X-Amz-Signature'.")
}

func TestAPresignedRequestHasNoDateAndTokenHeadersOfItsOwn(t *testing.T) {
	for _, name := range []string{"X-Amz-Date", "X-Amz-Security-Token"} {
		r := presigned(t)
		r.Header.Set(name, r.URL.Query().Get(name))
		mustRefuse(t, verify(r, ""), sigv4.CodeInvalid, "A presigned request must not have '"+name+"' as HTTP header.")
	}
}

func TestAPresignedRequestMustSignItsAmzHeaders(t *testing.T) {
	r := presigned(t)
	r.Header.Set("X-Amz-Target", "TrentService.ScheduleKeyDeletion")
	mustRefuse(t, verify(r, ""), sigv4.CodeInvalid, "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.")
}

func TestAPresignedRequestOfAnotherAlgorithmIsUnsupported(t *testing.T) {
	r := presigned(t)
	r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", 1)
	mustRefuse(t, verify(r, ""), sigv4.CodeIncomplete, "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'")
}

func TestTheLifeOfAPresignedRequestIsBetweenASecondAndAWeek(t *testing.T) {
	for expires, want := range map[string]string{
		"1": "", "604800": "",
		"0":                    "must be between 1 and 604800 seconds",
		"604801":               "must be between 1 and 604800 seconds",
		"-1":                   "should be a number of seconds",
		"+60":                  "should be a number of seconds",
		"60s":                  "should be a number of seconds",
		"0x3c":                 "should be a number of seconds",
		"99999999999999999999": "should be a number of seconds",
		"":                     "must not be empty",
	} {
		t.Run(expires, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/?X-Amz-Expires="+url.QueryEscape(expires), http.NoBody)
			err := verify(presign(t, longTerm, r, ""), "")
			if want != "" {
				mustRefuse(t, err, sigv4.CodeIncomplete, want)
			} else if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestAPresignedRequestExpiresWhenItSays(t *testing.T) {
	r := presigned(t) // for 15 minutes
	for after, code := range map[time.Duration]sigv4.Code{
		-5*time.Minute - time.Second: sigv4.CodeNotYetCurrent, -5 * time.Minute: 0, 0: 0, 15 * time.Minute: 0,
		15*time.Minute + time.Second: sigv4.CodeExpired,
	} {
		err := verifyAt(r, "", signedAt.Add(after))
		if code != 0 {
			mustRefuse(t, err, code, "")
		} else if err != nil {
			t.Errorf("after %v: %v", after, err)
		}
	}
	mustRefuse(t, verifyAt(r, "", signedAt.Add(time.Hour)), sigv4.CodeExpired,
		"Signature expired: 20260314T150926Z is now earlier than 20260314T155426Z (20260314T160926Z - 15 min.)")
}

func TestAPresignedRequestThatDoesNotSayHasFiveMinutes(t *testing.T) {
	r := presign(t, session, httptest.NewRequest(http.MethodGet, "/", http.NoBody), "")
	if err := verifyAt(r, "", signedAt.Add(5*time.Minute)); err != nil {
		t.Error(err)
	}
	mustRefuse(t, verifyAt(r, "", signedAt.Add(5*time.Minute+time.Second)), sigv4.CodeExpired, "- 5 min.)")
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

const operatorRole = "arn:aws:iam::" + account + ":role/team/operator"

// refusingSTS stands for an STS that refuses to have a role assumed, and notes with which external ID it was asked.
type refusingSTS struct {
	*httptest.Server
	code, message string
	externalID    string
	asked         int
}

func newRefusingSTS(t *testing.T, code, message string) *refusingSTS {
	t.Helper()
	s := &refusingSTS{code: code, message: message}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		s.externalID, s.asked = form.Get("ExternalId"), s.asked+1
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>%d</RequestId></ErrorResponse>`,
			s.code, s.message, s.asked)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestARoleThatMayNotBeAssumedIsNamedWithTheWayOut(t *testing.T) {
	bare(t)
	const denied = "User: arn:aws:iam::" + account + ":user/dev is not authorized to perform: sts:AssumeRole on resource: " + operatorRole
	const named = "sts:AssumeRole for " + operatorRole + ": "
	const policies = ": have the role's trust policy let that caller assume it, "
	for name, c := range map[string]struct {
		code, message, externalID string
		class                     backend.Class
		says                      string
	}{
		"denied": {"AccessDenied", denied, "", backend.AccessDenied, named + denied + policies +
			"and the caller's own policies too; if the trust policy asks for an external ID, name it in spec.aws.assumeRole.externalID"},
		"denied with an external ID": {"AccessDenied", denied + ".", "shared", backend.AccessDenied, named + denied + policies +
			"with the external ID in spec.aws.assumeRole.externalID, and the caller's own policies too"},
		"asked with a key that expired": {"ExpiredToken", "The security token included in the request is expired", "", backend.AccessDenied,
			named + sayExpired},
		"throttled": {"Throttling", "Rate exceeded", "", backend.Throttled, named + sayThrottled},
	} {
		t.Run(name, func(t *testing.T) {
			sts := newRefusingSTS(t, c.code, c.message)
			config := settings(sts.URL, clock.RealClock{})
			config.AssumeRole = &AssumeRole{ARN: operatorRole, ExternalID: c.externalID}
			b := open(t, config)
			for range 2 {
				_, err := b.Identify(t.Context())
				if backend.ClassOf(err) != c.class || err.Error() != c.says {
					t.Errorf("%s: %v, want %s: %s", backend.ClassOf(err), err, c.class, c.says)
				}
			}
			if _, err := b.listKeys(t.Context()); err == nil || err.Error() != c.says {
				t.Errorf("another request says %v", err)
			}
			if share := b.limits["ListKeys"].share(); share != 1 {
				t.Errorf("the rate of ListKeys is %v of its own, and AWS did not throttle it", share)
			}
			if sts.externalID != c.externalID {
				t.Errorf("asked with external ID %q", sts.externalID)
			}
		})
	}
}

func TestARoleIsAssumedOnceForManyRequests(t *testing.T) {
	url, err := moto()
	if err != nil {
		t.Fatal(err)
	}
	requests := &noted{}
	config := settings(url, clock.RealClock{})
	config.AssumeRole, config.Observer = &AssumeRole{ARN: operatorRole}, requests
	b := open(t, config)
	identify(t, b)
	for range 3 {
		if _, err := b.listKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := requests.of("AssumeRole"); len(got) != 1 || got[0].Service != "sts" || got[0].Class != "" || got[0].Code != "" {
		t.Errorf("%+v", got)
	}
	if got := requests.of("ListKeys"); len(got) != 4 {
		t.Errorf("%d ListKeys", len(got))
	}
}

func TestWithoutCredentialsToAssumeARoleWithThatIsSaid(t *testing.T) {
	bare(t)
	config := settings("http://127.0.0.1:1", clock.RealClock{})
	config.Credentials, config.AssumeRole = nil, &AssumeRole{ARN: operatorRole}
	_, err := open(t, config).Identify(t.Context())
	const says = "sts:AssumeRole for " + operatorRole + ": no credentials: give the ServiceAccount an IAM role"
	if backend.ClassOf(err) != backend.AccessDenied || err.Error()[:len(says)] != says {
		t.Errorf("%s: %v", backend.ClassOf(err), err)
	}
}

func TestTheRoleOfTheServiceAccountIsNamedWhenItMayNotBeAssumed(t *testing.T) {
	bare(t)
	sts := newRefusingSTS(t, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("a token"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_ROLE_ARN", operatorRole)
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", token)
	const says = "sts:AssumeRoleWithWebIdentity for " + operatorRole + ": Not authorized to perform sts:AssumeRoleWithWebIdentity: have the " +
		"role's trust policy let in the operator's ServiceAccount, by the cluster's OpenID Connect provider, the token's subject and its audience"
	for name, assumed := range map[string]*AssumeRole{
		"by itself": nil, "on the way to another role": {ARN: "arn:aws:iam::444455556666:role/other"},
	} {
		config := settings(sts.URL, clock.RealClock{})
		config.Credentials, config.AssumeRole = nil, assumed
		_, err := open(t, config).Identify(t.Context())
		if backend.ClassOf(err) != backend.AccessDenied || err.Error() != says {
			t.Errorf("%s: %s: %v, want %s", name, backend.ClassOf(err), err, says)
		}
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package serviceaccount

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/chatelaine-dev/chatelaine/internal/identity"
)

func jwt(payload string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".c2ln"
}

func TestClaimsAreRead(t *testing.T) {
	for payload, want := range map[string]claims{
		`{}`: {},
		`{"iss":"https://kube","aud":["a","b"],"exp":1772359200}`: {
			Issuer: "https://kube", Audiences: []string{"a", "b"}, Expires: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC),
		},
		`{"aud":"a","exp":1772359200.9}`: {Audiences: []string{"a"}, Expires: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)},
		`{"aud":[],"sub":1}`:             {Audiences: []string{}},
	} {
		got, err := parseClaims(jwt(payload))
		if err != nil {
			t.Errorf("%s: %v", payload, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", payload, diff)
		}
	}
}

func TestWhatIsNoTokenIsNotReadAndNotShown(t *testing.T) {
	for what, token := range map[string]string{
		"empty": "", "short": "a.b", "long": "a." + strings.Repeat("b", MaxToken) + ".c", "two parts": "aaaa.bbbb",
		"four parts": jwt(`{}`) + ".x", "not base64": "e30.*.c2ln", "not JSON": jwt(`hunter2`), "a list": jwt(`[]`),
		"line end": "e30.e3\n0.c2ln", "audience not text": jwt(`{"aud":[1]}`), "audience a map": jwt(`{"aud":{}}`),
		"expiry not a number": jwt(`{"exp":"hunter2"}`), "expiry negative": jwt(`{"exp":-1}`), "expiry beyond years": jwt(`{"exp":1e300}`),
	} {
		if got, err := parseClaims(token); err == nil {
			t.Errorf("%s: read %+v", what, got)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func FuzzClaims(f *testing.F) {
	f.Add(jwt(`{"iss":"https://kube","aud":["a"],"exp":1772359200}`))
	f.Add(jwt(`{"aud":"a","exp":1e18}`))
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		got, err := parseClaims(token)
		if err == nil && (strings.Count(token, ".") != 2 || got.Expires.Year() > 9999 || got.Expires.Year() < 1) {
			t.Errorf("%q is %+v", token, got)
		}
	})
}

// The API server's answers that it takes a misconfigured one to get.
func TestAnAnswerThatProvesTooLittleIsARefusal(t *testing.T) {
	good := authenticationv1.TokenReviewStatus{
		Authenticated: true, Audiences: []string{AudienceWebIdentity},
		User: authenticationv1.UserInfo{Username: "system:serviceaccount:billing:api", UID: "1"},
	}
	bound := claims{Audiences: []string{AudienceWebIdentity}, Expires: time.Unix(1772359200, 0)}
	reviewer := NewReviewer(nil, clocktesting.NewFakePassiveClock(time.Unix(1772350000, 0)))
	if _, err := reviewer.judge(good, bound, []string{AudienceWebIdentity}); err != nil {
		t.Fatal(err)
	}
	for what, try := range map[string]struct {
		spoil func(*authenticationv1.TokenReviewStatus, *claims)
		want  error
	}{
		"not authenticated":   {func(s *authenticationv1.TokenReviewStatus, _ *claims) { s.Authenticated = false }, ErrInvalid},
		"no audience":         {func(s *authenticationv1.TokenReviewStatus, _ *claims) { s.Audiences = nil }, ErrAudience},
		"another audience":    {func(s *authenticationv1.TokenReviewStatus, _ *claims) { s.Audiences = []string{"kube"} }, ErrAudience},
		"legacy token":        {func(_ *authenticationv1.TokenReviewStatus, c *claims) { c.Expires = time.Time{} }, ErrInvalid},
		"a person":            {user("alice"), ErrInvalid},
		"a node":              {user("system:node:a"), ErrInvalid},
		"name in capitals":    {user("system:serviceaccount:billing:API"), ErrInvalid},
		"slash in the name":   {user("system:serviceaccount:billing:a/b"), ErrInvalid},
		"no name":             {user("system:serviceaccount:billing:"), ErrInvalid},
		"no namespace":        {user("system:serviceaccount::api"), ErrInvalid},
		"dot in namespace":    {user("system:serviceaccount:a.b:api"), ErrInvalid},
		"one part more":       {user("system:serviceaccount:a:b:c"), ErrInvalid},
		"a group, not a user": {user("system:serviceaccounts:billing"), ErrInvalid},
	} {
		status, c := good, bound
		try.spoil(&status, &c)
		if got, err := reviewer.judge(status, c, []string{AudienceWebIdentity}); !errors.Is(err, try.want) {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
}

func user(name string) func(*authenticationv1.TokenReviewStatus, *claims) {
	return func(s *authenticationv1.TokenReviewStatus, _ *claims) { s.User.Username = name }
}

func TestAServiceAccountMayAssumeItsOwnRoleOnly(t *testing.T) {
	account := identity.ServiceAccount{Namespace: "billing", Name: "api.v1"}
	serves := func(id string) bool { return id == "111122223333" || id == "444455556666" }
	for _, id := range []string{"111122223333", "444455556666"} {
		if got, err := Permit(account, RoleARN(id, "billing", "api.v1"), serves); err != nil || got != id {
			t.Errorf("%s: %q, %v", id, got, err)
		}
	}
	for what, role := range map[string]string{
		"another namespace":      "arn:aws:iam::111122223333:role/admin/api.v1",
		"another name":           "arn:aws:iam::111122223333:role/billing/admin",
		"a dot for a slash":      "arn:aws:iam::111122223333:role/billing/api/v1",
		"no path":                "arn:aws:iam::111122223333:role/api.v1",
		"a longer path":          "arn:aws:iam::111122223333:role/x/billing/api.v1",
		"capitals":               "arn:aws:iam::111122223333:role/Billing/api.v1",
		"an account elsewhere":   "arn:aws:iam::999999999999:role/billing/api.v1",
		"no account":             "arn:aws:iam:::role/billing/api.v1",
		"a short account":        "arn:aws:iam::1:role/billing/api.v1",
		"two accounts":           "arn:aws:iam::111122223333:111122223333:role/billing/api.v1",
		"another partition":      "arn:aws-cn:iam::111122223333:role/billing/api.v1",
		"a user":                 "arn:aws:iam::111122223333:user/billing/api.v1",
		"the session":            "arn:aws:sts::111122223333:assumed-role/api.v1/x",
		"something behind":       "arn:aws:iam::111122223333:role/billing/api.v1 ",
		"nothing":                "",
		"more than is ever read": strings.Repeat("a", 3000),
	} {
		got, err := Permit(account, role, serves)
		if !errors.Is(err, ErrNotPermitted) || got != "" {
			t.Errorf("%s: %q, %v", what, got, err)
		} else if len(err.Error()) > 500 {
			t.Errorf("%s: an error of %d characters", what, len(err.Error()))
		}
	}
	if _, err := Permit(identity.ServiceAccount{}, "arn:aws:iam::111122223333:role//", serves); !errors.Is(err, ErrNotPermitted) {
		t.Errorf("nobody may assume nobody's role: %v", err)
	}
}

func TestARoleOfAServiceAccountMakesACaller(t *testing.T) {
	caller, err := identity.NewSessionCaller(RoleARN("111122223333", "billing", strings.Repeat("a", 253)), "ASIAX",
		identity.Session{Name: "web", Provider: ProviderARN("111122223333", "https://kube.example/id/1/")})
	if err != nil {
		t.Fatal(err)
	}
	if caller.Principal.Federated != "arn:aws:iam::111122223333:oidc-provider/kube.example/id/1" {
		t.Errorf("provider %s", caller.Principal.Federated)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

func must[T any](t testing.TB) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

const keyID = "AKIAEXAMPLE123456789"

// The unique IDs are written down here because they must never change: they are in trails.
func TestAStaticKeyStandsForWhomItsARNNames(t *testing.T) {
	for arn, want := range map[string]Caller{
		"arn:aws:iam::111122223333:root": {
			Principal: policy.Principal{ARN: "arn:aws:iam::111122223333:root", Account: "111122223333"},
			Type:      Root, PrincipalID: "111122223333", AccessKeyID: keyID,
		},
		"arn:aws:iam::111122223333:user/team/alice": {
			Principal: policy.Principal{ARN: "arn:aws:iam::111122223333:user/team/alice", Account: "111122223333"},
			Type:      IAMUser, PrincipalID: "AIDASY2DJ2HCQ4TFF4BL2", AccessKeyID: keyID, UserName: "alice",
		},
		"arn:aws:iam::111122223333:role/billing/api": {
			Principal: policy.Principal{
				ARN: "arn:aws:iam::111122223333:role/billing/api", Account: "111122223333",
				SessionARN: "arn:aws:sts::111122223333:assumed-role/api/" + keyID,
			},
			Type: AssumedRole, PrincipalID: "AROALUWXR7CEVFDYMZHEV:" + keyID, AccessKeyID: keyID, UserName: "api",
			Session: &Session{Name: keyID},
		},
		"arn:aws-cn:sts::111122223333:assumed-role/admin/bob@example.com": {
			Principal: policy.Principal{
				ARN: "arn:aws-cn:iam::111122223333:role/admin", Account: "111122223333",
				SessionARN: "arn:aws-cn:sts::111122223333:assumed-role/admin/bob@example.com",
			},
			Type: AssumedRole, PrincipalID: "AROA2QMQKSWPOYNKE3U57:bob@example.com", AccessKeyID: keyID, UserName: "admin",
			Session: &Session{Name: "bob@example.com"},
		},
	} {
		got := must[Caller](t)(NewCaller(arn, keyID))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", arn, diff)
		}
		if got.AccountID() != "111122223333" {
			t.Errorf("%s: account %q", arn, got.AccountID())
		}
		wantARN := want.Principal.SessionARN
		if wantARN == "" {
			wantARN = arn
		}
		if got.ARN() != wantARN {
			t.Errorf("%s: GetCallerIdentity would tell %s", arn, got.ARN())
		}
	}
}

func TestTheAccountOfACallerWithoutOneIsThatOfItsARN(t *testing.T) {
	if got := (Caller{Principal: policy.Principal{ARN: "arn:aws:iam::111122223333:root"}}).AccountID(); got != "111122223333" {
		t.Errorf("got %q", got)
	}
	if got := (Caller{}).AccountID(); got != "" {
		t.Errorf("nobody has account %q", got)
	}
}

func TestWhatNamesNoCallerIsRefused(t *testing.T) {
	for _, arn := range []string{
		"", "*", "111122223333", "arn:aws:iam::1111:root", "arn:aws:iam::111122223333:rooted",
		"arn:aws:iam::111122223333:user/", "arn:aws:iam::111122223333:user//alice", "arn:aws:iam::111122223333:role/a/",
		"arn:aws:iam::111122223333:group/a", "arn:aws:sts::111122223333:federated-user/a",
		"arn:aws:sts::111122223333:assumed-role/a/b/c", "arn:aws:sts::111122223333:assumed-role/a/b",
		"arn:aws:kms:local:111122223333:key/a", "arn:aws:iam::111122223333:user/a*",
	} {
		if got, err := NewCaller(arn, keyID); err == nil {
			t.Errorf("%q is %+v", arn, got)
		}
	}
	for _, role := range []string{"arn:aws:iam::111122223333:user/a", "arn:aws:iam::111122223333:role/", "x"} {
		if got, err := NewSessionCaller(role, keyID, Session{Name: "ab"}); err == nil {
			t.Errorf("role %q is %+v", role, got)
		}
	}
}

func TestSessionNamesAreThoseThatSTSTakes(t *testing.T) {
	for name, want := range map[string]bool{
		"ab": true, "A_1+=,.@-": true, strings.Repeat("a", 64): true,
		"": false, "a": false, strings.Repeat("a", 65): false, "a/b": false, "a b": false, "äö": false, "ab\n": false, "a:b": false,
	} {
		if err := CheckSessionName(name); (err == nil) != want {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestALongAccessKeyIDStillMakesASessionName(t *testing.T) {
	long := strings.Repeat("A", 128)
	caller := must[Caller](t)(NewCaller("arn:aws:iam::111122223333:role/a", long))
	if caller.Session.Name != long[:64] || caller.AccessKeyID != long {
		t.Errorf("session %q of %q", caller.Session.Name, caller.AccessKeyID)
	}
}

func TestUniqueIDsTellPrincipalsApart(t *testing.T) {
	form := regexp.MustCompile(`^AROA[A-Z2-7]{17}$`)
	seen := map[string]string{}
	for _, arn := range []string{
		"arn:aws:iam::111122223333:role/a/b", "arn:aws:iam::111122223333:role/b/a", "arn:aws:iam::111122223334:role/a/b",
	} {
		id := RoleID(arn)
		if !form.MatchString(id) || seen[id] != "" {
			t.Errorf("%s has %s, like %q", arn, id, seen[id])
		}
		seen[id] = arn
	}
}

func TestASessionsCallerHasItsProvider(t *testing.T) {
	session := Session{Name: "web", Provider: "arn:aws:iam::111122223333:oidc-provider/kube", IssuedAt: time.Unix(1, 0)}
	caller := must[Caller](t)(NewSessionCaller("arn:aws:iam::111122223333:role/ns/api", "ASIAX", session))
	if caller.Principal.Federated != session.Provider || caller.Principal.SessionARN != "arn:aws:sts::111122223333:assumed-role/api/web" {
		t.Errorf("got %+v", caller.Principal)
	}
	session.Name = "changed"
	if caller.Session.Name != "web" {
		t.Error("the caller shares the session with whoever passed it")
	}
}

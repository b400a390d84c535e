// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"context"
	"encoding/base64"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clocktesting "k8s.io/utils/clock/testing"
)

const role = "arn:aws:iam::111122223333:role/billing/api"

// keyShelf is a KeySource of which tests say what it knows.
type keyShelf struct {
	keys      Keys
	next      *Keys // what Refresh finds
	err       error
	refreshes []string
}

func (s *keyShelf) Keys() Keys { return s.keys }

func (s *keyShelf) Refresh(_ context.Context, keyID string) error {
	s.refreshes = append(s.refreshes, keyID)
	if s.next != nil {
		s.keys = *s.next
	}
	return s.err
}

func newTestSessions(keys Keys) (*Sessions, *keyShelf, *clocktesting.FakePassiveClock) {
	shelf, clock := &keyShelf{keys: keys}, clocktesting.NewFakePassiveClock(start)
	return NewSessions(shelf, clock), shelf, clock
}

func podSession() Session {
	return Session{
		Name: "web-1", Provider: "arn:aws:iam::111122223333:oidc-provider/kube.example",
		Subject: "system:serviceaccount:billing:api", Audience: "sts.amazonaws.com",
		ServiceAccount: ServiceAccount{
			Namespace: "billing", Name: "api", UID: "c8f1f9e1-0000-4000-8000-1234567890ab",
			PodName: "api-0", PodUID: "d8f1f9e1-0000-4000-8000-1234567890ab",
		},
	}
}

func issueOne(t testing.TB, s *Sessions) Issued {
	t.Helper()
	return must[Issued](t)(s.Issue(role, podSession(), time.Hour))
}

func lookup(t *testing.T, s *Sessions, issued Issued) (Credential, error) {
	t.Helper()
	return s.Lookup(t.Context(), issued.Caller.AccessKeyID, issued.SessionToken)
}

func TestASessionIsKnownToEveryProcessWithTheSameKeys(t *testing.T) {
	keys := NewKeys(start)
	issuer, _, _ := newTestSessions(keys)
	issued := issueOne(t, issuer)
	other, _, _ := newTestSessions(must[Keys](t)(ParseKeys(keys.Encode())))
	for round := range 2 { // the second is from the cache
		got := must[Credential](t)(lookup(t, other, issued))
		if diff := cmp.Diff(issued.Credential, got); diff != "" {
			t.Errorf("round %d (-issued +found):\n%s", round, diff)
		}
	}
	want := podSession()
	want.IssuedAt, want.Expires = start, start.Add(time.Hour)
	if diff := cmp.Diff(&want, issued.Caller.Session); diff != "" {
		t.Error(diff)
	}
}

func TestCredentialsHaveAWSsForm(t *testing.T) {
	sessions, _, _ := newTestSessions(NewKeys(start))
	issued := issueOne(t, sessions)
	for what, form := range map[string]struct{ pattern, text string }{
		"access key ID": {`^ASIA[A-Z2-7]{16}$`, issued.Caller.AccessKeyID},
		"secret":        {`^[A-Za-z0-9/+]{40}$`, issued.SecretAccessKey.Reveal()},
		"token":         {`^[A-Za-z0-9_-]{100,1000}$`, issued.SessionToken},
	} {
		if !regexp.MustCompile(form.pattern).MatchString(form.text) {
			t.Errorf("%s has another form than %s: %s", what, form.pattern, form.text)
		}
	}
	if another := issueOne(t, sessions); another.Caller.AccessKeyID == issued.Caller.AccessKeyID ||
		another.SecretAccessKey.Equal(issued.SecretAccessKey) || another.SessionToken == issued.SessionToken {
		t.Error("two sessions share something")
	}
	raw := must[[]byte](t)(base64.RawURLEncoding.DecodeString(issued.SessionToken))
	for _, secret := range []string{"billing", "web-1", issued.Caller.AccessKeyID, issued.SecretAccessKey.Reveal()} {
		if strings.Contains(string(raw), secret) {
			t.Errorf("the token shows %q", secret)
		}
	}
}

func TestASessionEndsWhenItSays(t *testing.T) {
	sessions, _, clock := newTestSessions(NewKeys(start))
	issued := issueOne(t, sessions)
	clock.SetTime(start.Add(time.Hour - time.Second))
	must[Credential](t)(lookup(t, sessions, issued))
	clock.SetTime(start.Add(time.Hour))
	if _, err := lookup(t, sessions, issued); !errors.Is(err, ErrExpired) {
		t.Errorf("from the cache: %v", err)
	}
	fresh := NewSessions(sessions.keys, clock)
	if _, err := lookup(t, fresh, issued); !errors.Is(err, ErrExpired) {
		t.Errorf("without the cache: %v", err)
	}
}

func TestAKeyThatIsNewIsFetched(t *testing.T) {
	keys := NewKeys(start)
	issuer, _, _ := newTestSessions(keys)
	issued := issueOne(t, issuer)
	sessions, shelf, _ := newTestSessions(Keys{})
	shelf.err = errors.New("away")
	_, err := lookup(t, sessions, issued)
	if !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrUnknown) {
		t.Errorf("while it can't be fetched: %v", err)
	}
	shelf.err, shelf.next = nil, &keys
	must[Credential](t)(lookup(t, sessions, issued))
	must[Credential](t)(lookup(t, sessions, issued))
	if len(shelf.refreshes) != 2 {
		t.Errorf("fetched %d times", len(shelf.refreshes))
	}
}

func TestRemovingAKeyEndsItsSessionsAlsoInTheCache(t *testing.T) {
	sessions, shelf, _ := newTestSessions(NewKeys(start))
	issued := issueOne(t, sessions)
	must[Credential](t)(lookup(t, sessions, issued))
	shelf.keys = NewKeys(start)
	if _, err := lookup(t, sessions, issued); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v", err)
	}
}

func TestNothingIsIssuedOutsideOfTheBounds(t *testing.T) {
	sessions, shelf, _ := newTestSessions(NewKeys(start))
	for _, lifetime := range []time.Duration{0, MinSession - 1, MaxSession + 1, -time.Hour} {
		if _, err := sessions.Issue(role, podSession(), lifetime); err == nil {
			t.Errorf("issued for %s", lifetime)
		}
	}
	for _, lifetime := range []time.Duration{MinSession, MaxSession} {
		must[Issued](t)(sessions.Issue(role, podSession(), lifetime))
	}
	bad := podSession()
	bad.Name = "a/b"
	if _, err := sessions.Issue(role, bad, time.Hour); err == nil {
		t.Error("issued for a bad session name")
	}
	if _, err := sessions.Issue("arn:aws:iam::111122223333:user/a", podSession(), time.Hour); err == nil {
		t.Error("issued for a user")
	}
	long := podSession()
	long.Provider = strings.Repeat("x", MaxSessionToken)
	if _, err := sessions.Issue(role, long, time.Hour); err == nil {
		t.Error("issued a token that is too long to be looked up")
	}
	shelf.keys = Keys{}
	if _, err := sessions.Issue(role, podSession(), time.Hour); !errors.Is(err, ErrUnavailable) {
		t.Errorf("without keys: %v", err)
	}
}

func TestManyCallersShareSessionsSafely(t *testing.T) {
	sessions := NewSessions(NewMemoryKeys(clocktesting.NewFakePassiveClock(start)), clocktesting.NewFakePassiveClock(start))
	sessions.verified = newCache(4)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			mine := issueOne(t, sessions)
			for range 50 {
				if got, err := lookup(t, sessions, mine); err != nil || got.Caller.AccessKeyID != mine.Caller.AccessKeyID {
					t.Errorf("got %v, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
	if kept := len(sessions.verified.young) + len(sessions.verified.old); kept > 8 {
		t.Errorf("a cache of 4 keeps %d", kept)
	}
}

func TestTheCacheKeepsWhatIsUsed(t *testing.T) {
	c := newCache(2)
	c.put("1", &session{keyID: "1"})
	for i := 2; i < 50; i++ {
		c.put(strconv.Itoa(i), &session{})
		if found := c.get("1"); found == nil || found.keyID != "1" {
			t.Fatalf("after %d others: %v", i, found)
		}
		if len(c.young)+len(c.old) > 4 {
			t.Fatalf("it keeps %d and %d", len(c.young), len(c.old))
		}
	}
	if c.get("2") != nil {
		t.Error("what is never used is never forgotten")
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestATokenWithAnyBitFlippedIsRefused(t *testing.T) {
	sessions, _, _ := newTestSessions(NewKeys(start))
	issued := issueOne(t, sessions)
	must[Credential](t)(lookup(t, sessions, issued))
	raw := must[[]byte](t)(base64.RawURLEncoding.DecodeString(issued.SessionToken))
	for i := range raw {
		for bit := range 8 {
			raw[i] ^= 1 << bit
			issued.SessionToken = base64.RawURLEncoding.EncodeToString(raw)
			if _, err := lookup(t, sessions, issued); !errors.Is(err, ErrUnknown) {
				t.Fatalf("byte %d, bit %d: %v", i, bit, err)
			}
			raw[i] ^= 1 << bit
		}
	}
}

func TestATokenCutOffAnywhereOrSpelledOtherwiseIsRefused(t *testing.T) {
	sessions, _, _ := newTestSessions(NewKeys(start))
	issued := issueOne(t, sessions)
	good := issued.SessionToken
	try := func(token string) {
		t.Helper()
		issued.SessionToken = token
		if _, err := lookup(t, sessions, issued); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q: %v", token, err)
		}
	}
	for n := range len(good) {
		try(good[:n])
	}
	for _, token := range []string{
		good + "A", good + "=", good + "\n", "\r\n" + good, good[:9] + "\n" + good[9:], " " + good,
		strings.Repeat("A", MaxSessionToken+1), strings.Repeat("AQ", 2000), "\x00", "ä",
	} {
		try(token)
	}
}

// Three lengths, of which two leave bits over in the last character.
func TestATokenHasOneSpelling(t *testing.T) {
	sessions, _, _ := newTestSessions(NewKeys(start))
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for _, name := range []string{"ab", "abc", "abcd"} {
		session := podSession()
		session.Name = name
		issued := must[Issued](t)(sessions.Issue(role, session, time.Hour))
		good := issued.SessionToken
		for _, last := range alphabet {
			issued.SessionToken = good[:len(good)-1] + string(last)
			if _, err := lookup(t, sessions, issued); (err == nil) != (issued.SessionToken == good) {
				t.Errorf("%d characters, the last %c for %s: %v", len(good), last, good[len(good)-1:], err)
			}
		}
	}
}

func TestASessionTokenGoesWithItsOwnAccessKeyIDOnly(t *testing.T) {
	sessions, _, _ := newTestSessions(NewKeys(start))
	one, two := issueOne(t, sessions), issueOne(t, sessions)
	for round := range 2 {
		if _, err := sessions.Lookup(t.Context(), two.Caller.AccessKeyID, one.SessionToken); !errors.Is(err, ErrUnknown) {
			t.Errorf("round %d: %v", round, err)
		}
		must[Credential](t)(lookup(t, sessions, one)) // fills the cache for the next round
	}
	for _, id := range []string{"", "AKIA" + one.Caller.AccessKeyID[4:], strings.ToLower(one.Caller.AccessKeyID)} {
		if _, err := sessions.Lookup(t.Context(), id, one.SessionToken); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if _, err := sessions.Lookup(t.Context(), one.Caller.AccessKeyID, ""); !errors.Is(err, ErrUnknown) {
		t.Errorf("without a token: %v", err)
	}
}

func TestATokenUnderForeignKeysIsRefused(t *testing.T) {
	foreign, _, _ := newTestSessions(NewKeys(start))
	issued := issueOne(t, foreign)
	sessions, shelf, _ := newTestSessions(NewKeys(start))
	if _, err := lookup(t, sessions, issued); !errors.Is(err, ErrUnknown) {
		t.Errorf("another key: %v", err)
	}
	if len(shelf.refreshes) != 1 {
		t.Errorf("asked for keys %q", shelf.refreshes)
	}
	// A key of the same identifier but other bytes.
	id := foreign.keys.Keys().IDs()[0]
	shelf.keys = Keys{[]sessionKey{hideKey(id, start, make([]byte, sessionKeySize))}}
	if _, err := lookup(t, sessions, issued); !errors.Is(err, ErrUnknown) {
		t.Errorf("another key of the same name: %v", err)
	}
}

func TestTheLongestNamesThatKubernetesHasFitIntoAToken(t *testing.T) {
	namespace, name := strings.Repeat("n", 63), strings.Repeat("s", 253)
	session := podSession()
	session.Name = strings.Repeat("a", 64)
	session.Subject = "system:serviceaccount:" + namespace + ":" + name
	session.Provider = "arn:aws:iam::111122223333:oidc-provider/" + strings.Repeat("i", 253)
	session.ServiceAccount.Namespace, session.ServiceAccount.Name = namespace, name
	session.ServiceAccount.PodName = strings.Repeat("p", 253)
	sessions, _, _ := newTestSessions(NewKeys(start))
	issued := must[Issued](t)(sessions.Issue("arn:aws:iam::111122223333:role/"+namespace+"/"+name, session, time.Hour))
	must[Credential](t)(lookup(t, sessions, issued))
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

type sourceFunc func(accessKeyID, sessionToken string) (Credential, error)

func (f sourceFunc) Lookup(_ context.Context, accessKeyID, sessionToken string) (Credential, error) {
	return f(accessKeyID, sessionToken)
}

func failing(err error) Source {
	return sourceFunc(func(string, string) (Credential, error) { return Credential{}, err })
}

func knowing(name string) Source {
	return sourceFunc(func(string, string) (Credential, error) { return Credential{Caller: Caller{UserName: name}}, nil })
}

func TestTheFirstSourceThatKnowsAnswers(t *testing.T) {
	got := must[Credential](t)(Chain(failing(ErrUnknown), knowing("a"), knowing("b")).Lookup(t.Context(), keyID, ""))
	if got.Caller.UserName != "a" {
		t.Errorf("got %s", got.Caller.UserName)
	}
	got = must[Credential](t)(Chain(failing(ErrUnavailable), knowing("b")).Lookup(t.Context(), keyID, ""))
	if got.Caller.UserName != "b" {
		t.Errorf("a source that is away hides the next one")
	}
}

func TestTheTwoKindsOfCredentialsAreKeptApart(t *testing.T) {
	chain := Chain(knowing("anybody"))
	for _, try := range []struct {
		id, token string
		want      error
	}{
		{"ASIAEXAMPLE123456789", "token", nil},
		{"ASIAEXAMPLE123456789", "", ErrUnknown},
		{keyID, "", nil},
		{keyID, "token", ErrUnknown},
		{"", "token", ErrUnknown},
	} {
		if _, err := chain.Lookup(t.Context(), try.id, try.token); !errors.Is(err, try.want) {
			t.Errorf("%+v: %v", try, err)
		}
	}
}

func TestTheMostTellingErrorStands(t *testing.T) {
	reason := fmt.Errorf("altered: %w", ErrUnknown)
	for _, try := range []struct {
		sources []Source
		want    error
	}{
		{nil, ErrUnknown},
		{[]Source{failing(ErrUnknown), failing(ErrExpired)}, ErrExpired},
		{[]Source{failing(ErrExpired), failing(ErrUnknown)}, ErrExpired},
		{[]Source{failing(ErrUnavailable), failing(ErrUnknown)}, ErrUnavailable},
		{[]Source{failing(reason), failing(ErrUnavailable)}, ErrUnavailable},
		{[]Source{failing(ErrUnknown), failing(reason)}, reason},
		{[]Source{failing(reason), failing(ErrUnknown)}, reason},
	} {
		if _, err := Chain(try.sources...).Lookup(t.Context(), keyID, ""); !errors.Is(err, try.want) {
			t.Errorf("got %v, want %v", err, try.want)
		}
	}
}

func TestSessionsAndStaticKeysChain(t *testing.T) {
	sessions, _, _ := newTestSessions(NewKeys(start))
	static := must[*StaticKeys](t)(ParseCredentials([]byte(`[{accessKeyID: AKIAEXAMPLE123456789, secretAccessKey: aaaaaaaa, ` +
		`principal: "arn:aws:iam::111122223333:root"}]`)))
	chain := Chain(sessions, static)
	issued := issueOne(t, sessions)
	if got := must[Credential](t)(chain.Lookup(t.Context(), issued.Caller.AccessKeyID, issued.SessionToken)); got.Caller.Type != AssumedRole {
		t.Errorf("the session is %+v", got.Caller)
	}
	if got := must[Credential](t)(chain.Lookup(t.Context(), keyID, "")); got.Caller.Type != Root || !got.Expires.IsZero() {
		t.Errorf("the static key is %+v", got)
	}
	if _, err := chain.Lookup(t.Context(), keyID, issued.SessionToken); !errors.Is(err, ErrUnknown) {
		t.Errorf("a static key with a token: %v", err)
	}
	if _, err := static.Lookup(t.Context(), keyID, issued.SessionToken); !errors.Is(err, ErrUnknown) {
		t.Errorf("a static key with a token, unchained: %v", err)
	}
}

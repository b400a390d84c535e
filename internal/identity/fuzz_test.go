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

// Whatever the token, nothing but one that was issued is found, and none has two spellings.
func FuzzSessionToken(f *testing.F) {
	sessions, _, _ := newTestSessions(NewKeys(start))
	issued := issueOne(f, sessions)
	id := issued.Caller.AccessKeyID
	f.Add(issued.SessionToken)
	f.Add(issued.SessionToken[:40])
	f.Add(issued.SessionToken + "\n")
	f.Add("AQ" + strings.Repeat("A", 80))
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if token, err := parseToken(text); err == nil {
			again, err := token.encode()
			if err != nil || again != text {
				t.Errorf("%q is also %q, %v", text, again, err)
			}
		} else if !errors.Is(err, ErrUnknown) {
			t.Errorf("%q: %v", text, err)
		}
		found, err := sessions.Lookup(t.Context(), id, text)
		if err == nil && text != issued.SessionToken {
			t.Errorf("%q is %v", text, found)
		}
		if err != nil && !errors.Is(err, ErrUnknown) {
			t.Errorf("%q: %v", text, err)
		}
	})
}

// Payloads are only seen when authenticated, but a replica of another version may have written them.
func FuzzPayload(f *testing.F) {
	session := podSession()
	session.IssuedAt, session.Expires = start, start.Add(time.Hour)
	encoded, err := encodePayload(role, &session)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(encoded)
	f.Add([]byte(`{"r":"arn:aws:iam::111122223333:role/a","n":"ab","e":-1,"new":{}}`))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		caller, err := decodePayload(encoded, "ASIAX")
		if err == nil && (caller.Session == nil || caller.Type != AssumedRole || caller.AccountID() == "") {
			t.Errorf("%q is %+v", encoded, caller)
		}
	})
}

// Whatever the file, what is accepted keeps the rules, and no error shows the secret.
func FuzzCredentialsFile(f *testing.F) {
	f.Add([]byte(goodFile))
	f.Add([]byte("- &a {accessKeyID: *a}"))
	f.Add([]byte("- accessKeyID: !!binary aGk=\n  secretAccessKey: 1e9"))
	f.Add([]byte("- <<: {principal: x}"))
	f.Add([]byte("\xff\xfe- a"))
	f.Fuzz(func(t *testing.T, content []byte) {
		keys, err := ParseCredentials(content)
		if err != nil {
			return
		}
		for id, credential := range keys.byAccessKeyID {
			secret := credential.SecretAccessKey.Reveal()
			if _, err := NewStaticCredential(id, secret, credential.Caller.ARN(), StandaloneStrength); err != nil {
				t.Errorf("%q was accepted: %v", id, err)
			}
			if strings.HasPrefix(id, TemporaryKeyPrefix) || credential.Caller.AccessKeyID != id {
				t.Errorf("%q is %+v", id, credential.Caller)
			}
		}
	})
}

func TestAReplicaOfTheNextVersionMayAddFields(t *testing.T) {
	sessions, shelf, _ := newTestSessions(NewKeys(start))
	key, _ := shelf.keys.current(start)
	token := must[token](t)(newToken(key.id))
	secrets := must[secrets](t)(token.derive(key))
	token.sealed = secrets.aead.Seal(nil, nil, []byte(`{"r":"`+role+`","n":"web","e":4102444800,"new":["x"]}`), token.header)
	text := must[string](t)(token.encode())
	found := must[Credential](t)(sessions.Lookup(t.Context(), secrets.accessKeyID, text))
	if found.Caller.Session.Name != "web" {
		t.Errorf("got %+v", found.Caller)
	}
	other := must[[]byte](t)(base64.RawURLEncoding.DecodeString(text))
	other[0] = tokenVersion + 1
	_, err := sessions.Lookup(t.Context(), secrets.accessKeyID, base64.RawURLEncoding.EncodeToString(other))
	if !errors.Is(err, errTokenVersion) {
		t.Errorf("of another version: %v", err)
	}
}

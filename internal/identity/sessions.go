// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"context"
	"fmt"
	"strings"
	"time"

	"k8s.io/utils/clock"
)

// MinSession is the shortest session, DurationSeconds' minimum; MaxSession is the longest.
const MinSession = 15 * time.Minute

// Sessions issues temporary credentials and looks them up. It remembers nothing of what it issued: a session token says
// all that there is to know of its session, so every process with the same session keys knows every session. It is safe
// for concurrent use.
//
// A session can't be taken back before it expires but by removing the key under which it was issued from the KeySource,
// and with it every session of that key.
type Sessions struct {
	keys     KeySource
	clock    clock.PassiveClock
	verified *cache
}

var _ Source = (*Sessions)(nil)

// NewSessions returns Sessions under the keys of a source.
func NewSessions(keys KeySource, c clock.PassiveClock) *Sessions {
	return &Sessions{keys: keys, clock: c, verified: newCache(cachedSessions)}
}

// Issued are new temporary credentials. The access key ID is its Caller's.
type Issued struct {
	Credential
	// SessionToken is of no use without the secret access key.
	SessionToken string
}

// Issue makes credentials for a session of the role, which begins now and lasts for lifetime, MinSession to MaxSession.
// Session's IssuedAt and Expires are set here. That the caller may have the role is for others to check before. It is
// ErrUnavailable while no session key is known.
func (s *Sessions) Issue(roleARN string, session Session, lifetime time.Duration) (Issued, error) {
	if lifetime < MinSession || lifetime > MaxSession {
		return Issued{}, fmt.Errorf("issuing a session: it would last %s, not %s to %s", lifetime, MinSession, MaxSession)
	}
	now := s.clock.Now()
	session.IssuedAt = now.UTC().Truncate(time.Second)
	session.Expires = session.IssuedAt.Add(lifetime)
	key, ok := s.keys.Keys().current(now)
	if !ok {
		return Issued{}, fmt.Errorf("issuing a session: no session key was read yet: %w", ErrUnavailable)
	}
	issued, err := issue(key, roleARN, session)
	if err != nil {
		return Issued{}, fmt.Errorf("issuing a session: %w", err)
	}
	return issued, nil
}

func issue(key sessionKey, roleARN string, session Session) (Issued, error) {
	token, err := newToken(key.id)
	if err != nil {
		return Issued{}, err
	}
	secrets, err := token.derive(key)
	if err != nil {
		return Issued{}, err
	}
	caller, err := NewSessionCaller(roleARN, secrets.accessKeyID, session)
	if err != nil {
		return Issued{}, err
	}
	payload, err := encodePayload(roleARN, caller.Session)
	if err != nil {
		return Issued{}, err
	}
	token.sealed = secrets.aead.Seal(nil, nil, payload, token.header)
	text, err := token.encode()
	if err != nil {
		return Issued{}, err
	}
	return Issued{
		Credential:   Credential{SecretAccessKey: secrets.secretAccessKey, Caller: caller, Expires: session.Expires},
		SessionToken: text,
	}, nil
}

// Lookup implements Source for access key IDs that begin with TemporaryKeyPrefix. A token whose key has been dropped,
// which is long after it expired, is ErrUnknown like any other that is not known.
func (s *Sessions) Lookup(ctx context.Context, accessKeyID, sessionToken string) (Credential, error) {
	if sessionToken == "" || !strings.HasPrefix(accessKeyID, TemporaryKeyPrefix) {
		return Credential{}, ErrUnknown
	}
	found := s.verified.get(sessionToken)
	if found == nil || !s.keys.Keys().Has(found.keyID) {
		var err error
		if found, err = s.verify(ctx, accessKeyID, sessionToken); err != nil {
			return Credential{}, err
		}
		s.verified.put(sessionToken, found)
	}
	switch {
	case found.credential.Caller.AccessKeyID != accessKeyID:
		return Credential{}, errTokenSwapped
	case !s.clock.Now().Before(found.credential.Expires):
		return Credential{}, ErrExpired
	}
	return found.credential, nil
}

// verify says what a token stands for, expired or not.
func (s *Sessions) verify(ctx context.Context, accessKeyID, sessionToken string) (*session, error) {
	token, err := parseToken(sessionToken)
	if err != nil {
		return nil, err
	}
	key, err := s.key(ctx, token.keyID)
	if err != nil {
		return nil, err
	}
	secrets, err := token.derive(key)
	if err != nil {
		return nil, err
	}
	if secrets.accessKeyID != accessKeyID {
		return nil, errTokenSwapped
	}
	payload, err := secrets.aead.Open(nil, nil, token.sealed, token.header)
	if err != nil {
		return nil, errTokenForged
	}
	caller, err := decodePayload(payload, accessKeyID)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrUnknown)
	}
	return &session{key.id, Credential{
		SecretAccessKey: secrets.secretAccessKey, Caller: caller, Expires: caller.Session.Expires,
	}}, nil
}

// key finds a session key, if need be by asking whether there is a new one.
func (s *Sessions) key(ctx context.Context, id string) (sessionKey, error) {
	if key, ok := s.keys.Keys().find(id); ok {
		return key, nil
	}
	err := s.keys.Refresh(ctx, id)
	if key, ok := s.keys.Keys().find(id); ok {
		return key, nil
	}
	if err != nil {
		return sessionKey{}, fmt.Errorf("looking for a session key: %w: %w", err, ErrUnavailable)
	}
	return sessionKey{}, errTokenKey
}

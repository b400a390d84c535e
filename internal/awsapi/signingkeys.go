// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"sync"

	"github.com/chatelaine-dev/chatelaine/internal/awsapi/sigv4"
)

// maxSigningKeys bounds the cache: about as many callers as a process has in a day, twice.
const maxSigningKeys = 8192

// signingKeys keeps derived keys, since deriving one costs more than the rest of a verification. Only scopes that were
// checked and secrets that exist get in, so nobody fills it by sending requests. What is used stays: when the young
// generation is full it becomes the old one, and the old one goes.
type signingKeys struct {
	mu         sync.RWMutex
	young, old map[signingKey]*sigv4.Key
}

type signingKey struct {
	secret string
	scope  sigv4.Scope
}

func (s *signingKeys) derive(secret string, scope sigv4.Scope) *sigv4.Key {
	name := signingKey{secret, scope}
	s.mu.RLock()
	key, young := s.young[name]
	if !young {
		key = s.old[name]
	}
	s.mu.RUnlock()
	if young {
		return key
	}
	if key == nil {
		key = sigv4.DeriveKey(secret, scope)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.young == nil || len(s.young) >= maxSigningKeys {
		s.young, s.old = map[signingKey]*sigv4.Key{}, s.young
	}
	s.young[name] = key
	return key
}

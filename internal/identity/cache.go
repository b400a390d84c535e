// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"strings"
	"sync"
)

// cachedSessions is how many verified sessions a process remembers at least; at most it is twice as many. At about 2 KB
// each, tens of megabytes if so many pods call; a session that is not remembered costs some microseconds.
const cachedSessions = 8192

// session is a session token that was verified.
type session struct {
	keyID      string
	credential Credential
}

// cache remembers verified tokens. They are kept as they are: to hash one with SHA-256 would take longer than the rest of a
// look-up, and the secret without which a token is of no use is kept beside it anyway. Entries live in two generations: what
// is used moves to the young one, and when that is full, the old one is forgotten as a whole. So the cache is bounded and
// needs neither timers nor lists. Only verified tokens get in: who can't obtain sessions can't fill it.
type cache struct {
	limit int

	mu         sync.RWMutex
	young, old map[string]*session
}

func newCache(limit int) *cache {
	return &cache{limit: limit, young: map[string]*session{}}
}

// get is nil for a token that is not remembered.
func (c *cache) get(token string) *session {
	c.mu.RLock()
	found, isYoung := c.young[token]
	if !isYoung {
		found = c.old[token]
	}
	c.mu.RUnlock()
	if !isYoung && found != nil {
		c.put(token, found)
	}
	return found
}

func (c *cache) put(token string, s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.young) >= c.limit {
		c.young, c.old = make(map[string]*session, c.limit), c.young
	}
	c.young[strings.Clone(token)] = s // it may be a part of something longer
}

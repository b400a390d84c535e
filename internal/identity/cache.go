// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"crypto/sha256"
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

// cache remembers verified tokens by their digest. Entries live in two generations: what is used moves to the young one,
// and when that is full, the old one is forgotten as a whole. So the cache is bounded and needs neither timers nor lists.
// Only verified tokens get in: who can't obtain sessions can't fill it.
type cache struct {
	limit int

	mu         sync.RWMutex
	young, old map[[sha256.Size]byte]session
}

func newCache(limit int) *cache {
	return &cache{limit: limit, young: map[[sha256.Size]byte]session{}}
}

func (c *cache) get(digest [sha256.Size]byte) (session, bool) {
	c.mu.RLock()
	found, ok := c.young[digest]
	if !ok {
		found, ok = c.old[digest]
		c.mu.RUnlock()
		if ok {
			c.put(digest, found)
		}
		return found, ok
	}
	c.mu.RUnlock()
	return found, true
}

func (c *cache) put(digest [sha256.Size]byte, s session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.young) >= c.limit {
		c.young, c.old = make(map[[sha256.Size]byte]session, c.limit), c.young
	}
	c.young[digest] = s
}

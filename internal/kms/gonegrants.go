// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import "sync"

// maxGoneGrants is how many grants are remembered to be gone at least; at most it is twice as many, some 200 KB.
const maxGoneGrants = 1024

// goneGrants are IDs that the store was asked for and did not have. A token outlives its grant and may be sent with every
// request, also by those who may do nothing with the key, and what it costs then must not be a request to the store each.
//
// To remember is safe: whoever has an ID or a token has it from CreateGrant, which answers after the grant is in the store,
// and IDs are never used again. Were the store put back to an older state that has the grant, the watch would bring it.
// When the young generation is full it becomes the old one, and the old one is forgotten. The zero value is empty.
type goneGrants struct {
	mu         sync.Mutex
	young, old map[string]bool
}

func (g *goneGrants) has(grantID string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.young[grantID] || g.old[grantID]
}

func (g *goneGrants) add(grantID string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.young == nil || len(g.young) >= maxGoneGrants {
		g.young, g.old = make(map[string]bool), g.young
	}
	g.young[grantID] = true
}

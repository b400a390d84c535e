// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"context"
	"sync"

	"k8s.io/utils/clock"
)

// MemoryKeys keeps session keys in this process alone: its sessions end with it, and no other process knows them. It
// rotates them by itself.
type MemoryKeys struct {
	clock clock.PassiveClock

	mu   sync.RWMutex
	keys Keys
}

var _ KeySource = (*MemoryKeys)(nil)

// NewMemoryKeys starts with one new random key.
func NewMemoryKeys(c clock.PassiveClock) *MemoryKeys {
	return &MemoryKeys{clock: c, keys: NewKeys(c.Now())}
}

// Keys implements KeySource.
func (m *MemoryKeys) Keys() Keys {
	now := m.clock.Now()
	m.mu.RLock()
	keys := m.keys
	m.mu.RUnlock()
	if !keys.Due(now) {
		return keys
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keys = m.keys.Rotate(now) // unless another goroutine just did: then it changes nothing
	return m.keys
}

// Refresh implements KeySource: there is nowhere to look.
func (*MemoryKeys) Refresh(context.Context, string) error { return nil }

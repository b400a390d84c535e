// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package software

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/kms/seal"
	"github.com/chatelaine-dev/chatelaine/internal/kms/seal/rootsecret"
)

// Refresh implements backend.Sealed. A Secret that lacks a root key in use is not taken over.
func (b *Backend) Refresh(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	content, err := b.source.Load(ctx)
	if err != nil {
		return rootKeyError(err)
	}
	return b.take(content)
}

// RotateRootKey implements backend.Sealed.
func (b *Backend) RotateRootKey(ctx context.Context, requestedAt time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	content, err := b.source.Rotate(ctx, requestedAt)
	if err != nil {
		return rootKeyError(err)
	}
	return b.take(content)
}

// take makes content the root keys in force. b.mu is held.
func (b *Backend) take(content rootsecret.Content) error {
	lacking := slices.DeleteFunc(b.ring.RootKeysInUse(), content.Keys.Has)
	if len(lacking) > 0 {
		return rootKeyError(b.mismatch(lacking, content.Keys))
	}
	b.root = content
	b.ring.SetRootKeys(content.Keys)
	return nil
}

// reload is how the keyring asks for root keys when a record is sealed by one it does not know: another process has
// rotated the root key.
func (b *Backend) reload(ctx context.Context) (seal.RootKeys, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	content, err := b.source.Load(ctx)
	if err != nil {
		return seal.RootKeys{}, err
	}
	if err := b.take(content); err != nil {
		return seal.RootKeys{}, err
	}
	return content.Keys, nil
}

// RootKey implements backend.Sealed.
func (b *Backend) RootKey() (id string, lastRotation time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.root.Keys.Current(), b.root.LastRotation
}

// Stale implements backend.Sealed.
func (b *Backend) Stale() int { return b.ring.Stale() }

// Reseal implements backend.Sealed.
func (b *Backend) Reseal(ctx context.Context) (int, error) {
	count, err := b.ring.Reseal(ctx)
	if err != nil {
		return count, storeError(err)
	}
	return count, nil
}

// Damaged implements backend.Sealed: the Secrets' namespaces and names.
func (b *Backend) Damaged() []string {
	damaged := b.ring.Damaged()
	names := make([]string, 0, len(damaged))
	for _, damage := range damaged {
		names = append(names, strings.TrimPrefix(damage.Location, "Secret "))
	}
	return names
}

// rootKeysMissing are the IDs of the root keys that records need and the keyring lacks, sorted.
func (b *Backend) rootKeysMissing() []string {
	need := map[string]bool{}
	for _, damage := range b.ring.Damaged() {
		if id := damage.NeedsRootKey(); id != "" {
			need[id] = true
		}
	}
	return slices.Sorted(maps.Keys(need))
}

func (b *Backend) mismatch(need []string, have seal.RootKeys) *RootKeyMismatchError {
	return &RootKeyMismatchError{
		Namespace: b.config.Namespace, Name: b.config.RootKeySecret, Need: need, Have: have.IDs(),
	}
}

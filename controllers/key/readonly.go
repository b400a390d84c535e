// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"context"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// readOnly is a backend on which nothing may be changed: it refuses what would, saying why and what it would have been. So no
// phase has to know of it, and none can forget it. Capabilities are not its own: those that a pass takes from the backend itself
// (pass.use) may only read, and one that changes keys has to be refused here as well.
type readOnly struct {
	backend backend.Backend
	why     *backend.Error
}

var _ backend.Backend = readOnly{}

func (b readOnly) refuse(what string) error {
	refused := *b.why
	refused.Message += "; to be done then: " + what
	return &refused
}

// Create implements backend.Backend.
func (b readOnly) Create(context.Context, backend.CreateInput) (*backend.Key, error) {
	return nil, b.refuse("make the key")
}

// Apply implements backend.Backend.
func (b readOnly) Apply(_ context.Context, _ string, changes []backend.Change) (*backend.Key, error) {
	return nil, b.refuse(describe(changes))
}

// ScheduleDeletion implements backend.Backend.
func (b readOnly) ScheduleDeletion(context.Context, string, int) (time.Time, error) {
	return time.Time{}, b.refuse("schedule the key's deletion")
}

// Identify implements backend.Backend.
func (b readOnly) Identify(ctx context.Context) (backend.Identity, error) {
	return b.backend.Identify(ctx)
}

// Get implements backend.Backend.
func (b readOnly) Get(ctx context.Context, ref string) (*backend.Key, error) {
	return b.backend.Get(ctx, ref)
}

// Owned implements backend.Backend.
func (b readOnly) Owned(ctx context.Context, owner backend.Owner) ([]*backend.Key, error) {
	return b.backend.Owned(ctx, owner)
}

// PublicKey implements backend.Backend.
func (b readOnly) PublicKey(ctx context.Context, keyID string) ([]byte, error) {
	return b.backend.PublicKey(ctx, keyID)
}

// Policy implements backend.Backend.
func (b readOnly) Policy(ctx context.Context, keyID string) (string, error) {
	return b.backend.Policy(ctx, keyID)
}

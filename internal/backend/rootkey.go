// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"context"
	"time"
)

// Sealed is a capability of backends that keep their key records sealed under a root key of their own.
type Sealed interface {
	// Refresh reads the root key anew and tries again to open records that could not be opened. Its error says that
	// the root key is missing or not the right one; keys that are in memory are served on.
	Refresh(ctx context.Context) error
	// RootKey is the ID of the root key in force, and when it last replaced another; zero when it never did.
	RootKey() (id string, lastRotation time.Time)
	// RotateRootKey puts a new root key into force, once for each requestedAt. Earlier ones are kept.
	RotateRootKey(ctx context.Context, requestedAt time.Time) error
	// Stale is the number of records sealed under an earlier root key.
	Stale() int
	// Reseal seals those records again under the root key in force, while keys stay usable, and returns how many.
	Reseal(ctx context.Context) (int, error)
	// Damaged names the records that were altered or cannot be opened, sorted.
	Damaged() []string
}

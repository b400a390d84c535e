// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"context"

	"github.com/chatelaine-dev/chatelaine/internal/kms/seal"
)

// SealToken seals, by the root key, what a client is to keep and bring back: a token of this kind, for the key of this
// name. It opens in every process that has the keyring, as the same kind and for the same name only.
func (k *Keyring) SealToken(kind, name string, plaintext []byte) ([]byte, error) {
	k.mu.RLock()
	roots := k.roots
	k.mu.RUnlock()
	return roots.Seal(plaintext, k.tokenBinding(kind, name))
}

// OpenToken opens what SealToken returned. A root key that is not known is not looked for, as it is for records: anybody
// can make up tokens that name one.
func (k *Keyring) OpenToken(kind, name string, sealed []byte) ([]byte, error) {
	k.mu.RLock()
	roots := k.roots
	k.mu.RUnlock()
	return roots.Open(sealed, k.tokenBinding(kind, name))
}

// tokenBinding keeps tokens and records apart.
func (k *Keyring) tokenBinding(kind, name string) seal.Binding {
	return k.binding(Kind("token/"+kind), name)
}

// Refresh reads the key's record from the store, for a caller that knows of a change which the watch has not brought yet.
func (k *Keyring) Refresh(ctx context.Context, keyID string) error {
	return k.refresh(ctx, slot{KindKey, keyID})
}

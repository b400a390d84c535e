// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"context"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/kms/material"
)

var _ backend.Importer = (*Fake)(nil)

// ImportMaterial implements backend.Importer.
func (f *Fake) ImportMaterial(
	ctx context.Context, keyID string, given *backend.Material, validTo time.Time,
) (*backend.Key, error) {
	return call(ctx, f, VerbImportMaterial, func() (*backend.Key, error) {
		key, err := f.find(keyID)
		if err != nil {
			return nil, err
		}
		if err := f.checkImport(key, validTo); err != nil {
			return nil, err
		}
		if err := given.Use(func(plaintext []byte) error { return key.take(plaintext) }); err != nil {
			return nil, err
		}
		if key.State == backend.StatePendingImport {
			key.State = backend.StateEnabled
		}
		key.imported, key.ExpirationTime = true, validTo
		return f.view(key), nil
	})
}

// DeleteMaterial implements backend.Importer.
func (f *Fake) DeleteMaterial(ctx context.Context, keyID string) (*backend.Key, error) {
	return call(ctx, f, VerbDeleteMaterial, func() (*backend.Key, error) {
		key, err := f.find(keyID)
		if err != nil {
			return nil, err
		}
		if key.Origin.Or() != backend.OriginExternal {
			return nil, invalid("%s origin is %s which is not valid for this operation.", key.ARN, key.Origin.Or())
		}
		key.dropMaterial()
		return f.view(key), nil
	})
}

func (f *Fake) checkImport(key *fakeKey, validTo time.Time) error {
	switch {
	case key.Origin.Or() != backend.OriginExternal:
		return invalid("%s origin is %s which is not valid for this operation.", key.ARN, key.Origin.Or())
	case key.State == backend.StatePendingDeletion:
		return &backend.Error{Class: backend.NotReady, Message: key.ARN + " is pending deletion."}
	case !validTo.IsZero() && (!validTo.After(f.now) || validTo.After(f.now.AddDate(0, 0, 365))):
		return invalid("the validTo date must be in the future, and within 365 days")
	default:
		return nil
	}
}

// take remembers which material it was, also once it is gone.
func (k *fakeKey) take(plaintext []byte) error {
	parsed, err := material.ParseImported(k.Spec, plaintext)
	if err != nil {
		return invalid("the key material is not valid for key spec %s", k.Spec)
	}
	defer parsed.Destroy()
	if k.materialID != "" && k.materialID != parsed.ID() {
		return invalid("the key material is not the same as what was imported into %s before", k.ARN)
	}
	k.materialID = parsed.ID()
	if k.Spec.HasPublicKey() {
		k.public, err = parsed.PublicKey()
	}
	return err
}

// DropMaterial deletes the imported key material of a key, as somebody outside could.
func (f *Fake) DropMaterial(keyID string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys[keyID].dropMaterial()
}

func (k *fakeKey) dropMaterial() {
	k.imported, k.ExpirationTime = false, time.Time{}
	if k.State == backend.StateEnabled || k.State == backend.StateDisabled {
		k.State = backend.StatePendingImport
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package software

import (
	"context"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/failpoint"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

var _ backend.Importer = (*Backend)(nil)

// ImportMaterial implements backend.Importer. The material stays within the process, so it needs no wrapping key.
func (b *Backend) ImportMaterial(
	ctx context.Context, keyID string, material *backend.Material, validTo time.Time,
) (*backend.Key, error) {
	key, err := b.service.Key(keyID)
	if err != nil {
		return nil, b.classify(err, keyID)
	}
	in := kms.ImportInput{ExpirationModel: kms.KeyMaterialDoesNotExpire, ValidTo: validTo}
	if !validTo.IsZero() {
		in.ExpirationModel = kms.KeyMaterialExpires
	}
	err = material.Use(func(plaintext []byte) error {
		_, err := key.ImportPlaintext(ctx, plaintext, in)
		return err
	})
	failpoint.Hit("material-imported")
	if err != nil {
		return nil, b.classify(err, keyID)
	}
	return b.Get(ctx, key.ID())
}

// DeleteMaterial implements backend.Importer.
func (b *Backend) DeleteMaterial(ctx context.Context, keyID string) (*backend.Key, error) {
	key, err := b.service.Key(keyID)
	if err != nil {
		return nil, b.classify(err, keyID)
	}
	_, err = key.DeleteImportedKeyMaterial(ctx, "")
	failpoint.Hit("material-deleted")
	if err != nil {
		return nil, b.classify(err, keyID)
	}
	return b.Get(ctx, key.ID())
}

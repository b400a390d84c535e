// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/kms/wrapping"
)

// importTime bounds how long an import may wait for its turn: AWS hands out one wrapping key in four seconds, and those who ask
// are also needed for other keys.
const importTime = 20 * time.Second

var _ backend.Importer = (*Backend)(nil)

// ImportMaterial implements backend.Importer. The material leaves this process encrypted to a wrapping key of AWS's, which is used
// once. Importing the same again does nothing, so a lost answer is no harm.
func (b *Backend) ImportMaterial(
	ctx context.Context, keyID string, material *backend.Material, validTo time.Time,
) (*backend.Key, error) {
	key, err := b.Get(ctx, keyID)
	if err != nil {
		return nil, err
	}
	if key.Origin != backend.OriginExternal {
		return nil, invalid(fmt.Sprintf("key %s has origin %s: its key material cannot be imported", keyID, key.Origin))
	}
	ctx, cancel := context.WithTimeout(ctx, importTime)
	defer cancel()
	unlock, err := b.locks.lock(ctx, keyID)
	if err != nil {
		return nil, err
	}
	defer unlock()
	in, err := b.wrap(ctx, key, material)
	if err != nil {
		return nil, b.unlessNew(err, keyID)
	}
	in.ExpirationModel = types.ExpirationModelTypeKeyMaterialDoesNotExpire
	if !validTo.IsZero() {
		in.ExpirationModel, in.ValidTo = types.ExpirationModelTypeKeyMaterialExpires, &validTo
	}
	_, err = write(ctx, b, keyID, inMetadata, "ImportKeyMaterial", b.clients.kms.ImportKeyMaterial, in)
	err = b.wrote(keyID, err, func(e *entry, now time.Time) {
		e.metadata.change(now, func(m *metadata) {
			m.expirationTime = validTo
			if m.state == backend.StatePendingImport {
				m.state = backend.StateEnabled
			}
		})
	})
	if err != nil {
		return nil, b.unlessNew(err, keyID)
	}
	return b.known(keyID)
}

// DeleteMaterial implements backend.Importer.
func (b *Backend) DeleteMaterial(ctx context.Context, keyID string) (*backend.Key, error) {
	key, err := b.Get(ctx, keyID)
	if err != nil {
		return nil, err
	}
	if key.Origin != backend.OriginExternal {
		return nil, invalid(fmt.Sprintf("key %s has origin %s: it has no imported key material", keyID, key.Origin))
	}
	unlock, err := b.locks.lock(ctx, keyID)
	if err != nil {
		return nil, err
	}
	defer unlock()
	_, err = write(ctx, b, keyID, inMetadata, "DeleteImportedKeyMaterial", b.clients.kms.DeleteImportedKeyMaterial, &kms.DeleteImportedKeyMaterialInput{KeyId: &key.ID})
	err = b.wrote(keyID, err, func(e *entry, now time.Time) {
		e.metadata.change(now, func(m *metadata) {
			m.expirationTime = time.Time{}
			if m.state == backend.StateEnabled || m.state == backend.StateDisabled {
				m.state = backend.StatePendingImport
			}
		})
	})
	if err != nil {
		return nil, b.unlessNew(err, keyID)
	}
	return b.known(keyID)
}

// known is the key as it is known after a change.
func (b *Backend) known(keyID string) (*backend.Key, error) {
	after, ok := b.view.any(keyID)
	if !ok { // a sweep found it gone meanwhile
		return nil, &backend.Error{Class: backend.NotFound, Message: b.missing(keyID)}
	}
	return after, nil
}

// wrap encrypts the material to a wrapping key for this key, in the strongest way that AWS has for its key spec.
func (b *Backend) wrap(ctx context.Context, key *backend.Key, material *backend.Material) (*kms.ImportKeyMaterialInput, error) {
	algorithm, spec := wrapping.Strongest(key.Spec)
	parameters, err := call(ctx, b, "GetParametersForImport", b.clients.kms.GetParametersForImport, &kms.GetParametersForImportInput{
		KeyId: &key.ID, WrappingAlgorithm: types.AlgorithmSpec(algorithm), WrappingKeySpec: types.WrappingKeySpec(spec),
	})
	if err != nil {
		return nil, err
	}
	in := &kms.ImportKeyMaterialInput{KeyId: &key.ID, ImportToken: parameters.ImportToken}
	err = material.Use(func(plaintext []byte) (err error) {
		in.EncryptedKeyMaterial, err = wrapping.Wrap(algorithm, parameters.PublicKey, plaintext)
		return err
	})
	if err != nil {
		return nil, &backend.Error{Class: backend.InvalidInput, Message: err.Error(), Err: err}
	}
	return in, nil
}

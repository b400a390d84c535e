// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"context"
	"errors"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
	"github.com/chatelaine-dev/chatelaine/internal/kms/material"
	"github.com/chatelaine-dev/chatelaine/internal/kms/wrapping"
)

// ImportType is AWS's.
type ImportType string

// The import types, by AWS's names.
const (
	NewKeyMaterial      ImportType = "NEW_KEY_MATERIAL"
	ExistingKeyMaterial ImportType = "EXISTING_KEY_MATERIAL"
)

// ExpirationModel is AWS's.
type ExpirationModel string

// The expiration models, by AWS's names.
const (
	KeyMaterialExpires       ExpirationModel = "KEY_MATERIAL_EXPIRES"
	KeyMaterialDoesNotExpire ExpirationModel = "KEY_MATERIAL_DOES_NOT_EXPIRE"
)

// maxExpiry is how far off the expiry of imported material may be.
const maxExpiry = 365 * 24 * time.Hour

// ImportParameters are what is needed to encrypt key material for its import.
type ImportParameters struct {
	// Token goes with the encrypted material: up to 6144 bytes.
	Token []byte
	// PublicKey of the wrapping key, a DER SubjectPublicKeyInfo.
	PublicKey []byte
	// ValidTo is when both expire.
	ValidTo time.Time
}

// GetParametersForImport makes a wrapping key for material of this key. It is kept nowhere but in the token. An RSA_4096
// wrapping key takes up to some seconds, and others may have to be waited for before.
func (k *Key) GetParametersForImport(
	ctx context.Context, algorithm wrapping.Algorithm, spec wrapping.KeySpec,
) (*ImportParameters, error) {
	if err := k.checkImport(lifecycle.GetImport); err != nil {
		return nil, err
	}
	if err := wrapping.CheckAlgorithm(k.record.Spec, algorithm, spec); err != nil {
		return nil, &Error{Code: UnsupportedOperationException, Message: err.Error(), Err: err}
	}
	private, public, err := k.service.wrappingKey(ctx, spec)
	if err != nil {
		return nil, k.failed(err)
	}
	defer clear(private)
	token := importToken{
		expires: k.service.now().Add(importValidity).Truncate(time.Second), algorithm: algorithm, privateKey: private,
	}
	encoded := token.encode()
	defer clear(encoded)
	sealed, err := k.service.ring.SealToken(importTokenKind, k.ID(), encoded)
	if err != nil {
		return nil, k.failed(err)
	}
	return &ImportParameters{Token: sealed, PublicKey: public, ValidTo: token.expires}, nil
}

// wrappingKey makes a wrapping key. The context bounds how long it waits for its turn, not the work itself.
func (s *Service) wrappingKey(ctx context.Context, spec wrapping.KeySpec) (private, public []byte, err error) {
	if s.wrappingKeys != nil {
		return s.wrappingKeys(spec)
	}
	err = primes.pass(ctx, func() (err error) {
		private, public, err = wrapping.GenerateWrappingKey(spec)
		return err
	})
	return private, public, err
}

// checkImport refuses keys that take no imported material, or not now.
func (k *Key) checkImport(action lifecycle.Action) error {
	if err := checkOrigin(k.record, keyring.OriginExternal, k.ARN()); err != nil {
		return err
	}
	return k.Check(action)
}

// ImportInput is material on its way in.
type ImportInput struct {
	// Token is GetParametersForImport's, and EncryptedKeyMaterial was made with the public key from there.
	Token                []byte
	EncryptedKeyMaterial []byte
	// ExpirationModel is KeyMaterialExpires if empty; then, and only then, ValidTo must be set: up to 365 days from now.
	ExpirationModel ExpirationModel
	ValidTo         time.Time
	// Type, Description and MaterialID are for symmetric keys only. Type is NewKeyMaterial if empty and the key never had
	// any material, and else ExistingKeyMaterial. An empty Description leaves the one that the same material had before.
	Type        ImportType
	Description string
	// MaterialID says which of the key's materials it must be; empty for any.
	MaterialID string
}

// ImportKeyMaterial imports material, or imports it again with another expiry, and returns its ID. New material of a
// symmetric key that has some waits for RotateKeyOnDemand; all other keys take the same material only, once they had any.
// The key can be used when all of its material is there.
func (k *Key) ImportKeyMaterial(ctx context.Context, in ImportInput) (materialID string, err error) {
	return k.importFrom(ctx, in, k.unwrap)
}

// ImportPlaintext is ImportKeyMaterial for material that comes from this process, and is not encrypted: in has neither a token
// nor encrypted material. The plaintext is neither kept nor changed.
func (k *Key) ImportPlaintext(ctx context.Context, plaintext []byte, in ImportInput) (materialID string, err error) {
	return k.importFrom(ctx, in, func(ImportInput) (material.Material, error) { return k.parseImported(plaintext) })
}

func (k *Key) importFrom(
	ctx context.Context, in ImportInput, read func(ImportInput) (material.Material, error),
) (materialID string, err error) {
	if err := k.checkImport(lifecycle.Import); err != nil {
		return "", err
	}
	if in.ExpirationModel == "" {
		in.ExpirationModel = KeyMaterialExpires
	}
	if err := in.checkExpiry(k.service.now()); err != nil {
		return "", err
	}
	if err := in.checkMembers(k.record); err != nil {
		return "", err
	}
	m, err := read(in)
	if err != nil {
		return "", err
	}
	defer m.Destroy()
	if in.MaterialID != "" && in.MaterialID != m.ID() {
		return "", wrongMaterial(k.ARN())
	}
	if err := k.change(ctx, importMaterial(in, m)); err != nil {
		return "", err
	}
	return m.ID(), nil
}

func (in *ImportInput) checkExpiry(now time.Time) error {
	switch {
	case in.ExpirationModel == KeyMaterialDoesNotExpire && !in.ValidTo.IsZero():
		return Errorf(ValidationException, "A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE")
	case in.ExpirationModel == KeyMaterialDoesNotExpire:
		return nil
	case in.ValidTo.IsZero():
		return Errorf(ValidationException, "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES")
	case !in.ValidTo.After(now):
		return Errorf(ValidationException, "The validTo date must be in the future")
	case in.ValidTo.After(now.Add(maxExpiry)):
		return Errorf(ValidationException, "The validTo date must be within 365 days from now")
	default:
		return nil
	}
}

// checkMembers refuses what is for symmetric keys only, and what contradicts itself.
func (in *ImportInput) checkMembers(r *keyring.KeyRecord) error {
	if in.Type == NewKeyMaterial && in.MaterialID != "" {
		return Errorf(ValidationException, "A keyMaterialId must not be set if the ImportType is NEW_KEY_MATERIAL")
	}
	if r.Spec.Symmetric() {
		return nil
	}
	for _, member := range []struct {
		name string
		set  bool
	}{
		{"ImportType", in.Type != ""}, {"KeyMaterialDescription", in.Description != ""}, {"KeyMaterialId", in.MaterialID != ""},
	} {
		if member.set {
			return Errorf(ValidationException, "%s is valid for symmetric encryption keys only, and the key spec is %s.",
				member.name, r.Spec)
		}
	}
	return nil
}

// unwrap decrypts the material and makes sure that it is one for this key. What unwraps to anything else was encrypted by
// somebody who knew what it is, so saying so gives nothing away.
func (k *Key) unwrap(in ImportInput) (m material.Material, err error) {
	err = k.service.openImportToken(k.ID(), in.Token, func(token importToken) error {
		plaintext, err := wrapping.Unwrap(token.algorithm, token.privateKey, in.EncryptedKeyMaterial)
		defer clear(plaintext)
		if errors.Is(err, wrapping.ErrInvalidCiphertext) {
			return &Error{Code: InvalidCiphertextException, Err: err}
		}
		if err != nil {
			return k.failed(err)
		}
		m, err = k.parseImported(plaintext)
		return err
	})
	return m, err
}

func (k *Key) parseImported(plaintext []byte) (material.Material, error) {
	m, err := material.ParseImported(k.record.Spec, plaintext)
	if err != nil {
		return material.Material{}, &Error{
			Code: IncorrectKeyMaterialException, Err: err,
			Message: "The key material is not valid for key spec " + string(k.record.Spec) + ".",
		}
	}
	return m, nil
}

func wrongMaterial(arn string) error {
	return Errorf(IncorrectKeyMaterialException,
		"The key material is not the same as what was imported into %s before.", arn)
}

// importMaterial puts the material where it belongs.
func importMaterial(in ImportInput, m material.Material) Mutation {
	suits := func(c *change) error { return checkOrigin(c.record, keyring.OriginExternal, c.arn) }
	return Mutation{action: lifecycle.Import, family: true, suits: suits, apply: func(c *change) error {
		place, err := c.place(in, m.ID())
		if err != nil {
			return err
		}
		place.Bytes = keyring.NewSecretBytes(m.Export())
		place.ExpirationTime = in.ValidTo
		if in.Description != "" {
			place.Description = in.Description
		}
		return nil
	}}
}

// place is where material of this ID goes in the record: to itself, if the key had it before, or to a new place.
func (c *change) place(in ImportInput, id string) (*keyring.Material, error) {
	r := c.record
	if in.Type == "" {
		in.Type = ExistingKeyMaterial
		if len(r.Materials) == 0 {
			in.Type = NewKeyMaterial
		}
	}
	known := r.Material(id)
	switch {
	case in.Type == ExistingKeyMaterial && known == nil:
		return nil, wrongMaterial(c.arn)
	case in.Type == ExistingKeyMaterial:
		return known, nil
	}
	if err := c.checkPrimary(); err != nil {
		return nil, err
	}
	made := keyring.Material{ID: id, CreatedAt: c.now}
	switch {
	case len(r.Materials) == 0:
		r.Materials = append(r.Materials, made)
		return &r.Materials[0], nil
	case r.Pending != nil && r.Pending.ID == id: // an earlier try of the same request
		return r.Pending, nil
	case known != nil:
		return nil, Errorf(IncorrectKeyMaterialException, "The key material (id: %s) is that of %s already.", id, c.arn)
	case r.Pending != nil:
		return nil, Errorf(KMSInvalidStateException, "New key material (id: %s) cannot be imported into KMS key %s, because "+
			"another key material (id: %s) is pending rotation.", id, r.KeyID, r.Pending.ID)
	default:
		r.Pending = &made
		return r.Pending, nil
	}
}

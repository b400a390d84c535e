// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"cmp"
	"context"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

var encryptOperations = []*Operation{
	onKey(useOperation("Encrypt", keyspec.EncryptDecrypt), encrypt),
	free(useOperation("Decrypt", keyspec.EncryptDecrypt), decrypt),
	free(reEncryptOperation(), reEncrypt),
}

// useOperation describes an operation that uses the material of a key of one usage.
func useOperation(name string, usage keyspec.Usage) Operation {
	return Operation{
		Name: name, Key: KeyOrAlias, CrossAccount: true, Grantable: true,
		State: lifecycle.Cryptography, Usage: usage, ReadOnly: true, Uses: true,
	}
}

func encrypt(_ context.Context, r *Request, key *kms.Key, in *EncryptInput) (*EncryptOutput, error) {
	algorithm := keyspec.Algorithm(in.EncryptionAlgorithm)
	ciphertext, materialID, err := key.Encrypt(algorithm, in.EncryptionContext, in.Plaintext)
	if err != nil {
		return nil, err
	}
	r.noteMaterial(materialID)
	return &EncryptOutput{CiphertextBlob: ciphertext, KeyID: key.ARN(), EncryptionAlgorithm: in.EncryptionAlgorithm}, nil
}

func (in *DecryptInput) check() error {
	if err := in.Recipient.refuse(); err != nil {
		return err
	}
	return checkCiphertext(in.CiphertextBlob, in.EncryptionAlgorithm, in.KeyID, "KeyId", in.DryRun, in.DryRunModifiers)
}

func decrypt(ctx context.Context, r *Request, in *DecryptInput) (*DecryptOutput, error) {
	source, err := r.sourceOf(ctx, in.CiphertextBlob, in.KeyID)
	if err != nil {
		return nil, err
	}
	key, err := r.authorizeSource(source, "kms:Decrypt", in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	in.KeyID = cmp.Or(in.KeyID, key.ARN())
	if err := r.suits(key); err != nil {
		return nil, err
	}
	algorithm := keyspec.Algorithm(in.EncryptionAlgorithm)
	if ignoresCiphertext(in.DryRunModifiers) {
		return &DecryptOutput{}, key.CheckEncryption(algorithm, in.EncryptionContext)
	}
	plaintext, materialID, err := key.Decrypt(ctx, algorithm, in.EncryptionContext, in.CiphertextBlob)
	if err != nil {
		return nil, err
	}
	r.noteMaterial(materialID)
	return &DecryptOutput{
		KeyID: key.ARN(), Plaintext: plaintext, EncryptionAlgorithm: in.EncryptionAlgorithm, KeyMaterialID: materialID,
	}, nil
}

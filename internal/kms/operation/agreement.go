// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"context"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

var agreementOperations = []*Operation{
	onKey(useOperation("DeriveSharedSecret", keyspec.KeyAgreement), deriveSharedSecret),
	onKey(useOperation("Encapsulate", keyspec.EncapsulateDecapsulate), encapsulate),
	onKey(useOperation("Decapsulate", keyspec.EncapsulateDecapsulate), decapsulate),
}

func (in *DeriveSharedSecretInput) check() error { return in.Recipient.refuse() }

func deriveSharedSecret(
	_ context.Context, _ *Request, key *kms.Key, in *DeriveSharedSecretInput,
) (*DeriveSharedSecretOutput, error) {
	secret, err := key.DeriveSharedSecret(keyspec.Algorithm(in.KeyAgreementAlgorithm), in.PublicKey)
	if err != nil {
		return nil, err
	}
	return &DeriveSharedSecretOutput{
		KeyID: key.ARN(), SharedSecret: secret,
		KeyAgreementAlgorithm: in.KeyAgreementAlgorithm, KeyOrigin: string(key.Record().Origin),
	}, nil
}

func encapsulate(_ context.Context, _ *Request, key *kms.Key, in *EncapsulateInput) (*EncapsulateOutput, error) {
	secret, ciphertext, err := key.Encapsulate(keyspec.Algorithm(in.EncapsulationAlgorithm))
	if err != nil {
		return nil, err
	}
	return &EncapsulateOutput{
		KeyID: key.ARN(), SharedSecret: secret, SharedSecretCiphertextBlob: ciphertext,
		EncapsulationAlgorithm: in.EncapsulationAlgorithm,
	}, nil
}

func decapsulate(_ context.Context, _ *Request, key *kms.Key, in *DecapsulateInput) (*DecapsulateOutput, error) {
	secret, err := key.Decapsulate(keyspec.Algorithm(in.EncapsulationAlgorithm), in.SharedSecretCiphertextBlob)
	if err != nil {
		return nil, err
	}
	return &DecapsulateOutput{KeyID: key.ARN(), SharedSecret: secret, EncapsulationAlgorithm: in.EncapsulationAlgorithm}, nil
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"context"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
	"github.com/chatelaine-dev/chatelaine/internal/kms/material"
)

var signOperations = []*Operation{
	onKey(useOperation("Sign", keyspec.SignVerify), sign),
	onKey(useOperation("Verify", keyspec.SignVerify), verify),
	onKey(useOperation("GenerateMac", keyspec.GenerateVerifyMAC), generateMac),
	onKey(useOperation("VerifyMac", keyspec.GenerateVerifyMAC), verifyMac),
	onKey(Operation{
		Name: "GetPublicKey", Key: KeyOrAlias, CrossAccount: true, Grantable: true,
		State: lifecycle.GetPublicKey, ReadOnly: true,
	}, getPublicKey),
}

func sign(_ context.Context, _ *Request, key *kms.Key, in *SignInput) (*SignOutput, error) {
	signature, err := key.Sign(
		keyspec.Algorithm(in.SigningAlgorithm), material.MessageType(in.MessageType), in.Message)
	if err != nil {
		return nil, err
	}
	return &SignOutput{KeyID: key.ARN(), Signature: signature, SigningAlgorithm: in.SigningAlgorithm}, nil
}

func verify(_ context.Context, _ *Request, key *kms.Key, in *VerifyInput) (*VerifyOutput, error) {
	err := key.Verify(
		keyspec.Algorithm(in.SigningAlgorithm), material.MessageType(in.MessageType), in.Message, in.Signature)
	if err != nil {
		return nil, err
	}
	return &VerifyOutput{KeyID: key.ARN(), SignatureValid: true, SigningAlgorithm: in.SigningAlgorithm}, nil
}

func generateMac(_ context.Context, _ *Request, key *kms.Key, in *GenerateMacInput) (*GenerateMacOutput, error) {
	mac, err := key.GenerateMac(keyspec.Algorithm(in.MacAlgorithm), in.Message)
	if err != nil {
		return nil, err
	}
	return &GenerateMacOutput{KeyID: key.ARN(), Mac: mac, MacAlgorithm: in.MacAlgorithm}, nil
}

func verifyMac(_ context.Context, _ *Request, key *kms.Key, in *VerifyMacInput) (*VerifyMacOutput, error) {
	if err := key.VerifyMac(keyspec.Algorithm(in.MacAlgorithm), in.Message, in.Mac); err != nil {
		return nil, err
	}
	return &VerifyMacOutput{KeyID: key.ARN(), MacValid: true, MacAlgorithm: in.MacAlgorithm}, nil
}

func getPublicKey(_ context.Context, _ *Request, key *kms.Key, _ *GetPublicKeyInput) (*GetPublicKeyOutput, error) {
	der, err := key.PublicKey()
	if err != nil {
		return nil, err
	}
	metadata := describe(key)
	return &GetPublicKeyOutput{
		KeyID: key.ARN(), PublicKey: der,
		KeySpec: metadata.KeySpec, CustomerMasterKeySpec: metadata.CustomerMasterKeySpec, KeyUsage: metadata.KeyUsage,
		EncryptionAlgorithms: metadata.EncryptionAlgorithms, SigningAlgorithms: metadata.SigningAlgorithms,
		KeyAgreementAlgorithms: metadata.KeyAgreementAlgorithms, EncapsulationAlgorithms: metadata.EncapsulationAlgorithms,
	}, nil
}

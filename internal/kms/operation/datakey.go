// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"context"
	"crypto/rand"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

var dataKeyOperations = []*Operation{
	onKey(useOperation("GenerateDataKey", keyspec.EncryptDecrypt), generateDataKey),
	onKey(useOperation("GenerateDataKeyWithoutPlaintext", keyspec.EncryptDecrypt), generateDataKeyWithoutPlaintext),
	onKey(useOperation("GenerateDataKeyPair", keyspec.EncryptDecrypt), generateDataKeyPair),
	onKey(useOperation("GenerateDataKeyPairWithoutPlaintext", keyspec.EncryptDecrypt), generateDataKeyPairWithoutPlaintext),
	free(Operation{Name: "GenerateRandom", ReadOnly: true}, generateRandom),
}

// dataKeySizes are the lengths of the data key specs, in bytes.
var dataKeySizes = map[string]int{"AES_128": 16, "AES_256": 32}

// checkDataKeySize demands one of the two ways to tell a data key's length.
func checkDataKeySize(spec string, n *int32) error {
	if (spec == "") == (n == nil) {
		return kms.Errorf(kms.ValidationException, "Please specify either number of bytes or key spec.")
	}
	return nil
}

func dataKeySize(spec string, n *int32) int {
	if n != nil {
		return int(*n)
	}
	return dataKeySizes[spec]
}

func (in *GenerateDataKeyInput) check() error {
	if err := in.Recipient.refuse(); err != nil {
		return err
	}
	return checkDataKeySize(in.KeySpec, in.NumberOfBytes)
}

func generateDataKey(_ context.Context, r *Request, key *kms.Key, in *GenerateDataKeyInput) (*GenerateDataKeyOutput, error) {
	plaintext, ciphertext, materialID, err := key.GenerateDataKey(
		in.EncryptionContext, dataKeySize(in.KeySpec, in.NumberOfBytes))
	if err != nil {
		return nil, err
	}
	r.noteMaterial(materialID)
	return &GenerateDataKeyOutput{
		CiphertextBlob: ciphertext, Plaintext: plaintext, KeyID: key.ARN(), KeyMaterialID: materialID,
	}, nil
}

func (in *GenerateDataKeyWithoutPlaintextInput) check() error {
	return checkDataKeySize(in.KeySpec, in.NumberOfBytes)
}

func generateDataKeyWithoutPlaintext(
	_ context.Context, r *Request, key *kms.Key, in *GenerateDataKeyWithoutPlaintextInput,
) (*GenerateDataKeyWithoutPlaintextOutput, error) {
	plaintext, ciphertext, materialID, err := key.GenerateDataKey(
		in.EncryptionContext, dataKeySize(in.KeySpec, in.NumberOfBytes))
	if err != nil {
		return nil, err
	}
	clear(plaintext)
	r.noteMaterial(materialID)
	return &GenerateDataKeyWithoutPlaintextOutput{
		CiphertextBlob: ciphertext, KeyID: key.ARN(), KeyMaterialID: materialID,
	}, nil
}

// checkPairSpec refuses SM2 alone: AWS has it in its China Regions only.
func checkPairSpec(spec string) error {
	if keyspec.Spec(spec).Valid() {
		return nil
	}
	return kms.Errorf(kms.UnsupportedOperationException, "KeyPairSpec %s is not supported in this Region.", spec)
}

func (in *GenerateDataKeyPairInput) check() error {
	if err := in.Recipient.refuse(); err != nil {
		return err
	}
	return checkPairSpec(in.KeyPairSpec)
}

func generateDataKeyPair(
	ctx context.Context, r *Request, key *kms.Key, in *GenerateDataKeyPairInput,
) (*GenerateDataKeyPairOutput, error) {
	pair, err := r.keyPair(ctx, key, in.KeyPairSpec, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	return &GenerateDataKeyPairOutput{
		PrivateKeyCiphertextBlob: pair.PrivateKeyCiphertext, PrivateKeyPlaintext: pair.PrivateKey, PublicKey: pair.PublicKey,
		KeyID: key.ARN(), KeyPairSpec: in.KeyPairSpec, KeyMaterialID: pair.MaterialID,
	}, nil
}

func (in *GenerateDataKeyPairWithoutPlaintextInput) check() error {
	return checkPairSpec(in.KeyPairSpec)
}

func generateDataKeyPairWithoutPlaintext(
	ctx context.Context, r *Request, key *kms.Key, in *GenerateDataKeyPairWithoutPlaintextInput,
) (*GenerateDataKeyPairWithoutPlaintextOutput, error) {
	pair, err := r.keyPair(ctx, key, in.KeyPairSpec, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	clear(pair.PrivateKey)
	return &GenerateDataKeyPairWithoutPlaintextOutput{
		PrivateKeyCiphertextBlob: pair.PrivateKeyCiphertext, PublicKey: pair.PublicKey,
		KeyID: key.ARN(), KeyPairSpec: in.KeyPairSpec, KeyMaterialID: pair.MaterialID,
	}, nil
}

// keyPair makes a pair, except in a dry run: an RSA key takes too long to be made for nothing.
func (r *Request) keyPair(
	ctx context.Context, key *kms.Key, spec string, encryptionContext map[string]string,
) (*kms.DataKeyPair, error) {
	if err := key.CheckDataKeys(); err != nil {
		return nil, err
	}
	if err := r.dryRun(); err != nil {
		return nil, err
	}
	pair, err := key.GenerateDataKeyPair(ctx, keyspec.Spec(spec), encryptionContext)
	if err != nil {
		return nil, err
	}
	r.noteMaterial(pair.MaterialID)
	return pair, nil
}

func (in *GenerateRandomInput) check() error {
	switch {
	case in.CustomKeyStoreID != "":
		return kms.Errorf(kms.UnsupportedOperationException,
			"CustomKeyStoreId is not supported: the software KMS has no custom key stores.")
	case in.NumberOfBytes == nil:
		return kms.Errorf(kms.ValidationException, "NumberOfBytes is required.")
	default:
		return in.Recipient.refuse()
	}
}

// generateRandom is for every caller whose account is served here: it concerns no key, and gives away nothing.
func generateRandom(_ context.Context, r *Request, in *GenerateRandomInput) (*GenerateRandomOutput, error) {
	if r.service == nil {
		r.reason = "the caller's account is not served in this Region"
		return nil, r.denied("kms:GenerateRandom", "*", "because no identity-based policy allows the kms:GenerateRandom action")
	}
	random := make([]byte, *in.NumberOfBytes)
	_, _ = rand.Read(random) // never fails: it ends the program rather than return bad randomness
	return &GenerateRandomOutput{Plaintext: random}, nil
}

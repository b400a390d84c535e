// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"context"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/wrapping"
)

// Whether a key takes imported material, by its origin, comes before its state, so package kms looks after both.
var importOperations = []*Operation{
	onKey(Operation{Name: "GetParametersForImport", Key: KeyOnly, ReadOnly: true}, getParametersForImport),
	onKey(Operation{Name: "ImportKeyMaterial", Key: KeyOnly}, importKeyMaterial),
	onKey(Operation{Name: "DeleteImportedKeyMaterial", Key: KeyOnly}, deleteImportedKeyMaterial),
}

func getParametersForImport(
	ctx context.Context, _ *Request, key *kms.Key, in *GetParametersForImportInput,
) (*GetParametersForImportOutput, error) {
	parameters, err := key.GetParametersForImport(ctx,
		wrapping.Algorithm(in.WrappingAlgorithm), wrapping.KeySpec(in.WrappingKeySpec))
	if err != nil {
		return nil, err
	}
	return &GetParametersForImportOutput{
		KeyID: key.ARN(), ImportToken: parameters.Token, PublicKey: parameters.PublicKey,
		ParametersValidTo: Time{parameters.ValidTo},
	}, nil
}

func importKeyMaterial(
	ctx context.Context, r *Request, key *kms.Key, in *ImportKeyMaterialInput,
) (*ImportKeyMaterialOutput, error) {
	materialID, err := key.ImportKeyMaterial(ctx, kms.ImportInput{
		Token: in.ImportToken, EncryptedKeyMaterial: in.EncryptedKeyMaterial,
		ExpirationModel: kms.ExpirationModel(in.ExpirationModel), ValidTo: in.ValidTo.Time,
		Type: kms.ImportType(in.ImportType), Description: in.KeyMaterialDescription, MaterialID: in.KeyMaterialID,
	})
	if err != nil {
		return nil, err
	}
	r.response = materialElements(key, materialID)
	return &ImportKeyMaterialOutput{KeyID: key.ARN(), KeyMaterialID: materialID}, nil
}

func deleteImportedKeyMaterial(
	ctx context.Context, r *Request, key *kms.Key, in *DeleteImportedKeyMaterialInput,
) (*DeleteImportedKeyMaterialOutput, error) {
	materialID, err := key.DeleteImportedKeyMaterial(ctx, in.KeyMaterialID)
	if err != nil {
		return nil, err
	}
	r.response = materialElements(key, materialID)
	return &DeleteImportedKeyMaterialOutput{KeyID: key.ARN(), KeyMaterialID: materialID}, nil
}

// materialElements are what the record tells of the material that came or went.
func materialElements(key *kms.Key, materialID string) map[string]any {
	elements := map[string]any{"keyId": key.ARN()}
	if materialID != "" {
		elements["keyMaterialId"] = materialID
	}
	return elements
}

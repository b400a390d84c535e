// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

// GetParametersForImportInput is the request of GetParametersForImport.
type GetParametersForImportInput struct {
	KeyID             string `json:"KeyId,omitzero" model:"required,len=1:2048"`
	WrappingAlgorithm string `json:"WrappingAlgorithm,omitzero" model:"required,enum=AlgorithmSpec" condition:"kms:WrappingAlgorithm"`
	WrappingKeySpec   string `json:"WrappingKeySpec,omitzero" model:"required,enum=WrappingKeySpec" condition:"kms:WrappingKeySpec"`
}

// GetParametersForImportOutput is the answer of GetParametersForImport.
type GetParametersForImportOutput struct {
	KeyID             string `json:"KeyId,omitzero"`
	ImportToken       []byte `json:"ImportToken,omitzero" model:"secret"`
	PublicKey         []byte `json:"PublicKey,omitzero" model:"secret"`
	ParametersValidTo Time   `json:"ParametersValidTo,omitzero"`
}

// ImportKeyMaterialInput is the request of ImportKeyMaterial.
type ImportKeyMaterialInput struct {
	KeyID                  string `json:"KeyId,omitzero" model:"required,len=1:2048"`
	ImportToken            []byte `json:"ImportToken,omitzero" model:"required,len=1:6144,secret"`
	EncryptedKeyMaterial   []byte `json:"EncryptedKeyMaterial,omitzero" model:"required,len=1:6144"`
	ValidTo                Time   `json:"ValidTo,omitzero" condition:"kms:ValidTo"`
	ExpirationModel        string `json:"ExpirationModel,omitzero" model:"enum=ExpirationModelType,default=KEY_MATERIAL_EXPIRES" condition:"kms:ExpirationModel"`
	ImportType             string `json:"ImportType,omitzero" model:"enum=ImportType"`
	KeyMaterialDescription string `json:"KeyMaterialDescription,omitzero" model:"len=0:256,pattern=KeyMaterialDescriptionType"`
	KeyMaterialID          string `json:"KeyMaterialId,omitzero" model:"len=64:64,pattern=BackingKeyIdType"`
}

// ImportKeyMaterialOutput is the answer of ImportKeyMaterial.
type ImportKeyMaterialOutput struct {
	KeyID         string `json:"KeyId,omitzero"`
	KeyMaterialID string `json:"KeyMaterialId,omitzero"`
}

// DeleteImportedKeyMaterialInput is the request of DeleteImportedKeyMaterial.
type DeleteImportedKeyMaterialInput struct {
	KeyID         string `json:"KeyId,omitzero" model:"required,len=1:2048"`
	KeyMaterialID string `json:"KeyMaterialId,omitzero" model:"len=64:64,pattern=BackingKeyIdType"`
}

// DeleteImportedKeyMaterialOutput is the answer of DeleteImportedKeyMaterial.
type DeleteImportedKeyMaterialOutput struct {
	KeyID         string `json:"KeyId,omitzero"`
	KeyMaterialID string `json:"KeyMaterialId,omitzero"`
}

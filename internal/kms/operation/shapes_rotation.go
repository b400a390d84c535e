// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

// EnableKeyRotationInput is the request of EnableKeyRotation.
type EnableKeyRotationInput struct {
	KeyID                string `json:"KeyId,omitzero" model:"required,len=1:2048"`
	RotationPeriodInDays *int32 `json:"RotationPeriodInDays,omitzero" model:"range=90:2560" condition:"kms:RotationPeriodInDays"`
}

// DisableKeyRotationInput is the request of DisableKeyRotation.
type DisableKeyRotationInput struct {
	KeyID string `json:"KeyId,omitzero" model:"required,len=1:2048"`
}

// GetKeyRotationStatusInput is the request of GetKeyRotationStatus.
type GetKeyRotationStatusInput struct {
	KeyID string `json:"KeyId,omitzero" model:"required,len=1:2048"`
}

// GetKeyRotationStatusOutput is the answer of GetKeyRotationStatus.
type GetKeyRotationStatusOutput struct {
	KeyRotationEnabled        bool   `json:"KeyRotationEnabled"`
	KeyID                     string `json:"KeyId,omitzero"`
	RotationPeriodInDays      int32  `json:"RotationPeriodInDays,omitzero"`
	NextRotationDate          Time   `json:"NextRotationDate,omitzero"`
	OnDemandRotationStartDate Time   `json:"OnDemandRotationStartDate,omitzero"`
}

// RotateKeyOnDemandInput is the request of RotateKeyOnDemand.
type RotateKeyOnDemandInput struct {
	KeyID string `json:"KeyId,omitzero" model:"required,len=1:2048"`
}

// RotateKeyOnDemandOutput is the answer of RotateKeyOnDemand.
type RotateKeyOnDemandOutput struct {
	KeyID string `json:"KeyId,omitzero"`
}

// ListKeyRotationsInput is the request of ListKeyRotations.
type ListKeyRotationsInput struct {
	KeyID              string `json:"KeyId,omitzero" model:"required,len=1:2048"`
	IncludeKeyMaterial string `json:"IncludeKeyMaterial,omitzero" model:"enum=IncludeKeyMaterial,default=ROTATIONS_ONLY"`
	Limit              *int32 `json:"Limit,omitzero" model:"range=1:1000"`
	Marker             string `json:"Marker,omitzero" model:"len=1:1024,pattern=MarkerType"`
}

// ListKeyRotationsOutput is the answer of ListKeyRotations.
type ListKeyRotationsOutput struct {
	Rotations  []RotationsListEntry `json:"Rotations,omitzero"`
	NextMarker string               `json:"NextMarker,omitzero"`
	Truncated  bool                 `json:"Truncated"`
}

// RotationsListEntry is AWS's RotationsListEntry.
type RotationsListEntry struct {
	KeyID                  string `json:"KeyId,omitzero"`
	KeyMaterialID          string `json:"KeyMaterialId,omitzero"`
	KeyMaterialDescription string `json:"KeyMaterialDescription,omitzero"`
	ImportState            string `json:"ImportState,omitzero"`
	KeyMaterialState       string `json:"KeyMaterialState,omitzero"`
	ExpirationModel        string `json:"ExpirationModel,omitzero"`
	ValidTo                Time   `json:"ValidTo,omitzero"`
	RotationDate           Time   `json:"RotationDate,omitzero"`
	RotationType           string `json:"RotationType,omitzero"`
}

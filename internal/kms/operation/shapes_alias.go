// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

// CreateAliasInput is the request of CreateAlias.
type CreateAliasInput struct {
	AliasName   string `json:"AliasName,omitzero" model:"required,len=1:256,pattern=AliasNameType"`
	TargetKeyID string `json:"TargetKeyId,omitzero" model:"required,len=1:2048"`
}

// UpdateAliasInput is the request of UpdateAlias.
type UpdateAliasInput struct {
	AliasName   string `json:"AliasName,omitzero" model:"required,len=1:256,pattern=AliasNameType"`
	TargetKeyID string `json:"TargetKeyId,omitzero" model:"required,len=1:2048"`
}

// DeleteAliasInput is the request of DeleteAlias.
type DeleteAliasInput struct {
	AliasName string `json:"AliasName,omitzero" model:"required,len=1:256,pattern=AliasNameType"`
}

// ListAliasesInput is the request of ListAliases.
type ListAliasesInput struct {
	KeyID  string `json:"KeyId,omitzero" model:"len=1:2048"`
	Limit  *int32 `json:"Limit,omitzero" model:"range=1:1000"`
	Marker string `json:"Marker,omitzero" model:"len=1:1024,pattern=MarkerType"`
}

// ListAliasesOutput is the answer of ListAliases.
type ListAliasesOutput struct {
	Aliases    []AliasListEntry `json:"Aliases,omitzero"`
	NextMarker string           `json:"NextMarker,omitzero"`
	Truncated  bool             `json:"Truncated"`
}

// AliasListEntry is AWS's AliasListEntry.
type AliasListEntry struct {
	AliasName       string `json:"AliasName,omitzero"`
	AliasARN        string `json:"AliasArn,omitzero"`
	TargetKeyID     string `json:"TargetKeyId,omitzero"`
	CreationDate    Time   `json:"CreationDate,omitzero"`
	LastUpdatedDate Time   `json:"LastUpdatedDate,omitzero"`
}

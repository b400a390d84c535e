// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

// CreateGrantInput is the request of CreateGrant.
type CreateGrantInput struct {
	KeyID                    string            `json:"KeyId,omitzero" model:"required,len=1:2048"`
	GranteePrincipal         string            `json:"GranteePrincipal,omitzero" model:"len=1:256,pattern=PrincipalIdType" condition:"kms:GranteePrincipal"`
	GranteeServicePrincipal  string            `json:"GranteeServicePrincipal,omitzero" model:"len=1:256" condition:"kms:GranteeServicePrincipal"`
	RetiringServicePrincipal string            `json:"RetiringServicePrincipal,omitzero" model:"len=1:256" condition:"kms:RetiringServicePrincipal"`
	RetiringPrincipal        string            `json:"RetiringPrincipal,omitzero" model:"len=1:256,pattern=PrincipalIdType" condition:"kms:RetiringPrincipal"`
	Operations               []string          `json:"Operations,omitzero" model:"required,eachenum=GrantOperation" condition:"kms:GrantOperations"`
	Constraints              *GrantConstraints `json:"Constraints,omitzero"`
	GrantTokens              []string          `json:"GrantTokens,omitzero" model:"len=0:10,eachlen=1:8192,secret"`
	Name                     string            `json:"Name,omitzero" model:"len=1:256,pattern=GrantNameType"`
	DryRun                   bool              `json:"DryRun,omitzero"`
}

// CreateGrantOutput is the answer of CreateGrant.
type CreateGrantOutput struct {
	GrantToken string `json:"GrantToken,omitzero" model:"secret"`
	GrantID    string `json:"GrantId,omitzero"`
}

// ListGrantsInput is the request of ListGrants.
type ListGrantsInput struct {
	Limit                   *int32 `json:"Limit,omitzero" model:"range=1:1000"`
	Marker                  string `json:"Marker,omitzero" model:"len=1:1024,pattern=MarkerType"`
	KeyID                   string `json:"KeyId,omitzero" model:"required,len=1:2048"`
	GrantID                 string `json:"GrantId,omitzero" model:"len=1:128"`
	GranteePrincipal        string `json:"GranteePrincipal,omitzero" model:"len=1:256,pattern=PrincipalIdType"`
	GranteeServicePrincipal string `json:"GranteeServicePrincipal,omitzero" model:"len=1:256"`
}

// ListGrantsOutput is the answer of ListGrants.
type ListGrantsOutput struct {
	Grants     []GrantListEntry `json:"Grants,omitzero"`
	NextMarker string           `json:"NextMarker,omitzero"`
	Truncated  bool             `json:"Truncated"`
}

// ListRetirableGrantsInput is the request of ListRetirableGrants.
type ListRetirableGrantsInput struct {
	Limit                    *int32 `json:"Limit,omitzero" model:"range=1:1000"`
	Marker                   string `json:"Marker,omitzero" model:"len=1:1024,pattern=MarkerType"`
	RetiringPrincipal        string `json:"RetiringPrincipal,omitzero" model:"len=1:256,pattern=PrincipalIdType"`
	RetiringServicePrincipal string `json:"RetiringServicePrincipal,omitzero" model:"len=1:256"`
}

// ListRetirableGrantsOutput is the answer of ListRetirableGrants.
type ListRetirableGrantsOutput struct {
	Grants     []GrantListEntry `json:"Grants,omitzero"`
	NextMarker string           `json:"NextMarker,omitzero"`
	Truncated  bool             `json:"Truncated"`
}

// RetireGrantInput is the request of RetireGrant.
type RetireGrantInput struct {
	GrantToken string `json:"GrantToken,omitzero" model:"len=1:8192,secret"`
	KeyID      string `json:"KeyId,omitzero" model:"len=1:2048,unrecorded"`
	GrantID    string `json:"GrantId,omitzero" model:"len=1:128,unrecorded"`
	DryRun     bool   `json:"DryRun,omitzero" model:"unrecorded"`
}

// RevokeGrantInput is the request of RevokeGrant.
type RevokeGrantInput struct {
	KeyID   string `json:"KeyId,omitzero" model:"required,len=1:2048"`
	GrantID string `json:"GrantId,omitzero" model:"required,len=1:128"`
	DryRun  bool   `json:"DryRun,omitzero"`
}

// GrantConstraints is AWS's GrantConstraints.
type GrantConstraints struct {
	EncryptionContextSubset map[string]string `json:"EncryptionContextSubset,omitzero"`
	EncryptionContextEquals map[string]string `json:"EncryptionContextEquals,omitzero"`
	SourceARN               string            `json:"SourceArn,omitzero" model:"len=1:2048" condition:"kms:GrantConstraintSourceArn"`
}

// GrantListEntry is AWS's GrantListEntry.
type GrantListEntry struct {
	KeyID                    string            `json:"KeyId,omitzero"`
	GrantID                  string            `json:"GrantId,omitzero"`
	Name                     string            `json:"Name,omitzero"`
	CreationDate             Time              `json:"CreationDate,omitzero"`
	GranteePrincipal         string            `json:"GranteePrincipal,omitzero"`
	RetiringPrincipal        string            `json:"RetiringPrincipal,omitzero"`
	GranteeServicePrincipal  string            `json:"GranteeServicePrincipal,omitzero"`
	RetiringServicePrincipal string            `json:"RetiringServicePrincipal,omitzero"`
	IssuingAccount           string            `json:"IssuingAccount,omitzero"`
	Operations               []string          `json:"Operations,omitzero"`
	Constraints              *GrantConstraints `json:"Constraints,omitzero"`
}

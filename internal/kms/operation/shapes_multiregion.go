// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

// ReplicateKeyInput is the request of ReplicateKey.
type ReplicateKeyInput struct {
	KeyID                          string `json:"KeyId,omitzero" model:"required,len=1:2048"`
	ReplicaRegion                  string `json:"ReplicaRegion,omitzero" model:"required,len=1:32,pattern=RegionType" condition:"kms:ReplicaRegion"`
	Policy                         string `json:"Policy,omitzero" model:"len=1:131072,pattern=PolicyType"`
	BypassPolicyLockoutSafetyCheck bool   `json:"BypassPolicyLockoutSafetyCheck,omitzero" condition:"kms:BypassPolicyLockoutSafetyCheck"`
	Description                    string `json:"Description,omitzero" model:"len=0:8192"`
	Tags                           []Tag  `json:"Tags,omitzero"`
}

// ReplicateKeyOutput is the answer of ReplicateKey.
type ReplicateKeyOutput struct {
	ReplicaKeyMetadata *KeyMetadata `json:"ReplicaKeyMetadata,omitzero"`
	ReplicaPolicy      string       `json:"ReplicaPolicy,omitzero"`
	ReplicaTags        []Tag        `json:"ReplicaTags,omitzero"`
}

// UpdatePrimaryRegionInput is the request of UpdatePrimaryRegion.
type UpdatePrimaryRegionInput struct {
	KeyID         string `json:"KeyId,omitzero" model:"required,len=1:2048"`
	PrimaryRegion string `json:"PrimaryRegion,omitzero" model:"required,len=1:32,pattern=RegionType" condition:"kms:PrimaryRegion"`
}

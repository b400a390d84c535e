// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

// GetKeyPolicyInput is the request of GetKeyPolicy.
type GetKeyPolicyInput struct {
	KeyID      string `json:"KeyId,omitzero" model:"required,len=1:2048"`
	PolicyName string `json:"PolicyName,omitzero" model:"len=1:128,pattern=PolicyNameType,default=default"`
}

// GetKeyPolicyOutput is the answer of GetKeyPolicy.
type GetKeyPolicyOutput struct {
	Policy     string `json:"Policy,omitzero"`
	PolicyName string `json:"PolicyName,omitzero"`
}

// PutKeyPolicyInput is the request of PutKeyPolicy.
type PutKeyPolicyInput struct {
	KeyID                          string `json:"KeyId,omitzero" model:"required,len=1:2048"`
	PolicyName                     string `json:"PolicyName,omitzero" model:"len=1:128,pattern=PolicyNameType,default=default"`
	Policy                         string `json:"Policy,omitzero" model:"required,len=1:131072,pattern=PolicyType"`
	BypassPolicyLockoutSafetyCheck bool   `json:"BypassPolicyLockoutSafetyCheck,omitzero" condition:"kms:BypassPolicyLockoutSafetyCheck"`
}

// ListKeyPoliciesInput is the request of ListKeyPolicies.
type ListKeyPoliciesInput struct {
	KeyID  string `json:"KeyId,omitzero" model:"required,len=1:2048"`
	Limit  *int32 `json:"Limit,omitzero" model:"range=1:1000"`
	Marker string `json:"Marker,omitzero" model:"len=1:1024,pattern=MarkerType"`
}

// ListKeyPoliciesOutput is the answer of ListKeyPolicies.
type ListKeyPoliciesOutput struct {
	PolicyNames []string `json:"PolicyNames,omitzero"`
	NextMarker  string   `json:"NextMarker,omitzero"`
	Truncated   bool     `json:"Truncated"`
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

// SignInput is the request of Sign.
type SignInput struct {
	KeyID            string   `json:"KeyId,omitzero" model:"required,len=1:2048"`
	Message          []byte   `json:"Message,omitzero" model:"required,len=1:4096,secret"`
	MessageType      string   `json:"MessageType,omitzero" model:"enum=MessageType,default=RAW" condition:"kms:MessageType"`
	GrantTokens      []string `json:"GrantTokens,omitzero" model:"len=0:10,eachlen=1:8192,secret"`
	SigningAlgorithm string   `json:"SigningAlgorithm,omitzero" model:"required,enum=SigningAlgorithmSpec" condition:"kms:SigningAlgorithm"`
	DryRun           bool     `json:"DryRun,omitzero"`
}

// SignOutput is the answer of Sign.
type SignOutput struct {
	KeyID            string `json:"KeyId,omitzero"`
	Signature        []byte `json:"Signature,omitzero"`
	SigningAlgorithm string `json:"SigningAlgorithm,omitzero"`
}

// VerifyInput is the request of Verify.
type VerifyInput struct {
	KeyID            string   `json:"KeyId,omitzero" model:"required,len=1:2048"`
	Message          []byte   `json:"Message,omitzero" model:"required,len=1:4096,secret"`
	MessageType      string   `json:"MessageType,omitzero" model:"enum=MessageType,default=RAW" condition:"kms:MessageType"`
	Signature        []byte   `json:"Signature,omitzero" model:"required,len=1:6144"`
	SigningAlgorithm string   `json:"SigningAlgorithm,omitzero" model:"required,enum=SigningAlgorithmSpec" condition:"kms:SigningAlgorithm"`
	GrantTokens      []string `json:"GrantTokens,omitzero" model:"len=0:10,eachlen=1:8192,secret"`
	DryRun           bool     `json:"DryRun,omitzero"`
}

// VerifyOutput is the answer of Verify.
type VerifyOutput struct {
	KeyID            string `json:"KeyId,omitzero"`
	SignatureValid   bool   `json:"SignatureValid"`
	SigningAlgorithm string `json:"SigningAlgorithm,omitzero"`
}

// GenerateMacInput is the request of GenerateMac.
type GenerateMacInput struct {
	Message      []byte   `json:"Message,omitzero" model:"required,len=1:4096,secret"`
	KeyID        string   `json:"KeyId,omitzero" model:"required,len=1:2048"`
	MacAlgorithm string   `json:"MacAlgorithm,omitzero" model:"required,enum=MacAlgorithmSpec" condition:"kms:MacAlgorithm"`
	GrantTokens  []string `json:"GrantTokens,omitzero" model:"len=0:10,eachlen=1:8192,secret"`
	DryRun       bool     `json:"DryRun,omitzero"`
}

// GenerateMacOutput is the answer of GenerateMac.
type GenerateMacOutput struct {
	Mac          []byte `json:"Mac,omitzero"`
	MacAlgorithm string `json:"MacAlgorithm,omitzero"`
	KeyID        string `json:"KeyId,omitzero"`
}

// VerifyMacInput is the request of VerifyMac.
type VerifyMacInput struct {
	Message      []byte   `json:"Message,omitzero" model:"required,len=1:4096,secret"`
	KeyID        string   `json:"KeyId,omitzero" model:"required,len=1:2048"`
	MacAlgorithm string   `json:"MacAlgorithm,omitzero" model:"required,enum=MacAlgorithmSpec" condition:"kms:MacAlgorithm"`
	Mac          []byte   `json:"Mac,omitzero" model:"required,len=1:6144"`
	GrantTokens  []string `json:"GrantTokens,omitzero" model:"len=0:10,eachlen=1:8192,secret"`
	DryRun       bool     `json:"DryRun,omitzero"`
}

// VerifyMacOutput is the answer of VerifyMac.
type VerifyMacOutput struct {
	KeyID        string `json:"KeyId,omitzero"`
	MacValid     bool   `json:"MacValid"`
	MacAlgorithm string `json:"MacAlgorithm,omitzero"`
}

// GetPublicKeyInput is the request of GetPublicKey.
type GetPublicKeyInput struct {
	KeyID       string   `json:"KeyId,omitzero" model:"required,len=1:2048"`
	GrantTokens []string `json:"GrantTokens,omitzero" model:"len=0:10,eachlen=1:8192,secret"`
}

// GetPublicKeyOutput is the answer of GetPublicKey.
type GetPublicKeyOutput struct {
	KeyID                   string   `json:"KeyId,omitzero"`
	PublicKey               []byte   `json:"PublicKey,omitzero"`
	CustomerMasterKeySpec   string   `json:"CustomerMasterKeySpec,omitzero"`
	KeySpec                 string   `json:"KeySpec,omitzero"`
	KeyUsage                string   `json:"KeyUsage,omitzero"`
	EncryptionAlgorithms    []string `json:"EncryptionAlgorithms,omitzero"`
	SigningAlgorithms       []string `json:"SigningAlgorithms,omitzero"`
	KeyAgreementAlgorithms  []string `json:"KeyAgreementAlgorithms,omitzero"`
	EncapsulationAlgorithms []string `json:"EncapsulationAlgorithms,omitzero"`
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

// DeriveSharedSecretInput is the request of DeriveSharedSecret.
type DeriveSharedSecretInput struct {
	KeyID                 string         `json:"KeyId,omitzero" model:"required,len=1:2048"`
	KeyAgreementAlgorithm string         `json:"KeyAgreementAlgorithm,omitzero" model:"required,enum=KeyAgreementAlgorithmSpec" condition:"kms:KeyAgreementAlgorithm"`
	PublicKey             []byte         `json:"PublicKey,omitzero" model:"required,len=1:8192"`
	GrantTokens           []string       `json:"GrantTokens,omitzero" model:"len=0:10,eachlen=1:8192,secret"`
	DryRun                bool           `json:"DryRun,omitzero"`
	Recipient             *RecipientInfo `json:"Recipient,omitzero"`
}

// DeriveSharedSecretOutput is the answer of DeriveSharedSecret.
type DeriveSharedSecretOutput struct {
	KeyID                  string `json:"KeyId,omitzero"`
	SharedSecret           []byte `json:"SharedSecret,omitzero" model:"secret"`
	CiphertextForRecipient []byte `json:"CiphertextForRecipient,omitzero"`
	KeyAgreementAlgorithm  string `json:"KeyAgreementAlgorithm,omitzero"`
	KeyOrigin              string `json:"KeyOrigin,omitzero"`
}

// EncapsulateInput is the request of Encapsulate.
type EncapsulateInput struct {
	KeyID                  string   `json:"KeyId,omitzero" model:"required,len=1:2048"`
	EncapsulationAlgorithm string   `json:"EncapsulationAlgorithm,omitzero" model:"required,enum=EncapsulationAlgorithmSpec" condition:"kms:EncapsulationAlgorithm"`
	GrantTokens            []string `json:"GrantTokens,omitzero" model:"len=0:10,eachlen=1:8192,secret"`
	DryRun                 bool     `json:"DryRun,omitzero"`
}

// EncapsulateOutput is the answer of Encapsulate.
type EncapsulateOutput struct {
	KeyID                      string `json:"KeyId,omitzero"`
	SharedSecret               []byte `json:"SharedSecret,omitzero" model:"secret"`
	SharedSecretCiphertextBlob []byte `json:"SharedSecretCiphertextBlob,omitzero"`
	EncapsulationAlgorithm     string `json:"EncapsulationAlgorithm,omitzero"`
}

// DecapsulateInput is the request of Decapsulate.
type DecapsulateInput struct {
	KeyID                      string   `json:"KeyId,omitzero" model:"required,len=1:2048"`
	EncapsulationAlgorithm     string   `json:"EncapsulationAlgorithm,omitzero" model:"required,enum=EncapsulationAlgorithmSpec" condition:"kms:EncapsulationAlgorithm"`
	SharedSecretCiphertextBlob []byte   `json:"SharedSecretCiphertextBlob,omitzero" model:"required,len=1:6144"`
	GrantTokens                []string `json:"GrantTokens,omitzero" model:"len=0:10,eachlen=1:8192,secret"`
	DryRun                     bool     `json:"DryRun,omitzero"`
}

// DecapsulateOutput is the answer of Decapsulate.
type DecapsulateOutput struct {
	KeyID                  string `json:"KeyId,omitzero"`
	SharedSecret           []byte `json:"SharedSecret,omitzero" model:"secret"`
	EncapsulationAlgorithm string `json:"EncapsulationAlgorithm,omitzero"`
}

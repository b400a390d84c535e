// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

// EncryptInput is the request of Encrypt.
type EncryptInput struct {
	KeyID               string            `json:"KeyId,omitzero" model:"required,len=1:2048"`
	Plaintext           []byte            `json:"Plaintext,omitzero" model:"required,len=1:4096,secret"`
	EncryptionContext   map[string]string `json:"EncryptionContext,omitzero" condition:"kms:EncryptionContext"`
	GrantTokens         []string          `json:"GrantTokens,omitzero" model:"len=0:10,eachlen=1:8192,secret"`
	EncryptionAlgorithm string            `json:"EncryptionAlgorithm,omitzero" model:"enum=EncryptionAlgorithmSpec,default=SYMMETRIC_DEFAULT" condition:"kms:EncryptionAlgorithm"`
	DryRun              bool              `json:"DryRun,omitzero"`
}

// EncryptOutput is the answer of Encrypt.
type EncryptOutput struct {
	CiphertextBlob      []byte `json:"CiphertextBlob,omitzero"`
	KeyID               string `json:"KeyId,omitzero"`
	EncryptionAlgorithm string `json:"EncryptionAlgorithm,omitzero"`
}

// DecryptInput is the request of Decrypt.
type DecryptInput struct {
	CiphertextBlob      []byte            `json:"CiphertextBlob,omitzero" model:"len=1:6144"`
	EncryptionContext   map[string]string `json:"EncryptionContext,omitzero" condition:"kms:EncryptionContext"`
	GrantTokens         []string          `json:"GrantTokens,omitzero" model:"len=0:10,eachlen=1:8192,secret"`
	KeyID               string            `json:"KeyId,omitzero" model:"len=1:2048"`
	EncryptionAlgorithm string            `json:"EncryptionAlgorithm,omitzero" model:"enum=EncryptionAlgorithmSpec,default=SYMMETRIC_DEFAULT" condition:"kms:EncryptionAlgorithm"`
	Recipient           *RecipientInfo    `json:"Recipient,omitzero"`
	DryRun              bool              `json:"DryRun,omitzero"`
	DryRunModifiers     []string          `json:"DryRunModifiers,omitzero" model:"eachenum=DryRunModifierType"`
}

// DecryptOutput is the answer of Decrypt.
type DecryptOutput struct {
	KeyID                  string `json:"KeyId,omitzero"`
	Plaintext              []byte `json:"Plaintext,omitzero" model:"secret"`
	EncryptionAlgorithm    string `json:"EncryptionAlgorithm,omitzero"`
	CiphertextForRecipient []byte `json:"CiphertextForRecipient,omitzero"`
	KeyMaterialID          string `json:"KeyMaterialId,omitzero"`
}

// ReEncryptInput is the request of ReEncrypt.
type ReEncryptInput struct {
	CiphertextBlob                 []byte            `json:"CiphertextBlob,omitzero" model:"len=1:6144"`
	SourceEncryptionContext        map[string]string `json:"SourceEncryptionContext,omitzero"`
	SourceKeyID                    string            `json:"SourceKeyId,omitzero" model:"len=1:2048"`
	DestinationKeyID               string            `json:"DestinationKeyId,omitzero" model:"required,len=1:2048"`
	DestinationEncryptionContext   map[string]string `json:"DestinationEncryptionContext,omitzero"`
	SourceEncryptionAlgorithm      string            `json:"SourceEncryptionAlgorithm,omitzero" model:"enum=EncryptionAlgorithmSpec,default=SYMMETRIC_DEFAULT"`
	DestinationEncryptionAlgorithm string            `json:"DestinationEncryptionAlgorithm,omitzero" model:"enum=EncryptionAlgorithmSpec,default=SYMMETRIC_DEFAULT"`
	GrantTokens                    []string          `json:"GrantTokens,omitzero" model:"len=0:10,eachlen=1:8192,secret"`
	DryRun                         bool              `json:"DryRun,omitzero"`
	DryRunModifiers                []string          `json:"DryRunModifiers,omitzero" model:"eachenum=DryRunModifierType"`
}

// ReEncryptOutput is the answer of ReEncrypt.
type ReEncryptOutput struct {
	CiphertextBlob                 []byte `json:"CiphertextBlob,omitzero"`
	SourceKeyID                    string `json:"SourceKeyId,omitzero"`
	KeyID                          string `json:"KeyId,omitzero"`
	SourceEncryptionAlgorithm      string `json:"SourceEncryptionAlgorithm,omitzero"`
	DestinationEncryptionAlgorithm string `json:"DestinationEncryptionAlgorithm,omitzero"`
	SourceKeyMaterialID            string `json:"SourceKeyMaterialId,omitzero"`
	DestinationKeyMaterialID       string `json:"DestinationKeyMaterialId,omitzero"`
}

// RecipientInfo is AWS's RecipientInfo.
type RecipientInfo struct {
	KeyEncryptionAlgorithm string `json:"KeyEncryptionAlgorithm,omitzero" model:"enum=KeyEncryptionMechanism"`
	AttestationDocument    []byte `json:"AttestationDocument,omitzero" model:"len=1:262144"`
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

// GenerateDataKeyInput is the request of GenerateDataKey.
type GenerateDataKeyInput struct {
	KeyID             string            `json:"KeyId,omitzero" model:"required,len=1:2048"`
	EncryptionContext map[string]string `json:"EncryptionContext,omitzero" condition:"kms:EncryptionContext"`
	NumberOfBytes     *int32            `json:"NumberOfBytes,omitzero" model:"range=1:1024"`
	KeySpec           string            `json:"KeySpec,omitzero" model:"enum=DataKeySpec"`
	GrantTokens       []string          `json:"GrantTokens,omitzero" model:"len=0:10,eachlen=1:8192,secret"`
	Recipient         *RecipientInfo    `json:"Recipient,omitzero"`
	DryRun            bool              `json:"DryRun,omitzero"`
}

// GenerateDataKeyOutput is the answer of GenerateDataKey.
type GenerateDataKeyOutput struct {
	CiphertextBlob         []byte `json:"CiphertextBlob,omitzero"`
	Plaintext              []byte `json:"Plaintext,omitzero" model:"secret"`
	KeyID                  string `json:"KeyId,omitzero"`
	CiphertextForRecipient []byte `json:"CiphertextForRecipient,omitzero"`
	KeyMaterialID          string `json:"KeyMaterialId,omitzero"`
}

// GenerateDataKeyWithoutPlaintextInput is the request of GenerateDataKeyWithoutPlaintext.
type GenerateDataKeyWithoutPlaintextInput struct {
	KeyID             string            `json:"KeyId,omitzero" model:"required,len=1:2048"`
	EncryptionContext map[string]string `json:"EncryptionContext,omitzero" condition:"kms:EncryptionContext"`
	KeySpec           string            `json:"KeySpec,omitzero" model:"enum=DataKeySpec"`
	NumberOfBytes     *int32            `json:"NumberOfBytes,omitzero" model:"range=1:1024"`
	GrantTokens       []string          `json:"GrantTokens,omitzero" model:"len=0:10,eachlen=1:8192,secret"`
	DryRun            bool              `json:"DryRun,omitzero"`
}

// GenerateDataKeyWithoutPlaintextOutput is the answer of GenerateDataKeyWithoutPlaintext.
type GenerateDataKeyWithoutPlaintextOutput struct {
	CiphertextBlob []byte `json:"CiphertextBlob,omitzero"`
	KeyID          string `json:"KeyId,omitzero"`
	KeyMaterialID  string `json:"KeyMaterialId,omitzero"`
}

// GenerateDataKeyPairInput is the request of GenerateDataKeyPair.
type GenerateDataKeyPairInput struct {
	EncryptionContext map[string]string `json:"EncryptionContext,omitzero" condition:"kms:EncryptionContext"`
	KeyID             string            `json:"KeyId,omitzero" model:"required,len=1:2048"`
	KeyPairSpec       string            `json:"KeyPairSpec,omitzero" model:"required,enum=DataKeyPairSpec" condition:"kms:DataKeyPairSpec"`
	GrantTokens       []string          `json:"GrantTokens,omitzero" model:"len=0:10,eachlen=1:8192,secret"`
	Recipient         *RecipientInfo    `json:"Recipient,omitzero"`
	DryRun            bool              `json:"DryRun,omitzero"`
}

// GenerateDataKeyPairOutput is the answer of GenerateDataKeyPair.
type GenerateDataKeyPairOutput struct {
	PrivateKeyCiphertextBlob []byte `json:"PrivateKeyCiphertextBlob,omitzero"`
	PrivateKeyPlaintext      []byte `json:"PrivateKeyPlaintext,omitzero" model:"secret"`
	PublicKey                []byte `json:"PublicKey,omitzero"`
	KeyID                    string `json:"KeyId,omitzero"`
	KeyPairSpec              string `json:"KeyPairSpec,omitzero"`
	CiphertextForRecipient   []byte `json:"CiphertextForRecipient,omitzero"`
	KeyMaterialID            string `json:"KeyMaterialId,omitzero"`
}

// GenerateDataKeyPairWithoutPlaintextInput is the request of GenerateDataKeyPairWithoutPlaintext.
type GenerateDataKeyPairWithoutPlaintextInput struct {
	EncryptionContext map[string]string `json:"EncryptionContext,omitzero" condition:"kms:EncryptionContext"`
	KeyID             string            `json:"KeyId,omitzero" model:"required,len=1:2048"`
	KeyPairSpec       string            `json:"KeyPairSpec,omitzero" model:"required,enum=DataKeyPairSpec" condition:"kms:DataKeyPairSpec"`
	GrantTokens       []string          `json:"GrantTokens,omitzero" model:"len=0:10,eachlen=1:8192,secret"`
	DryRun            bool              `json:"DryRun,omitzero"`
}

// GenerateDataKeyPairWithoutPlaintextOutput is the answer of GenerateDataKeyPairWithoutPlaintext.
type GenerateDataKeyPairWithoutPlaintextOutput struct {
	PrivateKeyCiphertextBlob []byte `json:"PrivateKeyCiphertextBlob,omitzero"`
	PublicKey                []byte `json:"PublicKey,omitzero"`
	KeyID                    string `json:"KeyId,omitzero"`
	KeyPairSpec              string `json:"KeyPairSpec,omitzero"`
	KeyMaterialID            string `json:"KeyMaterialId,omitzero"`
}

// GenerateRandomInput is the request of GenerateRandom.
type GenerateRandomInput struct {
	NumberOfBytes    *int32         `json:"NumberOfBytes,omitzero" model:"range=1:1024"`
	CustomKeyStoreID string         `json:"CustomKeyStoreId,omitzero" model:"len=1:64"`
	Recipient        *RecipientInfo `json:"Recipient,omitzero"`
}

// GenerateRandomOutput is the answer of GenerateRandom.
type GenerateRandomOutput struct {
	Plaintext              []byte `json:"Plaintext,omitzero" model:"secret"`
	CiphertextForRecipient []byte `json:"CiphertextForRecipient,omitzero"`
}

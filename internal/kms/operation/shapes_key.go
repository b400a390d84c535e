// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

// CreateKeyInput is the request of CreateKey.
type CreateKeyInput struct {
	Policy                         string `json:"Policy,omitzero" model:"len=1:131072,pattern=PolicyType"`
	Description                    string `json:"Description,omitzero" model:"len=0:8192"`
	KeyUsage                       string `json:"KeyUsage,omitzero" model:"enum=KeyUsageType"`
	CustomerMasterKeySpec          string `json:"CustomerMasterKeySpec,omitzero" model:"enum=CustomerMasterKeySpec"`
	KeySpec                        string `json:"KeySpec,omitzero" model:"enum=KeySpec"`
	Origin                         string `json:"Origin,omitzero" model:"enum=OriginType"`
	CustomKeyStoreID               string `json:"CustomKeyStoreId,omitzero" model:"len=1:64"`
	BypassPolicyLockoutSafetyCheck bool   `json:"BypassPolicyLockoutSafetyCheck,omitzero" condition:"kms:BypassPolicyLockoutSafetyCheck"`
	Tags                           []Tag  `json:"Tags,omitzero"`
	MultiRegion                    bool   `json:"MultiRegion,omitzero"`
	XKSKeyID                       string `json:"XksKeyId,omitzero" model:"len=1:128,pattern=XksKeyIdType"`
}

// CreateKeyOutput is the answer of CreateKey.
type CreateKeyOutput struct {
	KeyMetadata *KeyMetadata `json:"KeyMetadata,omitzero"`
}

// DescribeKeyInput is the request of DescribeKey.
type DescribeKeyInput struct {
	KeyID       string   `json:"KeyId,omitzero" model:"required,len=1:2048"`
	GrantTokens []string `json:"GrantTokens,omitzero" model:"len=0:10,eachlen=1:8192,secret"`
}

// DescribeKeyOutput is the answer of DescribeKey.
type DescribeKeyOutput struct {
	KeyMetadata *KeyMetadata `json:"KeyMetadata,omitzero"`
}

// ListKeysInput is the request of ListKeys.
type ListKeysInput struct {
	Limit  *int32 `json:"Limit,omitzero" model:"range=1:1000"`
	Marker string `json:"Marker,omitzero" model:"len=1:1024,pattern=MarkerType"`
}

// ListKeysOutput is the answer of ListKeys.
type ListKeysOutput struct {
	Keys       []KeyListEntry `json:"Keys,omitzero"`
	NextMarker string         `json:"NextMarker,omitzero"`
	Truncated  bool           `json:"Truncated"`
}

// EnableKeyInput is the request of EnableKey.
type EnableKeyInput struct {
	KeyID string `json:"KeyId,omitzero" model:"required,len=1:2048"`
}

// DisableKeyInput is the request of DisableKey.
type DisableKeyInput struct {
	KeyID string `json:"KeyId,omitzero" model:"required,len=1:2048"`
}

// UpdateKeyDescriptionInput is the request of UpdateKeyDescription.
type UpdateKeyDescriptionInput struct {
	KeyID       string  `json:"KeyId,omitzero" model:"required,len=1:2048"`
	Description *string `json:"Description,omitzero" model:"required,len=0:8192"`
}

// ScheduleKeyDeletionInput is the request of ScheduleKeyDeletion.
type ScheduleKeyDeletionInput struct {
	KeyID string `json:"KeyId,omitzero" model:"required,len=1:2048"`
	// The API model says 1 to 365; the service refuses what is not 7 to 30.
	PendingWindowInDays *int32 `json:"PendingWindowInDays,omitzero" model:"range=7:30" condition:"kms:ScheduleKeyDeletionPendingWindowInDays"`
}

// ScheduleKeyDeletionOutput is the answer of ScheduleKeyDeletion.
type ScheduleKeyDeletionOutput struct {
	KeyID               string `json:"KeyId,omitzero"`
	DeletionDate        Time   `json:"DeletionDate,omitzero"`
	KeyState            string `json:"KeyState,omitzero"`
	PendingWindowInDays int32  `json:"PendingWindowInDays,omitzero"`
}

// CancelKeyDeletionInput is the request of CancelKeyDeletion.
type CancelKeyDeletionInput struct {
	KeyID string `json:"KeyId,omitzero" model:"required,len=1:2048"`
}

// CancelKeyDeletionOutput is the answer of CancelKeyDeletion.
type CancelKeyDeletionOutput struct {
	KeyID string `json:"KeyId,omitzero"`
}

// GetKeyLastUsageInput is the request of GetKeyLastUsage.
type GetKeyLastUsageInput struct {
	KeyID string `json:"KeyId,omitzero" model:"required,len=1:2048"`
}

// GetKeyLastUsageOutput is the answer of GetKeyLastUsage.
type GetKeyLastUsageOutput struct {
	KeyID             string            `json:"KeyId,omitzero"`
	KeyLastUsage      *KeyLastUsageData `json:"KeyLastUsage,omitzero"`
	TrackingStartDate Time              `json:"TrackingStartDate,omitzero"`
	KeyCreationDate   Time              `json:"KeyCreationDate,omitzero"`
}

// Tag is AWS's Tag.
type Tag struct {
	TagKey   string  `json:"TagKey,omitzero" model:"required,len=1:128"`
	TagValue *string `json:"TagValue,omitzero" model:"required,len=0:256"`
}

// KeyMetadata is AWS's KeyMetadata.
type KeyMetadata struct {
	AWSAccountID                string                    `json:"AWSAccountId,omitzero"`
	KeyID                       string                    `json:"KeyId,omitzero"`
	ARN                         string                    `json:"Arn,omitzero"`
	CreationDate                Time                      `json:"CreationDate,omitzero"`
	Enabled                     bool                      `json:"Enabled"`
	Description                 string                    `json:"Description"`
	KeyUsage                    string                    `json:"KeyUsage,omitzero"`
	KeyState                    string                    `json:"KeyState,omitzero"`
	DeletionDate                Time                      `json:"DeletionDate,omitzero"`
	ValidTo                     Time                      `json:"ValidTo,omitzero"`
	Origin                      string                    `json:"Origin,omitzero"`
	CustomKeyStoreID            string                    `json:"CustomKeyStoreId,omitzero"`
	CloudHsmClusterID           string                    `json:"CloudHsmClusterId,omitzero"`
	ExpirationModel             string                    `json:"ExpirationModel,omitzero"`
	KeyManager                  string                    `json:"KeyManager,omitzero"`
	CustomerMasterKeySpec       string                    `json:"CustomerMasterKeySpec,omitzero"`
	KeySpec                     string                    `json:"KeySpec,omitzero"`
	EncryptionAlgorithms        []string                  `json:"EncryptionAlgorithms,omitzero"`
	SigningAlgorithms           []string                  `json:"SigningAlgorithms,omitzero"`
	KeyAgreementAlgorithms      []string                  `json:"KeyAgreementAlgorithms,omitzero"`
	EncapsulationAlgorithms     []string                  `json:"EncapsulationAlgorithms,omitzero"`
	MultiRegion                 bool                      `json:"MultiRegion"`
	MultiRegionConfiguration    *MultiRegionConfiguration `json:"MultiRegionConfiguration,omitzero"`
	PendingDeletionWindowInDays int32                     `json:"PendingDeletionWindowInDays,omitzero"`
	MacAlgorithms               []string                  `json:"MacAlgorithms,omitzero"`
	XKSKeyConfiguration         *XksKeyConfigurationType  `json:"XksKeyConfiguration,omitzero"`
	CurrentKeyMaterialID        string                    `json:"CurrentKeyMaterialId,omitzero"`
}

// MultiRegionConfiguration is AWS's MultiRegionConfiguration.
type MultiRegionConfiguration struct {
	MultiRegionKeyType string           `json:"MultiRegionKeyType,omitzero"`
	PrimaryKey         *MultiRegionKey  `json:"PrimaryKey,omitzero"`
	ReplicaKeys        []MultiRegionKey `json:"ReplicaKeys,omitzero"`
}

// MultiRegionKey is AWS's MultiRegionKey.
type MultiRegionKey struct {
	ARN    string `json:"Arn,omitzero"`
	Region string `json:"Region,omitzero"`
}

// XksKeyConfigurationType is AWS's XksKeyConfigurationType.
type XksKeyConfigurationType struct {
	ID string `json:"Id,omitzero"`
}

// KeyListEntry is AWS's KeyListEntry.
type KeyListEntry struct {
	KeyID  string `json:"KeyId,omitzero"`
	KeyARN string `json:"KeyArn,omitzero"`
}

// KeyLastUsageData is AWS's KeyLastUsageData.
type KeyLastUsageData struct {
	Operation         string `json:"Operation,omitzero"`
	Timestamp         Time   `json:"Timestamp,omitzero"`
	CloudTrailEventID string `json:"CloudTrailEventId,omitzero"`
	KMSRequestID      string `json:"KmsRequestId,omitzero"`
}

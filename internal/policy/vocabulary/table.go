// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package vocabulary

import "github.com/chatelaine-dev/chatelaine/internal/keyspec"

// actions are all, sorted by name.
var actions = []Action{
	onKey("CancelKeyDeletion"),
	inAccount("ConnectCustomKeyStore"),
	onKey("CreateAlias"),
	inAccount("CreateCustomKeyStore"),
	onKey("CreateGrant"),
	inAccount("CreateKey"),
	use("Decapsulate", keyspec.EncapsulateDecapsulate),
	use("Decrypt", keyspec.EncryptDecrypt),
	onKey("DeleteAlias"),
	inAccount("DeleteCustomKeyStore"),
	onKey("DeleteImportedKeyMaterial"),
	use("DeriveSharedSecret", keyspec.KeyAgreement),
	inAccount("DescribeCustomKeyStores"),
	onKey("DescribeKey"),
	onKey("DisableKey"),
	rotation("DisableKeyRotation"),
	inAccount("DisconnectCustomKeyStore"),
	onKey("EnableKey"),
	rotation("EnableKeyRotation"),
	use("Encapsulate", keyspec.EncapsulateDecapsulate),
	use("Encrypt", keyspec.EncryptDecrypt),
	dataKey("GenerateDataKey"),
	dataKey("GenerateDataKeyPair"),
	dataKey("GenerateDataKeyPairWithoutPlaintext"),
	dataKey("GenerateDataKeyWithoutPlaintext"),
	use("GenerateMac", keyspec.GenerateVerifyMAC),
	inAccount("GenerateRandom"),
	onKey("GetKeyLastUsage"),
	onKey("GetKeyPolicy"),
	onKey("GetKeyRotationStatus"),
	onKey("GetParametersForImport"),
	{Name: prefix + "GetPublicKey", PublicKey: true},
	onKey("ImportKeyMaterial"),
	inAccount("ListAliases"),
	onKey("ListGrants"),
	onKey("ListKeyPolicies"),
	onKey("ListKeyRotations"),
	inAccount("ListKeys"),
	onKey("ListResourceTags"),
	inAccount("ListRetirableGrants"),
	onKey("PutKeyPolicy"),
	use("ReEncryptFrom", keyspec.EncryptDecrypt),
	use("ReEncryptTo", keyspec.EncryptDecrypt),
	onKey("ReplicateKey"),
	{Name: prefix + "RetireGrant", Scope: ScopeGrant},
	onKey("RevokeGrant"),
	rotation("RotateKeyOnDemand"),
	onKey("ScheduleKeyDeletion"),
	use("Sign", keyspec.SignVerify),
	{Name: prefix + "SynchronizeMultiRegionKey", Scope: ScopeService},
	onKey("TagResource"),
	onKey("UntagResource"),
	onKey("UpdateAlias"),
	inAccount("UpdateCustomKeyStore"),
	onKey("UpdateKeyDescription"),
	onKey("UpdatePrimaryRegion"),
	use("Verify", keyspec.SignVerify),
	use("VerifyMac", keyspec.GenerateVerifyMAC),
}

const prefix = "kms:"

func onKey(name string) Action     { return Action{Name: prefix + name} }
func inAccount(name string) Action { return Action{Name: prefix + name, Scope: ScopeAccount} }
func rotation(name string) Action  { return Action{Name: prefix + name, Symmetric: true} }

func use(name string, usage keyspec.Usage) Action { return Action{Name: prefix + name, Usage: usage} }

func dataKey(name string) Action {
	return Action{Name: prefix + name, Usage: keyspec.EncryptDecrypt, Symmetric: true}
}

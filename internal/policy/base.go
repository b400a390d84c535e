// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"
	"strings"
)

// BaseSid is the Sid of the statement that Base makes. No KeyPolicy's statement can have it: theirs begin with the KeyPolicy's
// name, which has no capitals.
const BaseSid = "Chatelaine administration"

// administration is what the operator does with a key. Nothing in it uses the key's material, and nothing lets a key be used
// by another one's permission but PutKeyPolicy and CreateGrant, which it is there to do.
var administration = []string{
	"kms:CancelKeyDeletion", "kms:CreateAlias", "kms:CreateGrant", "kms:DeleteAlias", "kms:DeleteImportedKeyMaterial",
	"kms:DescribeKey", "kms:DisableKey", "kms:DisableKeyRotation", "kms:EnableKey", "kms:EnableKeyRotation",
	"kms:GetKeyLastUsage", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:GetParametersForImport", "kms:GetPublicKey",
	"kms:ImportKeyMaterial", "kms:ListGrants", "kms:ListKeyPolicies", "kms:ListKeyRotations", "kms:ListResourceTags",
	"kms:PutKeyPolicy", "kms:ReplicateKey", "kms:RevokeGrant", "kms:RotateKeyOnDemand", "kms:ScheduleKeyDeletion",
	"kms:TagResource", "kms:UntagResource", "kms:UpdateAlias", "kms:UpdateKeyDescription", "kms:UpdatePrimaryRegion",
}

// Administration returns the actions that Base allows, sorted.
func Administration() []string { return slices.Clone(administration) }

// Base is the statement under which every key policy of the operator stands: it keeps the operator, and whoever the key's
// account lets, able to administer the key, and lets nobody use it. Without it AWS refuses a policy that locks its writer
// out; and without the account in it, a key whose operator is gone could only be recovered by AWS Support (AWS KMS Developer
// Guide, "Default key policy"). The operator's ARN is that of an IAM role or user.
func Base(operatorARN, accountID string) Statement {
	return Statement{
		Sid: BaseSid, Effect: Allow,
		Principal: Principals{AWS: set([]string{operatorARN, AccountARN(operatorARN, accountID)})},
		Action:    Administration(), Resource: []string{everybody},
	}
}

// BaseDocument is the key policy of a key for which nobody has said who may use it: Base, and nothing else.
func BaseDocument(operatorARN, accountID string) *Document {
	return &Document{Version: Version2012, ID: "chatelaine", Statements: []Statement{Base(operatorARN, accountID)}}
}

// AccountARN names an account as a whole, in the partition of another ARN.
func AccountARN(like, accountID string) string {
	return "arn:" + Partition(like) + ":iam::" + accountID + ":root"
}

// Partition is the AWS partition in an ARN: aws, aws-cn or aws-us-gov; aws for what is no ARN.
func Partition(arn string) string {
	if parts := strings.SplitN(arn, ":", arnParts); len(parts) == arnParts && parts[0] == "arn" {
		return parts[1]
	}
	return "aws"
}

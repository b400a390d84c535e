// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package vocabulary

import (
	"maps"
	"slices"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// uses are the permissions to use a key: the sets of cryptographic actions.
var uses = map[string][]string{
	"Encrypt": {
		"Encrypt", "ReEncryptTo", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "GenerateDataKeyPair",
		"GenerateDataKeyPairWithoutPlaintext",
	},
	"Decrypt":            {"Decrypt", "ReEncryptFrom"},
	"Sign":               {"Sign"},
	"Verify":             {"Verify"},
	"GenerateMac":        {"GenerateMac"},
	"VerifyMac":          {"VerifyMac"},
	"DeriveSharedSecret": {"DeriveSharedSecret"},
	"Encapsulate":        {"Encapsulate"},
	"Decapsulate":        {"Decapsulate"},
	"Use":                everyUse(),
}

// look is what whoever uses a key needs besides: to see what kind of key it is.
var look = []string{"DescribeKey", "GetPublicKey"}

var read = []string{
	"DescribeKey", "GetKeyLastUsage", "GetKeyPolicy", "GetKeyRotationStatus", "GetPublicKey", "ListGrants", "ListKeyPolicies",
	"ListKeyRotations", "ListResourceTags",
}

// others are the permissions that do not use a key. Administer is without the actions by which an administrator could let
// himself in (PutKeyPolicy, CreateGrant), take over the traffic of other keys (aliases), or carry the key to where another
// policy stands (ReplicateKey, UpdatePrimaryRegion).
var others = map[string][]string{
	"Read": read,
	"Administer": append([]string{
		"EnableKey", "DisableKey", "EnableKeyRotation", "DisableKeyRotation", "RotateKeyOnDemand", "UpdateKeyDescription",
		"TagResource", "UntagResource", "ScheduleKeyDeletion", "CancelKeyDeletion", "RevokeGrant", "GetParametersForImport",
		"ImportKeyMaterial", "DeleteImportedKeyMaterial",
	}, read...),
	"Grant": {"CreateGrant", "ListGrants", "RevokeGrant"},
}

func everyUse() []string {
	var names []string
	for _, action := range actions {
		if action.Cryptographic() {
			names = append(names, action.Name[len(prefix):])
		}
	}
	return names
}

// Permissions returns the names of the permissions that a KeyPolicy's rule can list, sorted.
func Permissions() []string {
	names := slices.AppendSeq(slices.Collect(maps.Keys(uses)), maps.Keys(others))
	slices.Sort(names)
	return names
}

// Expand returns the actions that a permission stands for on a key of this spec and usage, sorted. There are none if there is
// no such permission, or if it is one to use the key in a way that its usage does not allow.
func Expand(permission string, spec keyspec.Spec, usage keyspec.Usage) []string {
	names := possible(uses[permission], spec, usage)
	if len(names) > 0 {
		names = append(names, possible(look, spec, usage)...)
	}
	names = append(names, possible(others[permission], spec, usage)...)
	slices.Sort(names)
	return names
}

// possible is those of the actions that the key can perform, with their service.
func possible(names []string, spec keyspec.Spec, usage keyspec.Usage) []string {
	var able []string
	for _, name := range names {
		if Possible(prefix+name, spec, usage) {
			able = append(able, prefix+name)
		}
	}
	return able
}

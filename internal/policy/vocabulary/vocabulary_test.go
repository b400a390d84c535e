// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package vocabulary_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/policy/vocabulary"
)

func TestActionsAreSortedAndEachOnce(t *testing.T) {
	actions := vocabulary.Actions()
	if !slices.IsSorted(actions) || len(slices.Compact(slices.Clone(actions))) != len(actions) {
		t.Errorf("not sorted, or not each once: %v", actions)
	}
	actions[0] = "changed"
	if vocabulary.Actions()[0] == "changed" {
		t.Error("the returned slice shares memory with the table")
	}
}

func TestActionsAreKnownWithoutCaseAndByTheirWholeNames(t *testing.T) {
	for name, want := range map[string]bool{
		"kms:Decrypt": true, "KMS:decrypt": true, "kms:ListKeys": true, "kms:SynchronizeMultiRegionKey": true,
		"Decrypt": false, "kms:ReEncrypt": false, "kms:Decrypt*": false, "kms:": false, "": false, "s3:GetObject": false,
	} {
		if got := vocabulary.Known(name); got != want {
			t.Errorf("Known(%q) = %t, want %t", name, got, want)
		}
	}
}

func TestAPatternMatchesTheActionsThatIAMWouldMatch(t *testing.T) {
	for pattern, want := range map[string][]string{
		"kms:Generate*": {
			"kms:GenerateDataKey", "kms:GenerateDataKeyPair", "kms:GenerateDataKeyPairWithoutPlaintext",
			"kms:GenerateDataKeyWithoutPlaintext", "kms:GenerateMac", "kms:GenerateRandom",
		},
		"kms:reencrypt*":  {"kms:ReEncryptFrom", "kms:ReEncryptTo"},
		"kms:?erify":      {"kms:Verify"},
		"KMS:*GRANT":      {"kms:CreateGrant", "kms:RetireGrant", "kms:RevokeGrant"},
		"kms:Decrypt":     {"kms:Decrypt"},
		"kms:*":           vocabulary.Actions(),
		"*":               vocabulary.Actions(),
		"kms:ReEncrypt":   nil,
		"kms:Decrypt?":    nil,
		"s3:*":            nil,
		"kms:[D]ecrypt":   nil,
		`kms:\Decrypt`:    nil,
		"kms:Decrypt/*":   nil,
		"kms:*Encrypt*T?": {"kms:ReEncryptTo"},
	} {
		if diff := cmp.Diff(want, vocabulary.Match(pattern)); diff != "" {
			t.Errorf("Match(%q) (-want +got):\n%s", pattern, diff)
		}
	}
}

func TestWhatAKeyCanPerformDependsOnItsSpecAndUsage(t *testing.T) {
	tests := []struct {
		action string
		spec   keyspec.Spec
		usage  keyspec.Usage
		want   bool
	}{
		{"kms:Encrypt", keyspec.SymmetricDefault, keyspec.EncryptDecrypt, true},
		{"kms:Encrypt", keyspec.RSA2048, keyspec.EncryptDecrypt, true},
		{"kms:Encrypt", keyspec.RSA2048, keyspec.SignVerify, false},
		{"kms:GenerateDataKey", keyspec.SymmetricDefault, keyspec.EncryptDecrypt, true},
		{"kms:GenerateDataKey", keyspec.RSA2048, keyspec.EncryptDecrypt, false},
		{"kms:RotateKeyOnDemand", keyspec.SymmetricDefault, keyspec.EncryptDecrypt, true},
		{"kms:RotateKeyOnDemand", keyspec.HMAC256, keyspec.GenerateVerifyMAC, false},
		{"kms:GetPublicKey", keyspec.SymmetricDefault, keyspec.EncryptDecrypt, false},
		{"kms:GetPublicKey", keyspec.HMAC256, keyspec.GenerateVerifyMAC, false},
		{"kms:GetPublicKey", keyspec.MLKEM768, keyspec.EncapsulateDecapsulate, true},
		{"kms:DeriveSharedSecret", keyspec.ECCNISTP256, keyspec.KeyAgreement, true},
		{"kms:DeriveSharedSecret", keyspec.ECCNISTP256, keyspec.SignVerify, false},
		{"kms:PutKeyPolicy", keyspec.HMAC256, keyspec.GenerateVerifyMAC, true},
		{"kms:ListKeys", keyspec.SymmetricDefault, keyspec.EncryptDecrypt, false},
		{"kms:RetireGrant", keyspec.SymmetricDefault, keyspec.EncryptDecrypt, false},
		{"kms:Frobnicate", keyspec.SymmetricDefault, keyspec.EncryptDecrypt, false},
	}
	for _, tt := range tests {
		if got := vocabulary.Possible(tt.action, tt.spec, tt.usage); got != tt.want {
			t.Errorf("Possible(%s, %s, %s) = %t, want %t", tt.action, tt.spec, tt.usage, got, tt.want)
		}
	}
}

func TestConditionKeysAreKnownWithTheirTypes(t *testing.T) {
	tests := []struct {
		key   string
		want  vocabulary.Type
		known bool
	}{
		{"kms:ViaService", vocabulary.String, true},
		{"KMS:viaservice", vocabulary.String, true},
		{"kms:EncryptionContext:tenant", vocabulary.Text, true},
		{"kms:encryptioncontext:Any text, of any kind", vocabulary.Text, true},
		{"kms:EncryptionContextKeys", vocabulary.List, true},
		{"kms:MultiRegion", vocabulary.Bool, true},
		{"kms:RotationPeriodInDays", vocabulary.Number, true},
		{"kms:ValidTo", vocabulary.Date, true},
		{"kms:RecipientAttestation:ImageSha384", vocabulary.String, true},
		{"kms:RecipientAttestation:PCR3", vocabulary.Text, true},
		{"kms:RecipientAttestation:NitroTPMPCR7", vocabulary.Text, true},
		{"aws:PrincipalArn", vocabulary.ARN, true},
		{"aws:SourceIp", vocabulary.IP, true},
		{"aws:PrincipalTag/team", vocabulary.Text, true},
		{"lambda:SourceFunctionArn", vocabulary.ARN, true},
		{"kms:EncryptionContext", 0, false},
		{"kms:EncryptionContext:", 0, false},
		{"aws:PrincipalTag", 0, false},
		{"aws:PrincipalTag/", 0, false},
		{"kms:RecipientAttestation:PCR", 0, false},
		{"kms:Viaservices", 0, false},
		{"aws:PrincipalARNs", 0, false},
		{"s3:prefix", 0, false},
		{"", 0, false},
	}
	for _, tt := range tests {
		got, known := vocabulary.ConditionKey(tt.key)
		if got != tt.want || known != tt.known {
			t.Errorf("ConditionKey(%q) = %v, %t, want %v, %t", tt.key, got, known, tt.want, tt.known)
		}
	}
}

// table is what each permission stands for by key spec and usage, where all specs of a family are alike; without kms:.
const table = `
Use                SYMMETRIC_DEFAULT ENCRYPT_DECRYPT  Decrypt DescribeKey Encrypt GenerateDataKey GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext GenerateDataKeyWithoutPlaintext ReEncryptFrom ReEncryptTo
Encrypt            SYMMETRIC_DEFAULT ENCRYPT_DECRYPT  DescribeKey Encrypt GenerateDataKey GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext GenerateDataKeyWithoutPlaintext ReEncryptTo
Decrypt            SYMMETRIC_DEFAULT ENCRYPT_DECRYPT  Decrypt DescribeKey ReEncryptFrom
Sign               SYMMETRIC_DEFAULT ENCRYPT_DECRYPT
Read               SYMMETRIC_DEFAULT ENCRYPT_DECRYPT  DescribeKey GetKeyLastUsage GetKeyPolicy GetKeyRotationStatus ListGrants ListKeyPolicies ListKeyRotations ListResourceTags
Grant              SYMMETRIC_DEFAULT ENCRYPT_DECRYPT  CreateGrant ListGrants RevokeGrant
Administer         SYMMETRIC_DEFAULT ENCRYPT_DECRYPT  CancelKeyDeletion DeleteImportedKeyMaterial DescribeKey DisableKey DisableKeyRotation EnableKey EnableKeyRotation GetKeyLastUsage GetKeyPolicy GetKeyRotationStatus GetParametersForImport ImportKeyMaterial ListGrants ListKeyPolicies ListKeyRotations ListResourceTags RevokeGrant RotateKeyOnDemand ScheduleKeyDeletion TagResource UntagResource UpdateKeyDescription
Use                RSA_2048          ENCRYPT_DECRYPT  Decrypt DescribeKey Encrypt GetPublicKey ReEncryptFrom ReEncryptTo
Encrypt            RSA_2048          ENCRYPT_DECRYPT  DescribeKey Encrypt GetPublicKey ReEncryptTo
Use                RSA_2048          SIGN_VERIFY      DescribeKey GetPublicKey Sign Verify
Encrypt            RSA_2048          SIGN_VERIFY
Sign               ML_DSA_44         SIGN_VERIFY      DescribeKey GetPublicKey Sign
Verify             ML_DSA_44         SIGN_VERIFY      DescribeKey GetPublicKey Verify
Use                HMAC_256          GENERATE_VERIFY_MAC  DescribeKey GenerateMac VerifyMac
GenerateMac        HMAC_256          GENERATE_VERIFY_MAC  DescribeKey GenerateMac
VerifyMac          HMAC_256          GENERATE_VERIFY_MAC  DescribeKey VerifyMac
Read               HMAC_256          GENERATE_VERIFY_MAC  DescribeKey GetKeyLastUsage GetKeyPolicy GetKeyRotationStatus ListGrants ListKeyPolicies ListKeyRotations ListResourceTags
Use                ECC_NIST_P256     KEY_AGREEMENT    DeriveSharedSecret DescribeKey GetPublicKey
DeriveSharedSecret ECC_NIST_P256     KEY_AGREEMENT    DeriveSharedSecret DescribeKey GetPublicKey
Use                ML_KEM_768        ENCAPSULATE_DECAPSULATE  Decapsulate DescribeKey Encapsulate GetPublicKey
Encapsulate        ML_KEM_768        ENCAPSULATE_DECAPSULATE  DescribeKey Encapsulate GetPublicKey
Decapsulate        ML_KEM_768        ENCAPSULATE_DECAPSULATE  Decapsulate DescribeKey GetPublicKey
Administer         ECC_NIST_P256     SIGN_VERIFY      CancelKeyDeletion DeleteImportedKeyMaterial DescribeKey DisableKey EnableKey GetKeyLastUsage GetKeyPolicy GetKeyRotationStatus GetParametersForImport GetPublicKey ImportKeyMaterial ListGrants ListKeyPolicies ListKeyRotations ListResourceTags RevokeGrant ScheduleKeyDeletion TagResource UntagResource UpdateKeyDescription
Everything         RSA_2048          SIGN_VERIFY
`

func TestPermissionsStandForTheActionsOfTheTable(t *testing.T) {
	for line := range strings.Lines(strings.TrimSpace(table)) {
		fields := strings.Fields(line)
		var want []string
		for _, name := range fields[3:] {
			want = append(want, "kms:"+name)
		}
		got := vocabulary.Expand(fields[0], keyspec.Spec(fields[1]), keyspec.Usage(fields[2]))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s on %s %s (-want +got):\n%s", fields[0], fields[1], fields[2], diff)
		}
	}
}

// dangerous are the actions by which their holder can let himself or others in.
var dangerous = []string{
	"kms:PutKeyPolicy", "kms:CreateGrant", "kms:CreateAlias", "kms:UpdateAlias", "kms:DeleteAlias", "kms:ReplicateKey",
	"kms:UpdatePrimaryRegion",
}

func TestNoPermissionButGrantLetsItsHolderLetOthersIn(t *testing.T) {
	for _, permission := range vocabulary.Permissions() {
		for _, spec := range keyspec.All() {
			for _, usage := range spec.Usages() {
				for _, action := range vocabulary.Expand(permission, spec, usage) {
					allowed := permission == "Grant" && action == "kms:CreateGrant"
					if slices.Contains(dangerous, action) && !allowed {
						t.Errorf("%s on %s %s is %s", permission, spec, usage, action)
					}
				}
			}
		}
	}
}

func TestAdministrationUsesNoKey(t *testing.T) {
	for _, permission := range []string{"Administer", "Read", "Grant"} {
		for _, name := range vocabulary.Expand(permission, keyspec.SymmetricDefault, keyspec.EncryptDecrypt) {
			if action, _ := vocabulary.Lookup(name); action.Cryptographic() {
				t.Errorf("%s is to %s", permission, name)
			}
		}
	}
}

func TestUseIsEveryCryptographicPermissionTogether(t *testing.T) {
	for _, spec := range keyspec.All() {
		for _, usage := range spec.Usages() {
			var together []string
			for _, permission := range vocabulary.Permissions() {
				if !slices.Contains([]string{"Administer", "Read", "Grant", "Use"}, permission) {
					together = append(together, vocabulary.Expand(permission, spec, usage)...)
				}
			}
			slices.Sort(together)
			if diff := cmp.Diff(slices.Compact(together), vocabulary.Expand("Use", spec, usage)); diff != "" {
				t.Errorf("%s %s (-each +use):\n%s", spec, usage, diff)
			}
		}
	}
}

func TestPermissionsAreThoseOfKeyPolicy(t *testing.T) {
	want := []string{
		"Administer", "Decapsulate", "Decrypt", "DeriveSharedSecret", "Encapsulate", "Encrypt", "GenerateMac", "Grant", "Read",
		"Sign", "Use", "Verify", "VerifyMac",
	}
	if diff := cmp.Diff(want, vocabulary.Permissions()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

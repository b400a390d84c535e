// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/identity"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

// conditional is a condition key, under an operator that it goes with, and a request that has it.
type conditional struct {
	key, operator   string
	accepts, denies any
	operation       string
	in              object
	make            kms.CreateKeyInput
	caller          identity.Caller
}

var (
	signing   = kms.CreateKeyInput{Spec: keyspec.ECCNISTP256, Usage: keyspec.SignVerify}
	hmac      = kms.CreateKeyInput{Spec: keyspec.HMAC256, Usage: keyspec.GenerateVerifyMAC}
	agreement = kms.CreateKeyInput{Spec: keyspec.ECCNISTP256, Usage: keyspec.KeyAgreement}
	lattice   = kms.CreateKeyInput{Spec: keyspec.MLKEM512, Usage: keyspec.EncapsulateDecapsulate}
	primary   = kms.CreateKeyInput{MultiRegion: true}
	external  = kms.CreateKeyInput{Origin: keyring.OriginExternal}
	tagged    = kms.CreateKeyInput{Tags: map[string]string{"stage": "test"}}
)

// service is the session of a ServiceAccount's Pod.
func serviceAccount() identity.Caller {
	caller := pod()
	caller.PrincipalID = "AROAEXAMPLE:pod-1"
	caller.UserName = "app"
	caller.Session = &identity.Session{
		Name: "pod-1", IssuedAt: begin, Provider: "arn:aws:iam::" + account + ":oidc-provider/cluster",
		ServiceAccount: identity.ServiceAccount{Namespace: "shop", Name: "app", PodName: "app-1", PodUID: "u-1"},
	}
	return caller
}

func sample(operation string, members object) object {
	in := maps.Clone(samples[operation])
	if in == nil {
		in = object{}
	}
	maps.Copy(in, members)
	return in
}

// conditionals are the condition keys of the AWS KMS Developer Guide, and the global ones, that a request to this service can
// have. kms:ViaService, kms:ResourceAliases (of identity policies only), kms:RecipientAttestation and aws:Source* of
// service calls and VPC endpoints never occur; see the test after the table's.
var conditionals = func() []conditional {
	ann := user("ann")
	const eq, boolean = "StringEquals", "Bool"
	encrypt := sample("Encrypt", object{"EncryptionContext": object{"Tenant": "42", "x": "y"}})
	grant := func(members object) object { return sample("CreateGrant", members) }
	forS3 := object{
		"KeyId": nil, "Operations": []string{"Decrypt", "Encrypt"}, "GranteeServicePrincipal": "s3.amazonaws.com",
		"RetiringServicePrincipal": "sqs.amazonaws.com", "Constraints": object{"SourceArn": "arn:aws:s3:::bucket"},
	}
	constrained := func(kind string) object { return grant(object{"Constraints": object{kind: object{"Tenant": "42"}}}) }
	importing := sample("ImportKeyMaterial", object{"ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": begin.Add(time.Hour).Unix()})
	wrapping := sample("GetParametersForImport", nil)
	tags := sample("TagResource", nil)
	none := kms.CreateKeyInput{}
	sa := serviceAccount()
	return []conditional{
		{"kms:EncryptionContext:tenant", eq, "42", "43", "Encrypt", encrypt, none, ann},
		{"kms:EncryptionContext:Tenant", "StringLike", "4*", "5*", "Encrypt", encrypt, none, ann},
		{"kms:EncryptionContext:Tenant", eq, "42", "43", "CreateGrant", constrained("EncryptionContextSubset"), none, ann},
		{"kms:EncryptionContext:Tenant", eq, "42", "43", "CreateGrant", constrained("EncryptionContextEquals"), none, ann},
		{"kms:EncryptionContextKeys", "ForAllValues:StringEquals", []string{"Tenant", "x"}, "Tenant", "Encrypt", encrypt, none, ann},
		{"kms:EncryptionContextKeys", "ForAnyValue:StringEquals", "x", "y", "Encrypt", encrypt, none, ann},
		{"kms:CallerAccount", eq, account, stranger, "Encrypt", encrypt, none, ann},
		{"kms:KeySpec", eq, "ECC_NIST_P256", "SYMMETRIC_DEFAULT", "GetPublicKey", object{}, signing, ann},
		{"kms:KeyUsage", eq, "SIGN_VERIFY", "ENCRYPT_DECRYPT", "GetPublicKey", object{}, signing, ann},
		{"kms:KeyOrigin", eq, "EXTERNAL", "AWS_KMS", "DescribeKey", object{}, external, ann},
		{"kms:MultiRegion", boolean, true, false, "DescribeKey", object{}, primary, ann},
		{"kms:MultiRegion", boolean, false, true, "DescribeKey", object{}, none, ann},
		{"kms:MultiRegionKeyType", eq, "PRIMARY", "REPLICA", "DescribeKey", object{}, primary, ann},
		{"kms:RequestAlias", eq, "alias/a", "alias/b", "Encrypt", plus(encrypt, "KeyId", "alias/a"), none, ann},
		{"kms:EncryptionAlgorithm", eq, "SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_256", "Encrypt", encrypt, none, ann},
		{"kms:SigningAlgorithm", eq, "ECDSA_SHA_256", "ECDSA_SHA_512", "Sign", samples["Sign"], signing, ann},
		{"kms:MessageType", eq, "RAW", "DIGEST", "Sign", samples["Sign"], signing, ann},
		{"kms:MessageType", eq, "DIGEST", "RAW", "Verify", sample("Verify", object{"MessageType": "DIGEST"}), signing, ann},
		{"kms:MacAlgorithm", eq, "HMAC_SHA_256", "HMAC_SHA_512", "GenerateMac", samples["GenerateMac"], hmac, ann},
		{"kms:KeyAgreementAlgorithm", eq, "ECDH", "DH", "DeriveSharedSecret", samples["DeriveSharedSecret"], agreement, ann},
		{"kms:EncapsulationAlgorithm", eq, "ML_KEM", "RSA_KEM", "Encapsulate", samples["Encapsulate"], lattice, ann},
		{"kms:DataKeyPairSpec", eq, "ECC_NIST_P256", "RSA_2048", "GenerateDataKeyPair", samples["GenerateDataKeyPair"], none, ann},
		{"kms:GrantOperations", "ForAllValues:StringEquals", []string{"Decrypt", "Encrypt"}, "Encrypt", "CreateGrant", forS3, none, ann},
		{"kms:GranteePrincipal", eq, "arn:aws:iam::444455556666:user/zoe", ann.ARN(), "CreateGrant", grant(nil), none, ann},
		{"kms:RetiringPrincipal", "ArnEquals", ann.ARN(), rootOf(account), "CreateGrant", grant(object{"RetiringPrincipal": ann.ARN()}), none, ann},
		{"kms:GranteeServicePrincipal", eq, "s3.amazonaws.com", "sqs.amazonaws.com", "CreateGrant", forS3, none, ann},
		{"kms:RetiringServicePrincipal", eq, "sqs.amazonaws.com", "s3.amazonaws.com", "CreateGrant", forS3, none, ann},
		{"kms:GrantConstraintSourceArn", "ArnLike", "arn:aws:s3:::b*", "arn:aws:sqs:::b*", "CreateGrant", forS3, none, ann},
		{"kms:GrantConstraintType", eq, "EncryptionContextSubset", "EncryptionContextEquals", "CreateGrant", constrained("EncryptionContextSubset"), none, ann},
		{"kms:GrantConstraintType", eq, "EncryptionContextEquals", "EncryptionContextSubset", "CreateGrant", constrained("EncryptionContextEquals"), none, ann},
		{"kms:GrantConstraintType", "Null", true, false, "CreateGrant", grant(object{"Constraints": object{"EncryptionContextEquals": object{}}}), none, ann},
		{"kms:GrantIsForAWSResource", boolean, false, true, "CreateGrant", grant(nil), none, ann},
		{"kms:GrantIsForAWSResource", boolean, false, true, "ListGrants", object{}, none, ann},
		{"kms:GrantIsForAWSResource", boolean, false, true, "RevokeGrant", samples["RevokeGrant"], none, ann},
		{"kms:ExpirationModel", eq, "KEY_MATERIAL_EXPIRES", "KEY_MATERIAL_DOES_NOT_EXPIRE", "ImportKeyMaterial", importing, external, ann},
		{"kms:ValidTo", "DateLessThan", "2026-03-02", "2026-03-01", "ImportKeyMaterial", importing, external, ann},
		{"kms:WrappingAlgorithm", eq, "RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1", "GetParametersForImport", wrapping, external, ann},
		{"kms:WrappingKeySpec", eq, "RSA_2048", "RSA_4096", "GetParametersForImport", wrapping, external, ann},
		{"kms:BypassPolicyLockoutSafetyCheck", boolean, true, false, "PutKeyPolicy", sample("PutKeyPolicy", object{"BypassPolicyLockoutSafetyCheck": true}), none, ann},
		{"kms:BypassPolicyLockoutSafetyCheck", boolean, false, true, "PutKeyPolicy", samples["PutKeyPolicy"], none, ann},
		{"kms:PrimaryRegion", eq, abroad, home, "UpdatePrimaryRegion", samples["UpdatePrimaryRegion"], primary, ann},
		{"kms:ReplicaRegion", eq, abroad, home, "ReplicateKey", samples["ReplicateKey"], primary, ann},
		{"kms:RotationPeriodInDays", "NumericLessThanEquals", 100, 99, "EnableKeyRotation", object{"RotationPeriodInDays": 100}, none, ann},
		{"kms:ScheduleKeyDeletionPendingWindowInDays", "NumericGreaterThan", 9, 10, "ScheduleKeyDeletion", object{"PendingWindowInDays": 10}, none, ann},
		{"aws:PrincipalArn", "ArnEquals", ann.ARN(), roleARN, "Encrypt", encrypt, none, ann},
		{"aws:PrincipalArn", "ArnLike", "arn:aws:iam::*:role/shop/*", sessionARN, "Encrypt", encrypt, none, sa},
		{"aws:PrincipalAccount", eq, account, stranger, "Encrypt", encrypt, none, ann},
		{"aws:PrincipalType", eq, "User", "AssumedRole", "Encrypt", encrypt, none, ann},
		{"aws:PrincipalType", eq, "AssumedRole", "User", "Encrypt", encrypt, none, sa},
		{"aws:PrincipalTag/kubernetes-namespace", eq, "shop", "bank", "Encrypt", encrypt, none, sa},
		{"aws:PrincipalTag/kubernetes-service-account", eq, "app", "db", "Encrypt", encrypt, none, sa},
		{"aws:PrincipalTag/kubernetes-pod-name", "StringLike", "app-?", "db-?", "Encrypt", encrypt, none, sa},
		{"aws:PrincipalTag/kubernetes-pod-uid", eq, "u-1", "u-2", "Encrypt", encrypt, none, sa},
		{"aws:FederatedProvider", "StringLike", "*:oidc-provider/cluster", "*:oidc-provider/other", "Encrypt", encrypt, none, sa},
		{"aws:TokenIssueTime", "DateEquals", begin.Format(time.RFC3339), "2026-03-02", "Encrypt", encrypt, none, sa},
		{"aws:MultiFactorAuthPresent", boolean, false, true, "Encrypt", encrypt, none, sa},
		{"aws:MultiFactorAuthPresent", "Null", true, false, "Encrypt", encrypt, none, ann},
		{"aws:username", "Null", true, false, "Encrypt", encrypt, none, sa},
		{"aws:userid", "StringLike", "AROA*:pod-1", "AROA*:pod-2", "Encrypt", encrypt, none, sa},
		{"aws:PrincipalIsAWSService", boolean, false, true, "Encrypt", encrypt, none, ann},
		{"aws:ViaAWSService", boolean, false, true, "Encrypt", encrypt, none, ann},
		{"aws:ResourceAccount", eq, account, stranger, "Encrypt", encrypt, none, ann},
		{"aws:ResourceTag/stage", eq, "test", "live", "Encrypt", encrypt, tagged, ann},
		{"aws:RequestTag/k", eq, "v", "w", "TagResource", tags, none, ann},
		{"aws:TagKeys", "ForAllValues:StringEquals", "k", "l", "TagResource", tags, none, ann},
		{"aws:TagKeys", "ForAnyValue:StringEquals", "k", "l", "UntagResource", samples["UntagResource"], none, ann},
		{"aws:SourceIp", "IpAddress", "10.0.0.0/24", "10.0.1.0/24", "Encrypt", encrypt, none, ann},
		{"aws:SecureTransport", boolean, true, false, "Encrypt", encrypt, none, ann},
		{"aws:RequestedRegion", eq, home, abroad, "Encrypt", encrypt, none, ann},
		{"aws:UserAgent", eq, "test", "curl", "Encrypt", encrypt, none, ann},
		{"aws:CurrentTime", "DateGreaterThanEquals", "2026-03-01T12:00:00Z", "2026-03-01T12:00:01Z", "Encrypt", encrypt, none, ann},
		{"aws:EpochTime", "NumericLessThan", begin.Unix() + 1, begin.Unix(), "Encrypt", encrypt, none, ann},
	}
}()

func TestEveryConditionKeyDecidesForAndAgainst(t *testing.T) {
	for _, c := range conditionals {
		t.Run(c.key+" "+c.operation+" "+c.operator, func(t *testing.T) {
			w := newWorld(t)
			for operand, accepted := range map[*any]bool{&c.accepts: true, &c.denies: false} {
				statement := plus(rule("Allow", aws(c.caller.Principal.ARN), "kms:*"), "Condition", object{c.operator: object{c.key: *operand}})
				c.make.Policy = statements(statement)
				keyID := w.newKey(c.make)
				in := maps.Clone(c.in)
				if in["KeyId"] == nil {
					in["KeyId"] = keyID
				} else if err := w.partition.Service(account, home).CreateAlias(t.Context(), "alias/a", keyID); err != nil {
					t.Fatal(err)
				}
				got := w.refusal(c.caller, c.operation, in)
				if accepted != (got == allowed) {
					t.Errorf("%v: %q", *operand, got)
				}
				if reason := w.events.last().Reason; !accepted && !strings.Contains(reason, c.operator+" "+c.key) {
					t.Errorf("%v: the reason is %q", *operand, reason)
				}
				if in["KeyId"] == "alias/a" {
					_ = w.partition.Service(account, home).DeleteAlias(t.Context(), "alias/a", keyID)
				}
			}
		})
	}
}

func TestWhatOnlyAWSServicesBringIsAbsent(t *testing.T) {
	w := newWorld(t)
	for _, key := range []string{
		"kms:ViaService", "kms:ResourceAliases", "kms:RecipientAttestation:ImageSha384", "kms:RecipientAttestation:PCR0",
		"aws:SourceArn", "aws:SourceAccount", "aws:SourceVpc", "aws:SourceVpce", "aws:PrincipalOrgID", "aws:CalledVia",
	} {
		condition := object{"Null": object{key: "false"}}
		keyID := w.newKey(kms.CreateKeyInput{Policy: statements(plus(rule("Allow", "*", "kms:*"), "Condition", condition))})
		if w.refusal(user("ann"), "Encrypt", forms("Encrypt", keyID)) == allowed {
			t.Errorf("the request has %s", key)
		}
	}
}

func TestADenyWithAConditionDeniesWhereItHolds(t *testing.T) {
	w := newWorld(t)
	outside := plus(rule("Deny", "*", "kms:*"), "Condition", object{
		"NotIpAddress": object{"aws:SourceIp": "10.0.0.0/24"}, "Bool": object{"aws:ViaAWSService": "false"},
	})
	inside := plus(outside, "Condition", object{"IpAddress": object{"aws:SourceIp": "10.0.0.0/24"}})
	for name, tt := range map[string]struct {
		deny object
		want bool
	}{"another address": {outside, true}, "the caller's address": {inside, false}} {
		keyID := w.newKey(kms.CreateKeyInput{Policy: statements(rule("Allow", "*", "*"), plus(tt.deny, "Sid", "Net"))})
		got := w.refusal(user("ann"), "Encrypt", forms("Encrypt", keyID))
		if tt.want != (got == allowed) || !tt.want && (!strings.HasSuffix(got, byDeny) || !strings.Contains(w.events.last().Reason, "(Net)")) {
			t.Errorf("%s: %q because %q", name, got, w.events.last().Reason)
		}
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package lint_test

import (
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
	"github.com/chatelaine-dev/chatelaine/internal/policy/lint"
)

const (
	home         = "111122223333"
	away         = "444455556666"
	rootARN      = "arn:aws:iam::111122223333:root"
	adminARN     = "arn:aws:iam::111122223333:role/ExampleAdminRole"
	userARN      = "arn:aws:iam::111122223333:role/ExampleUserRole"
	operatorARN  = "arn:aws:iam::111122223333:role/platform/chatelaine"
	delegation   = `{"Sid":"Enable IAM User Permissions","Effect":"Allow","Principal":{"AWS":"` + rootARN + `"},"Action":"kms:*","Resource":"*"}`
	anyoneInHome = `"Principal":{"AWS":"*"},"Resource":"*","Condition":{"StringEquals":{"kms:CallerAccount":"111122223333"}}`
)

func parse(t *testing.T, statements ...string) *policy.Document {
	t.Helper()
	doc, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func withSeverity(findings []lint.Finding, severity lint.Severity) []string {
	var texts []string
	for _, finding := range findings {
		if finding.Severity == severity {
			texts = append(texts, finding.String())
		}
	}
	return texts
}

// documented are the key policies in AWS's documentation, in their form; names and values are of our own making. Each stands
// beside the statement that delegates to the account where the page has it so.
var documented = map[string]struct {
	spec       keyspec.Spec
	usage      keyspec.Usage
	statements []string
}{
	"KMS Developer Guide, Default key policy: created by program": {"", "", []string{delegation}},
	"KMS Developer Guide, Default key policy: created in the console": {keyspec.SymmetricDefault, keyspec.EncryptDecrypt, []string{
		delegation,
		`{"Sid":"Allow access for Key Administrators","Effect":"Allow","Principal":{"AWS":"` + adminARN + `"},"Action":[
			"kms:Create*","kms:Describe*","kms:Enable*","kms:List*","kms:Put*","kms:Update*","kms:Revoke*","kms:Disable*",
			"kms:Get*","kms:Delete*","kms:TagResource","kms:UntagResource","kms:ScheduleKeyDeletion","kms:CancelKeyDeletion",
			"kms:RotateKeyOnDemand"],"Resource":"*"}`,
		`{"Sid":"Allow use of the key","Effect":"Allow","Principal":{"AWS":["` + userARN + `","` + away + `"]},"Action":[
			"kms:Encrypt","kms:Decrypt","kms:ReEncrypt*","kms:GenerateDataKey*","kms:DescribeKey"],"Resource":"*"}`,
		`{"Sid":"Allow attachment of persistent resources","Effect":"Allow","Principal":{"AWS":"` + userARN + `"},"Action":[
			"kms:CreateGrant","kms:ListGrants","kms:RevokeGrant"],"Resource":"*",
			"Condition":{"Bool":{"kms:GrantIsForAWSResource":true}}}`,
	}},
	"KMS Developer Guide, Default key policy: users of a key pair for encryption": {keyspec.RSA4096, keyspec.EncryptDecrypt, []string{
		delegation,
		`{"Effect":"Allow","Principal":{"AWS":"` + userARN + `"},"Action":[
			"kms:Encrypt","kms:Decrypt","kms:ReEncrypt*","kms:DescribeKey","kms:GetPublicKey"],"Resource":"*"}`,
	}},
	"KMS Developer Guide, Default key policy: users of a key pair for signatures": {keyspec.ECCNISTP256, keyspec.SignVerify, []string{
		delegation,
		`{"Effect":"Allow","Principal":{"AWS":"` + userARN + `"},"Action":[
			"kms:DescribeKey","kms:GetPublicKey","kms:Sign","kms:Verify"],"Resource":"*"}`,
	}},
	"KMS Developer Guide, Default key policy: users of a key pair for shared secrets": {keyspec.ECCNISTP256, keyspec.KeyAgreement, []string{
		delegation,
		`{"Effect":"Allow","Principal":{"AWS":"` + userARN + `"},"Action":[
			"kms:DescribeKey","kms:GetPublicKey","kms:DeriveSharedSecret"],"Resource":"*"}`,
	}},
	"KMS Developer Guide, Default key policy: users of an HMAC key": {keyspec.HMAC256, keyspec.GenerateVerifyMAC, []string{
		delegation,
		`{"Effect":"Allow","Principal":{"AWS":"` + userARN + `"},"Action":["kms:DescribeKey","kms:GenerateMac","kms:VerifyMac"],"Resource":"*"}`,
	}},
	"KMS Developer Guide, Allowing users in other accounts to use a KMS key": {keyspec.SymmetricDefault, keyspec.EncryptDecrypt, []string{
		delegation,
		`{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::` + away + `:role/ExampleRole","arn:aws:iam::` + away + `:root"]},
			"Action":["kms:Encrypt","kms:Decrypt","kms:ReEncrypt*","kms:GenerateDataKey*","kms:DescribeKey"],"Resource":"*"}`,
	}},
	"KMS Developer Guide, Permissions for AWS services in key policies": {keyspec.SymmetricDefault, keyspec.EncryptDecrypt, []string{
		delegation,
		`{"Effect":"Allow","Principal":{"Service":["dynamodb.amazonaws.com","logs.eu-west-1.amazonaws.com"]},
			"Action":["kms:Decrypt","kms:GenerateDataKey*"],"Resource":"*","Condition":{
			"StringEquals":{"aws:SourceAccount":"111122223333"},"ArnLike":{"aws:SourceArn":"arn:aws:logs:eu-west-1:111122223333:*"}}}`,
	}},
	"KMS Developer Guide, AWS KMS condition keys: kms:ViaService": {keyspec.SymmetricDefault, keyspec.EncryptDecrypt, []string{
		delegation,
		`{"Effect":"Allow","Principal":{"AWS":"` + userARN + `"},"Action":["kms:Encrypt","kms:Decrypt","kms:ReEncrypt*",
			"kms:GenerateDataKey*","kms:CreateGrant","kms:ListGrants","kms:DescribeKey"],"Resource":"*",
			"Condition":{"ForAnyValue:StringEquals":{"kms:ViaService":["ec2.us-west-2.amazonaws.com","rds.us-west-2.amazonaws.com"]}}}`,
	}},
	"KMS Developer Guide, AWS KMS condition keys: kms:CallerAccount": {keyspec.SymmetricDefault, keyspec.EncryptDecrypt, []string{
		`{"Effect":"Allow",` + anyoneInHome + `,"Action":["kms:Encrypt","kms:Decrypt","kms:ReEncrypt*","kms:GenerateDataKey*",
			"kms:CreateGrant","kms:DescribeKey"]}`,
		`{"Effect":"Allow","Principal":{"AWS":"` + rootARN + `"},"Action":["kms:Describe*","kms:Get*","kms:List*","kms:RevokeGrant",
			"kms:PutKeyPolicy"],"Resource":"*"}`,
	}},
	"KMS Developer Guide, AWS KMS condition keys: kms:BypassPolicyLockoutSafetyCheck": {"", "", []string{
		delegation,
		`{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"kms:PutKeyPolicy","Resource":"*",
			"Condition":{"Bool":{"kms:BypassPolicyLockoutSafetyCheck":true}}}`,
	}},
	"KMS Developer Guide, AWS KMS condition keys: kms:EncryptionContext": {keyspec.SymmetricDefault, keyspec.EncryptDecrypt, []string{
		delegation,
		`{"Effect":"Allow","Principal":{"AWS":"` + userARN + `"},"Action":"kms:GenerateDataKey*","Resource":"*","Condition":{
			"StringEquals":{"kms:EncryptionContext:AppName":"ExampleApp"},"Null":{"kms:EncryptionContextKeys":"false"},
			"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":["AppName","FilePath"]}}}`,
	}},
	"KMS Developer Guide, AWS KMS condition keys: grants": {"", "", []string{
		delegation,
		`{"Effect":"Allow","Principal":{"AWS":"` + userARN + `"},"Action":"kms:CreateGrant","Resource":"*","Condition":{
			"StringEquals":{"kms:GrantConstraintType":"EncryptionContextEquals","kms:GranteePrincipal":"` + adminARN + `"},
			"ForAllValues:StringEquals":{"kms:GrantOperations":["Decrypt","RetireGrant"]}}}`,
	}},
	"KMS Developer Guide, AWS KMS condition keys: import, rotation and deletion": {"", "", []string{
		delegation,
		`{"Effect":"Allow","Principal":{"AWS":"` + adminARN + `"},"Action":"kms:ImportKeyMaterial","Resource":"*","Condition":{
			"NumericLessThanEquals":{"kms:ValidTo":"1640995199.0"},"StringEquals":{"kms:ExpirationModel":"KEY_MATERIAL_EXPIRES"}}}`,
		`{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"kms:EnableKeyRotation","Resource":"*",
			"Condition":{"NumericGreaterThan":{"kms:RotationPeriodInDays":"180"}}}`,
		`{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"kms:ScheduleKeyDeletion","Resource":"*",
			"Condition":{"NumericLessThan":{"kms:ScheduleKeyDeletionPendingWindowInDays":21}}}`,
	}},
	"KMS Developer Guide, Control access to multi-Region keys": {"", "", []string{
		delegation,
		`{"Effect":"Allow","Principal":{"AWS":"` + adminARN + `"},"Action":"kms:ReplicateKey","Resource":"*",
			"Condition":{"StringEquals":{"kms:ReplicaRegion":["us-east-1","eu-west-3"]}}}`,
		`{"Effect":"Allow","Principal":{"AWS":"` + adminARN + `"},"Action":"kms:UpdatePrimaryRegion","Resource":"*",
			"Condition":{"StringEquals":{"kms:PrimaryRegion":["us-west-2","sa-east-1"]}}}`,
		`{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"kms:*","Resource":"*",
			"Condition":{"Bool":{"kms:MultiRegion":true},"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/*"}}}`,
	}},
	"KMS Developer Guide, Controlling access based on the principal's organization and network": {"", "", []string{
		delegation,
		`{"Effect":"Allow","Principal":"*","Action":["kms:Decrypt","kms:DescribeKey"],"Resource":"*",
			"Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"},"StringNotEquals":{"aws:SourceVpce":"vpce-1234abcdf5678c90a"}}}`,
	}},
	"KMS Developer Guide, AWS KMS condition keys for Nitro Enclaves": {keyspec.SymmetricDefault, keyspec.EncryptDecrypt, []string{
		delegation,
		`{"Effect":"Allow","Principal":{"AWS":"` + userARN + `"},"Action":["kms:Decrypt","kms:GenerateDataKey","kms:GenerateRandom"],
			"Resource":"*","Condition":{"StringEqualsIgnoreCase":{"kms:RecipientAttestation:ImageSha384":"9fedcba8","kms:RecipientAttestation:PCR4":"ef25"}}}`,
	}},
	"CloudWatch Logs User Guide, Encrypt log data using AWS KMS": {keyspec.SymmetricDefault, keyspec.EncryptDecrypt, []string{
		delegation,
		`{"Effect":"Allow","Principal":{"Service":"logs.eu-west-1.amazonaws.com"},"Action":["kms:Encrypt*","kms:Decrypt*",
			"kms:ReEncrypt*","kms:GenerateDataKey*","kms:Describe*"],"Resource":"*",
			"Condition":{"ArnEquals":{"kms:EncryptionContext:aws:logs:arn":"arn:aws:logs:eu-west-1:111122223333:log-group:example"}}}`,
	}},
	"CloudTrail User Guide, Configure AWS KMS key policies for CloudTrail": {keyspec.SymmetricDefault, keyspec.EncryptDecrypt, []string{
		delegation,
		`{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"kms:GenerateDataKey*","Resource":"*","Condition":{
			"StringEquals":{"aws:SourceArn":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/example"},
			"StringLike":{"kms:EncryptionContext:aws:cloudtrail:arn":"arn:aws:cloudtrail:*:111122223333:trail/*"}}}`,
		`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":["kms:Decrypt","kms:ReEncryptFrom"],"Resource":"*","Condition":{
			"StringEquals":{"kms:CallerAccount":"111122223333"},
			"StringLike":{"kms:EncryptionContext:aws:cloudtrail:arn":"arn:aws:cloudtrail:*:111122223333:trail/*"}}}`,
	}},
}

func TestAWSsDocumentedKeyPoliciesHaveNoErrors(t *testing.T) {
	for page, example := range documented {
		t.Run(page, func(t *testing.T) {
			about := lint.About{Spec: example.spec, Usage: example.usage, AccountID: home, Partition: "aws"}
			if errs := withSeverity(lint.Lint(parse(t, example.statements...), about), lint.Error); errs != nil {
				t.Errorf("%s", strings.Join(errs, "\n"))
			}
		})
	}
}

func TestBaseAndDefaultHaveNoFindings(t *testing.T) {
	for name, doc := range map[string]*policy.Document{
		"base": policy.BaseDocument(operatorARN, home), "default": policy.Default(home),
	} {
		about := lint.About{Spec: keyspec.HMAC224, Usage: keyspec.GenerateVerifyMAC, AccountID: home, OperatorARN: operatorARN}
		if name == "default" {
			about.OperatorARN = ""
		}
		if findings := lint.Lint(doc, about); findings != nil {
			t.Errorf("%s: %v", name, findings)
		}
	}
	if findings := lint.Lint(nil, lint.About{}); findings != nil {
		t.Errorf("no document: %v", findings)
	}
}

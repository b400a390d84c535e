// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package lint_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
	"github.com/chatelaine-dev/chatelaine/internal/policy/lint"
)

// about is what most cases know: a key for data in the operator's account.
var about = lint.About{
	Spec: keyspec.SymmetricDefault, Usage: keyspec.EncryptDecrypt, OperatorARN: operatorARN, AccountID: home,
}

func signing(a lint.About) lint.About {
	a.Spec, a.Usage = keyspec.RSA2048, keyspec.SignVerify
	return a
}

func software(a lint.About) lint.About {
	a.NamesServiceAccounts = true
	return a
}

func unchanged(a lint.About) lint.About { return a }

// statement is one with an element replaced; the others are as harmless as can be.
func statement(elements string) string {
	s := "{" + elements
	for name, value := range map[string]string{
		"Effect": `"Allow"`, "Principal": `{"AWS":"` + userARN + `"}`, "Action": `"kms:DescribeKey"`, "Resource": `"*"`,
	} {
		if !strings.Contains(elements, `"`+name+`":`) && !strings.Contains(elements, `"Not`+name+`":`) {
			s += `,"` + name + `":` + value
		}
	}
	return s + "}"
}

// tell is what there is to say about a statement under Base, but for the place of it.
func tell(t *testing.T, elements string, about lint.About) []string {
	t.Helper()
	doc := parse(t, statement(elements))
	doc.Statements = append([]policy.Statement{policy.Base(operatorARN, about.AccountID)}, doc.Statements...)
	var told []string
	for _, finding := range lint.Lint(doc, about) {
		if finding.Statement != 1 {
			t.Errorf("about something else: %s", finding)
		}
		told = append(told, strings.Replace(finding.String(), "Statement[1]: ", "", 1))
	}
	return told
}

// rules has, for each rule, statements that break it and such that just do not. A finding is given as it begins; none is
// none.
var rules = map[string][]struct {
	elements string
	about    func(lint.About) lint.About
	finding  string
}{
	"an unknown action": {
		{`"Action":"kms:Frobnicate"`, unchanged, `Error: Action: "kms:Frobnicate" is no action of AWS KMS; its actions are named like kms:Decrypt`},
		{`"Action":"kms:ReEncrypt"`, unchanged, `Error: Action: "kms:ReEncrypt" is no action of AWS KMS; did you mean kms:ReEncryptFrom, kms:ReEncryptTo?`},
		{`"Action":"kms:Public"`, unchanged, `Error: Action: "kms:Public" is no action of AWS KMS; did you mean kms:GetPublicKey?`},
		{`"Action":"s3:GetObject"`, unchanged, `Error: Action: "s3:GetObject" is no action of AWS KMS`},
		{`"Action":"km:Decrypt"`, unchanged, `Error: Action: "km:Decrypt" is no action of AWS KMS; did you mean kms:Decrypt?`},
		{`"Action":"kms:Frob*"`, unchanged, `Error: Action: "kms:Frob*" is no action`},
		{`"Effect":"Deny","NotAction":"kms:Decript"`, unchanged, `Error: NotAction: "kms:Decript" is no action`},
		{`"Action":"KMS:reencrypt*"`, unchanged, ""},
		{`"Action":"kms:Decryp?"`, unchanged, ""},
	},
	"an action that the key cannot perform": {
		{`"Action":"kms:Sign"`, unchanged, `Error: Action: kms:Sign is nothing that a key with keySpec SYMMETRIC_DEFAULT and keyUsage ENCRYPT_DECRYPT can do`},
		{`"Action":"kms:ReEncrypt*"`, signing, `Error: Action: kms:ReEncrypt* is nothing`},
		{`"Action":"kms:GetPublicKey"`, unchanged, `Error: Action: kms:GetPublicKey is nothing`},
		{`"Action":"kms:RotateKeyOnDemand"`, signing, `Error: Action: kms:RotateKeyOnDemand is nothing`},
		{`"Action":"kms:Sign"`, signing, ""},
		{`"Action":"kms:*ign"`, signing, ""},
		{`"Action":"kms:Get*"`, unchanged, ""},
		{`"Action":"kms:Sign"`, func(a lint.About) lint.About { a.Spec, a.Usage = "", ""; return a }, ""},
	},
	"an action that does nothing in a key policy": {
		{`"Action":"kms:ListKeys"`, unchanged, "Warning: Action: kms:ListKeys has no effect in a key policy: it is not about a key"},
		{`"Action":"kms:*CustomKeyStore*"`, unchanged, "Warning: Action: kms:*CustomKeyStore* has no effect"},
		{`"Action":"kms:RetireGrant"`, unchanged, "Warning: Action: kms:RetireGrant has no effect in a key policy: who may retire"},
		{`"Action":"kms:List*"`, unchanged, ""},
		{`"Action":"kms:Re*Grant"`, unchanged, ""},
		{`"Effect":"Deny","NotAction":["kms:*","kms:ListKeys"]`, unchanged, ""},
	},
	"an unknown condition key": {
		{`"Condition":{"StringEquals":{"kms:ViaServices":"x"}}`, unchanged, "Error: Condition: kms:ViaServices is no condition key"},
		{`"Condition":{"StringEquals":{"kms:EncryptionContext":"x"}}`, unchanged, "Error: Condition: kms:EncryptionContext is no"},
		{`"Condition":{"StringEquals":{"s3:prefix":"x"}}`, unchanged, "Error: Condition: s3:prefix is no"},
		{`"Condition":{"StringEquals":{"KMS:viaservice":"x"}}`, unchanged, ""},
		{`"Condition":{"StringEquals":{"kms:EncryptionContext:anything at all":"x"}}`, unchanged, ""},
	},
	"a condition key of IAM policies": {
		{`"Condition":{"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/x"}}`, unchanged, "Warning: Condition: kms:ResourceAliases works in IAM policies only"},
		{`"Condition":{"StringEquals":{"kms:RequestAlias":"alias/x"}}`, unchanged, ""},
	},
	"an encryption context where there is none": {
		{`"Condition":{"StringEquals":{"kms:EncryptionContext:tenant":"x"}}`, signing, "Warning: Condition: kms:EncryptionContext:tenant: requests for a key with keySpec RSA_2048"},
		{`"Condition":{"ForAnyValue:StringEquals":{"kms:EncryptionContextKeys":"x"}}`, signing, "Warning: Condition: kms:EncryptionContextKeys: requests"},
		{`"Condition":{"StringEquals":{"kms:EncryptionAlgorithm":"x"}}`, signing, ""},
	},
	"an operator that cannot match the key": {
		{`"Condition":{"NumericEquals":{"kms:ViaService":"7"}}`, unchanged, "Warning: Condition: NumericEquals never matches kms:ViaService, whose value is a string"},
		{`"Condition":{"Bool":{"aws:SourceIp":"true"}}`, unchanged, "Warning: Condition: Bool never matches aws:SourceIp, whose value is an IP address"},
		{`"Condition":{"ArnLike":{"kms:ValidTo":"arn:aws:iam::*:*"}}`, unchanged, "Warning: Condition: ArnLike never matches kms:ValidTo, whose value is a time"},
		{`"Condition":{"IpAddress":{"aws:VpcSourceIp":"10.0.0.0/8"}}`, unchanged, ""},
		{`"Condition":{"NumericLessThan":{"kms:EncryptionContext:level":"7"}}`, unchanged, ""},
		{`"Condition":{"NumericLessThan":{"aws:EpochTime":"7"}}`, unchanged, ""},
		{`"Condition":{"Null":{"kms:ViaService":"false"}}`, unchanged, ""},
	},
	"a principal that AWS refuses": {
		{`"Principal":{"AWS":"AROAEXAMPLEEXAMPLE12"}`, unchanged, "Error: Principal: AROAEXAMPLEEXAMPLE12 is the unique ID"},
		{`"Effect":"Deny","Action":"kms:Decrypt","NotPrincipal":{"AWS":"AIDAEXAMPLEEXAMPLE12"}`, unchanged, "Error: NotPrincipal: AIDAEXAMPLEEXAMPLE12 is the unique ID"},
		{`"Principal":{"AWS":"arn:aws-cn:iam::111122223333:role/x"}`, unchanged, "Error: Principal: arn:aws-cn:iam::111122223333:role/x is in another partition than the key, which is in aws"},
		{`"Principal":{"Federated":"arn:aws-cn:iam::111122223333:saml-provider/x"}`, unchanged, "Error: Principal: arn:aws-cn:iam::111122223333:saml-provider/x is in another partition"},
		{`"Principal":{"Service":"logs.example.com"},"Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"}}`, unchanged, "Error: Principal: logs.example.com is not the name of an AWS service"},
		{`"Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/x/y"}`, software, "Error: Principal: arn:aws:sts::111122223333:assumed-role/x/y is a session, and the software backend names only roles: write arn:aws:iam::111122223333:role/x"},
		{`"Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/x/y"}`, unchanged, ""},
		{`"Principal":{"AWS":"arn:aws:iam::111122223333:user/x"}`, software, ""},
		{`"Principal":{"Service":"logs.cn-north-1.amazonaws.com.cn"},"Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"}}`, unchanged, ""},
		{`"Principal":{"Federated":"cognito-identity.amazonaws.com"}`, unchanged, ""},
		{`"Principal":{"AWS":"111122223333"}`, unchanged, ""},
	},
	"a resource that is not the key's *": {
		{`"Resource":"arn:aws:kms:eu-west-1:111122223333:key/x"`, unchanged, `Warning: Resource: arn:aws:kms:eu-west-1:111122223333:key/x: write "*"`},
	},
	"a whole other account": {
		{`"Principal":{"AWS":"444455556666"}`, unchanged, "Warning: Principal: 444455556666 is a whole other account"},
		{`"Principal":{"AWS":"arn:aws:iam::444455556666:root"}`, unchanged, "Warning: Principal: arn:aws:iam::444455556666:root is a whole other account"},
		{`"Principal":{"AWS":"arn:aws:iam::444455556666:role/x"}`, unchanged, ""},
		{`"Effect":"Deny","Principal":{"AWS":"444455556666"}`, unchanged, ""},
		{`"Principal":{"AWS":"444455556666"}`, func(a lint.About) lint.About { a.AccountID = away; return a }, ""},
	},
	"a service that calls for whoever has it call": {
		{`"Principal":{"Service":"logs.eu-west-1.amazonaws.com"}`, unchanged, "Warning: Principal: logs.eu-west-1.amazonaws.com calls for whoever has it call"},
		{`"Principal":{"Service":"logs.eu-west-1.amazonaws.com"},"Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"}}`, unchanged, ""},
		{`"Principal":{"Service":"logs.eu-west-1.amazonaws.com"},"Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:logs:eu-west-1:111122223333:log-group:*"}}`, unchanged, ""},
		{`"Effect":"Deny","Principal":{"Service":"logs.eu-west-1.amazonaws.com"}`, unchanged, ""},
	},
	"a power that goes further than it may seem": {
		{`"Action":"kms:*"`, unchanged, "Warning: Action: kms:* lets " + userARN + " do everything with the key"},
		{`"Action":"*"`, unchanged, "Warning: Action: kms:* lets"},
		{`"Action":"kms:Put*"`, unchanged, "Warning: Action: kms:PutKeyPolicy lets " + userARN + " change who may use the key"},
		{`"Action":"kms:CreateGrant","Principal":{"Service":"ec2.amazonaws.com"},"Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"}}`, unchanged, "Warning: Action: kms:CreateGrant lets ec2.amazonaws.com let others use the key"},
		{`"Action":"kms:CreateGrant","Condition":{"BoolIfExists":{"kms:GrantIsForAWSResource":"true"}}`, unchanged, "Warning: Action: kms:CreateGrant lets"},
		{`"Action":"kms:CreateGrant","Condition":{"Bool":{"kms:GrantIsForAWSResource":"true"}}`, unchanged, ""},
		{`"Action":"kms:CreateGrant","Principal":{"AWS":["` + operatorARN + `","` + home + `"]}`, unchanged, ""},
		{`"Action":"kms:*","Principal":{"AWS":"` + rootARN + `"}`, unchanged, ""},
		{`"Effect":"Deny","Action":"kms:*"`, unchanged, ""},
	},
}

func TestEachRuleFindsWhatBreaksItAndNothingElse(t *testing.T) {
	for rule, cases := range rules {
		t.Run(rule, func(t *testing.T) {
			for _, tt := range cases {
				told := tell(t, tt.elements, tt.about(about))
				switch {
				case tt.finding == "" && len(told) > 0, tt.finding != "" && len(told) != 1:
					t.Errorf("%s: %d findings:\n%s", tt.elements, len(told), strings.Join(told, "\n"))
				case tt.finding != "" && !strings.HasPrefix(told[0], tt.finding):
					t.Errorf("%s:\n%s, want\n%s", tt.elements, told[0], tt.finding)
				}
			}
		})
	}
}

func TestFindingsOfAStatementHaveTheErrorsFirst(t *testing.T) {
	doc := parse(t, delegation,
		`{"Sid":"Mixed","Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":["kms:ListKeys","kms:Frobnicate"],"Resource":"arn:aws:kms:*"}`,
		`{"Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*"}`)
	var got []string
	for _, finding := range lint.Lint(doc, lint.About{AccountID: home}) {
		place, _, _ := strings.Cut(finding.String(), " is ")
		got = append(got, string(finding.Severity)+" "+finding.Sid+" "+finding.Element+" "+place[:5])
	}
	want := []string{
		"Error Mixed Action Error", "Warning Mixed Action Warni", "Warning Mixed Resource Warni", "Warning Mixed Principal Warni",
		"Error  Principal Error",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestThePartitionIsTheKeysWhereItIsKnown(t *testing.T) {
	const problem = " is in another partition than the key, which is in aws-cn"
	doc := policy.BaseDocument(operatorARN, home)
	want := []string{
		`Error: Statement[0] (Sid "Chatelaine administration"): Principal: ` + operatorARN + problem,
		`Error: Statement[0] (Sid "Chatelaine administration"): Principal: ` + rootARN + problem,
	}
	inChina := lint.About{OperatorARN: operatorARN, Partition: "aws-cn"}
	if diff := cmp.Diff(want, withSeverity(lint.Lint(doc, inChina), lint.Error)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	foreign := parse(t, strings.ReplaceAll(delegation, "arn:aws:", "arn:aws-us-gov:"))
	if findings := lint.Lint(foreign, lint.About{AccountID: home}); findings != nil {
		t.Errorf("where it is not known: %v", findings)
	}
}

// A document that was put together by hand can have what Parse refuses.
func TestADocumentThatParseRefusesIsLintedAllTheSame(t *testing.T) {
	doc := policy.BaseDocument(operatorARN, home)
	doc.Statements = append(doc.Statements, policy.Statement{
		Effect: policy.Allow, Action: []string{"kms:DescribeKey"}, Resource: []string{"*"},
		Principal: policy.Principals{AWS: []string{
			"arn:aws:iam::111122223333:role/*", "arn:aws:iam::111122223333:group/x", "someone", "",
		}},
		Conditions: []policy.Condition{{Operator: "StringMatches", Key: "kms:ViaService"}},
	})
	want := []string{
		"Error: Statement[1]: Principal: arn:aws:iam::111122223333:role/* has a wildcard, which works in no principal but \"*\": use the condition ArnLike aws:PrincipalArn",
		"Error: Statement[1]: Principal: arn:aws:iam::111122223333:group/x is a group, which cannot be a principal: name its users, or a role",
		"Error: Statement[1]: Principal: someone is not a principal: write 12 digits of an account, or the ARN of a role, user or session",
		"Error: Statement[1]: Principal:  is not a principal: write 12 digits of an account, or the ARN of a role, user or session",
		"Error: Statement[1]: Condition: StringMatches is no condition operator",
	}
	if diff := cmp.Diff(want, withSeverity(lint.Lint(doc, about), lint.Error)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

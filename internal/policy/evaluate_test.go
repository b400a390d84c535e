// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// publishedExample has the shape of the policy in the AWS KMS Developer Guide, "Key policies in AWS KMS" and "Default key
// policy": the account, administrators, users, and users' grants for AWS resources.
const publishedExample = `{"Version":"2012-10-17","Id":"key-consolepolicy-2","Statement":[
 {"Sid":"Account","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"},
 {"Sid":"Admins","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/Admin"},
  "Action":["kms:Create*","kms:Describe*","kms:Put*","kms:ScheduleKeyDeletion"],"Resource":"*"},
 {"Sid":"Users","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:role/shop/app","arn:aws:iam::444455556666:root"]},
  "Action":["kms:Encrypt","kms:Decrypt","kms:ReEncrypt*","kms:GenerateDataKey*","kms:DescribeKey"],"Resource":"*"},
 {"Sid":"Grants","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/shop/app"},"Action":"kms:CreateGrant",
  "Resource":"*","Condition":{"Bool":{"kms:GrantIsForAWSResource":true}}}]}`

func TestAWSsDocumentedPoliciesDecideAsDocumented(t *testing.T) {
	const viaService = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:Decrypt",` +
		`"Resource":"*","Condition":{"StringEquals":{"kms:CallerAccount":"111122223333","kms:ViaService":"s3.eu-west-1.amazonaws.com"}}}}`
	const notPrincipal = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"},` +
		`{"Sid":"Only","Effect":"Deny","NotPrincipal":{"AWS":["` + rootARN + `","` + roleARN + `","` + sessionARN + `"]},` +
		`"Action":"kms:*","Resource":"*"}]}`
	const denyRole = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*",` +
		`"Resource":"*"},{"Sid":"No","Effect":"Deny","Principal":{"AWS":"` + roleARN + `"},"Action":"KMS:decrypt","Resource":"*"}]}`
	const encryptionContext = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + roleARN + `"},` +
		`"Action":"kms:GenerateDataKey","Resource":"*","Condition":{"StringEquals":{"kms:EncryptionContext:AppName":"ExampleApp"}}}}`
	const logs = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"logs.eu-west-1.amazonaws.com"},` +
		`"Action":"kms:Encrypt","Resource":"*"}}`
	const notAction = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + userARN + `"},` +
		`"NotAction":["kms:Delete*","kms:ScheduleKeyDeletion"],"Resource":"*"}}`
	session := policy.Principal{ARN: roleARN, SessionARN: sessionARN, Account: home}
	second := policy.Principal{ARN: roleARN, SessionARN: otherSessionARN, Account: home}
	user, root := policy.Principal{ARN: userARN}, policy.Principal{ARN: rootARN}
	foreign := policy.Principal{ARN: "arn:aws:iam::444455556666:user/x"}
	s3 := map[string][]string{"kms:CallerAccount": {home}, "KMS:viaservice": {"s3.eu-west-1.amazonaws.com"}}
	for _, c := range []struct {
		source, document string
		caller           policy.Principal
		action           string
		context          map[string][]string
		want             policy.Verdict
		statement        int
	}{
		{"KMS guide, Default key policy: the account's root user", defaultPolicy, root, "kms:Sign", nil, policy.AllowedDirectly, 0},
		{"KMS guide, Default key policy: delegates to IAM policies", defaultPolicy, user, "kms:Sign", nil, policy.AllowedToAccount, 0},
		{"KMS guide, Default key policy: another account", defaultPolicy, foreign, "kms:Sign", nil, policy.ImplicitDeny, -1},
		{"KMS guide, Default key policy: key users", publishedExample, session, "kms:Decrypt", nil, policy.AllowedDirectly, 2},
		{"KMS guide, Default key policy: not an administrator", publishedExample, session, "kms:PutKeyPolicy", nil, policy.AllowedToAccount, 0},
		{"KMS guide, Allowing users in other accounts", publishedExample, foreign, "kms:ReEncryptFrom", nil, policy.AllowedToAccount, 2},
		{"KMS guide, Allowing users in other accounts: no more", publishedExample, foreign, "kms:PutKeyPolicy", nil, policy.ImplicitDeny, -1},
		{"KMS guide, kms:GrantIsForAWSResource", publishedExample, session, "kms:CreateGrant", map[string][]string{"kms:GrantIsForAWSResource": {"true"}}, policy.AllowedDirectly, 3},
		{"KMS guide, kms:GrantIsForAWSResource: absent", publishedExample, session, "kms:CreateGrant", nil, policy.AllowedToAccount, 0},
		{"KMS guide, kms:ViaService", viaService, user, "kms:Decrypt", s3, policy.AllowedDirectly, 0},
		{"KMS guide, kms:ViaService: called directly", viaService, user, "kms:Decrypt", nil, policy.ImplicitDeny, -1},
		{"KMS guide, kms:EncryptionContext", encryptionContext, session, "kms:GenerateDataKey", map[string][]string{"kms:EncryptionContext:appname": {"ExampleApp"}}, policy.AllowedDirectly, 0},
		{"KMS guide, kms:EncryptionContext: values have case", encryptionContext, session, "kms:GenerateDataKey", map[string][]string{"kms:EncryptionContext:AppName": {"exampleapp"}}, policy.ImplicitDeny, -1},
		{"IAM guide, NotPrincipal: the session that is spared", notPrincipal, session, "kms:Sign", nil, policy.AllowedDirectly, 0},
		{"IAM guide, NotPrincipal: another session of the role", notPrincipal, second, "kms:Sign", nil, policy.ExplicitDeny, 1},
		{"IAM guide, NotPrincipal: others in the listed account", notPrincipal, user, "kms:Sign", nil, policy.ExplicitDeny, 1},
		{"IAM guide, NotPrincipal: the root user listed", notPrincipal, root, "kms:Sign", nil, policy.AllowedDirectly, 0},
		{"IAM guide, NotPrincipal: nobody known", notPrincipal, policy.Principal{}, "kms:Sign", nil, policy.ExplicitDeny, 1},
		{"IAM guide, Policy evaluation logic: explicit deny", denyRole, session, "kms:Decrypt", nil, policy.ExplicitDeny, 1},
		{"IAM guide, Policy evaluation logic: other actions", denyRole, session, "kms:Encrypt", nil, policy.AllowedToAccount, 0},
		{"IAM guide, Principal: AWS services", logs, policy.Principal{Service: "logs.eu-west-1.amazonaws.com"}, "kms:Encrypt", nil, policy.AllowedDirectly, 0},
		{"IAM guide, Principal: another service", logs, policy.Principal{Service: "s3.amazonaws.com"}, "kms:Encrypt", nil, policy.ImplicitDeny, -1},
		{"IAM guide, NotAction: all but the named", notAction, user, "kms:Sign", nil, policy.AllowedDirectly, 0},
		{"IAM guide, NotAction: the named", notAction, user, "kms:DeleteAlias", nil, policy.ImplicitDeny, -1},
	} {
		t.Run(c.source, func(t *testing.T) {
			request := policy.Request{Principal: c.caller, Action: c.action, Resource: keyARN, Context: c.context}
			got := policy.Evaluate(parse(t, c.document), request)
			if got.Verdict != c.want || got.Statement != c.statement {
				t.Errorf("%v by statement %d, want %v by %d", got.Verdict, got.Statement, c.want, c.statement)
			}
		})
	}
}

func TestADecisionSaysOfEachStatementWhatDidNotFit(t *testing.T) {
	doc := parse(t, `{"Version":"2012-10-17","Statement":[
	 {"Sid":"p","Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"*","Resource":"*"},
	 {"Sid":"a","Effect":"Allow","Principal":"*","Action":"kms:Sign","Resource":"*"},
	 {"Sid":"r","Effect":"Deny","Principal":"*","Action":"*","Resource":"arn:aws:kms:us-east-1"},
	 {"Sid":"c","Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"*","Resource":"*",
	  "Condition":{"Bool":{"kms:MultiRegion":true},"Null":{"kms:ViaService":true}}},
	 {"Sid":"ok","Effect":"Allow","Principal":"*","Action":"*","Resource":"arn:aws:kms"}]}`)
	request := policy.Request{Principal: policy.Principal{ARN: userARN}, Action: "kms:Encrypt", Resource: keyARN}
	decision := policy.Decision{Verdict: policy.AllowedDirectly, Statement: 4, Sid: "ok"}
	if diff := cmp.Diff(decision, policy.Evaluate(doc, request)); diff != "" {
		t.Errorf("decision (-want +got):\n%s", diff)
	}
	want := []policy.Diagnosis{
		{Sid: "p", Effect: policy.Allow, Failed: policy.PartPrincipal},
		{Sid: "a", Effect: policy.Allow, Failed: policy.PartAction},
		{Sid: "r", Effect: policy.Deny, Failed: policy.PartResource},
		{
			Sid: "c", Effect: policy.Allow, Failed: policy.PartCondition, ThroughAccount: true, KeyMissing: true,
			Condition: policy.Condition{Operator: "Bool", Key: "kms:MultiRegion", Values: []string{"true"}},
		},
		{Sid: "ok", Effect: policy.Allow, Applied: true},
	}
	if diff := cmp.Diff(want, policy.Explain(doc, request)); diff != "" {
		t.Errorf("diagnoses (-want +got):\n%s", diff)
	}
}

func TestADocumentThatParseWouldRefuseIsEvaluatedToTheCallersDisadvantage(t *testing.T) {
	if got := policy.Evaluate(nil, policy.Request{}); got.Verdict != policy.ImplicitDeny || got.Statement != -1 ||
		policy.Explain(nil, policy.Request{}) != nil {
		t.Errorf("no document gives %+v", got)
	}
	for effect, want := range map[policy.Effect]policy.Verdict{
		policy.Allow: policy.ImplicitDeny, policy.Deny: policy.ExplicitDeny, "": policy.ExplicitDeny,
	} {
		doc := &policy.Document{Statements: []policy.Statement{{
			Effect: effect, Principal: policy.Principals{AWS: []string{"*"}}, Action: []string{"*"}, Resource: []string{"*"},
			Conditions: []policy.Condition{{Operator: "Nonsense", Key: "aws:SourceIp", Values: []string{"x"}}},
		}}}
		if got := policy.Evaluate(doc, policy.Request{Action: "kms:Sign"}).Verdict; got != want {
			t.Errorf("unknown operator under %q gives %v, want %v", effect, got, want)
		}
	}
}

func TestACallerIsReadFromItsARN(t *testing.T) {
	for arn, want := range map[string]policy.Principal{
		userARN:    {ARN: userARN, Account: home},
		rootARN:    {ARN: rootARN, Account: home},
		sessionARN: {ARN: "arn:aws:iam::111122223333:role/app", SessionARN: sessionARN, Account: home},
		"arn:aws-cn:sts::111122223333:federated-user/bo": {ARN: "arn:aws-cn:sts::111122223333:federated-user/bo", Account: home},
	} {
		got, err := policy.NewPrincipal(arn)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("NewPrincipal(%q): error %v, (-want +got):\n%s", arn, err, diff)
		}
	}
	for _, bad := range []string{"", "*", home, keyARN, roleARN + "*", "arn:aws:iam::1:root", "arn:aws:iam::111122223333:user/x:root"} {
		if got, err := policy.NewPrincipal(bad); err == nil {
			t.Errorf("NewPrincipal(%q) is %+v", bad, got)
		}
	}
}

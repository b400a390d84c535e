// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policycheck

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

func TestWhatCannotBeAnsweredIsAnError(t *testing.T) {
	const document = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`
	good := Question{Principal: "serviceaccount:shop/api", Action: "Decrypt", Key: "orders", Now: now}
	with := func(change func(*Question)) *Question {
		question := good
		change(&question)
		return &question
	}
	for name, c := range map[string]struct {
		files    []string
		settings Settings
		question *Question
		want     string
	}{
		"an unknown action":      {question: with(func(q *Question) { q.Action = "kms:Decript" }), want: `"kms:Decript" is no action of AWS KMS`},
		"a wildcard":             {question: with(func(q *Question) { q.Action = "kms:*" }), want: `"kms:*" has a wildcard`},
		"another service":        {question: with(func(q *Question) { q.Action = "s3:GetObject" }), want: `"s3:GetObject" is no action of AWS KMS`},
		"about no key":           {question: with(func(q *Question) { q.Action = "ListKeys" }), want: "kms:ListKeys is about no single key"},
		"about a grant":          {question: with(func(q *Question) { q.Action = "RetireGrant" }), want: "kms:RetireGrant is decided on by the grant"},
		"no key":                 {question: with(func(q *Question) { q.Key = "" }), want: "say which key"},
		"an unknown key":         {question: with(func(q *Question) { q.Key = "order" }), want: "there is no Key shop/order; there are shop/orders"},
		"no keys at all":         {files: []string{ruleWith(api, "permissions: [Read]")}, question: &good, want: "there is no Key shop/orders, nor any other"},
		"a principal of no kind": {question: with(func(q *Question) { q.Principal = "api" }), want: `"api" is no principal: write serviceaccount:NAMESPACE/NAME`},
		"no namespace":           {question: with(func(q *Question) { q.Principal = "serviceaccount:api" }), want: "a ServiceAccount needs its namespace and its name"},
		"a group":                {question: with(func(q *Question) { q.Principal = "arn:aws:iam::111122223333:group/a" }), want: "is not the ARN of somebody who can call AWS KMS"},
		"no role on AWS":         {settings: Settings{AWS: true}, files: []string{key("{}")}, question: &good, want: "ServiceAccount shop/api was not found, and on AWS"},
		"a bare one on AWS":      {settings: Settings{AWS: true}, files: []string{key("{}"), serviceAccount("api", "")}, question: &good, want: "ServiceAccount shop/api has no annotation"},
		"a document and objects": {files: []string{document, shop}, question: &good, want: "a policy document is asked by itself"},
		"a Key for a document":   {files: []string{document}, question: &good, want: `"orders" is not the ARN of a key`},
	} {
		t.Run(name, func(t *testing.T) {
			if c.files == nil {
				c.files = []string{shop}
			}
			var files []File
			for i, text := range c.files {
				files = append(files, file(string(rune('a'+i)), text))
			}
			answer, err := read(t, c.settings, files...).Simulate(c.question)
			if err == nil || !strings.HasPrefix(err.Error(), c.want) && !strings.Contains(err.Error(), c.want) {
				t.Errorf("answer %+v, error %v, want %s", answer, err, c.want)
			}
		})
	}
}

func TestContextIsReadAsKeysAndValues(t *testing.T) {
	got, err := ParseContext([]string{"aws:TagKeys=a", "aws:TagKeys=b=c", "kms:EncryptionContext:x="})
	want := map[string][]string{"aws:TagKeys": {"a", "b=c"}, "kms:EncryptionContext:x": {""}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	for _, bad := range []string{"aws:SourceIp", "", "tenant=acme", "kms:EncryptionContext:=x"} {
		if got, err := ParseContext([]string{bad}); err == nil {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
}

func TestConditionsSeeWhatTheEndpointKnowsOfEveryRequest(t *testing.T) {
	w := read(t, Settings{}, file("f", shop))
	s, err := w.subject("shop/orders")
	if err != nil {
		t.Fatal(err)
	}
	who, err := w.caller("serviceaccount:shop/api", &s.home)
	if err != nil {
		t.Fatal(err)
	}
	question := &Question{Now: now, Context: map[string][]string{"kms:EncryptionContext:b": {"1"}, "kms:EncryptionContext:a": {"2"}}}
	got := map[string]string{}
	for name, values := range question.context(&s.home, s.key, &who) {
		got[name] = strings.Join(values, ",")
	}
	want := map[string]string{
		"kms:EncryptionContext:b": "1", "kms:EncryptionContext:a": "2", "kms:EncryptionContextKeys": "a,b",
		"aws:ResourceAccount": "111122223333", "kms:KeySpec": "SYMMETRIC_DEFAULT", "kms:KeyUsage": "ENCRYPT_DECRYPT",
		"kms:MultiRegion": "false", "kms:KeyOrigin": "AWS_KMS", "aws:ResourceTag/team": "shop",
		"aws:PrincipalIsAWSService": "false", "aws:ViaAWSService": "false", "kms:CallerAccount": "111122223333",
		"aws:PrincipalAccount": "111122223333", "aws:PrincipalArn": "arn:aws:iam::111122223333:role/shop/api",
		"aws:PrincipalType": "AssumedRole", "aws:MultiFactorAuthPresent": "false", "aws:SecureTransport": "true",
		"aws:PrincipalTag/kubernetes-namespace": "shop", "aws:PrincipalTag/kubernetes-service-account": "api",
		"aws:RequestedRegion": "eu-west-1", "aws:CurrentTime": "2026-05-01T12:00:00Z", "aws:EpochTime": "1777636800",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s\n%v", diff, slices.Sorted(maps.Keys(got)))
	}
	for principal, want := range map[string]string{
		"111122223333": "Account", "arn:aws:iam::111122223333:user/a/bob": "User", "arn:aws:sts::111122223333:assumed-role/r/s": "AssumedRole",
		"arn:aws:sts::111122223333:federated-user/eve": "FederatedUser", "s3.amazonaws.com": "",
	} {
		who, err := w.caller(principal, &s.home)
		if err != nil || who.principalType() != want {
			t.Errorf("%s is of type %q, %v", principal, who.principalType(), err)
		}
	}
	user := caller{Principal: policy.Principal{ARN: "arn:aws:iam::111122223333:user/a/bob"}}
	if got := question.context(&s.home, s.key, &user)["aws:username"]; !slices.Equal(got, []string{"bob"}) {
		t.Errorf("the user's name is %v", got)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package lint_test

import (
	"strconv"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/policy/lint"
)

func TestEverybodyIsLetInUnlessAConditionSaysWhoOrWhence(t *testing.T) {
	limited := []string{
		`"StringEquals":{"kms:CallerAccount":"111122223333"}`,
		`"StringEqualsIgnoreCase":{"KMS:CALLERACCOUNT":["111122223333","444455556666"]}`,
		`"StringLike":{"aws:PrincipalAccount":"111122223333"}`,
		`"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}`,
		`"ForAnyValue:StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}`,
		`"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-a1b2c3d4e5/*"}`,
		`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/*"}`,
		`"ArnEquals":{"aws:PrincipalArn":"arn:*:iam::111122223333:*"}`,
		`"StringLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/*"}`,
		`"StringEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/*"}`,
		`"ArnLike":{"aws:SourceArn":"arn:aws:s3:::example-bucket"}`,
		`"ArnLike":{"aws:SourceArn":"arn:aws:s3:::example-bucket/*"}`,
		`"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:111122223333:*"}`,
		`"StringEquals":{"aws:SourceAccount":"111122223333"}`,
		`"StringEquals":{"aws:SourceVpce":"vpce-1234"}`,
		`"StringEquals":{"aws:PrincipalServiceName":"logs.amazonaws.com"}`,
		`"IpAddress":{"aws:SourceIp":["192.0.2.0/24","2001:db8::/32","203.0.113.7"]}`,
		`"StringLike":{"kms:ViaService":"*"},"StringEquals":{"aws:SourceVpc":"vpc-1234"}`,
	}
	open := []string{
		``,
		`"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com"}`,
		`"StringEquals":{"kms:EncryptionContext:tenant":"blue"}`,
		`"Bool":{"aws:SecureTransport":"true"}`,
		`"StringNotEquals":{"kms:CallerAccount":"444455556666"}`,
		`"StringEqualsIfExists":{"kms:CallerAccount":"111122223333"}`,
		`"ForAllValues:StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}`,
		`"Null":{"aws:PrincipalOrgID":"false"}`,
		`"Null":{"aws:PrincipalOrgID":"true"}`,
		`"StringLike":{"kms:CallerAccount":"*"}`,
		`"StringLike":{"kms:CallerAccount":["111122223333","????????????"]}`,
		`"StringLike":{"aws:PrincipalOrgID":"o-*"}`,
		`"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-*"}`,
		`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/Admin"}`,
		`"ArnLike":{"aws:PrincipalArn":["arn:aws:iam::111122223333:role/*","arn:aws:iam::44445555????:role/*"]}`,
		`"StringLike":{"aws:PrincipalArn":"*:role/Admin"}`,
		`"StringLike":{"aws:PrincipalArn":"*"}`,
		`"ArnLike":{"aws:SourceArn":"arn:aws:s3:::*"}`,
		`"ArnLike":{"aws:SourceArn":"arn:aws:s3:::example-*"}`,
		`"StringLike":{"aws:SourceArn":"arn:aws:sns:*:111122223333:topic"}`,
		`"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:*:topic"}`,
		`"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}`,
		`"IpAddress":{"aws:SourceIp":"::/0"}`,
		`"IpAddress":{"aws:SourceIp":["0.0.0.0/1","128.0.0.0/1"]}`,
		`"IpAddress":{"aws:SourceIp":["192.0.2.0/24","2000::/3"]}`,
		`"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}`,
		`"IpAddress":{"aws:VpcSourceIp":"10.0.0.0/8"}`,
		`"NumericLessThan":{"kms:CallerAccount":"999999999999"}`,
	}
	isOpen := func(conditions string) bool {
		doc := parse(t, delegation, `{"Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*","Condition":{`+conditions+`}}`)
		errs := withSeverity(lint.Lint(doc, lint.About{AccountID: home}), lint.Error)
		if len(errs) > 1 {
			t.Errorf("%s: %v", conditions, errs)
		}
		return len(errs) > 0
	}
	for _, conditions := range limited {
		if isOpen(conditions) {
			t.Errorf("{%s} is no limit", conditions)
		}
	}
	for _, conditions := range open {
		if !isOpen(conditions) {
			t.Errorf("{%s} is a limit", conditions)
		}
	}
}

func TestOnlyAnAllowLetsEverybodyIn(t *testing.T) {
	for statement, want := range map[string]int{
		`{"Effect":"Deny","Principal":"*","Action":"kms:Decrypt","Resource":"*"}`:                                   0,
		`{"Effect":"Allow","Principal":{"Service":"logs.amazonaws.com"},"Action":"kms:Decrypt","Resource":"*"}`:     0,
		`{"Effect":"Allow","Principal":{"AWS":["*","111122223333"]},"Action":"kms:Decrypt","Resource":"*"}`:         1,
		`{"Effect":"Allow","Principal":{"AWS":"*"},"NotAction":"kms:Decrypt","Resource":"arn:aws:kms:*:*:key/abc"}`: 1,
	} {
		if errs := withSeverity(lint.Lint(parse(t, delegation, statement), lint.About{}), lint.Error); len(errs) != want {
			t.Errorf("%s: %v", statement, errs)
		}
	}
}

// Networks that are small by themselves can be everything together.
func TestAllSmallNetworksTogetherAreEverybody(t *testing.T) {
	networks := ""
	for i := range 256 {
		if i > 0 {
			networks += ","
		}
		networks += `"` + strconv.Itoa(i) + `.0.0.0/8"`
	}
	everything := `{"Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":[` + networks + `]}}}`
	if errs := withSeverity(lint.Lint(parse(t, delegation, everything), lint.About{}), lint.Error); len(errs) != 1 {
		t.Errorf("%v", errs)
	}
}

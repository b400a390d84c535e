// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

func BenchmarkEvaluate(b *testing.B) {
	session := policy.Principal{ARN: roleARN, SessionARN: sessionARN, Account: home}
	context := map[string][]string{"kms:GrantIsForAWSResource": {"true"}, "kms:CallerAccount": {home}, "aws:SourceIp": {"10.0.0.1"}}
	for name, c := range map[string]struct{ document, action string }{
		"OneStatement":   {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + roleARN + `"},"Action":"kms:Encrypt","Resource":"*"}}`, "kms:Encrypt"},
		"FourStatements": {publishedExample, "kms:Decrypt"},
		"ACondition":     {publishedExample, "kms:CreateGrant"},
	} {
		b.Run(name, func(b *testing.B) {
			doc, err := policy.Parse([]byte(c.document))
			if err != nil {
				b.Fatal(err)
			}
			request := policy.Request{Principal: session, Action: c.action, Resource: keyARN, Context: context}
			b.ReportAllocs()
			for b.Loop() {
				if policy.Evaluate(doc, request).Verdict != policy.AllowedDirectly {
					b.Fatal("refused")
				}
			}
		})
	}
}

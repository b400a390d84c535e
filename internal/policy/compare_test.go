// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// readers is a policy of one statement, into which tests put what they are about.
func readers(statement string) string {
	return `{"Version":"2012-10-17","Statement":[{"Sid":"readers AllowDecrypt",` + statement + `}]}`
}

const (
	plainRest = `"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"`
	deleted   = "AROAEXAMPLEEXAMPLE12"
	deleted2  = "AROAEXAMPLEEXAMPLE34"
	role2     = "arn:aws:iam::111122223333:role/zeta"
)

func TestWhatAWSRewritesIsNoDifference(t *testing.T) {
	tests := map[string]struct{ want, have string }{
		"a list of one": {
			readers(`"Principal":{"AWS":"111122223333"},` + plainRest),
			readers(`"Principal":{"AWS":["111122223333"]},"Effect":"Allow","Action":["kms:Decrypt"],"Resource":["*"]`),
		},
		"an account by its root": {
			readers(`"Principal":{"AWS":"111122223333"},` + plainRest),
			readers(`"Principal":{"AWS":"arn:aws:iam::111122223333:root"},` + plainRest),
		},
		"everybody": {
			readers(`"Principal":"*",` + plainRest),
			readers(`"Principal":{"AWS":"*"},` + plainRest),
		},
		"the order of principals": {
			readers(`"Principal":{"AWS":["` + userARN + `","` + roleARN + `"]},` + plainRest),
			readers(`"Principal":{"AWS":["` + roleARN + `","` + userARN + `"]},` + plainRest),
		},
		"the case of actions and condition keys": {
			readers(`"Principal":"*","Effect":"Deny","Action":"kms:decrypt","Resource":"*",` +
				`"Condition":{"StringEquals":{"kms:EncryptionContext:Tenant":["a","b"]}}`),
			readers(`"Principal":"*","Effect":"Deny","Action":"KMS:Decrypt","Resource":"*",` +
				`"Condition":{"StringEquals":{"KMS:encryptioncontext:tenant":["b","a"]}}`),
		},
		"a boolean as a string": {
			readers(`"Principal":"*",` + plainRest + `,"Condition":{"Bool":{"aws:SecureTransport":true}}`),
			readers(`"Principal":"*",` + plainRest + `,"Condition":{"Bool":{"aws:SecureTransport":"true"}}`),
		},
		"the Id": {
			`{"Version":"2012-10-17","Id":"one","Statement":{"Principal":"*",` + plainRest + `}}`,
			`{"Version":"2012-10-17","Statement":[{"Principal":"*",` + plainRest + `}]}`,
		},
		"the Version of a document without one": {
			`{"Statement":{"Principal":"*",` + plainRest + `}}`,
			`{"Version":"2008-10-17","Statement":{"Principal":"*",` + plainRest + `}}`,
		},
		"the order of statements without Sids": {
			`{"Statement":[{"Principal":"*",` + plainRest + `},{"Principal":{"AWS":"111122223333"},` + plainRest + `}]}`,
			`{"Statement":[{"Principal":{"AWS":"111122223333"},` + plainRest + `},{"Principal":"*",` + plainRest + `}]}`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			want, have := parse(t, tt.want), parse(t, tt.have)
			for _, got := range []policy.Comparison{policy.Compare(want, have), policy.Compare(have, want)} {
				if !got.Equal() || got.Orphans != nil {
					t.Errorf("not equal: %+v", got)
				}
			}
		})
	}
}

func TestADifferenceIsNamedByStatementAndElement(t *testing.T) {
	base := readers(`"Principal":{"AWS":"` + roleARN + `"},` + plainRest)
	tests := map[string]struct {
		want, have  string
		differences []string
	}{
		"action missing": {
			readers(`"Principal":{"AWS":"` + roleARN + `"},"Effect":"Allow","Action":["kms:Decrypt","kms:Encrypt"],"Resource":"*"`), base,
			[]string{`statement "readers AllowDecrypt": Action: kms:Encrypt is missing`},
		},
		"principal not declared": {
			base, readers(`"Principal":{"AWS":["` + roleARN + `","` + userARN + `"]},` + plainRest),
			[]string{`statement "readers AllowDecrypt": Principal: ` + userARN + ` is there and not declared`},
		},
		"service not declared": {
			base, readers(`"Principal":{"AWS":"` + roleARN + `","Service":"logs.amazonaws.com"},` + plainRest),
			[]string{`statement "readers AllowDecrypt": Principal Service: logs.amazonaws.com is there and not declared`},
		},
		"effect": {
			base, readers(`"Principal":{"AWS":"` + roleARN + `"},"Effect":"Deny","Action":"kms:Decrypt","Resource":"*"`),
			[]string{
				`statement "readers AllowDecrypt": Effect: Allow is missing`,
				`statement "readers AllowDecrypt": Effect: Deny is there and not declared`,
			},
		},
		"condition missing": {
			readers(`"Principal":{"AWS":"` + roleARN + `"},` + plainRest + `,"Condition":{"StringLike":{"kms:ViaService":"s3.*"}}`), base,
			[]string{`statement "readers AllowDecrypt": Condition: StringLike kms:ViaService "s3.*" is missing`},
		},
		"the case of a value": {
			readers(`"Principal":"*",` + plainRest + `,"Condition":{"StringEquals":{"kms:EncryptionContext:tenant":"Blue"}}`),
			readers(`"Principal":"*",` + plainRest + `,"Condition":{"StringEquals":{"kms:EncryptionContext:tenant":"blue"}}`),
			[]string{
				`statement "readers AllowDecrypt": Condition: StringEquals kms:EncryptionContext:tenant "Blue" is missing`,
				`statement "readers AllowDecrypt": Condition: StringEquals kms:EncryptionContext:tenant "blue" is there and not declared`,
			},
		},
		"both of two conditions against either of two values": {
			readers(`"Principal":"*",` + plainRest + `,"Condition":{"StringLike":{"aws:TagKeys":"a","AWS:tagkeys":"b"}}`),
			readers(`"Principal":"*",` + plainRest + `,"Condition":{"StringLike":{"aws:TagKeys":["a","b"]}}`),
			[]string{
				`statement "readers AllowDecrypt": Condition: StringLike AWS:tagkeys ["b"] is missing`,
				`statement "readers AllowDecrypt": Condition: StringLike aws:TagKeys ["a"] is missing`,
				`statement "readers AllowDecrypt": Condition: StringLike aws:TagKeys "a" is there and not declared`,
				`statement "readers AllowDecrypt": Condition: StringLike aws:TagKeys "b" is there and not declared`,
			},
		},
		"statements": {
			`{"Statement":[{"Sid":"x","Principal":"*",` + plainRest + `}]}`,
			`{"Statement":[{"Sid":"y","Principal":{"AWS":"111122223333"},` + plainRest + `},{"Principal":"*","Effect":"Deny","Action":"*","Resource":"*"}]}`,
			[]string{`statement "x" is missing`, `statement "y" is not declared`, `Statement[1] is not declared`},
		},
		"another Sid": {
			`{"Statement":[{"Sid":"x","Principal":"*",` + plainRest + `}]}`,
			`{"Statement":[{"Sid":"y","Principal":"*",` + plainRest + `}]}`,
			[]string{`statement "x": Sid: "x" is declared and "y" is there`},
		},
		"one element of a statement without a Sid": {
			`{"Statement":[{"Principal":"*","Effect":"Deny","Action":"kms:Sign","Resource":"*"},{"Principal":"*",` + plainRest + `}]}`,
			`{"Statement":[{"Principal":"*","Effect":"Allow","Action":"kms:Dec*","Resource":"*"},` +
				`{"Principal":"*","Effect":"Deny","Action":"kms:Sign","Resource":"*"}]}`,
			[]string{
				`Statement[1]: Action: kms:Decrypt is missing`, `Statement[1]: Action: kms:Dec* is there and not declared`,
			},
		},
		"a statement twice": {
			`{"Statement":[{"Principal":"*",` + plainRest + `}]}`,
			`{"Statement":[{"Principal":"*",` + plainRest + `},{"Principal":"*",` + plainRest + `}]}`,
			[]string{`Statement[1] is not declared`},
		},
		"version": {
			`{"Version":"2012-10-17","Statement":{"Principal":"*",` + plainRest + `}}`, `{"Statement":{"Principal":"*",` + plainRest + `}}`,
			[]string{`Version: 2012-10-17 is declared and 2008-10-17 is there`},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := policy.Compare(parse(t, tt.want), parse(t, tt.have))
			if diff := cmp.Diff(tt.differences, got.Differences); diff != "" || got.Orphans != nil {
				t.Errorf("(-want +got):\n%s%v", diff, got.Orphans)
			}
		})
	}
}

func TestAUniqueIDStandsForADeletedPrincipal(t *testing.T) {
	with := func(principals ...string) string {
		return readers(`"Principal":{"AWS":["` + strings.Join(principals, `","`) + `"]},` + plainRest)
	}
	orphan := func(id string, candidates ...string) policy.Orphan {
		return policy.Orphan{Statement: "readers AllowDecrypt", UniqueID: id, Candidates: candidates}
	}
	difference := func(principal, what string) string {
		return `statement "readers AllowDecrypt": Principal: ` + principal + " " + what
	}
	const notDeclared = "is there and not declared"
	tests := map[string]struct {
		want, have  string
		orphans     []policy.Orphan
		differences []string
	}{
		"one of two":              {with(roleARN, userARN), with(deleted, userARN), []policy.Orphan{orphan(deleted, roleARN)}, nil},
		"a user":                  {with(userARN), with("AIDAEXAMPLEEXAMPLE12"), []policy.Orphan{orphan("AIDAEXAMPLEEXAMPLE12", userARN)}, nil},
		"nobody is missing":       {with(roleARN), with(roleARN, deleted), nil, []string{difference(deleted, notDeclared)}},
		"a user's ID for a role":  {with(roleARN), with("AIDAEXAMPLEEXAMPLE12"), nil, []string{difference(roleARN, "is missing"), difference("AIDAEXAMPLEEXAMPLE12", notDeclared)}},
		"a role's for a session":  {with(sessionARN), with(deleted), nil, []string{difference(sessionARN, "is missing"), difference(deleted, notDeclared)}},
		"declared itself":         {with(deleted), with(deleted), nil, nil},
		"two, in whichever order": {with(roleARN, role2), with(deleted2, deleted), []policy.Orphan{orphan(deleted, roleARN, role2), orphan(deleted2, roleARN, role2)}, nil},
		"more IDs than are missing": {
			with(roleARN), with(deleted, deleted2), []policy.Orphan{orphan(deleted, roleARN)}, []string{difference(deleted2, notDeclared)},
		},
		"fewer IDs than are missing": {
			with(roleARN, role2), with(deleted), []policy.Orphan{orphan(deleted, roleARN, role2)},
			[]string{difference(role2, "is missing")},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := policy.Compare(parse(t, tt.want), parse(t, tt.have))
			if diff := cmp.Diff(policy.Comparison{Differences: tt.differences, Orphans: tt.orphans}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestOrphansOfStatementsWithoutSidsArePairedByWhatElseTheySay(t *testing.T) {
	statement := func(principals string) string { return `{"Principal":{"AWS":` + principals + `},` + plainRest + `}` }
	want := parse(t, `{"Statement":[`+statement(`["`+roleARN+`","`+userARN+`"]`)+`,`+statement(`["`+roleARN+`","`+role2+`"]`)+`]}`)
	have := parse(t, `{"Statement":[`+statement(`["`+deleted2+`","`+deleted+`"]`)+`,`+statement(`["`+deleted+`","`+userARN+`"]`)+`]}`)
	got := policy.Compare(want, have)
	if !got.Equal() || len(got.Orphans) != 3 || got.Orphans[0].Statement != "Statement[0]" {
		t.Errorf("got %+v", got)
	}
}

func TestAComparisonIsBounded(t *testing.T) {
	want, have := policy.Default("111122223333"), policy.Default("111122223333")
	for i := range 100 {
		want.Statements[0].Action = append(want.Statements[0].Action, fmt.Sprintf("kms:%s%d", strings.Repeat("x", 1000), i))
	}
	got := policy.Compare(want, have)
	if len(got.Differences) != 33 || got.Differences[32] != "and 68 more" || len(got.Differences[0]) > 400 {
		t.Errorf("%d differences, the last is %q, the first has %d bytes",
			len(got.Differences), got.Differences[len(got.Differences)-1], len(got.Differences[0]))
	}
}

func TestNoDocumentHasNoStatements(t *testing.T) {
	doc := policy.Default("111122223333")
	if got := policy.Compare(nil, nil); !got.Equal() {
		t.Errorf("nil and nil: %+v", got)
	}
	want := []string{`statement "Enable IAM User Permissions" is missing`}
	if diff := cmp.Diff(want, policy.Compare(doc, nil).Differences); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

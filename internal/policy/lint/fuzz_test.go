// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package lint_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
	"github.com/chatelaine-dev/chatelaine/internal/policy/lint"
)

// FuzzLint holds the linter to its promise: under policy.Base, a document without errors leaves the operator able to do all
// that Base allows, directly and whatever else the request is like.
func FuzzLint(f *testing.F) {
	for _, example := range documented {
		f.Add(`{"Statement":[`+strings.Join(example.statements, ",")+`]}`, true, false)
	}
	for _, deny := range []string{
		`"Principal":"*"`, `"NotPrincipal":{"AWS":["` + userOperatorARN + `","111122223333"]}`,
		`"Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/chatelaine/session"}`,
		`"Principal":{"Federated":"accounts.example.com"}`,
		`"Principal":"*","Condition":{"ArnNotEquals":{"aws:PrincipalArn":"` + operatorARN + `"}}`,
		`"Principal":"*","Condition":{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*","kms:viaservice":"x"}}`,
		`"Principal":"*","Condition":{"ForAllValues:StringEquals":{"aws:tagkeys":["a","b"]},"Null":{"kms:CallerAccount":"false"}}`,
		`"Principal":"*","Condition":{"ForAnyValue:StringNotEqualsIfExists":{"aws:PrincipalAccount":"111122223333"}}`,
	} {
		f.Add(`{"Statement":`+statement(`"Effect":"Deny","Action":"kms:T*",`+deny)+`}`, true, true)
		f.Add(`{"Statement":`+statement(`"Effect":"Deny","NotAction":"kms:Decrypt",`+deny)+`}`, false, true)
	}
	f.Fuzz(func(t *testing.T, text string, role, withValues bool) {
		doc, err := policy.Parse([]byte(text))
		if err != nil {
			return
		}
		arn := userOperatorARN
		if role {
			arn = operatorARN
		}
		lint.Lint(doc, lint.About{})
		about := lint.About{
			Spec: keyspec.RSA2048, Usage: keyspec.SignVerify, OperatorARN: arn, AccountID: home, NamesServiceAccounts: withValues,
		}
		doc.Statements = append(doc.Statements, policy.Base(arn, home))
		findings := lint.Lint(doc, about)
		for _, finding := range findings {
			if finding.Problem == "" || finding.Statement >= len(doc.Statements) {
				t.Errorf("%+v", finding)
			}
		}
		if withSeverity(findings, lint.Error) == nil {
			administers(t, doc, arn, withValues)
		}
	})
}

// administers checks that the operator can do all that Base allows, in requests that meet the document's conditions as far as
// they can, and in such that have nothing.
func administers(t *testing.T, doc *policy.Document, arn string, withValues bool) {
	t.Helper()
	context := map[string][]string{}
	if withValues {
		for _, s := range doc.Statements {
			for _, condition := range s.Conditions {
				key := strings.ToLower(condition.Key)
				context[key] = append(context[key], condition.Values...)
			}
		}
	}
	context["aws:principalarn"], context["aws:principalaccount"], context["kms:calleraccount"] = []string{arn}, []string{home}, []string{home}
	operator := policy.Principal{ARN: arn, Account: home}
	if strings.Contains(arn, ":role/") {
		operator.SessionARN = "arn:aws:sts::111122223333:assumed-role/chatelaine/session"
		operator.Federated = "accounts.example.com"
	}
	for _, action := range policy.Administration() {
		decision := policy.Evaluate(doc, policy.Request{
			Principal: operator, Action: action, Resource: "arn:aws:kms:eu-west-1:111122223333:key/x", Context: context,
		})
		if decision.Verdict != policy.AllowedDirectly {
			t.Errorf("%s: %+v, by\n%s", action, decision, doc)
		}
	}
}

func TestARandomDenyWithoutAnErrorSparesTheOperator(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	spared, struck := 0, 0
	for range 4000 {
		arn := pick(random, operatorARN, userOperatorARN)
		doc := parse(t, randomDeny(random), randomDeny(random))
		doc.Statements = append(doc.Statements, policy.Base(arn, home))
		if withSeverity(lint.Lint(doc, lint.About{OperatorARN: arn, AccountID: home}), lint.Error) != nil {
			struck++
			continue
		}
		spared++
		administers(t, doc, arn, true)
		administers(t, doc, arn, false)
	}
	if spared < 100 || struck < 100 {
		t.Errorf("%d spared, %d struck: the generator does not test it", spared, struck)
	}
}

func pick(random *rand.Rand, from ...string) string { return from[random.IntN(len(from))] }

// randomDeny is about some of those whom the operator could be taken for, some of what it does and, most often, a condition.
func randomDeny(random *rand.Rand) string {
	principal := func() string {
		return `"` + pick(random, operatorARN, userOperatorARN, rootARN, home, away, adminARN, "*",
			"arn:aws:sts::111122223333:assumed-role/chatelaine/session", "arn:aws:sts::111122223333:assumed-role/other/session") + `"`
	}
	deny := `"Effect":"Deny","` + pick(random, "Principal", "NotPrincipal") + `":{"AWS":[` + principal() + "," + principal() + `]},` +
		`"` + pick(random, "Action", "NotAction") + `":"` + pick(random, "kms:*", "kms:De*", "kms:Decrypt", "kms:TagResource") + `"`
	if random.IntN(4) > 0 {
		comparison := pick(random, "StringEquals", "StringNotEquals", "StringLike", "ArnNotLike", "ArnEquals")
		value := pick(random, operatorARN, userOperatorARN, "arn:aws:iam::*:user/*")
		if strings.HasPrefix(comparison, "String") {
			value = pick(random, value, home, away, "*", "x")
		}
		deny += `,"Condition":{"` + pick(random, "", "ForAllValues:", "ForAnyValue:") + comparison + pick(random, "", "IfExists") + `":{"` +
			pick(random, "aws:PrincipalArn", "AWS:principalaccount", "kms:CallerAccount", "kms:ViaService", "aws:TagKeys") + `":"` + value + `"}}`
	}
	return statement(deny)
}

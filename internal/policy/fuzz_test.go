// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

func FuzzADocumentThatParsesHasOneCanonicalForm(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "[]", "null", `{"Statement":[]}`, defaultPolicy, publishedExample,
		`{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"Bool":{"a:b":true}}}}`,
		`{"Id":"\u4e2d\ud83d\ude00\u0000","Statement":{"Effect":"Deny","NotPrincipal":{"AWS":"*"},"NotAction":"a:b","Resource":"*"}}`,
		`{"Version":"2012-10-17","Version":"2012-10-17"}`, strings.Repeat("[", 3000), `{"Id":"\ud800"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := policy.Parse([]byte(text))
		if err != nil {
			if problem, ok := errors.AsType[*policy.Error](err); !ok || problem.Problem == "" {
				t.Errorf("error %v is not an *Error with a problem", err)
			}
			return
		}
		canonical := doc.String()
		if len(canonical) > policy.MaxBytes {
			return
		}
		again, err := policy.Parse([]byte(canonical))
		if err != nil {
			t.Fatalf("%s\nfrom %s: %v", canonical, text, err)
		}
		if diff := cmp.Diff(doc, again); diff != "" {
			t.Errorf("parsed again, the document changed (-first +second):\n%s", diff)
		}
		if second := again.String(); second != canonical {
			t.Errorf("two canonical forms:\n%s\n%s", canonical, second)
		}
	})
}

func FuzzEvaluateAgreesWithTheReference(f *testing.F) {
	for seed := range uint64(64) {
		f.Add(seed, seed*7+1)
	}
	f.Fuzz(func(t *testing.T, a, b uint64) { agree(t, rand.New(rand.NewPCG(a, b))) })
}

func TestEvaluateAgreesWithTheReferenceOnRandomPolicies(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	verdicts := map[policy.Verdict]int{}
	for range 5000 {
		verdicts[agree(t, random)]++
	}
	for _, verdict := range []policy.Verdict{
		policy.ImplicitDeny, policy.ExplicitDeny, policy.AllowedToAccount, policy.AllowedDirectly,
	} {
		if verdicts[verdict] < 50 {
			t.Errorf("only %d of the policies gave %v: the generator does not test it", verdicts[verdict], verdict)
		}
	}
}

func agree(t *testing.T, random *rand.Rand) policy.Verdict {
	t.Helper()
	document, request := randomPolicy(random), randomRequest(random)
	got := policy.Evaluate(parse(t, document), request).Verdict
	if want := reference(document, request); got != want {
		t.Errorf("Evaluate says %v, the reference %v, on\n%s\n%+v", got, want, document, request)
	}
	if again := policy.Evaluate(parse(t, parse(t, document).String()), request).Verdict; again != got {
		t.Errorf("the canonical form gives %v, the document %v:\n%s\n%+v", again, got, document, request)
	}
	return got
}

func TestAddingADenyNeverAllowsMore(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		doc, request := parse(t, randomPolicy(random)), randomRequest(random)
		before := policy.Evaluate(doc, request).Verdict
		deny := randomStatement(random)
		deny["Effect"] = "Deny"
		added := parse(t, marshal(map[string]any{"Version": policy.Version2012, "Statement": deny}))
		doc.Statements = slices.Insert(doc.Statements, random.IntN(len(doc.Statements)+1), added.Statements...)
		after := policy.Evaluate(doc, request).Verdict
		if after != before && after != policy.ExplicitDeny {
			t.Fatalf("a Deny turned %v into %v:\n%s\n%+v", before, after, doc, request)
		}
	}
}

func TestTheOrderOfStatementsIsIrrelevant(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 5000 {
		doc, request := parse(t, randomPolicy(random)), randomRequest(random)
		before := policy.Evaluate(doc, request).Verdict
		random.Shuffle(len(doc.Statements), func(i, j int) {
			doc.Statements[i], doc.Statements[j] = doc.Statements[j], doc.Statements[i]
		})
		if after := policy.Evaluate(doc, request).Verdict; after != before {
			t.Fatalf("in another order, %v became %v:\n%s\n%+v", before, after, doc, request)
		}
	}
}

// The vocabularies are small, so that random policies and random requests meet.
var (
	callers = []policy.Principal{
		{},
		{ARN: userARN, Account: home},
		{ARN: roleARN, SessionARN: sessionARN, Account: home},
		{ARN: roleARN, SessionARN: otherSessionARN, Account: home, Federated: "accounts.example.com"},
		{ARN: rootARN, Account: home},
		{ARN: "arn:aws:iam::444455556666:role/app", Account: "444455556666"},
		{Service: "logs.amazonaws.com"},
	}
	entries = []string{
		"*", home, rootARN, userARN, roleARN, sessionARN, otherSessionARN, "444455556666", "AROAEXAMPLEEXAMPLE12",
	}
	actions     = []string{"kms:*", "KMS:decrypt", "kms:Encrypt", "kms:De*", "kms:??crypt", "*", "kms:GenerateDataKey*"}
	resources   = []string{"*", keyARN, "arn:aws:kms:*:111122223333:key/*", "arn:aws:kms:eu-west-1:111122223333:key/other"}
	keys        = []string{"kms:EncryptionContext:Tenant", "aws:SourceIp", "KMS:ViaService", "aws:TagKeys"}
	names       = []string{"kms:encryptioncontext:tenant", "aws:SourceIp", "kms:ViaService", "aws:TagKeys"}
	contextBits = []string{
		"blue", "Blue", "bl*", "b?ue", "10", "10.0", "11", "true", "False", "10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1",
		keyARN, roleARN, "2026-01-01", "2026-01-01T00:00:00Z", "1767225600", "",
	}
	operands = map[string][]any{
		"String":  {"blue", "Blue", "bl*", "b?ue", "*", "10", true, ""},
		"Numeric": {10, "10.0", 11, "-1"},
		"Date":    {"2026-01-01", "2026-01-01T01:00:00+01:00", 1767225601},
		"Bool":    {true, "false"},
		"Ip":      {"10.0.0.0/8", "10.1.2.3", "2001:db8::/32"},
		"Arn":     {keyARN, roleARN, "arn:aws:*:*:*:*", "arn:aws:iam::*:role/a??"},
	}
	operatorNames = map[string][]string{
		"String": {
			"StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase",
		},
		"Numeric": {
			"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan",
			"NumericGreaterThanEquals",
		},
		"Date": {
			"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals",
		},
		"Bool": {"Bool", "Null"},
		"Ip":   {"IpAddress", "NotIpAddress"},
		"Arn":  {"ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"},
	}
	families = []string{"String", "Numeric", "Date", "Bool", "Ip", "Arn"}
)

func pick[T any](random *rand.Rand, from []T) T { return from[random.IntN(len(from))] }

func some[T any](random *rand.Rand, from []T, most int) []T {
	picked := make([]T, 1+random.IntN(most))
	for i := range picked {
		picked[i] = pick(random, from)
	}
	return picked
}

func randomPolicy(random *rand.Rand) string {
	statements := make([]any, 1+random.IntN(4))
	for i := range statements {
		statements[i] = randomStatement(random)
	}
	return marshal(map[string]any{"Version": policy.Version2012, "Statement": statements})
}

func randomStatement(random *rand.Rand) map[string]any {
	statement := map[string]any{"Effect": "Allow", "Resource": some(random, resources, 2)}
	if random.IntN(3) == 0 {
		statement["Effect"] = "Deny"
	}
	principal := map[string]any{"AWS": some(random, entries, 3)}
	if random.IntN(3) == 0 {
		principal = map[string]any{"Service": "logs.amazonaws.com", "Federated": []string{"accounts.example.com"}}
	}
	statement["Principal"] = principal
	if statement["Effect"] == "Deny" && random.IntN(2) == 0 {
		delete(statement, "Principal")
		statement["NotPrincipal"] = map[string]any{"AWS": some(random, entries, 6)}
	}
	statement["Action"] = some(random, actions, 2)
	if random.IntN(5) == 0 {
		delete(statement, "Action")
		statement["NotAction"] = pick(random, actions)
	}
	if random.IntN(2) == 0 {
		conditions := map[string]any{}
		for range 1 + random.IntN(2) {
			name, operand := randomCondition(random)
			conditions[name] = operand
		}
		statement["Condition"] = conditions
	}
	return statement
}

func randomCondition(random *rand.Rand) (string, map[string]any) {
	family := pick(random, families)
	name := pick(random, operatorNames[family])
	operand := map[string]any{pick(random, keys): some(random, operands[family], 2)}
	if name == "Null" {
		return name, operand
	}
	return pick(random, []string{"", "", "ForAllValues:", "ForAnyValue:"}) + name + pick(random, []string{"", "IfExists"}), operand
}

func randomRequest(random *rand.Rand) policy.Request {
	request := policy.Request{
		Principal: pick(random, callers),
		Action:    pick(random, []string{"kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:PutKeyPolicy"}),
		Resource:  keyARN,
		Context:   map[string][]string{},
	}
	for _, name := range names {
		if random.IntN(3) > 0 {
			request.Context[name] = some(random, contextBits, 2)
		}
	}
	return request
}

func marshal(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}

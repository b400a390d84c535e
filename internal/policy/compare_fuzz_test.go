// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

func FuzzCompare(f *testing.F) {
	f.Add(defaultPolicy, publishedExample)
	f.Add(`{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"Bool":{"a:b":true,"A:B":false}}}}`, "{}")
	f.Fuzz(func(t *testing.T, a, b string) {
		first, err1 := policy.Parse([]byte(a))
		second, err2 := policy.Parse([]byte(b))
		if err1 == nil && !policy.Compare(first, first).Equal() {
			t.Errorf("%s is not equal to itself: %+v", a, policy.Compare(first, first))
		}
		if err1 != nil || err2 != nil {
			return
		}
		there, back := policy.Compare(first, second), policy.Compare(second, first)
		if len(there.Orphans)+len(back.Orphans) == 0 && there.Equal() != back.Equal() {
			t.Errorf("one way %+v, the other %+v", there, back)
		}
	})
}

func TestADocumentThatAWSHasRewrittenIsEqual(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for range 3000 {
		text := randomPolicy(random)
		want := parse(t, text)
		have := parse(t, rewritten(random, text))
		if got := policy.Compare(want, have); !got.Equal() || got.Orphans != nil {
			t.Fatalf("%+v\n%s\n%s", got, want, have)
		}
		if got := policy.Compare(have, want); !got.Equal() || got.Orphans != nil {
			t.Fatalf("the other way: %+v\n%s\n%s", got, want, have)
		}
	}
}

// rewritten is the document as AWS may give it back.
func rewritten(random *rand.Rand, text string) string {
	var doc map[string]any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		panic(err)
	}
	doc["Id"] = "rewritten"
	statements := as[[]any](doc["Statement"])
	shuffle(random, statements)
	for _, item := range statements {
		statement := as[map[string]any](item)
		for _, element := range []string{"Action", "NotAction", "Resource"} {
			if value, ok := statement[element]; ok {
				statement[element] = rewrittenList(random, value, recased(element))
			}
		}
		for _, element := range []string{"Principal", "NotPrincipal"} {
			if kinds, ok := statement[element].(map[string]any); ok {
				for kind, value := range kinds {
					kinds[kind] = rewrittenList(random, value, swapAccount)
				}
			}
		}
		conditions, _ := statement["Condition"].(map[string]any)
		for operator, keys := range conditions {
			renamed := map[string]any{}
			for key, values := range as[map[string]any](keys) {
				renamed[strings.ToUpper(key)] = rewrittenList(random, values, func(_ *rand.Rand, s string) string { return s })
			}
			conditions[operator] = renamed
		}
	}
	return marshal(doc)
}

func recased(element string) func(*rand.Rand, string) string {
	return func(random *rand.Rand, s string) string {
		if element != "Resource" && random.IntN(2) == 0 {
			return strings.ToUpper(s)
		}
		return s
	}
}

// swapAccount writes an account the other way.
func swapAccount(random *rand.Rand, principal string) string {
	switch account := policy.WholeAccount(principal); {
	case account == "" || random.IntN(2) == 0:
		return principal
	case account == principal:
		return "arn:aws:iam::" + account + ":root"
	default:
		return account
	}
}

func rewrittenList(random *rand.Rand, value any, rewrite func(*rand.Rand, string) string) any {
	list := slices.Clone(many(value))
	for i, item := range list {
		if text, ok := item.(string); ok {
			list[i] = rewrite(random, text)
		}
	}
	shuffle(random, list)
	if len(list) == 1 && random.IntN(2) == 0 {
		return list[0]
	}
	return list
}

func shuffle(random *rand.Rand, list []any) {
	random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

func TestWhateverChangesAnAnswerIsADifference(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	changed := 0
	for range 6000 {
		text := randomPolicy(random)
		want, have := parse(t, text), parse(t, rewritten(random, text))
		mutate(t, random, have)
		there, back := policy.Compare(want, have), policy.Compare(have, want)
		if there.Equal() != back.Equal() && len(there.Orphans)+len(back.Orphans) == 0 {
			t.Fatalf("one way %+v, the other %+v\n%s\n%s", there, back, want, have)
		}
		for range 20 {
			request := randomRequest(random)
			if policy.Evaluate(want, request).Verdict == policy.Evaluate(have, request).Verdict {
				continue
			}
			changed++
			if there.Equal() && len(there.Orphans) == 0 {
				t.Fatalf("equal, but not for %+v:\n%s\n%s", request, want, have)
			}
			break
		}
	}
	if changed < 300 {
		t.Errorf("only %d of the mutations changed an answer: they do not test it", changed)
	}
}

// mutate changes one thing in the document.
func mutate(t *testing.T, random *rand.Rand, doc *policy.Document) {
	t.Helper()
	other := parse(t, marshal(map[string]any{"Statement": randomStatement(random)})).Statements[0]
	s := &doc.Statements[random.IntN(len(doc.Statements))]
	switch random.IntN(7) {
	case 0:
		doc.Statements = slices.Delete(doc.Statements, 0, 1)
	case 1:
		doc.Statements = append(doc.Statements, other)
	case 2:
		s.Principal, s.NotPrincipal, s.Effect = other.Principal, other.NotPrincipal, other.Effect
	case 3:
		s.Action, s.NotAction = other.Action, other.NotAction
	case 4:
		s.Resource = other.Resource
	case 5:
		s.Conditions = other.Conditions
	case 6:
		s.Effect = other.Effect
	}
}

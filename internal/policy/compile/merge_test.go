// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
	"github.com/chatelaine-dev/chatelaine/internal/policy/compile"
)

// randomPolicies are KeyPolicies without mistakes, of distinct names, one of which may be the beginning of another.
func randomPolicies(r *rand.Rand) []*v1alpha1.KeyPolicy {
	names := []string{"a", "a.b", "a-b", "a.b.c", "ab", "b", "b.a", "zz"}
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	permissions := []v1alpha1.Permission{
		v1alpha1.PermissionUse, v1alpha1.PermissionRead, v1alpha1.PermissionEncrypt, v1alpha1.PermissionDecrypt, v1alpha1.PermissionAdminister,
	}
	var made []*v1alpha1.KeyPolicy
	for _, name := range names[:1+r.IntN(len(names))] {
		object := newPolicy(name)
		for i := range 1 + r.IntN(4) {
			rule := allow(fmt.Sprintf("R%d", i), permissions[r.IntN(len(permissions))])
			for range 1 + r.IntN(3) {
				rule.Principals = append(rule.Principals, serviceAccount(fmt.Sprintf("sa%d", r.IntN(4))))
			}
			if r.IntN(3) == 0 {
				rule.Conditions = []v1alpha1.KeyPolicyCondition{
					{Operator: "StringEquals", Key: "kms:EncryptionContext:a", Values: []string{"y", "x"}},
					{Operator: "Bool", Key: "aws:SecureTransport", Values: []string{"true"}},
				}
			}
			object.Spec.Rules = append(object.Spec.Rules, rule)
		}
		made = append(made, object)
	}
	return made
}

// shuffled is the same KeyPolicy, written down in another order.
func shuffled(r *rand.Rand, object *v1alpha1.KeyPolicy) *v1alpha1.KeyPolicy {
	object = object.DeepCopy()
	rules := object.Spec.Rules
	r.Shuffle(len(rules), func(i, j int) { rules[i], rules[j] = rules[j], rules[i] })
	for _, rule := range rules {
		r.Shuffle(len(rule.Principals), func(i, j int) { rule.Principals[i], rule.Principals[j] = rule.Principals[j], rule.Principals[i] })
		r.Shuffle(len(rule.Conditions), func(i, j int) { rule.Conditions[i], rule.Conditions[j] = rule.Conditions[j], rule.Conditions[i] })
		for _, condition := range rule.Conditions {
			slices.Reverse(condition.Values)
		}
	}
	return object
}

func mergeAll(objects []*v1alpha1.KeyPolicy, inForce *policy.Document) compile.Merged {
	parts := make([]compile.Part, 0, len(objects))
	for _, object := range objects {
		parts = append(parts, compile.Compile(object, encrypting, everyAccount))
	}
	return compile.Merge(encrypting, parts, inForce)
}

func parse(t *testing.T, text string) *policy.Document {
	t.Helper()
	document, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return document
}

func TestOrderOfPoliciesRulesAndPrincipalsMakesNoDifference(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		objects := randomPolicies(r)
		merged := mergeAll(objects, nil)
		again := make([]*v1alpha1.KeyPolicy, len(objects))
		for i, object := range objects {
			again[i] = shuffled(r, object)
		}
		r.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
		if other := mergeAll(again, nil); merged.Text != other.Text || merged.Hash != other.Hash {
			t.Fatalf("seed %d: in another order:\n%s\n%s", seed, merged.Text, other.Text)
		}
		if reread := parse(t, merged.Text); reread.String() != merged.Text || compile.Hash(reread) != merged.Hash {
			t.Fatalf("seed %d: read again:\n%s\n%s", seed, merged.Text, reread)
		}
	}
}

func TestTakingAPolicyAwayUndoesExactlyIt(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		objects := randomPolicies(r)
		gone := r.IntN(len(objects))
		rest := slices.Delete(slices.Clone(objects), gone, gone+1)
		with, without := mergeAll(objects, nil), mergeAll(rest, nil)
		prefix := strings.ReplaceAll(objects[gone].Name, ".", " ") + " "
		var kept []policy.Statement
		for _, statement := range with.Document.Statements {
			if sid := strings.TrimPrefix(statement.Sid, prefix); sid == statement.Sid || strings.Contains(sid, " ") {
				kept = append(kept, statement)
			}
		}
		if diff := cmp.Diff(kept, without.Document.Statements); diff != "" {
			t.Fatalf("seed %d: taking %s away (-statements that are not its own +what is left):\n%s", seed, objects[gone].Name, diff)
		}
		if back := mergeAll(append(rest, objects[gone]), without.Document); back.Text != with.Text {
			t.Fatalf("seed %d: put back:\n%s\n%s", seed, back.Text, with.Text)
		}
	}
	if none := mergeAll(nil, nil); none.Text != policy.BaseDocument(operator, account).String() {
		t.Errorf("without policies: %s", none.Text)
	}
}

func TestOfARefusedPolicyWhatIsInForceStays(t *testing.T) {
	use := allow("Use", v1alpha1.PermissionUse, serviceAccount("api"))
	good, other := newPolicy("a", use), newPolicy("a.b", use, allow("Look", v1alpha1.PermissionRead, serviceAccount("web")))
	before := mergeAll([]*v1alpha1.KeyPolicy{good, other}, nil)

	bad := newPolicy("a", allow("Use", v1alpha1.PermissionUse, v1alpha1.KeyPolicyPrincipal{AWS: "*"}))
	changed := newPolicy("a.b", use)
	after := mergeAll([]*v1alpha1.KeyPolicy{bad, changed}, before.Document)
	if want := mergeAll([]*v1alpha1.KeyPolicy{good, changed}, nil); after.Text != want.Text || after.Hash != want.Hash {
		t.Errorf("with the first refused and the other one changed:\n%s\nwant\n%s", after.Text, want.Text)
	}
	if diff := cmp.Diff([]string{"a", "a.b"}, []string{after.Sources[0].Name, after.Sources[1].Name}); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
	if never := mergeAll([]*v1alpha1.KeyPolicy{bad, changed}, nil); len(never.Sources) != 1 || strings.Contains(never.Text, `"*"},"Action"`) {
		t.Errorf("refused and never in force: %s", never.Text)
	}
}

func TestHashIsThatOfTheMeaningAWSKeeps(t *testing.T) {
	merged := mergeAll([]*v1alpha1.KeyPolicy{
		newPolicy("a", allow("Use", v1alpha1.PermissionUse, serviceAccount("api"), v1alpha1.KeyPolicyPrincipal{Account: account})),
	}, nil)
	rewritten := strings.ReplaceAll(merged.Text, `"arn:aws:iam::`+account+`:root"`, `"`+account+`"`)
	document := parse(t, rewritten)
	slices.Reverse(document.Statements)
	if rewritten == merged.Text || compile.Hash(document) != merged.Hash {
		t.Errorf("hash %s of the document as AWS answers it, want %s", compile.Hash(document), merged.Hash)
	}
	document.Statements[0].Action = document.Statements[0].Action[1:]
	if compile.Hash(document) == merged.Hash {
		t.Error("an action less, and the same hash")
	}
}

func TestTooLargeAPolicyNamesTheSizes(t *testing.T) {
	many := func(name string, count int) *v1alpha1.KeyPolicy {
		object := newPolicy(name)
		for i := range count {
			rule := allow(fmt.Sprintf("R%d", i), v1alpha1.PermissionUse)
			for j := range 50 {
				rule.Principals = append(rule.Principals, serviceAccount(fmt.Sprintf("account-%d-%d", i, j)))
			}
			object.Spec.Rules = append(object.Spec.Rules, rule)
		}
		return object
	}
	merged := mergeAll([]*v1alpha1.KeyPolicy{many("small", 1), many("large", 12)}, nil)
	problem, tooLarge := merged.TooLarge()
	if !tooLarge {
		t.Fatalf("%d bytes are not too many", len(merged.Text))
	}
	large, small := strings.Index(problem, "large "), strings.Index(problem, "small ")
	if large < 0 || small < large || !strings.Contains(problem, fmt.Sprint(len(merged.Text))) {
		t.Errorf("the problem is %q, want both policies, the largest first, and the size", problem)
	}
	fits := mergeAll([]*v1alpha1.KeyPolicy{many("small", 1)}, nil)
	if problem, tooLarge := fits.TooLarge(); tooLarge {
		t.Errorf("%d bytes: %s", len(fits.Text), problem)
	}
}

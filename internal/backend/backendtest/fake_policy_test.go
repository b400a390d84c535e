// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backendtest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

const (
	operator = "arn:aws:iam::111122223333:role/operator"
	app      = "arn:aws:iam::111122223333:role/app"
	account  = "arn:aws:iam::111122223333:root"
)

// fakeKey is a Fake with one key, which has this policy.
func fakeKey(t *testing.T, document string) (*backendtest.Fake, *backend.Key) {
	t.Helper()
	fake := backendtest.NewFake(time.Now())
	key, err := fake.Create(t.Context(), backend.CreateInput{
		Owner: backend.Owner{Cluster: "c", Namespace: "n", Name: "k", UID: "u"},
		Spec:  keyspec.SymmetricDefault, Usage: keyspec.EncryptDecrypt, Policy: document,
	})
	if err != nil {
		t.Fatal(err)
	}
	return fake, key
}

func policyOf(t *testing.T, fake *backendtest.Fake, keyID string) string {
	t.Helper()
	text, err := fake.Policy(t.Context(), keyID)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func parse(t *testing.T, text string) *policy.Document {
	t.Helper()
	document, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// appMay is the base document and a statement for this principal.
func appMay(principal string) string {
	document := policy.BaseDocument(operator, "111122223333")
	document.Statements = append(document.Statements, policy.Statement{
		Sid: "readers AllowDecrypt", Effect: policy.Allow, Principal: policy.Principals{AWS: []string{principal}},
		Action: []string{"kms:Decrypt", "kms:DescribeKey"}, Resource: []string{"*"},
		Conditions: []policy.Condition{{Operator: "StringEquals", Key: "kms:EncryptionContext:鍵", Values: []string{"<a>", "🔑"}}},
	})
	return document.String()
}

func TestFakeAnswersAPolicyInOtherWordsOfTheSameMeaning(t *testing.T) {
	put := appMay("111122223333")
	fake, key := fakeKey(t, put)
	text := policyOf(t, fake, key.ID)
	for _, written := range []string{
		`"AWS": [
          "` + account + `"
        ]`, // an account by its ARN, an element as a list of one
		`"kms:DescribeKey",
        "kms:Decrypt"`, // a list in another order
		`"Resource": [`,
		`kms:EncryptionContext:\u9375`,
		`\ud83d\udd11`,
	} {
		if !strings.Contains(text, written) {
			t.Errorf("there is no %s in\n%s", written, text)
		}
	}
	want, got := parse(t, put), parse(t, text)
	if got.Statements[0].Sid != want.Statements[1].Sid {
		t.Errorf("the statements are in the order in which they were put: %s", text)
	}
	want.Statements[1].Principal.AWS = []string{account}
	byStatement := cmpopts.SortSlices(func(a, b policy.Statement) bool { return a.Sid < b.Sid })
	if diff := cmp.Diff(want, got, byStatement); diff != "" {
		t.Errorf("it does not mean the same (-put +answered):\n%s", diff)
	}
	if again := policyOf(t, fake, key.ID); again != text {
		t.Errorf("asked again, it answers %s", again)
	}
}

func TestFakeNamesDeletedRolesByTheirUniqueIDs(t *testing.T) {
	fake, key := fakeKey(t, appMay(app))
	id := fake.DeleteRole(app)
	if text := policyOf(t, fake, key.ID); strings.Contains(text, app) || !strings.Contains(text, `"`+id+`"`) {
		t.Errorf("after the role is gone: %s", text)
	}
	put := func() error {
		_, err := fake.Apply(t.Context(), key.ID, []backend.Change{backend.SetPolicy{Document: appMay(app)}})
		return err
	}
	if err := put(); backend.ClassOf(err) != backend.InvalidInput || !strings.Contains(err.Error(), app) {
		t.Errorf("naming a role that is gone: %v", err)
	}
	fake.CreateRole(app)
	if text := policyOf(t, fake, key.ID); !strings.Contains(text, id) {
		t.Errorf("a role of that name came to have what the other one had: %s", text)
	}
	if err := put(); err != nil || !strings.Contains(policyOf(t, fake, key.ID), app) {
		t.Errorf("naming the role that is there again: %v", err)
	}
}

func TestFakeTakesAPolicyThatLeavesItsReplacementToTheAccount(t *testing.T) {
	fake, key := fakeKey(t, "")
	document := policy.Default("111122223333").String()
	if _, err := fake.Apply(t.Context(), key.ID, []backend.Change{backend.SetPolicy{Document: document}}); err != nil {
		t.Error(err)
	}
}

func TestFakeCountsReplacementsOfPoliciesThatWereMade(t *testing.T) {
	fake, key := fakeKey(t, appMay(app))
	apply := func(document string) error {
		_, err := fake.Apply(t.Context(), key.ID, []backend.Change{backend.SetPolicy{Document: document}})
		return err
	}
	for _, step := range []struct {
		what string
		do   func() error
		want int
	}{
		{"created with one", func() error { return nil }, 0},
		{"replaced", func() error { return apply(appMay(account)) }, 1},
		{"replaced by the same", func() error { return apply(appMay(account)) }, 2},
		{"refused", func() error { _ = apply("{"); return nil }, 2},
		{"read", func() error { _, err := fake.Policy(t.Context(), key.ID); return err }, 2},
	} {
		if err := step.do(); err != nil {
			t.Errorf("%s: %v", step.what, err)
		}
		if got := fake.PolicyPuts(); got != step.want {
			t.Errorf("%s: %d replacements, want %d", step.what, got, step.want)
		}
	}
}

func TestFakeFailsAtPoliciesOnDemand(t *testing.T) {
	before, after := appMay(app), appMay(account)
	fake, key := fakeKey(t, before)
	throttled := &backend.Error{Class: backend.Throttled, Message: "slow down"}
	fake.Inject(backendtest.Fault{Verb: backendtest.VerbPolicy, Err: throttled, Times: 1})
	if _, err := fake.Policy(t.Context(), key.ID); backend.ClassOf(err) != backend.Throttled {
		t.Errorf("reading it: %v", err)
	}
	set := []backend.Change{backend.SetPolicy{Document: after}}
	fake.Inject(backendtest.Fault{Verb: backendtest.VerbApply, Err: throttled, Times: 1})
	if _, err := fake.Apply(t.Context(), key.ID, set); backend.ClassOf(err) != backend.Throttled || fake.PolicyPuts() != 0 {
		t.Errorf("a fault before the effect: %v, %d replacements", err, fake.PolicyPuts())
	}
	fake.Inject(backendtest.Fault{Verb: backendtest.VerbApply, Err: throttled, Times: 1, AfterEffect: true})
	if _, err := fake.Apply(t.Context(), key.ID, set); backend.ClassOf(err) != backend.Throttled || fake.PolicyPuts() != 1 {
		t.Errorf("a fault after the effect: %v, %d replacements", err, fake.PolicyPuts())
	}
	if text := policyOf(t, fake, key.ID); strings.Contains(text, app) {
		t.Errorf("after the lost answer the policy is %s", text)
	}
	if calls := fake.Calls(backendtest.VerbPolicy); calls != 2 {
		t.Errorf("the policy was read %d times, want 2, the failed one included", calls)
	}
}

func TestFakeNamesServiceAccountsWhereItIsToldTo(t *testing.T) {
	fake := backendtest.NewFake(time.Now())
	for _, names := range []bool{false, true} {
		fake.NamesServiceAccounts(names)
		identity, err := fake.Identify(t.Context())
		if err != nil || identity.NamesServiceAccounts != names || identity.PrincipalARN != operator {
			t.Errorf("identity = %+v, %v", identity, err)
		}
	}
}

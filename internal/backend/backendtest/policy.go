// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// documentWith is the base document with more statements: one that every backend takes, if it takes those.
func (f *fixture) documentWith(t *testing.T, statements ...policy.Statement) string {
	t.Helper()
	identity := f.identity(t)
	document := policy.BaseDocument(identity.PrincipalARN, identity.AccountID)
	document.Statements = append(document.Statements, statements...)
	return document.String()
}

func (f *fixture) identity(t *testing.T) backend.Identity {
	t.Helper()
	identity, err := f.Backend.Identify(f.ctx)
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

// allow lets everybody of the operator's account do it.
func (f *fixture) allow(t *testing.T, sid string, actions ...string) policy.Statement {
	t.Helper()
	return policy.Statement{
		Sid: sid, Effect: policy.Allow, Principal: policy.Principals{AWS: []string{f.identity(t).AccountID}},
		Action: actions, Resource: []string{"*"},
	}
}

// policyOf is the key policy in force.
func (f *fixture) policyOf(t *testing.T, keyID string) *policy.Document {
	t.Helper()
	text, err := f.Backend.Policy(f.ctx, keyID)
	if err != nil {
		t.Fatalf("reading the policy of key %s: %v", keyID, err)
	}
	document, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatalf("the policy in force is none: %v", err)
	}
	return document
}

// wantPolicy compares the key policy in force with a document by what both mean.
func (f *fixture) wantPolicy(t *testing.T, keyID, document string) {
	t.Helper()
	want, err := policy.Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	for _, difference := range policy.Compare(want, f.policyOf(t, keyID)).Differences {
		t.Errorf("the policy in force: %s", difference)
	}
}

func testPolicyAtCreation(t *testing.T, f *fixture) {
	in := symmetric("key")
	in.Policy = f.documentWith(t, f.allow(t, "readers AllowDecrypt", "kms:Decrypt", "kms:DescribeKey"))
	key := f.create(t, in)
	f.wantPolicy(t, key.ID, in.Policy)
	again := in
	again.Policy = f.documentWith(t)
	if got := f.create(t, again); got.ID != key.ID {
		t.Errorf("another policy made another key, %s", got.ID)
	}
	f.wantPolicy(t, key.ID, in.Policy)
}

func testPolicyByDefault(t *testing.T, f *fixture) {
	f.wantDefaultPolicy(t, f.create(t, symmetric("key")))
	f.policyOf(t, f.CreateOutside(t, nil))
}

// wantDefaultPolicy looks whether the key's policy lets the operator administer it and nobody use it.
func (f *fixture) wantDefaultPolicy(t *testing.T, key *backend.Key) {
	t.Helper()
	identity, document := f.identity(t), f.policyOf(t, key.ID)
	verdict := func(arn, action string) policy.Verdict {
		caller, err := policy.NewPrincipal(arn)
		if err != nil {
			t.Fatal(err)
		}
		return policy.Evaluate(document, policy.Request{Principal: caller, Action: action, Resource: key.ARN}).Verdict
	}
	// What is left to the account, nobody may do by this policy.
	neighbour := "arn:aws:iam::" + identity.AccountID + ":role/of-nobody-that-was-named"
	for _, action := range []string{"kms:Decrypt", "kms:GenerateDataKey", "kms:PutKeyPolicy", "kms:CreateGrant"} {
		if got := verdict(neighbour, action); got == policy.AllowedDirectly {
			t.Errorf("somebody of the account has %s: %s", action, document)
		}
		if got := verdict("arn:aws:iam::444455556666:role/stranger", action); got != policy.ImplicitDeny {
			t.Errorf("another account has %s (%s): %s", action, got, document)
		}
	}
	for _, action := range []string{"kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"} {
		if got := verdict(identity.PrincipalARN, action); got != policy.AllowedDirectly && got != policy.AllowedToAccount {
			t.Errorf("the operator has no %s: %s", action, document)
		}
	}
}

func testSetPolicy(t *testing.T, f *fixture) {
	in := symmetric("key")
	in.Policy = f.documentWith(t, f.allow(t, "first", "kms:Decrypt"))
	key, other := f.create(t, in), f.create(t, symmetric("other"))
	others := f.policyOf(t, other.ID).String()
	readers := f.allow(t, "readers", "kms:Decrypt")
	readers.Conditions = []policy.Condition{
		{Operator: "StringEquals", Key: "kms:EncryptionContext:tenant", Values: []string{"ä", "b"}},
		{Operator: "Bool", Key: "kms:GrantIsForAWSResource", Values: []string{"true"}},
	}
	deny := policy.Statement{
		Sid: "nobody", Effect: policy.Deny, Principal: policy.Principals{AWS: []string{"*"}},
		Action: []string{"kms:ReEncrypt*"}, Resource: []string{"*"},
	}
	for name, document := range map[string]string{
		"more":           f.documentWith(t, readers, deny),
		"none but base":  f.documentWith(t),
		"as it was made": in.Policy,
	} {
		for _, attempt := range []string{"once", "again"} {
			after := f.apply(t, key.ID, backend.SetPolicy{Document: document, Differs: name})
			if diff := cmp.Diff(key, after); diff != "" {
				t.Errorf("%s, %s: the rest of the key changed:\n%s", name, attempt, diff)
			}
			f.wantPolicy(t, key.ID, document)
		}
	}
	if got := f.policyOf(t, other.ID).String(); got != others {
		t.Errorf("another key's policy changed to %s", got)
	}
}

func testSetPolicyInEveryState(t *testing.T, f *fixture) {
	key := f.create(t, symmetric("key"))
	set := func(state backend.State, action string) string {
		document := f.documentWith(t, f.allow(t, "as it is "+string(state), action))
		if after := f.apply(t, key.ID, backend.SetPolicy{Document: document}); after.State != state {
			t.Errorf("the policy was replaced and the key is %s, want %s", after.State, state)
		}
		f.wantPolicy(t, key.ID, document)
		return document
	}
	set(backend.StateEnabled, "kms:Encrypt")
	f.apply(t, key.ID, backend.Disable{})
	set(backend.StateDisabled, "kms:Decrypt")
	if _, err := f.Backend.ScheduleDeletion(f.ctx, key.ID, 7); err != nil {
		t.Fatal(err)
	}
	document := set(backend.StatePendingDeletion, "kms:DescribeKey")
	f.apply(t, key.ID, backend.CancelDeletion{}, backend.Enable{})
	f.wantPolicy(t, key.ID, document)
}

// badPolicies are documents that no backend takes.
func (f *fixture) badPolicies(t *testing.T) map[string]string {
	t.Helper()
	with := func(change func(*policy.Statement)) string {
		statement := f.allow(t, "bad", "kms:Decrypt")
		change(&statement)
		return f.documentWith(t, statement)
	}
	naming := func(principal string) string {
		return with(func(s *policy.Statement) { s.Principal.AWS = []string{principal} })
	}
	lockedOut := policy.Document{Version: policy.Version2012, Statements: []policy.Statement{f.allow(t, "use", "kms:Decrypt")}}
	return map[string]string{
		"empty":             "",
		"no JSON":           "{",
		"no statement":      `{"Version":"2012-10-17","Statement":[]}`,
		"no such operator":  strings.Replace(with(condition("StringEquals", "v")), "StringEquals", "StringResembles", 1),
		"partial wildcard":  naming("arn:aws:iam::111122223333:role/app-*"),
		"ARN of no caller":  naming("arn:aws:s3:::bucket"),
		"account too short": naming("1234"),
		"deleted role":      naming("AROAEXAMPLEEXAMPLE12"),
		"too large":         with(condition("StringEquals", strings.Repeat("v", policy.MaxBytes))),
		"operator left out": lockedOut.String(),
		"operator denied": with(func(s *policy.Statement) {
			s.Effect, s.Action, s.Principal.AWS = policy.Deny, []string{"kms:Put*"}, []string{f.identity(t).PrincipalARN}
		}),
	}
}

func condition(operator, value string) func(*policy.Statement) {
	return func(s *policy.Statement) {
		s.Conditions = []policy.Condition{{Operator: operator, Key: "kms:EncryptionContext:tenant", Values: []string{value}}}
	}
}

func testPolicyRefused(t *testing.T, f *fixture) {
	in := symmetric("key")
	in.Policy = f.documentWith(t, f.allow(t, "kept", "kms:Decrypt"))
	key := f.create(t, in)
	for name, document := range f.badPolicies(t) {
		t.Run(name, func(t *testing.T) {
			bad := backend.SetPolicy{Document: document}
			after, err := f.Backend.Apply(f.ctx, key.ID, []backend.Change{
				backend.SetDescription{To: name}, bad, backend.SetTags{Tags: map[string]string{"last": name}},
			})
			wantClass(t, err, backend.InvalidInput)
			failed, ok := errors.AsType[*backend.ChangesError](err)
			if !ok || len(failed.Failed) != 1 || failed.Failed[0].Change != bad {
				t.Errorf("error = %v, want the policy alone refused", err)
			}
			if after == nil || after.Description != name || after.Tags["last"] != name {
				t.Errorf("the other changes were not made: %+v", after)
			}
			f.wantPolicy(t, key.ID, in.Policy)
		})
	}
}

func testCreatePolicyRefused(t *testing.T, f *fixture) {
	bad := f.badPolicies(t)
	delete(bad, "empty") // which is no policy, and no bad one
	for name, document := range bad {
		in := symmetric("key")
		in.Policy = document
		key, err := f.Backend.Create(f.ctx, in)
		if class := backend.ClassOf(err); class != backend.InvalidInput {
			t.Errorf("%s: created %v, error class %q (%v)", name, key, class, err)
		}
	}
	if owned, err := f.Backend.Owned(f.ctx, owner("key")); err != nil || len(owned) != 0 {
		t.Errorf("owned = %v, %v; want that no key was made", owned, err)
	}
}

func testLargestPolicy(t *testing.T, f *fixture) {
	key := f.create(t, symmetric("key"))
	sized := func(n int) string {
		statement := f.allow(t, "large", "kms:Decrypt")
		condition("StringEquals", strings.Repeat("v", n))(&statement)
		return f.documentWith(t, statement)
	}
	largest := sized(policy.MaxBytes - len(sized(0)))
	if len(largest) != policy.MaxBytes {
		t.Fatalf("the document has %d bytes", len(largest))
	}
	f.apply(t, key.ID, backend.SetPolicy{Document: largest})
	f.wantPolicy(t, key.ID, largest)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package software

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// baseOf is the policy of the backend's keys for which nobody has said who may use them.
func baseOf(t *testing.T, b *Backend) *policy.Document {
	t.Helper()
	identity, err := b.Identify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return policy.BaseDocument(identity.PrincipalARN, identity.AccountID)
}

// letting is the base policy and a statement that lets the principal decrypt.
func letting(t *testing.T, b *Backend, principal string) string {
	t.Helper()
	document := baseOf(t, b)
	document.Statements = append(document.Statements, policy.Statement{
		Sid: "readers AllowDecrypt", Effect: policy.Allow, Principal: policy.Principals{AWS: []string{principal}},
		Action: []string{"kms:Decrypt"}, Resource: []string{"*"},
	})
	return document.String()
}

func policyOf(t *testing.T, b *Backend, keyID string) string {
	t.Helper()
	text, err := b.Policy(t.Context(), keyID)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// recorded is the policy in the key's record.
func recorded(t *testing.T, b *Backend, keyID string) string {
	t.Helper()
	var text string
	_, err := b.ring.UpdateKey(t.Context(), keyID, func(r *keyring.KeyRecord) error {
		text = r.Policy
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTheBasePolicyIsNotInTheRecordsOfItsKeys(t *testing.T) {
	b := newHouse(t).open(t)
	base, other := baseOf(t, b).String(), letting(t, b, "arn:aws:iam::123456789012:role/orders/api")
	declared := symmetric(owner("orders", "declared"))
	declared.Policy = base
	for what, key := range map[string]*backend.Key{
		"created without one": create(t, b, symmetric(owner("orders", "plain"))),
		"created with it":     create(t, b, declared),
	} {
		if got := policyOf(t, b, key.ID); got != base {
			t.Errorf("%s: the policy is %s", what, got)
		}
		if got := recorded(t, b, key.ID); got != "" {
			t.Errorf("%s: the record has %s", what, got)
		}
		apply(t, b, key.ID, backend.SetPolicy{Document: other})
		if policyOf(t, b, key.ID) != other || recorded(t, b, key.ID) != other {
			t.Errorf("%s, then replaced: the record has %s", what, recorded(t, b, key.ID))
		}
		apply(t, b, key.ID, backend.SetPolicy{Document: base})
		if policyOf(t, b, key.ID) != base || recorded(t, b, key.ID) != "" {
			t.Errorf("%s, then put back: the record has %s", what, recorded(t, b, key.ID))
		}
	}
}

func TestAPolicyIsWrittenWithTheOtherSettingsAndOnlyIfItIsAnother(t *testing.T) {
	h := newHouse(t)
	b := h.open(t)
	in := symmetric(owner("orders", "payments"))
	in.Policy = letting(t, b, "arn:aws:iam::123456789012:role/orders/api")
	other := backend.SetPolicy{Document: letting(t, b, "arn:aws:iam::123456789012:role/orders/worker")}
	var key *backend.Key
	for _, step := range []struct {
		what string
		do   func()
		want []string
	}{
		{"creating", func() { key = create(t, b, in) }, []string{"POST secrets"}},
		{"the policy it has", func() { apply(t, b, key.ID, backend.SetPolicy{Document: in.Policy}) }, nil},
		{"another", func() { apply(t, b, key.ID, other) }, []string{"PATCH secrets kms-key"}},
		{"again", func() { apply(t, b, key.ID, other) }, nil},
		{"with other settings", func() {
			apply(t, b, key.ID, backend.SetDescription{To: "new"}, backend.SetPolicy{Document: in.Policy}, backend.Disable{})
		}, []string{"PATCH secrets kms-key"}},
		{"a refused one", func() {
			_, err := b.Apply(t.Context(), key.ID, []backend.Change{backend.SetPolicy{Document: "{"}})
			if backend.ClassOf(err) != backend.InvalidInput {
				t.Errorf("got %v", err)
			}
		}, nil},
		{"reading", func() { policyOf(t, b, key.ID) }, nil},
	} {
		if got := h.written(step.do); !slices.Equal(got, step.want) {
			t.Errorf("%s: wrote %q, want %q", step.what, got, step.want)
		}
	}
}

func TestASessionIsNoPrincipalBecauseItsARNTellsNoNamespace(t *testing.T) {
	b := newHouse(t).open(t)
	key := create(t, b, symmetric(owner("orders", "payments")))
	before := policyOf(t, b, key.ID)
	session := "arn:aws:sts::123456789012:assumed-role/api/pod"
	_, err := b.Apply(t.Context(), key.ID, []backend.Change{backend.SetPolicy{Document: letting(t, b, session)}})
	if backend.ClassOf(err) != backend.InvalidInput || !strings.Contains(err.Error(), session) ||
		!strings.Contains(err.Error(), "arn:aws:iam::ACCOUNT:role/NAMESPACE/NAME") {
		t.Errorf("got %s: %v", backend.ClassOf(err), err)
	}
	if got := policyOf(t, b, key.ID); got != before {
		t.Errorf("the policy was replaced by %s", got)
	}
}

func TestWhyAPolicyIsRefusedIsSaid(t *testing.T) {
	b := newHouse(t).open(t)
	key := create(t, b, symmetric(owner("orders", "payments")))
	for want, document := range map[string]string{
		"is not JSON": "{",
		"The new key policy will not allow you to update the key policy in the future.": strings.ReplaceAll(
			baseOf(t, b).String(), "kms:PutKeyPolicy", "kms:GetKeyPolicy"),
		"The key policy has 40000 bytes, of which it may have 32768.": strings.Repeat(" ", 40000),
	} {
		_, err := b.Apply(t.Context(), key.ID, []backend.Change{backend.SetPolicy{Document: document}})
		if backend.ClassOf(err) != backend.InvalidInput || !strings.Contains(err.Error(), want) {
			t.Errorf("got %s: %v, want %q said", backend.ClassOf(err), err, want)
		}
	}
}

func TestAPolicyIsInForceInEveryProcessWithinTwoSeconds(t *testing.T) {
	h := newHouse(t)
	here, there := h.open(t), h.open(t)
	key := create(t, here, symmetric(owner("orders", "payments")))
	caller := policy.Principal{ARN: "arn:aws:iam::123456789012:role/orders/api"}
	mayDecrypt := func() bool {
		text, err := there.Policy(t.Context(), key.ID)
		if err != nil {
			return false // it has not heard of the key yet
		}
		document, err := policy.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		request := policy.Request{Principal: caller, Action: "kms:Decrypt", Resource: key.ARN}
		return policy.Evaluate(document, request).Verdict == policy.AllowedDirectly
	}
	becomes := func(may bool, document string) time.Duration {
		apply(t, here, key.ID, backend.SetPolicy{Document: document})
		begun := time.Now()
		eventually(t, "the other process has the policy", func() bool { return mayDecrypt() == may })
		return time.Since(begun)
	}
	// One of each has to be in time: the machine may be busy with something else for a while.
	var given, taken []time.Duration
	for begun := time.Now(); time.Since(begun) < time.Minute; {
		given = append(given, becomes(true, letting(t, here, caller.ARN)))
		taken = append(taken, becomes(false, baseOf(t, here).String()))
		if slices.Min(given) <= 2*time.Second && slices.Min(taken) <= 2*time.Second {
			return
		}
	}
	t.Errorf("until the other process had a policy it took %s, and until it had it no more %s", given, taken)
}

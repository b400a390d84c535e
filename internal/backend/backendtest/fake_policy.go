// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"context"
	"slices"
	"strings"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// Policy implements backend.Backend. Like AWS it does not answer the document as it was put, but one of the same meaning:
// accounts as ARNs, lists in another order, lists of one as their element.
func (f *Fake) Policy(ctx context.Context, keyID string) (string, error) {
	return call(ctx, f, VerbPolicy, func() (string, error) {
		key, err := f.find(keyID)
		if err != nil {
			return "", err
		}
		return rewrite(key.policy), nil
	})
}

// PolicyPuts is how often a key's policy was replaced.
func (f *Fake) PolicyPuts() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.puts
}

// NamesServiceAccounts sets Identity's field of that name; it takes effect when the backend is identified next.
func (f *Fake) NamesServiceAccounts(names bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.namesServiceAccounts = names
}

// putPolicy takes a policy by AWS's rules: it must be one, and leave the operator able to replace it.
func (f *Fake) putPolicy(key *fakeKey, document string) error {
	if document == "" {
		key.policy = policy.Default(fakeAccount).String()
		return nil
	}
	if len(document) > policy.MaxBytes {
		return invalid("the key policy has %d bytes, of which it may have %d", len(document), policy.MaxBytes)
	}
	parsed, err := policy.Parse([]byte(document))
	if err != nil {
		return invalid("%v", err)
	}
	operator, err := policy.NewPrincipal(fakeOperator)
	if err != nil {
		return err
	}
	request := policy.Request{Principal: operator, Action: "kms:PutKeyPolicy", Resource: key.ARN}
	if policy.Evaluate(parsed, request).Verdict != policy.AllowedDirectly {
		return invalid("The new key policy will not allow you to update the key policy in the future.")
	}
	key.policy = document
	f.puts++
	return nil
}

// rewrite is a document of the same meaning as AWS might answer it.
func rewrite(document string) string {
	parsed, err := policy.Parse([]byte(document))
	if err != nil {
		return document
	}
	for i := range parsed.Statements {
		principals := parsed.Statements[i].Principal.AWS
		for j, principal := range principals {
			if !strings.HasPrefix(principal, "arn:") && principal != "*" && !strings.HasPrefix(principal, "A") {
				principals[j] = policy.AccountARN("", principal)
			}
		}
	}
	slices.Reverse(parsed.Statements)
	return strings.ReplaceAll(parsed.String(), `"Resource":"*"`, ` "Resource" : [ "*" ]`)
}

var _ backend.Backend = (*Fake)(nil)

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"context"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

// policyName is that of the only policy that a key has.
const policyName = "default"

// AWS's bounds of a page of ListKeyPolicies.
const (
	policyPage    = 100
	maxPolicyPage = 1000
)

var policyOperations = []*Operation{
	onKey(Operation{Name: "GetKeyPolicy", Key: KeyOnly, ReadOnly: true}, getKeyPolicy),
	onKey(Operation{Name: "PutKeyPolicy", Key: KeyOnly}, putKeyPolicy),
	onKey(Operation{Name: "ListKeyPolicies", Key: KeyOnly, ReadOnly: true}, listKeyPolicies),
}

func getKeyPolicy(_ context.Context, _ *Request, key *kms.Key, in *GetKeyPolicyInput) (*GetKeyPolicyOutput, error) {
	if in.PolicyName != policyName {
		return nil, kms.Errorf(kms.NotFoundException, "No such policy exists")
	}
	return &GetKeyPolicyOutput{Policy: key.PolicyText(), PolicyName: policyName}, nil
}

func putKeyPolicy(ctx context.Context, r *Request, key *kms.Key, in *PutKeyPolicyInput) (*Nothing, error) {
	if in.PolicyName != policyName {
		return nil, kms.Errorf(kms.UnsupportedOperationException, "Only the policy name %q is supported.", policyName)
	}
	document, err := key.CheckPolicy(r.principal(), in.Policy, in.BypassPolicyLockoutSafetyCheck)
	if err != nil {
		return nil, err
	}
	return done(change(ctx, key, kms.PutKeyPolicy(document)))
}

func listKeyPolicies(_ context.Context, _ *Request, _ *kms.Key, in *ListKeyPoliciesInput) (*ListKeyPoliciesOutput, error) {
	names, next, err := page([]string{policyName}, in.Limit, in.Marker, policyPage, maxPolicyPage,
		func(name string) string { return name })
	if err != nil {
		return nil, err
	}
	return &ListKeyPoliciesOutput{PolicyNames: names, NextMarker: next, Truncated: next != ""}, nil
}

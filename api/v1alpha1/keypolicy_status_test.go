// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

// hash is a key policy's hash as the operator writes it.
const hash = "0123456789abcdef0123456789abcdef"

func TestKeyPolicyStatusHasRoomForWhatItHolds(t *testing.T) {
	namespace := env.Namespace(t)
	one := func(change func(*v1alpha1.KeyPolicyTargetStatus)) []v1alpha1.KeyPolicyTargetStatus {
		target := v1alpha1.KeyPolicyTargetStatus{Name: "orders", State: v1alpha1.TargetPending}
		change(&target)
		return []v1alpha1.KeyPolicyTargetStatus{target}
	}
	const tooLong = "may not be more than"
	for field, test := range map[string]struct {
		max  int
		set  func(status *v1alpha1.KeyPolicyStatus, size int)
		said string
	}{
		"conditions": {32, func(status *v1alpha1.KeyPolicyStatus, size int) { status.Conditions = conditions(size) }, "at most 32 items"},
		"targets":    {256, func(status *v1alpha1.KeyPolicyStatus, size int) { status.Targets = targets(size) }, "at most 256 items"},
		"targets[0].name": {253, func(status *v1alpha1.KeyPolicyStatus, size int) {
			status.Targets = one(func(target *v1alpha1.KeyPolicyTargetStatus) { target.Name = repeat("a", size) })
		}, tooLong},
		"targets[0].policyHash": {64, func(status *v1alpha1.KeyPolicyStatus, size int) {
			status.Targets = one(func(target *v1alpha1.KeyPolicyTargetStatus) { target.PolicyHash = repeat("a", size) })
		}, tooLong},
		"targets[0].message": {1024, func(status *v1alpha1.KeyPolicyStatus, size int) {
			status.Targets = one(func(target *v1alpha1.KeyPolicyTargetStatus) { target.Message = repeat("a", size) })
		}, tooLong},
	} {
		t.Run(field, func(t *testing.T) {
			policy := newKeyPolicy(namespace)
			if err := env.Client.Create(t.Context(), policy); err != nil {
				t.Fatal(err)
			}
			test.set(&policy.Status, test.max)
			accepted.check(t, env.Client.Status().Update(t.Context(), policy))
			test.set(&policy.Status, test.max+1)
			refused("status."+field, test.said).check(t, env.Client.Status().Update(t.Context(), policy))
		})
	}
}

// targets are n Keys on which a policy is in force.
func targets(n int) []v1alpha1.KeyPolicyTargetStatus {
	targets := make([]v1alpha1.KeyPolicyTargetStatus, n)
	for i, name := range numbered("orders-", n) {
		targets[i] = v1alpha1.KeyPolicyTargetStatus{Name: name, State: v1alpha1.TargetApplied, PolicyHash: hash}
	}
	return targets
}

func TestKeyPolicyStatusComesBackAsItWasWritten(t *testing.T) {
	policy := newKeyPolicy(env.Namespace(t))
	policy.Status.Matched = new(int32(7))
	if err := env.Client.Create(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	if policy.Status.Matched != nil {
		t.Error("the status was taken from who declared the policy")
	}
	want := v1alpha1.KeyPolicyStatus{
		ObservedGeneration: 1, Conditions: ready(), Matched: new(int32(3)), Applied: new(int32(0)),
		Targets: append(targets(1),
			v1alpha1.KeyPolicyTargetStatus{Name: "invoices", State: v1alpha1.TargetPending, Message: "the Key is being created"},
			v1alpha1.KeyPolicyTargetStatus{Name: "ledger", State: v1alpha1.TargetConflict, Message: "the key policy is too large"}),
	}
	policy.Status = want
	if err := env.Client.Status().Update(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	var got v1alpha1.KeyPolicy
	if err := env.Client.Get(t.Context(), client.ObjectKeyFromObject(policy), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.Status); diff != "" {
		t.Errorf("status (-written +read):\n%s", diff)
	}
	policy.Status.Targets = append(targets(1), targets(1)...)
	refused("status.targets[1]", "orders-00").check(t, env.Client.Status().Update(t.Context(), policy))
}

func TestAKeysStatusTellsThePolicyInForce(t *testing.T) {
	for name, sources := range map[string][]v1alpha1.KeyPolicySource{
		"nobody's": nil,
		"several":  {{Name: "readers", Hash: hash}, {Name: "writers", Hash: hash}},
	} {
		t.Run(name, func(t *testing.T) {
			key := newKey(env.Namespace(t))
			if err := env.Client.Create(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			want := &v1alpha1.KeyPolicyInForce{Hash: hash, Sources: sources}
			key.Status.Policy = want.DeepCopy()
			if err := env.Client.Status().Update(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			var got v1alpha1.Key
			if err := env.Client.Get(t.Context(), client.ObjectKeyFromObject(key), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got.Status.Policy); diff != "" {
				t.Errorf("status.policy (-written +read):\n%s", diff)
			}
		})
	}
}

func TestAKeysPolicyNamesEachSourceOnceWithItsHash(t *testing.T) {
	sources := func(n int) []v1alpha1.KeyPolicySource {
		sources := make([]v1alpha1.KeyPolicySource, n)
		for i, name := range numbered("policy-", n) {
			sources[i] = v1alpha1.KeyPolicySource{Name: name, Hash: hash}
		}
		return sources
	}
	namespace := env.Namespace(t)
	for name, test := range map[string]struct {
		policy v1alpha1.KeyPolicyInForce
		want   verdict
	}{
		"1000 sources":      {v1alpha1.KeyPolicyInForce{Hash: hash, Sources: sources(1000)}, accepted},
		"1001 sources":      {v1alpha1.KeyPolicyInForce{Hash: hash, Sources: sources(1001)}, refused("status.policy.sources", "at most 1000 items")},
		"one source twice":  {v1alpha1.KeyPolicyInForce{Hash: hash, Sources: append(sources(1), sources(1)...)}, refused("status.policy.sources[1]", "policy-00")},
		"no hash":           {v1alpha1.KeyPolicyInForce{}, refused("status.policy.hash", "Required value")},
		"hash of 64":        {v1alpha1.KeyPolicyInForce{Hash: hash + hash}, accepted},
		"hash of 65":        {v1alpha1.KeyPolicyInForce{Hash: hash + hash + "0"}, refused("status.policy.hash", "may not be more than 64")},
		"source of no name": {v1alpha1.KeyPolicyInForce{Hash: hash, Sources: []v1alpha1.KeyPolicySource{{Hash: hash}}}, refused("status.policy.sources[0].name", "Required value")},
		"source of no hash": {v1alpha1.KeyPolicyInForce{Hash: hash, Sources: []v1alpha1.KeyPolicySource{{Name: "a"}}}, refused("status.policy.sources[0].hash", "Required value")},
	} {
		t.Run(name, func(t *testing.T) {
			key := newKey(namespace)
			if err := env.Client.Create(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			key.Status.Policy = &test.policy
			test.want.check(t, env.Client.Status().Update(t.Context(), key))
		})
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"context"
	"slices"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
)

// refusals are the reasons with which what can be put of KeyPolicies and grants was put, and more never will be as they are.
var refusals = []string{v1alpha1.ReasonPolicyRefused, v1alpha1.ReasonPolicyTooLarge, v1alpha1.ReasonInvalidInput}

// unknownMeanwhile is what PolicyApplied says of a key that could not be looked at.
const unknownMeanwhile = "not known while the deletion waits"

// updateAccess brings up to date who may use the key that the pass has seen, and nothing else about it. What is disabled, and what
// KeyPolicies and grants no longer allow, ends also with a key that is to be left or deleted. A key that the namespace may not manage any
// more stays as it is, as ever.
func (r *Reconciler) updateAccess(ctx context.Context, p *pass) {
	if problem := r.checkNamespace(ctx, p); problem != nil {
		p.conditions.Fail(v1alpha1.ConditionPolicyApplied, *problem)
		return
	}
	p.leaving = true
	if !r.compilePolicies(ctx, p) {
		return
	}
	if !p.enabled() && p.seen.State == backend.StateEnabled {
		after, err := p.backend.Apply(ctx, p.seen.ID, []backend.Change{backend.Disable{}})
		if after != nil {
			p.seen = after
		}
		p.failSync(changeProblems(err)...)
	}
	r.applyPolicy(ctx, p)
	r.applyGrants(ctx, p)
}

// accessProblems are why who may use the key is not as declared, though it could be.
func (p *pass) accessProblems() []conditions.Problem {
	return slices.DeleteFunc(slices.Concat(p.unsynced, p.conditions.Problems()), func(problem conditions.Problem) bool {
		return slices.Contains(refusals, problem.Reason)
	})
}

// revokeMeanwhile brings up to date who may use the key while its deletion waits: that can be for days.
func (r *Reconciler) revokeMeanwhile(ctx context.Context, p *pass) {
	if p.untried || p.status.KeyID == "" {
		return
	}
	p.conditions.Wait(v1alpha1.ConditionPolicyApplied, unknownMeanwhile)
	if p.backend != nil {
		p.seen = nil
		key, err := p.findIn(ctx, p)
		if err != nil {
			p.conditions.Fail(v1alpha1.ConditionPolicyApplied, conditions.FromError(err))
		}
		if key != nil && key.State != backend.StatePendingDeletion {
			p.seen = key
			r.updateAccess(ctx, p)
		}
	}
	if !p.goByStatus() {
		return
	}
	for i := range p.status.Replicas {
		if p.status.Replicas[i].Backend != "" {
			r.revokeInReplica(ctx, p, &p.status.Replicas[i])
		}
	}
}

func (r *Reconciler) revokeInReplica(ctx context.Context, p *pass, was *v1alpha1.KeyReplicaStatus) {
	place, problem := r.backendIn(ctx, p, was.Region, anyAllowed)
	if problem != nil {
		p.unknownPolicy(was.Region)
		return
	}
	q := r.replicaPass(p, p.declaredIn(was.Region), was, place)
	key, err := p.findIn(ctx, q)
	if err != nil {
		p.unknownPolicy(was.Region)
	}
	if key == nil || key.State == backend.StatePendingDeletion {
		return
	}
	q.seen = key
	r.updateAccess(ctx, q)
	was.Policy, was.Grants = q.status.Policy, q.status.Grants
	p.absorb(q)
}

// findIn is the key as the backend of q has it; nil if it is not there, or is another Key's.
func (p *pass) findIn(ctx context.Context, q *pass) (*backend.Key, error) {
	key, err := q.backend.Get(ctx, p.status.KeyID)
	if backend.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	holder, owned := backend.OwnerFromTags(key.Tags)
	if !holder.Same(p.owner) && (owned || q.key.Status.ARN == "") {
		return nil, nil
	}
	return key, nil
}

// keptElsewhere are the other Regions in which a Key in deletion has the key, or may have begun its deletion.
func (p *pass) keptElsewhere() []string {
	if !p.goByStatus() {
		return nil
	}
	return p.regionsOf(p.seen)
}

// regionsOf are the other Regions in which this Key kept the key, or declares it to be and it is.
func (p *pass) regionsOf(key *backend.Key) []string {
	var regions []string
	for i := range p.status.Replicas {
		if p.status.Replicas[i].Backend != "" {
			regions = append(regions, p.status.Replicas[i].Region)
		}
	}
	for i := range p.key.Spec.Replicas {
		if region := p.key.Spec.Replicas[i].Region; key.MultiRegion.In(region) {
			regions = append(regions, region)
		}
	}
	slices.Sort(regions)
	return slices.DeleteFunc(slices.Compact(regions), func(region string) bool { return region == p.identity.Region })
}

// declaredIn is what is declared of the key in another Region.
func (p *pass) declaredIn(region string) *v1alpha1.KeyReplica {
	for i := range p.key.Spec.Replicas {
		if p.key.Spec.Replicas[i].Region == region {
			return &p.key.Spec.Replicas[i]
		}
	}
	return &v1alpha1.KeyReplica{Region: region}
}

// goByStatus has the pass go by what status knows of the key where it was not seen. It is false if that is not enough to find its
// replicas.
func (p *pass) goByStatus() bool {
	if account, region, known := p.keptIn(); known {
		p.identity.AccountID, p.identity.Region = account, region
	}
	if p.seen == nil {
		p.seen = p.asKnown()
	}
	return p.identity.Region != "" && p.kmsBackend != nil
}

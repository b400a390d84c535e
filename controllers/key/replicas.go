// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
	"github.com/chatelaine-dev/chatelaine/internal/plan"
)

const (
	// replicasField and primaryField are what drift calls the Regions of a key: fields of spec.
	replicasField = "replicas"
	primaryField  = "primaryRegion"
)

// spread is the phase that has a multi-Region key where it is declared to be: replicas are made, each is made as declared by the
// phases of any key, the primary is moved, and what is no longer declared is let go.
//
// A replica is made once, since it has the key's ID: asked for again, after a crash or by another process, AWS KMS says that it
// is there. Its Region is in status before it is made, so that it is never forgotten. One that is gone is made again, unlike a
// key: the primary has its material.
func (r *Reconciler) spread(ctx context.Context, p *pass) {
	if p.seen.MultiRegion == nil {
		return
	}
	need := plan.Where(p.declaredRegions(), p.seen.MultiRegion)
	for _, mistake := range need.Mistakes {
		p.failSync(conditions.Stalled(v1alpha1.ReasonInvalidInput, mistake))
	}
	var kept []v1alpha1.KeyReplicaStatus
	var gone remade
	for i := range p.key.Spec.Replicas {
		declared := &p.key.Spec.Replicas[i]
		if declared.Region != p.identity.Region {
			kept = append(kept, r.keepReplica(ctx, p, declared, slices.Contains(need.Keep, declared.Region), &gone))
		}
	}
	p.driftedReplicas(&gone)
	r.movePrimary(ctx, p, plan.Where(p.declaredRegions(), p.seen.MultiRegion).MoveTo) // it may have replicas now that it had not
	for i := range p.status.Replicas {
		was := &p.status.Replicas[i]
		declared := slices.ContainsFunc(kept, func(s v1alpha1.KeyReplicaStatus) bool { return s.Region == was.Region })
		if !declared && was.Region != p.identity.Region && !(slices.Contains(need.Release, was.Region) && r.release(ctx, p, was)) {
			kept = append(kept, *was)
		}
	}
	slices.SortFunc(kept, func(a, b v1alpha1.KeyReplicaStatus) int { return strings.Compare(a.Region, b.Region) })
	p.status.Replicas, p.status.PrimaryRegion = kept, p.seen.MultiRegion.PrimaryRegion
	p.checkRotates(need)
}

// remade are the Regions in which the key was kept and gone, and why it could not be made again.
type remade struct {
	regions []string
	settled bool
	err     error
	// unsure says that a Region could not be looked at.
	unsure bool
}

func (p *pass) driftedReplicas(gone *remade) {
	switch {
	case len(gone.regions) > 0:
		p.drifted(plan.Difference{Field: replicasField, From: strings.Join(gone.regions, ", ")}, gone.settled, gone.err)
	case !gone.unsure:
		p.drift.AsDeclared(replicasField)
	}
}

// checkRotates refuses to be answerable for the rotation of a key whose primary is where this Key does not keep it.
func (p *pass) checkRotates(need plan.Spread) {
	primary := p.seen.MultiRegion.PrimaryRegion
	if p.key.Spec.Rotation == nil || primary == p.identity.Region || slices.Contains(need.Keep, primary) {
		return
	}
	p.failSync(conditions.Stalled(v1alpha1.ReasonInvalidInput, fmt.Sprintf(
		"spec.rotation: the primary key is in %s, where this Key does not keep it: declare a replica there, set spec.primaryRegion, or remove rotation", primary)))
}

// declaredRegions is where the key is declared to be, and where this Key kept it so far.
func (p *pass) declaredRegions() plan.Regions {
	regions := plan.Regions{Home: p.identity.Region, Primary: p.key.Spec.PrimaryRegion}
	for i := range p.key.Spec.Replicas {
		regions.Replicas = append(regions.Replicas, p.key.Spec.Replicas[i].Region)
	}
	for i := range p.status.Replicas {
		regions.Kept = append(regions.Kept, p.status.Replicas[i].Region)
	}
	return regions
}

// keepReplica has the key in another Region, as it is declared there, and returns what status says of it.
func (r *Reconciler) keepReplica(
	ctx context.Context, p *pass, declared *v1alpha1.KeyReplica, there bool, gone *remade,
) v1alpha1.KeyReplicaStatus {
	was := p.replicaStatus(declared.Region)
	place, problem := r.backendIn(ctx, p, declared.Region, allowedOnly)
	if problem != nil {
		gone.unsure = true
		p.failReplica(declared.Region, *problem)
		return was
	}
	if was.Backend != "" {
		was.Backend = place.name
	}
	q := r.replicaPass(p, declared, &was, place)
	if !r.compilePolicies(ctx, q) {
		p.err = q.err
		return was
	}
	absent, problem := r.findReplica(ctx, p, q, there)
	if problem == nil && absent {
		if was.Backend == "" && p.held == nil { // status is to say so before anything is made
			was.Backend, p.again = place.name, true
			p.failReplica(declared.Region, conditions.Problem{Reason: v1alpha1.ReasonProgressing, Message: "the replica is being made"})
			return was
		}
		problem = r.replicate(ctx, p, q, gone)
	}
	if problem == nil {
		problem = r.takeReplica(ctx, q)
	}
	if problem != nil {
		gone.unsure = true
		p.failReplica(declared.Region, *problem)
		return notTaken(&was, absent, problem)
	}
	r.checkInput(q)
	r.make(ctx, q)
	p.absorb(q)
	return q.asReplica()
}

// failReplica says of a problem in which Region it is. Nobody knows then which key policy is in force there.
func (p *pass) failReplica(region string, problem conditions.Problem) {
	p.notLookedAt()
	if p.untried {
		return // status stays as it is until it can be said
	}
	p.failSync(p.inReplicas(region, problem))
	p.unknownPolicy(region)
}

// inReplicas says of a problem in which Region it is.
func (p *pass) inReplicas(region string, problem conditions.Problem) conditions.Problem {
	problem.Message = fmt.Sprintf("spec.replicas, %s: %s", region, problem.Message)
	return problem
}

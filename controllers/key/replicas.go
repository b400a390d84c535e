// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
	"github.com/chatelaine-dev/chatelaine/internal/failpoint"
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
// is there. One that is gone is made again, unlike a key: the primary has its material.
func (r *Reconciler) spread(ctx context.Context, p *pass) {
	if p.seen.MultiRegion == nil {
		return
	}
	need := plan.Where(p.declaredRegions(), p.seen.MultiRegion)
	for _, mistake := range need.Mistakes {
		p.failSync(conditions.Stalled(v1alpha1.ReasonInvalidInput, mistake))
	}
	var kept []v1alpha1.KeyReplicaStatus
	for i := range p.key.Spec.Replicas {
		declared := &p.key.Spec.Replicas[i]
		if declared.Region != p.identity.Region {
			kept = append(kept, r.keepReplica(ctx, p, declared, slices.Contains(need.Keep, declared.Region)))
		}
	}
	if len(need.Replicate) == 0 {
		p.drift.AsDeclared(replicasField)
	}
	r.movePrimary(ctx, p, plan.Where(p.declaredRegions(), p.seen.MultiRegion).MoveTo) // it may have replicas now that it had not
	for i := range p.status.Replicas {
		was := &p.status.Replicas[i]
		declared := slices.ContainsFunc(kept, func(s v1alpha1.KeyReplicaStatus) bool { return s.Region == was.Region })
		if !declared && !(slices.Contains(need.Release, was.Region) && r.release(ctx, p, was)) {
			kept = append(kept, *was)
		}
	}
	slices.SortFunc(kept, func(a, b v1alpha1.KeyReplicaStatus) int { return strings.Compare(a.Region, b.Region) })
	p.status.Replicas, p.status.PrimaryRegion = kept, p.seen.MultiRegion.PrimaryRegion
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
func (r *Reconciler) keepReplica(ctx context.Context, p *pass, declared *v1alpha1.KeyReplica, there bool) v1alpha1.KeyReplicaStatus {
	was := p.replicaStatus(declared.Region)
	place, problem := r.backendIn(ctx, p, declared.Region, allowedOnly)
	if problem != nil {
		p.failSync(p.inReplicas(declared.Region, *problem))
		return was
	}
	q := r.replicaPass(p, declared, &was, place)
	was.Backend = place.name
	if !r.compilePolicies(ctx, q) {
		p.err = q.err
		return was
	}
	if !there {
		problem = r.replicate(ctx, p, q, was.ARN != "")
	}
	if problem == nil {
		problem = r.findReplica(ctx, p, q, was.ARN != "")
	}
	if problem != nil {
		p.failSync(p.inReplicas(declared.Region, *problem))
		return was
	}
	r.checkInput(q)
	r.importMaterial(ctx, q)
	r.configure(ctx, q)
	r.applyPolicy(ctx, q)
	r.applyGrants(ctx, q)
	p.absorb(q)
	return q.asReplica()
}

// inReplicas says of a problem in which Region it is.
func (p *pass) inReplicas(region string, problem conditions.Problem) conditions.Problem {
	problem.Message = fmt.Sprintf("spec.replicas, %s: %s", region, problem.Message)
	return problem
}

// replicate has the primary replicated into the Region of q. kept says that the key was there before.
func (r *Reconciler) replicate(ctx context.Context, p, q *pass, kept bool) *conditions.Problem {
	source, problem := r.primary(ctx, p)
	if problem != nil {
		return problem
	}
	primary, err := source.Get(ctx, p.seen.ID)
	if err != nil {
		return failed(err)
	}
	if primary.State != backend.StateEnabled {
		return failed(&backend.Error{Class: backend.NotReady, Message: fmt.Sprintf(
			"the replica is made when the primary key, which is %s, is enabled", primary.State)})
	}
	region := q.identity.Region
	after, err := source.Apply(ctx, p.seen.ID, []backend.Change{backend.Replicate{
		Region: region, Description: q.key.Spec.Description, Tags: p.owner.TagsWith(q.declaredTags()), Policy: q.initialPolicy(),
	}})
	failpoint.Hit("replicated")
	p.drifted(plan.Difference{Field: replicasField, From: region}, kept && q.wasSettled(), err)
	if problems := changeProblems(err); len(problems) > 0 {
		return &problems[0]
	}
	if !kept {
		r.event(q, normal, "Replicated", "key %s was replicated into %s", p.seen.ID, region)
	}
	return r.takeHome(ctx, p, after)
}

// primary is the backend of the Region that has the primary key.
func (r *Reconciler) primary(ctx context.Context, p *pass) (backend.Backend, *conditions.Problem) {
	place, problem := r.backendIn(ctx, p, p.seen.MultiRegion.PrimaryRegion, allowedOnly)
	if problem != nil {
		problem.Message = fmt.Sprintf("the primary key is in %s: %s", p.seen.MultiRegion.PrimaryRegion, problem.Message)
		return nil, problem
	}
	if p.held != nil {
		return readOnly{backend: place.entry.Backend, why: p.held}, nil
	}
	return place.entry.Backend, nil
}

// takeHome takes up how the key is at home after something was done to the primary, which may be elsewhere.
func (r *Reconciler) takeHome(ctx context.Context, p *pass, primary *backend.Key) *conditions.Problem {
	if primary != nil && primary.ARN == p.seen.ARN {
		p.seen = primary
		return nil
	}
	return r.lookAgain(ctx, p)
}

// lookAgain reads the key anew, also where the backend keeps what it knows.
func (r *Reconciler) lookAgain(ctx context.Context, p *pass) *conditions.Problem {
	if p.verifier != nil {
		if err := p.verifier.Verify(ctx, p.seen.ID); err != nil {
			return failed(err)
		}
	}
	seen, err := p.backend.Get(ctx, p.seen.ID)
	if err != nil {
		return failed(err)
	}
	p.seen = seen
	return nil
}

// findReplica takes up how the key is in the Region of q. kept says that this Key kept it there before; otherwise the
// KMSBackend's adoption policy has a say, as it has for any key.
func (r *Reconciler) findReplica(ctx context.Context, p, q *pass, kept bool) *conditions.Problem {
	r.checkNow(ctx, q)
	if q.status.LastHandledReconcileAt != p.status.LastHandledReconcileAt { // it could not be looked at
		p.status.LastHandledReconcileAt = p.key.Status.LastHandledReconcileAt
	}
	seen, err := q.backend.Get(ctx, p.seen.ID)
	if backend.IsNotFound(err) { // it is not shown yet, or what is known of it at home is outdated
		if problem := r.lookAgain(ctx, p); problem != nil {
			return problem
		}
		return failed(&backend.Error{Class: backend.NotReady, Message: "the replica is not there yet", Err: err})
	}
	if err != nil {
		return failed(err)
	}
	q.seen = seen
	if problem := r.pastTransition(ctx, q); problem != nil {
		return problem
	}
	if seen.State == backend.StateCreating {
		return failed(transition(seen))
	}
	return r.checkReplicaOwner(ctx, q, kept)
}

func (r *Reconciler) checkReplicaOwner(ctx context.Context, q *pass, kept bool) *conditions.Problem {
	if _, owned := backend.OwnerFromTags(q.seen.Tags); kept && !owned {
		return nil
	}
	lives, err := r.holderLives(ctx, q, q.seen)
	if err != nil {
		return failed(err)
	}
	if refusal := plan.Adopt(q.owner, q.seen, q.kmsBackend.Spec.Adoption, lives); refusal != "" {
		return stalled(v1alpha1.ReasonAdoptRefused, refusal)
	}
	return nil
}

// movePrimary makes the replica in the Region to the primary.
func (r *Reconciler) movePrimary(ctx context.Context, p *pass, to string) {
	if to == "" {
		if p.seen.MultiRegion.PrimaryRegion == p.key.Spec.PrimaryRegion {
			p.drift.AsDeclared(primaryField)
		}
		return
	}
	source, problem := r.primary(ctx, p)
	if problem != nil {
		problem.Message = "spec.primaryRegion: " + problem.Message
		p.failSync(*problem)
		return
	}
	from := p.seen.MultiRegion.PrimaryRegion
	after, err := source.Apply(ctx, p.seen.ID, []backend.Change{backend.UpdatePrimaryRegion{From: from, To: to}})
	failpoint.Hit("primary-moved")
	p.drifted(plan.Difference{Field: primaryField, From: to, To: from}, p.wasSettled() && p.key.Status.PrimaryRegion == to, err)
	p.failSync(changeProblems(err)...)
	if err != nil {
		return
	}
	r.event(p, normal, "PrimaryRegionUpdated", "the primary of key %s is now in %s", p.seen.ID, to)
	p.wakeAt(r.Now()) // rotation is the new one's business
	if problem := r.takeHome(ctx, p, after); problem != nil {
		p.failSync(*problem)
	}
	if place, problem := r.backendIn(ctx, p, to, allowedOnly); problem == nil {
		if verifier, ok := place.entry.Backend.(backend.Verifier); ok {
			_ = verifier.Verify(ctx, p.seen.ID) // it would learn that later otherwise
		}
	}
}

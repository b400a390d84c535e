// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"context"
	"fmt"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
	"github.com/chatelaine-dev/chatelaine/internal/failpoint"
	"github.com/chatelaine-dev/chatelaine/internal/plan"
)

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
	if p.backend == nil { // nothing is known but what status says
		return nil
	}
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

// findReplica takes up how the key is in the Region of q.
func (r *Reconciler) findReplica(ctx context.Context, p, q *pass, known bool) *conditions.Problem {
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
	return r.checkReplicaOwner(ctx, q, known)
}

// checkReplicaOwner has the KMSBackend's adoption policy say whether the Key may have a replica that it did not make, as with any
// key. One that it made may show its tags later, or have lost them.
func (r *Reconciler) checkReplicaOwner(ctx context.Context, q *pass, known bool) *conditions.Problem {
	if _, owned := backend.OwnerFromTags(q.seen.Tags); known && !owned {
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
		if region := p.key.Spec.PrimaryRegion; region == "" || region == p.seen.MultiRegion.PrimaryRegion {
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

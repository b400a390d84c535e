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

// primary is the primary key, and the backend of its Region. It is not touched if it is another Key's: then this Key has some of the
// replicas only.
func (r *Reconciler) primary(ctx context.Context, p *pass) (backend.Backend, *backend.Key, error) {
	region := p.seen.MultiRegion.PrimaryRegion
	place, problem := r.backendIn(ctx, p, region, allowedOnly)
	if problem != nil {
		return nil, nil, &backend.Error{
			Class: classOf(problem), Reason: problem.Reason, Message: fmt.Sprintf("the primary key is in %s: %s", region, problem.Message),
		}
	}
	key, err := place.entry.Backend.Get(ctx, p.seen.ID)
	if err == nil {
		err = r.mayHave(ctx, p, key, place)
	}
	if err != nil {
		return nil, nil, err
	}
	return p.guarded(place.entry.Backend), key, nil
}

// guarded is the backend, on which nothing may be changed if nothing may be on the pass's own.
func (p *pass) guarded(b backend.Backend) backend.Backend {
	if p.held == nil {
		return b
	}
	return readOnly{backend: b, why: p.held}
}

// mayHave refuses a primary that is another Key's, or that the Key may not adopt.
func (r *Reconciler) mayHave(ctx context.Context, p *pass, primary *backend.Key, in *place) error {
	if holder, _ := backend.OwnerFromTags(primary.Tags); holder.Same(p.owner) {
		return nil
	}
	refusal, err := r.refusesAdoption(ctx, p, primary, in.kmsBackend)
	if err != nil || refusal == "" {
		return err
	}
	return &backend.Error{
		Class: backend.InvalidInput, Reason: v1alpha1.ReasonAdoptRefused,
		Message: fmt.Sprintf("the primary key is in %s: %s", in.entry.Identity.Region, refusal),
	}
}

// classOf is the class of an error that means the problem.
func classOf(problem *conditions.Problem) backend.Class {
	if problem.Stalled {
		return backend.InvalidInput
	}
	return backend.Unavailable
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

// movePrimary makes the replica in the Region to the primary.
func (r *Reconciler) movePrimary(ctx context.Context, p *pass, to string) {
	if to == "" {
		if region := p.key.Spec.PrimaryRegion; region == "" || region == p.seen.MultiRegion.PrimaryRegion {
			p.drift.AsDeclared(primaryField)
		}
		return
	}
	if r.hasMoved(ctx, p, to) {
		return
	}
	from := p.seen.MultiRegion.PrimaryRegion
	source, _, err := r.primary(ctx, p)
	var after *backend.Key
	if err == nil {
		after, err = source.Apply(ctx, p.seen.ID, []backend.Change{backend.UpdatePrimaryRegion{From: from, To: to}})
		failpoint.Hit("primary-moved")
	}
	p.drifted(plan.Difference{Field: primaryField, From: to, To: from}, p.wasSettled() && p.key.Status.PrimaryRegion == to, err)
	if err != nil {
		problem := conditions.FromError(ofOneChange(err))
		problem.Message = "spec.primaryRegion: " + problem.Message
		p.failSync(problem)
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

// hasMoved says whether the key in the Region is the primary already, as it says itself, and takes that up: others, home among them,
// may show it late.
func (r *Reconciler) hasMoved(ctx context.Context, p *pass, to string) bool {
	place, problem := r.backendIn(ctx, p, to, allowedOnly)
	if problem != nil {
		return false
	}
	there := place.entry.Backend
	key, err := there.Get(ctx, p.seen.ID)
	if verifier, ok := there.(backend.Verifier); ok && isPrimaryIn(to, key, err) { // it may have been so when it was last looked at
		if err = verifier.Verify(ctx, p.seen.ID); err == nil {
			key, err = there.Get(ctx, p.seen.ID)
		}
	}
	if !isPrimaryIn(to, key, err) {
		return false
	}
	p.drift.AsDeclared(primaryField)
	if problem := r.lookAgain(ctx, p); problem != nil {
		p.failSync(*problem)
	}
	seen := *p.seen
	seen.MultiRegion = key.MultiRegion
	p.seen = &seen
	return true
}

func isPrimaryIn(region string, key *backend.Key, err error) bool {
	return err == nil && key.MultiRegion != nil && key.MultiRegion.PrimaryRegion == region
}

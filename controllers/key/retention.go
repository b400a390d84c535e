// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"context"
	"fmt"
	"time"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
)

// patience is for how long a Key that is to leave its key waits for what may pass.
const patience = 10 * time.Minute

// retainAll leaves the key of a Key in deletion as it is, in every Region: enabled, and for those to use whom the KeyPolicies and grants
// of this moment allow it. What is revoked must not stay in force because its Key is gone, and a deletion that was begun before
// somebody thought better of it must not be carried out. What may pass is waited for a while; what cannot be reached or done is told, and
// holds nobody up. Only a key whose deletion may be scheduled is not left unseen.
func (r *Reconciler) retainAll(ctx context.Context, p *pass) *conditions.Problem {
	switch {
	case p.status.KeyID == "" && !p.deletionBegan():
		return nil
	case p.held != nil && p.deletionBegan() && p.held.Reason != v1alpha1.ReasonObserved:
		return failed(p.held)
	case p.held != nil:
		return nil
	}
	p.conditions.Wait(v1alpha1.ConditionPolicyApplied, unknownMeanwhile)
	problem := r.openHome(ctx, p)
	switch {
	case p.unknown:
		return nil
	case problem == nil:
		problem = r.retainHome(ctx, p)
	default:
		problem = p.orTell("", p.status.Policy, problem, unseen)
	}
	if problem != nil || p.err != nil {
		return problem
	}
	for _, region := range p.keptElsewhere() {
		if problem := r.retainReplica(ctx, p, region); problem != nil && p.err == nil {
			problem.Message = region + ": " + problem.Message
			return problem
		}
	}
	for _, tell := range p.farewell {
		tell(r)
	}
	return nil
}

// retainHome has the key in the Region of the Key's own KMSBackend as it is to be left.
func (r *Reconciler) retainHome(ctx context.Context, p *pass) *conditions.Problem {
	err := p.verifyBegun(ctx, p)
	var keys []*backend.Key
	if err == nil {
		keys, err = r.keysToDelete(ctx, p)
	}
	if err != nil {
		return p.orTell("", p.status.Policy, failed(err), reachable)
	}
	for _, key := range keys {
		if holder, owned := backend.OwnerFromTags(key.Tags); owned && !holder.Same(p.owner) {
			continue
		}
		p.seen = key
		if problem := r.retainSeen(ctx, p, p); problem != nil {
			return problem
		}
	}
	return nil
}

// retainReplica has the key in another Region as it is to be left.
func (r *Reconciler) retainReplica(ctx context.Context, p *pass, region string) *conditions.Problem {
	was := p.replicaStatus(region)
	place, problem := r.backendIn(ctx, p, region, anyAllowed)
	if problem != nil && p.untried {
		return problem
	}
	if problem != nil {
		return p.orTell(region, was.Policy, problem, unseen)
	}
	q := r.replicaPass(p, p.declaredIn(region), &was, place)
	err := p.verifyBegun(ctx, q)
	if err == nil {
		q.seen, err = p.findIn(ctx, q)
	}
	if err != nil {
		return p.orTell(region, was.Policy, failed(err), reachable)
	}
	if q.seen == nil {
		return nil
	}
	return r.retainSeen(ctx, p, q)
}

// retainSeen has the key that q has seen as the Key in deletion is to leave it.
func (r *Reconciler) retainSeen(ctx context.Context, p, q *pass) *conditions.Problem {
	if problem := r.undoDeletion(ctx, p, q); problem != nil {
		return problem
	}
	if q.seen.State == backend.StatePendingDeletion { // somebody else's doing, or told
		return nil
	}
	r.updateAccess(ctx, q)
	if q.err != nil {
		p.err = q.err
		return nil
	}
	for _, problem := range q.accessProblems() {
		if problem := p.orTell(q.replicaIn, q.status.Policy, &problem, seen); problem != nil {
			return problem
		}
	}
	return nil
}

// undoDeletion takes back what the deletion of the Key did to the key that q has seen before its policy became Retain.
func (r *Reconciler) undoDeletion(ctx context.Context, p, q *pass) *conditions.Problem {
	if !p.deletionBegan() {
		return nil
	}
	var changes []backend.Change
	scheduled := q.seen.State == backend.StatePendingDeletion
	if scheduled {
		changes = append(changes, backend.CancelDeletion{})
	}
	if q.enabled() && (scheduled || q.seen.State == backend.StateDisabled) { // AWS leaves a key disabled whose deletion is cancelled
		changes = append(changes, backend.Enable{})
	}
	if len(changes) == 0 {
		return nil
	}
	after, err := q.backend.Apply(ctx, q.seen.ID, changes)
	if after != nil {
		q.seen = after
	}
	if scheduled && q.seen.State != backend.StatePendingDeletion {
		r.event(q, normal, "DeletionCancelled", "the deletion of key %s was scheduled and is cancelled, since spec.deletion.policy became Retain", q.name())
	}
	if err == nil {
		return nil
	}
	known := seen
	if q.seen.State == backend.StatePendingDeletion {
		known = reachable
	}
	return p.orTell(q.replicaIn, q.status.Policy, failed(err), known)
}

// insight is how much is known of a key that something is the matter with.
type insight int

const (
	// unseen: it cannot be reached.
	unseen insight = iota
	// reachable: its KMSBackend is open, and it was not seen just now, or is to be destroyed.
	reachable
	// seen: its deletion is not scheduled.
	seen
)

// orTell is a problem that the deletion waits for: for a while one that may pass, with a key that can be reached, and any with a key whose
// deletion may be scheduled. Another one is told when the object goes.
func (p *pass) orTell(region string, policy *v1alpha1.KeyPolicyInForce, problem *conditions.Problem, known insight) *conditions.Problem {
	letGo := fmt.Sprintf("; to let the object go nevertheless, annotate it with %s=%s", v1alpha1.ReconcileAnnotation, v1alpha1.ReconcileObserve)
	switch {
	case known != seen && p.deletionBegan():
		problem.Message += "; the key's deletion was begun and may be scheduled, which has to be seen and cancelled first" + letGo
		return problem
	case known != unseen && !problem.Stalled && p.patient:
		problem.Message += fmt.Sprintf("; the object goes when the key is as declared, and %s after its deletion at the latest", patience) + letGo
		return problem
	}
	q := &pass{key: p.key, seen: &backend.Key{ID: p.status.KeyID}, replicaIn: region}
	note := leftNote(q, policy, problem)
	p.farewell = append(p.farewell, func(r *Reconciler) { r.event(q, warning, "Retained", "%s", note) })
	return nil
}

func (p *pass) deletionBegan() bool { return p.status.DeletionBegunTime != nil }

// verifyBegun has the backend of q look at the key anew if its deletion may be scheduled: what it knows may be from before.
func (p *pass) verifyBegun(ctx context.Context, q *pass) error {
	if !p.deletionBegan() || q.verifier == nil || p.status.KeyID == "" {
		return nil
	}
	if err := q.verifier.Verify(ctx, p.status.KeyID); !backend.IsNotFound(err) {
		return err
	}
	return nil
}

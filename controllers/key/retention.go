// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"context"
	"fmt"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
)

// retainAll leaves the key of a Key in deletion as it is, in every Region: enabled, and for those to use whom the KeyPolicies and grants
// of this moment allow it. What is revoked must not stay in force because its Key is gone, and a deletion that was begun before
// somebody thought better of it must not be carried out. What passes is waited for; what cannot be reached or done is told, and holds
// nobody up. Only a key whose deletion may be scheduled is not left unseen.
func (r *Reconciler) retainAll(ctx context.Context, p *pass) *conditions.Problem {
	if p.held != nil || p.status.KeyID == "" && !p.deletionBegan() {
		return nil
	}
	problem := r.openHome(ctx, p)
	switch {
	case p.unknown:
		return nil
	case problem == nil:
		problem = r.retainHome(ctx, p)
	default:
		problem = r.orTell(p, "", p.status.Policy, problem, unseen)
	}
	if problem != nil || p.err != nil || !p.goByStatus() {
		return problem
	}
	for i := range p.status.Replicas {
		was := &p.status.Replicas[i]
		if problem := r.retainReplica(ctx, p, was); problem != nil && p.err == nil {
			problem.Message = was.Region + ": " + problem.Message
			return problem
		}
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
		return r.orTell(p, "", p.status.Policy, failed(err), waited)
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
func (r *Reconciler) retainReplica(ctx context.Context, p *pass, was *v1alpha1.KeyReplicaStatus) *conditions.Problem {
	if was.Backend == "" {
		return nil
	}
	place, problem := r.backendIn(ctx, p, was.Region, anyAllowed)
	if problem != nil && p.untried {
		return problem
	}
	if problem != nil {
		return r.orTell(p, was.Region, was.Policy, problem, unseen)
	}
	q := r.replicaPass(p, p.declaredIn(was.Region), was, place)
	err := p.verifyBegun(ctx, q)
	if err == nil {
		q.seen, err = p.findIn(ctx, q)
	}
	if err != nil {
		return r.orTell(p, was.Region, was.Policy, failed(err), waited)
	}
	if q.seen == nil {
		return nil
	}
	return r.retainSeen(ctx, p, q)
}

// retainSeen has the key that q has seen as the Key in deletion is to leave it.
func (r *Reconciler) retainSeen(ctx context.Context, p, q *pass) *conditions.Problem {
	if q.seen.State == backend.StatePendingDeletion {
		if !p.deletionBegan() {
			return nil // somebody else's doing
		}
		changes := []backend.Change{backend.CancelDeletion{}}
		if q.enabled() {
			changes = append(changes, backend.Enable{})
		}
		after, err := q.backend.Apply(ctx, q.seen.ID, changes)
		if err != nil {
			return r.orTell(p, q.replicaIn, q.status.Policy, failed(err), unseen)
		}
		q.seen = after
		r.event(q, normal, "DeletionCancelled", "the deletion of key %s was scheduled and is cancelled, since spec.deletion.policy became Retain", q.name())
	}
	r.updateAccess(ctx, q)
	if q.err != nil {
		p.err = q.err
		return nil
	}
	for _, problem := range q.accessProblems() {
		if problem := r.orTell(p, q.replicaIn, q.status.Policy, &problem, seen); problem != nil {
			return problem
		}
	}
	return nil
}

// How much is known of a key that something is the matter with.
type insight int

const (
	// unseen: it cannot be reached.
	unseen insight = iota
	// waited: it could be reached, and not looked at just now.
	waited
	// seen: its deletion is not scheduled.
	seen
)

// orTell is a problem that the deletion waits for: one that passes, with a key that can be reached, and any with a key whose deletion may
// be scheduled. Another one is told.
func (r *Reconciler) orTell(
	p *pass, region string, policy *v1alpha1.KeyPolicyInForce, problem *conditions.Problem, known insight,
) *conditions.Problem {
	switch {
	case known != seen && p.deletionBegan():
		problem.Message += fmt.Sprintf("; the key's deletion was begun and may be scheduled, which has to be seen and cancelled first; "+
			"to let the object go nevertheless, annotate it with %s=%s", v1alpha1.ReconcileAnnotation, v1alpha1.ReconcileObserve)
		return problem
	case known != unseen && !problem.Stalled:
		problem.Message += "; the object goes when who may use the key is as declared"
		return problem
	}
	q := &pass{key: p.key, seen: &backend.Key{ID: p.status.KeyID}, replicaIn: region}
	r.event(q, warning, "Retained", "key %s is left as it is (%s): %s stay in force there, whatever became of them since",
		q.name(), problem.Message, sourcesOfStatus(policy))
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

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"context"
	"errors"
	"fmt"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
	"github.com/chatelaine-dev/chatelaine/internal/failpoint"
	"github.com/chatelaine-dev/chatelaine/internal/plan"
)

// findReplica takes up how the key is in the Region of q. listed says that the key at home says it is there. It is absent if neither
// home nor its own Region knows of it: one that could not be read, or of which the two do not agree, may be there as it was.
func (r *Reconciler) findReplica(ctx context.Context, p, q *pass, listed bool) (absent bool, problem *conditions.Problem) {
	r.checkNow(ctx, q)
	if q.status.LastHandledReconcileAt != p.status.LastHandledReconcileAt { // it could not be looked at
		p.notLookedAt()
	}
	seen, err := q.backend.Get(ctx, p.seen.ID)
	switch {
	case backend.IsNotFound(err) && listed: // it is not shown yet, or what is known of it at home is outdated
		if problem := r.lookAgain(ctx, p); problem != nil {
			return false, problem
		}
		absent = !p.seen.MultiRegion.In(q.identity.Region)
		return absent, failed(&backend.Error{Class: backend.NotReady, Message: "the replica is not there yet", Err: err})
	case backend.IsNotFound(err):
		return true, nil
	case err != nil:
		return false, failed(err)
	}
	q.seen = seen
	return false, r.pastTransition(ctx, q)
}

// replicate has the primary replicated into the Region of q, and notes in gone that the key was there before.
func (r *Reconciler) replicate(ctx context.Context, p, q *pass, gone *remade) *conditions.Problem {
	region, kept := q.identity.Region, q.key.Status.SyncedGeneration != 0
	after, err := r.replicateNow(ctx, p, q)
	if kept || p.held != nil {
		gone.regions, gone.settled = append(gone.regions, region), gone.settled || q.wasSettled()
		if gone.err == nil && err != nil {
			gone.err = err
		}
	}
	if err != nil {
		return failed(err)
	}
	r.event(q, normal, "Replicated", "key %s was replicated into %s", p.seen.ID, region)
	if problem := r.takeHome(ctx, p, after); problem != nil {
		return problem
	}
	_, problem := r.findReplica(ctx, p, q, true)
	return problem
}

// replicateNow makes the replica. Should its key policy be what is wrong, the phase of policies says so; the key is to be there.
func (r *Reconciler) replicateNow(ctx context.Context, p, q *pass) (*backend.Key, error) {
	source, primary, err := r.primary(ctx, p)
	if err != nil {
		return nil, err
	}
	if primary.State != backend.StateEnabled {
		return nil, &backend.Error{Class: backend.NotReady, Message: fmt.Sprintf(
			"the replica is made when the primary key, which is %s, is enabled", primary.State)}
	}
	change := q.asDeclaredReplica()
	after, err := source.Apply(ctx, p.seen.ID, []backend.Change{change})
	if base := q.base.Text; backend.ClassOf(err) == backend.InvalidInput && change.Policy != base && p.held == nil {
		change.Policy = base
		after, err = source.Apply(ctx, p.seen.ID, []backend.Change{change})
	}
	failpoint.Hit("replicated")
	return after, ofOneChange(err)
}

// ofOneChange is why the only change of an Apply failed.
func ofOneChange(err error) error {
	if failed, ok := errors.AsType[*backend.ChangesError](err); ok {
		return failed.Failed[0].Err
	}
	return err
}

// asDeclaredReplica makes the key in the Region of this pass.
func (p *pass) asDeclaredReplica() backend.Replicate {
	return backend.Replicate{
		Region: p.identity.Region, Description: p.key.Spec.Description, Tags: p.owner.TagsWith(p.declaredTags()), Policy: p.initialPolicy(),
	}
}

// takeReplica takes the key in the Region of a replica's pass for the Key's, if it may have it. One that it keeps, as its ARN in
// status says, may have lost its tags. Any other one that is nobody's is adopted under the KMSBackend's adoption policy, and gets
// the owner tags before it is changed. AWS may show a replica that was just made without its tags, so what is refused then is
// asked again soon.
func (r *Reconciler) takeReplica(ctx context.Context, q *pass) *conditions.Problem {
	if q.seen.State == backend.StateCreating {
		return failed(transition(q.seen))
	}
	holder, owned := backend.OwnerFromTags(q.seen.Tags)
	if holder.Same(q.owner) || !owned && q.key.Status.ARN != "" {
		return nil
	}
	r.adopting.Lock()
	defer r.adopting.Unlock()
	seen, err := q.backend.Get(ctx, q.seen.ID)
	if err != nil {
		return failed(err)
	}
	q.seen = seen
	refusal, err := r.refusesAdoption(ctx, q, seen, q.kmsBackend)
	switch {
	case err != nil:
		return failed(err)
	case refusal == "":
		if q.key.Status.ARN == "" { // the one that was as declared, if any, is gone
			q.key.Status.SyncedGeneration, q.status.SyncedGeneration = 0, 0
		}
		return r.claim(ctx, q, seen)
	case !owned && q.beganReplica:
		return failed(&backend.Error{Class: backend.NotReady, Reason: v1alpha1.ReasonAdoptRefused, Message: refusal})
	default:
		return stalled(v1alpha1.ReasonAdoptRefused, refusal)
	}
}

// refusesAdoption says why the Key may not have a key on a KMSBackend; empty if it may.
func (r *Reconciler) refusesAdoption(ctx context.Context, p *pass, seen *backend.Key, on *v1alpha1.KMSBackend) (string, error) {
	lives, err := r.holderLives(ctx, p, seen)
	if err != nil {
		return "", err
	}
	return plan.Adopt(p.owner, seen, on.Spec.Adoption, lives), nil
}

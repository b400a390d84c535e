// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
	"github.com/chatelaine-dev/chatelaine/internal/failpoint"
)

// release lets the key go in a Region in which it is no longer declared to be, as the deletion policy says, and says whether that
// was done. Nothing is lost with a replica: what was encrypted under it, the others decrypt.
func (r *Reconciler) release(ctx context.Context, p *pass, was *v1alpha1.KeyReplicaStatus) bool {
	problem := r.letGo(ctx, p, was)
	if problem == nil {
		p.drift.Forget(was.Region)
		return true
	}
	p.failReplica(was.Region, *problem)
	return false
}

func (r *Reconciler) letGo(ctx context.Context, p *pass, was *v1alpha1.KeyReplicaStatus) *conditions.Problem {
	switch {
	case was.Backend == "": // nothing was ever begun there
		return nil
	case p.key.Spec.Deletion.Policy != v1alpha1.DeletionSchedule:
		return r.retain(ctx, p, was)
	}
	problem := r.deleteIn(ctx, p, p.seen.ID, was.Region, true)
	if problem != nil {
		problem.Message += "; or set spec.deletion.policy to Retain to keep the key there"
	}
	return problem
}

// retain brings up to date who may use the key in a Region, before it is left as it is: what is revoked must not stay in force
// because the Region was removed. One that cannot be reached can be removed all the same, and it is told what stays in force.
func (r *Reconciler) retain(ctx context.Context, p *pass, was *v1alpha1.KeyReplicaStatus) *conditions.Problem {
	place, problem := r.backendIn(ctx, p, was.Region, anyAllowed)
	if problem != nil && p.untried {
		return problem
	}
	if problem != nil {
		r.tellRetained(p, was, problem)
		return nil
	}
	q := r.replicaPass(p, p.declaredIn(was.Region), was, place)
	seen, err := p.findIn(ctx, q)
	if err != nil {
		return failed(err)
	}
	if seen == nil {
		return nil
	}
	q.seen = seen
	if seen.State == backend.StatePendingDeletion {
		r.event(q, warning, "ReplicaRetained", "key %s in %s is left as it is: its deletion is scheduled, and stays so", p.seen.ID, was.Region)
		return nil
	}
	r.updateAccess(ctx, q)
	if q.err != nil {
		p.err = q.err
		return failed(q.err)
	}
	if problems := q.accessProblems(); len(problems) > 0 {
		problem := &problems[0]
		if problem.Reason == v1alpha1.ReasonNamespaceNotAllowed {
			r.tellRetained(p, was, problem)
			return nil
		}
		problem.Message += "; the replica is let go when who may use it is as declared"
		return problem
	}
	r.event(q, normal, "ReplicaRetained", "key %s stays in %s as it is, since spec.deletion.policy is Retain: nothing is changed about it there any more",
		p.seen.ID, was.Region)
	return nil
}

// tellRetained tells of a replica that is left without having been brought up to date, and why.
func (r *Reconciler) tellRetained(p *pass, was *v1alpha1.KeyReplicaStatus, problem *conditions.Problem) {
	r.event(p, warning, "ReplicaRetained", "%s", leftNote(&pass{seen: p.seen, replicaIn: was.Region}, was.Policy, problem))
}

// leftNote says of a key which KeyPolicies are in force as it is left, and why they may not be those that are declared.
func leftNote(p *pass, policy *v1alpha1.KeyPolicyInForce, problem *conditions.Problem) string {
	return fmt.Sprintf("key %s is left as it is (%s): %s stay in force there, whatever became of them since",
		p.name(), problem.Message, sourcesOfStatus(policy))
}

// sourcesOfStatus says in words which KeyPolicies status has in force.
func sourcesOfStatus(policy *v1alpha1.KeyPolicyInForce) string {
	if policy == nil || len(policy.Sources) == 0 {
		return "no KeyPolicies, but grants,"
	}
	names := make([]string, 0, len(policy.Sources))
	for _, source := range policy.Sources {
		names = append(names, source.Name)
	}
	return "KeyPolicies " + strings.Join(names, ", ") + ", and grants,"
}

// deleteIn schedules the deletion of the key in another Region, if it is this Key's there. The primary is spared if asked for.
func (r *Reconciler) deleteIn(ctx context.Context, p *pass, keyID, region string, sparePrimary bool) *conditions.Problem {
	place, problem := r.backendIn(ctx, p, region, anyAllowed)
	if problem != nil {
		return problem
	}
	there := place.entry.Backend
	if verifier, ok := there.(backend.Verifier); ok && sparePrimary { // which key is primary may have changed since it was looked at
		if err := verifier.Verify(ctx, keyID); err != nil && !backend.IsNotFound(err) {
			return failed(err)
		}
	}
	key, err := there.Get(ctx, keyID)
	if backend.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return failed(err)
	}
	q := *p
	q.replicaIn = region
	if holder, owned := backend.OwnerFromTags(key.Tags); !owned || !holder.Same(p.owner) {
		r.event(&q, warning, "Retained", "key %s in %s is left as it is: it does not carry the owner tags of this Key", keyID, region)
		return nil
	}
	if sparePrimary && key.MultiRegion != nil && key.MultiRegion.PrimaryRegion == region {
		return stalled(v1alpha1.ReasonInvalidInput,
			"it was removed and has the primary key: set spec.primaryRegion to another Region of the key, or declare the replica again")
	}
	if key.State == backend.StatePendingDeletion { // a deletion that waits for another Region comes by here again
		return nil
	}
	at, err := p.guarded(there).ScheduleDeletion(ctx, keyID, p.pendingWindow())
	if backend.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return failed(err)
	}
	r.event(&q, normal, "DeletionScheduled", "key %s in %s will be destroyed %s", keyID, region, p.deletionTime(at))
	return nil
}

// deleteReplicas schedules the deletion of the key wherever this Key kept it or declares it to be.
func (r *Reconciler) deleteReplicas(ctx context.Context, p *pass, key *backend.Key) *conditions.Problem {
	for _, region := range p.regionsOf(key) {
		if problem := r.deleteIn(ctx, p, key.ID, region, false); problem != nil {
			problem.Message = fmt.Sprintf("%s: %s", region, problem.Message)
			return problem
		}
		failpoint.Hit("replica-deletion-scheduled")
	}
	return nil
}

// pendingWindow is the waiting window of the key's deletion, in days.
func (p *pass) pendingWindow() int {
	return int(cmp.Or(p.key.Spec.Deletion.PendingWindowInDays, defaultPendingWindowInDays))
}

// deletionTime says when a key is destroyed that was scheduled for that time; zero is for a multi-Region primary, whose window
// begins later.
func (p *pass) deletionTime(at time.Time) string {
	if at.IsZero() {
		return fmt.Sprintf("%d days after the last of its replicas is gone", p.pendingWindow())
	}
	return "at " + at.UTC().Format("2006-01-02T15:04:05Z")
}

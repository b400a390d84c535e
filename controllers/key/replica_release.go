// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
	"github.com/chatelaine-dev/chatelaine/internal/failpoint"
)

// release lets the key go in a Region in which it is no longer declared to be, as the deletion policy says, and says whether that
// was done. Nothing is lost with a replica: what was encrypted under it, the others decrypt.
func (r *Reconciler) release(ctx context.Context, p *pass, was *v1alpha1.KeyReplicaStatus) bool {
	if p.key.Spec.Deletion.Policy != v1alpha1.DeletionSchedule {
		p.drift.Forget(was.Region)
		if was.ARN != "" {
			r.event(p, normal, "ReplicaRetained", "key %s stays in %s as it is, since spec.deletion.policy is Retain: nothing is changed about it there any more",
				p.seen.ID, was.Region)
		}
		return true
	}
	problem := r.deleteIn(ctx, p, p.seen.ID, was.Region)
	if problem != nil && was.ARN == "" && problem.Reason == v1alpha1.ReasonReplicaBackendNotFound {
		problem = nil // there was never a backend to make it on
	}
	if problem != nil {
		problem.Message += "; or set spec.deletion.policy to Retain to keep the key there"
		p.failSync(p.inReplicas(was.Region, *problem))
		return false
	}
	p.drift.Forget(was.Region)
	return true
}

// deleteIn schedules the deletion of the key in another Region, if it is this Key's there.
func (r *Reconciler) deleteIn(ctx context.Context, p *pass, keyID, region string) *conditions.Problem {
	place, problem := r.backendIn(ctx, p, region, anyAllowed)
	if problem != nil {
		return problem
	}
	there := place.entry.Backend
	key, err := there.Get(ctx, keyID)
	if backend.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return failed(err)
	}
	if holder, owned := backend.OwnerFromTags(key.Tags); !owned || !holder.Same(p.owner) {
		return nil
	}
	if p.held != nil {
		there = readOnly{backend: there, why: p.held}
	}
	at, err := there.ScheduleDeletion(ctx, keyID, p.pendingWindow())
	if backend.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return failed(err)
	}
	q := *p
	q.replicaIn = region
	r.event(&q, normal, "DeletionScheduled", "key %s in %s will be destroyed %s", keyID, region, p.deletionTime(at))
	return nil
}

// deleteReplicas schedules the deletion of the key wherever this Key kept it or declares it to be.
func (r *Reconciler) deleteReplicas(ctx context.Context, p *pass, key *backend.Key) *conditions.Problem {
	want := p.declaredRegions()
	regions := slices.Concat(want.Replicas, want.Kept)
	slices.Sort(regions)
	for _, region := range slices.Compact(regions) {
		if region == p.identity.Region || !key.MultiRegion.In(region) {
			continue
		}
		if problem := r.deleteIn(ctx, p, key.ID, region); problem != nil {
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

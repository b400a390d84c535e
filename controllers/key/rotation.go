// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
	"github.com/chatelaine-dev/chatelaine/internal/plan"
)

// handledRequest is the last rotation request carried out, after changes ended with err: the one declared, unless it is
// for later, waits for the key to be enabled or for a Region, or failed. It is remembered even when other changes failed, lest
// the key be rotated again with each attempt at those.
func handledRequest(want plan.Key, seen *backend.Key, changes plan.Changes, err error) time.Time {
	if !changes.NextAt.IsZero() || slices.ContainsFunc(changes.Deferred, isRotate) || awaitsRegion(want, seen) {
		return want.RotationHandledAt
	}
	if failed, ok := errors.AsType[*backend.ChangesError](err); err != nil && slices.ContainsFunc(changes.Now, isRotate) {
		if !ok || slices.ContainsFunc(failed.Failed, func(f backend.ChangeError) bool { return isRotate(f.Change) }) {
			return want.RotationHandledAt
		}
	}
	if want.RotationRequestedAt.Before(want.RotationHandledAt) { // removed, or an older one declared
		return want.RotationHandledAt
	}
	return want.RotationRequestedAt
}

// awaitsRegion says whether the rotation requested has begun, or is to, and is not carried out yet for want of a Region.
func awaitsRegion(want plan.Key, seen *backend.Key) bool {
	return len(seen.Rotation.AwaitedRegions) > 0 && want.RotationRequestedAt.After(seen.CreationTime) &&
		want.RotationRequestedAt.After(seen.Rotation.LastOnDemandTime)
}

func isRotate(change backend.Change) bool {
	_, rotate := change.(backend.Rotate)
	return rotate
}

// reportWaits says what has begun and waits for other Regions: a rotation, or the end of a primary key.
func (r *Reconciler) reportWaits(ctx context.Context, p *pass) {
	if !p.isPrimary() {
		return
	}
	for _, region := range p.seen.Rotation.AwaitedRegions {
		p.failSync(r.rotationWaits(ctx, p, region))
	}
	if relatives := p.seen.MultiRegion; relatives != nil && p.seen.State == backend.StatePendingDeletion && p.seen.DeletionTime.IsZero() {
		p.failSync(conditions.Problem{Reason: v1alpha1.ReasonProgressing, Message: fmt.Sprintf(
			"the deletion that was scheduled waits for the end of the replicas in %s; a Region without an open KMSBackend counts as having its replica",
			strings.Join(relatives.ReplicaRegions, ", "))})
	}
}

// rotationWaits says that a rotation waits for the replica in a Region. That passes by itself while the Region is open, or about
// to be.
func (r *Reconciler) rotationWaits(ctx context.Context, p *pass, region string) conditions.Problem {
	waits := fmt.Sprintf("rotation waits for Region %s: the replica there is to have the new key material first", region)
	open, err := r.isServed(ctx, p.identity.AccountID, region)
	if err != nil {
		return conditions.FromError(err)
	}
	if open {
		return conditions.Problem{Reason: v1alpha1.ReasonRotationWaits, Message: waits}
	}
	return conditions.Stalled(v1alpha1.ReasonRotationWaits, fmt.Sprintf(
		"%s, and no KMSBackend of account %s is open there: open it, or create it again if it was deleted; the rotation goes on by itself then, "+
			"whether the replica is still there or not", waits, p.identity.AccountID))
}

// isServed says whether a KMSBackend of the account is open in the Region, or may be in a moment.
func (r *Reconciler) isServed(ctx context.Context, accountID, region string) (bool, error) {
	all := &v1alpha1.KMSBackendList{}
	if err := r.Client.List(ctx, all); err != nil {
		return false, err
	}
	return slices.ContainsFunc(all.Items, func(kmsBackend v1alpha1.KMSBackend) bool {
		entry, tried := r.Backends.Get(kmsBackend.Name)
		if !tried {
			return kmsBackend.DeletionTimestamp.IsZero() && kmsBackend.Status.Region == region
		}
		return entry.Err == nil && entry.Identity.AccountID == accountID && entry.Identity.Region == region
	}), nil
}

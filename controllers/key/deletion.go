// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"context"
	"fmt"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
	"github.com/chatelaine-dev/chatelaine/internal/failpoint"
)

// defaultPendingWindowInDays is the waiting window where none is declared (AWS KMS ScheduleKeyDeletion).
const defaultPendingWindowInDays = 30

// finalize carries out the deletion policy and lets the object go. It does not wait for the window to pass: the key
// remembers its owner, so a Key created again under this name finds it.
func (r *Reconciler) finalize(ctx context.Context, p *pass) (ctrl.Result, error) {
	if !controllerutil.ContainsFinalizer(p.key, v1alpha1.KeyFinalizer) {
		return ctrl.Result{}, nil
	}
	p.patient = r.Now().Sub(p.key.DeletionTimestamp.Time) < patience
	problem := r.carryOutDeletion(ctx, p)
	if p.unknown || p.err != nil {
		return ctrl.Result{}, p.err
	}
	if problem != nil {
		problem.Message = "deletion waits: " + problem.Message
		p.unsynced = []conditions.Problem{*problem}
		if p.key.Spec.Deletion.Policy == v1alpha1.DeletionSchedule {
			r.revokeMeanwhile(ctx, p)
		}
		p.conditions.FailAll(v1alpha1.ConditionSynced, p.unsynced)
		return r.finish(ctx, p)
	}
	failpoint.Hit("deletion-done")
	if err := r.patchFinalizers(ctx, p, controllerutil.RemoveFinalizer); client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, err
	}
	r.written.Forget(client.ObjectKeyFromObject(p.key))
	return ctrl.Result{}, nil
}

func (r *Reconciler) carryOutDeletion(ctx context.Context, p *pass) *conditions.Problem {
	if p.key.Spec.Deletion.Policy != v1alpha1.DeletionSchedule {
		return r.retainAll(ctx, p)
	}
	problem := r.openHome(ctx, p)
	if problem == nil && !p.unknown {
		problem = r.scheduleDeletion(ctx, p)
	}
	if problem != nil {
		problem.Message += "; or set spec.deletion.policy to Retain to keep the key, and let the object go as soon as that is sure"
	}
	return problem
}

// openHome is the phase of the backend for a Key in deletion, which its KMSBackend may allow its namespace no longer.
func (r *Reconciler) openHome(ctx context.Context, p *pass) *conditions.Problem {
	name, problem := r.backendName(ctx, p)
	if problem != nil {
		return problem
	}
	if problem := r.readBackend(ctx, p, name); problem != nil {
		return problem
	}
	entry, tried := r.Backends.Get(name)
	switch {
	case !tried: // it will be opened in a moment
		p.unknown = true
		return nil
	case entry.Err != nil:
		return &conditions.Problem{Reason: v1alpha1.ReasonBackendNotReady, Message: fmt.Sprintf("KMSBackend %s: %v", name, entry.Err)}
	}
	p.identity = entry.Identity
	if problem := p.checkHome(); problem != nil {
		return problem
	}
	p.use(name, entry.Backend)
	return nil
}

func (r *Reconciler) scheduleDeletion(ctx context.Context, p *pass) *conditions.Problem {
	keys, err := r.keysToDelete(ctx, p)
	if err == nil && p.held == nil && (len(keys) > 0 || len(p.status.Replicas) > 0) {
		err = r.noteBegun(ctx, p)
	}
	if err != nil {
		return failed(err)
	}
	if len(keys) == 0 && p.status.KeyID != "" {
		return r.deleteReplicas(ctx, p, p.asKnown())
	}
	for _, key := range keys {
		if problem := r.deleteReplicas(ctx, p, key); problem != nil {
			return problem
		}
		if holder, owned := backend.OwnerFromTags(key.Tags); !owned || !holder.Same(p.owner) {
			r.event(p, warning, "Retained", "key %s is left as it is: it does not carry the owner tags of this Key any more", key.ID)
			continue
		}
		at, err := p.backend.ScheduleDeletion(ctx, key.ID, p.pendingWindow())
		if backend.IsNotFound(err) {
			continue
		}
		if err != nil {
			return failed(err)
		}
		r.event(p, normal, "DeletionScheduled", "key %s will be destroyed %s", key.ID, p.deletionTime(at))
	}
	return nil
}

// noteBegun has status say that the key's deletion may be scheduled from now on, whatever is heard of it: should the deletion policy
// become Retain yet, that has to be undone.
func (r *Reconciler) noteBegun(ctx context.Context, p *pass) error {
	if p.deletionBegan() {
		return nil
	}
	p.status.DeletionBegunTime = seconds(r.Now())
	p.err = r.patchStatus(ctx, p) // also if it is gone: then its key is no longer its business
	p.status = *p.key.Status.DeepCopy()
	return p.err
}

// keysToDelete is the key in status or, where a crash kept it from getting there, the one with this Key's owner tags
// and UID.
func (r *Reconciler) keysToDelete(ctx context.Context, p *pass) ([]*backend.Key, error) {
	if p.status.KeyID != "" {
		key, err := p.backend.Get(ctx, p.status.KeyID)
		if backend.IsNotFound(err) {
			return nil, nil
		}
		return []*backend.Key{key}, err
	}
	owned, err := p.backend.Owned(ctx, p.owner)
	var keys []*backend.Key
	for _, key := range owned {
		if key.Tags[backend.TagUID] == p.owner.UID {
			keys = append(keys, key)
		}
	}
	return keys, err
}

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
	if problem := r.carryOutDeletion(ctx, p); problem != nil {
		problem.Message = "deletion waits: " + problem.Message
		p.conditions.Fail(v1alpha1.ConditionSynced, *problem)
		return r.finish(ctx, p)
	}
	if p.unknown {
		return ctrl.Result{}, nil
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
		return nil
	}
	const letGo = "; or set spec.deletion.policy to Retain to let the object go and keep the key"
	name, problem := r.backendName(ctx, p)
	if problem != nil {
		problem.Message += letGo
		return problem
	}
	entry, tried := r.Backends.Get(name)
	if !tried {
		return r.waitForBackend(ctx, p, name, letGo)
	}
	if entry.Err != nil {
		return &conditions.Problem{
			Reason:  v1alpha1.ReasonBackendNotReady,
			Message: fmt.Sprintf("KMSBackend %s: %v%s", name, entry.Err, letGo),
		}
	}
	p.kmsBackend = &v1alpha1.KMSBackend{}
	if err := r.Client.Get(ctx, client.ObjectKey{Name: name}, p.kmsBackend); err != nil {
		return failed(err)
	}
	p.use(name, entry.Backend)
	p.identity = entry.Identity
	if problem := p.checkHome(); problem != nil {
		problem.Message += letGo
		return problem
	}
	problem = r.scheduleDeletion(ctx, p)
	if problem != nil && len(p.status.Replicas) > 0 {
		problem.Message += letGo + " (what is scheduled already stays scheduled, until the Key is applied again)"
	}
	return problem
}

// waitForBackend tells a backend that will be opened in a moment from one that is not there.
func (r *Reconciler) waitForBackend(ctx context.Context, p *pass, name, letGo string) *conditions.Problem {
	kmsBackend := &v1alpha1.KMSBackend{}
	err := r.Client.Get(ctx, client.ObjectKey{Name: name}, kmsBackend)
	problem := beingDeleted(kmsBackend)
	switch {
	case err == nil && problem != nil:
		problem.Message += letGo
		return problem
	case err == nil:
		p.unknown = true
		return nil
	case client.IgnoreNotFound(err) == nil:
		return stalled(v1alpha1.ReasonBackendNotFound, fmt.Sprintf("there is no KMSBackend %q: create it%s", name, letGo))
	default:
		return failed(err)
	}
}

func (r *Reconciler) scheduleDeletion(ctx context.Context, p *pass) *conditions.Problem {
	keys, err := r.keysToDelete(ctx, p)
	if err != nil {
		return failed(err)
	}
	if len(keys) == 0 && p.status.KeyID != "" {
		return r.deleteReplicas(ctx, p, p.asKnown())
	}
	for _, key := range keys {
		if holder, owned := backend.OwnerFromTags(key.Tags); !owned || !holder.Same(p.owner) {
			continue
		}
		if problem := r.deleteReplicas(ctx, p, key); problem != nil {
			return problem
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

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package keypolicy says of KeyPolicies whether they are valid and where they are in force. It puts nothing into force: the
// controller of Keys does, for all KeyPolicies of a Key together. What this one says is compiled anew and compared with what
// the Key's status says is in force, so that the two cannot disagree for long.
package keypolicy

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/controllers/internal/written"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
)

const (
	// outdatedRetry is how soon a pass is tried again that found the cache behind the controller's own last write.
	outdatedRetry = 20 * time.Millisecond
	// settle is how long changes of Keys are gathered: a KeyPolicy that selects a thousand Keys is looked at a few times
	// while they come to be, and not a thousand times.
	settle = 100 * time.Millisecond
)

// Options are what a Reconciler is made of.
type Options struct {
	Client   client.Client
	Backends *backend.Registry
}

// Reconciler reconciles the status of KeyPolicies.
type Reconciler struct {
	Options
	written *written.Objects
}

// NewReconciler returns a Reconciler; SetupWithManager starts it.
func NewReconciler(o Options) *Reconciler {
	return &Reconciler{Options: o, written: written.NewObjects()}
}

// Reconcile brings the status of one KeyPolicy up to date.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	object := &v1alpha1.KeyPolicy{}
	if err := r.Client.Get(ctx, req.NamespacedName, object); err != nil {
		r.written.Forget(req.NamespacedName)
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !object.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	if r.written.Outdated(object) {
		return ctrl.Result{RequeueAfter: outdatedRetry}, nil
	}
	seen, err := r.survey(ctx, object)
	if err != nil {
		return ctrl.Result{}, err
	}
	if seen.tooEarly {
		return ctrl.Result{RequeueAfter: settle}, nil
	}
	status, problems := seen.status(object)
	if err := r.writeStatus(ctx, object, status); err != nil {
		return ctrl.Result{}, err
	}
	after, err := conditions.Retry(problems)
	return ctrl.Result{RequeueAfter: after}, err
}

// writeStatus is the one place where status is written, and not at all when nothing changed.
func (r *Reconciler) writeStatus(ctx context.Context, object *v1alpha1.KeyPolicy, status v1alpha1.KeyPolicyStatus) error {
	if equality.Semantic.DeepEqual(object.Status, status) {
		return nil
	}
	base := object.DeepCopy()
	object.Status = status
	patch := client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Status().Patch(ctx, object, patch); err != nil {
		return client.IgnoreNotFound(err)
	}
	r.written.Remember(object)
	return nil
}

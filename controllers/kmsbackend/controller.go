// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kmsbackend makes KMSBackends usable: it opens the backend that each one describes, enters it in the registry
// where the other controllers find it, keeps an eye on the keyring of a software backend, and rotates its root key.
package kmsbackend

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
)

// Opener opens backends.
type Opener interface {
	// Open returns the backend that object describes, the same one as long as its spec means the same.
	Open(ctx context.Context, object *v1alpha1.KMSBackend) (backend.Backend, error)
	// Close lets the backend of the KMSBackend with that name go.
	Close(name string)
}

// Options are what a Reconciler is made of.
type Options struct {
	Client   client.Client
	Events   events.EventRecorder
	Backends *backend.Registry
	Opener   Opener
	// CheckInterval is how often the root key and the records are looked at when nothing happened.
	CheckInterval time.Duration
	Now           func() time.Time
}

// Reconciler reconciles KMSBackends.
type Reconciler struct{ Options }

// NewReconciler returns a Reconciler; SetupWithManager starts it.
func NewReconciler(o Options) *Reconciler { return &Reconciler{Options: o} }

// SetupWithManager starts the controller.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("kmsbackend").
		For(&v1alpha1.KMSBackend{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: 4}).
		Complete(r)
}

// pass is one run over one KMSBackend.
type pass struct {
	object     *v1alpha1.KMSBackend
	status     v1alpha1.KMSBackendStatus
	conditions *conditions.Conditions
	backend    backend.Backend
	// nextAt is when a requested rotation of the root key becomes due; zero when none will.
	nextAt time.Time
}

// Reconcile makes one KMSBackend usable.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	object := &v1alpha1.KMSBackend{}
	err := r.Client.Get(ctx, req.NamespacedName, object)
	if apierrors.IsNotFound(err) || (err == nil && !object.DeletionTimestamp.IsZero()) {
		r.Backends.Delete(req.Name)
		r.Opener.Close(req.Name)
		return ctrl.Result{}, nil
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	p := &pass{
		object:     object,
		status:     *object.Status.DeepCopy(),
		conditions: conditions.New(object.Status.Conditions, object.Generation),
	}
	if r.open(ctx, p) {
		r.checkKeyring(ctx, p)
	}
	return r.finish(ctx, p)
}

// open is the phase of Available.
func (r *Reconciler) open(ctx context.Context, p *pass) bool {
	opened, err := r.Opener.Open(ctx, p.object)
	var identity backend.Identity
	if err == nil {
		identity, err = opened.Identify(ctx)
	}
	if err != nil {
		r.Backends.Set(p.object.Name, backend.Entry{Err: err})
		p.conditions.Fail(v1alpha1.ConditionAvailable, conditions.FromError(err))
		p.conditions.Wait(v1alpha1.ConditionKeyringIntact, "waits for Available")
		return false
	}
	p.backend = opened
	p.status.AccountID, p.status.Region, p.status.CallerARN = identity.AccountID, identity.Region, identity.CallerARN
	p.conditions.True(v1alpha1.ConditionAvailable, v1alpha1.ReasonAvailable, "")
	r.Backends.Set(p.object.Name, backend.Entry{Backend: opened, Identity: identity})
	return true
}

func (r *Reconciler) finish(ctx context.Context, p *pass) (ctrl.Result, error) {
	p.conditions.Summarize([]string{v1alpha1.ConditionAvailable, v1alpha1.ConditionKeyringIntact}, v1alpha1.ReasonReady, "")
	p.status.Conditions = p.conditions.List
	p.status.ObservedGeneration = p.object.Generation
	if !equality.Semantic.DeepEqual(p.object.Status, p.status) {
		base := p.object.DeepCopy()
		p.object.Status = p.status
		patch := client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{})
		if err := r.Client.Status().Patch(ctx, p.object, patch); err != nil {
			return ctrl.Result{}, client.IgnoreNotFound(err)
		}
	}
	after, err := conditions.Retry(p.conditions.Problems())
	if err != nil {
		return ctrl.Result{}, err
	}
	if after == 0 {
		after = r.CheckInterval
	}
	after = min(after, r.CheckInterval)
	if !p.nextAt.IsZero() {
		after = min(after, max(p.nextAt.Sub(r.Now()), time.Second))
	}
	return ctrl.Result{RequeueAfter: after}, nil
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kmsbackend makes KMSBackends usable: it opens the backend that each one describes, enters it in the registry
// where the other controllers find it, keeps an eye on the keyring of a software backend, and rotates its root key. A backend
// on AWS is looked at when its Secret changes, and when its opener asks for it.
package kmsbackend

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
)

const (
	// workers is the number of KMSBackends looked at at a time: so many that some that do not answer leave room for others.
	workers = 32
	// firstRetry and lastRetry are the pauses after a backend that could not be used for a reason that passes.
	firstRetry, lastRetry = 100 * time.Millisecond, 30 * time.Second
)

// Opener opens backends.
type Opener interface {
	// Open returns the backend that object describes, the same one as long as its spec means the same. An error beside a
	// backend says why what is described now cannot be used; the backend is the one described before, to be used until then.
	// It takes seconds at most.
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
	// Namespace is the operator's own, with the Secrets that KMSBackends name.
	Namespace string
	// Rechecks are KMSBackends that the opener wants to be looked at; nil for none.
	Rechecks <-chan event.GenericEvent
	// CheckInterval is how often a backend, the root key and the records are looked at when nothing happened.
	CheckInterval time.Duration
	Now           func() time.Time
}

// Reconciler reconciles KMSBackends.
type Reconciler struct{ Options }

// NewReconciler returns a Reconciler; SetupWithManager starts it.
func NewReconciler(o Options) *Reconciler { return &Reconciler{Options: o} }

// SetupWithManager starts the controller.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	controlled := ctrl.NewControllerManagedBy(mgr).
		Named("kmsbackend").
		For(&v1alpha1.KMSBackend{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WatchesMetadata(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.ofSecret)).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: workers,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstRetry, lastRetry),
		})
	if r.Rechecks != nil {
		controlled.WatchesRawSource(source.Channel(r.Rechecks, &handler.EnqueueRequestForObject{}))
	}
	return controlled.Complete(r)
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
	open := r.open(ctx, p)
	switch {
	case object.Spec.Software == nil: // it keeps its own keys
	case open:
		r.checkKeyring(ctx, p)
	default:
		p.conditions.Wait(v1alpha1.ConditionKeyringIntact, "waits for Available")
	}
	return r.finish(ctx, p)
}

// open is the phase of Available. It says whether there is a backend to use.
func (r *Reconciler) open(ctx context.Context, p *pass) bool {
	opened, refused := r.Opener.Open(ctx, p.object)
	if opened == nil {
		return r.unavailable(p, refused)
	}
	identity, err := opened.Identify(ctx)
	if err != nil {
		return r.unavailable(p, err)
	}
	p.backend = opened
	p.status.AccountID, p.status.Region, p.status.CallerARN = identity.AccountID, identity.Region, identity.CallerARN
	if refused == nil {
		p.conditions.True(v1alpha1.ConditionAvailable, v1alpha1.ReasonAvailable, "")
	} else {
		problem := conditions.FromError(refused)
		problem.Message += "; until then the backend is used as it was declared before"
		p.conditions.Fail(v1alpha1.ConditionAvailable, problem)
	}
	r.Backends.Set(p.object.Name, backend.Entry{Backend: opened, Identity: identity})
	return true
}

func (r *Reconciler) unavailable(p *pass, err error) bool {
	r.Backends.Set(p.object.Name, backend.Entry{Err: err})
	p.conditions.Fail(v1alpha1.ConditionAvailable, conditions.FromError(err))
	return false
}

// phases are the conditions that Ready is derived from.
func (p *pass) phases() []string {
	if p.object.Spec.Software == nil {
		return []string{v1alpha1.ConditionAvailable}
	}
	return []string{v1alpha1.ConditionAvailable, v1alpha1.ConditionKeyringIntact}
}

func (r *Reconciler) finish(ctx context.Context, p *pass) (ctrl.Result, error) {
	p.conditions.Summarize(p.phases(), v1alpha1.ReasonReady, "")
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

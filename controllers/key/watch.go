// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"context"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
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
	"github.com/chatelaine-dev/chatelaine/controllers/internal/policies"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

var namespaceKind = schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}

// backendIndex finds Keys by their KMSBackend; those that will take the default one are under the empty name.
const backendIndex = "backend"

// SetupWithManager starts the controller: workers is how many Keys are reconciled at a time.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager, workers int) error {
	if err := mgr.GetFieldIndexer().IndexField(ctx, &v1alpha1.Key{}, backendIndex, indexBackend); err != nil {
		return err
	}
	if err := mgr.GetFieldIndexer().IndexField(ctx, &v1alpha1.KeyPolicy{}, policies.AccountIndex, policies.IndexAccounts); err != nil {
		return err
	}
	if err := mgr.GetFieldIndexer().IndexField(ctx, &v1alpha1.Key{}, granteeIndex, indexGrantees); err != nil {
		return err
	}
	if err := mgr.GetFieldIndexer().IndexField(ctx, &v1alpha1.Key{}, regionIndex, indexRegions); err != nil {
		return err
	}
	if err := mgr.GetFieldIndexer().IndexField(ctx, &v1alpha1.Key{}, placeIndex, indexPlaces); err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("key").
		For(&v1alpha1.Key{}, builder.WithPredicates(predicate.Or[client.Object](
			predicate.GenerationChangedPredicate{}, predicate.LabelChangedPredicate{}, annotationsChanged, deletionStarted))).
		Watches(&v1alpha1.KeyPolicy{}, handler.EnqueueRequestsFromMapFunc(r.keysOfPolicy),
			builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WatchesMetadata(policies.NewServiceAccount(), handler.EnqueueRequestsFromMapFunc(r.keysOfServiceAccount),
			builder.WithPredicates(policies.AccountChanged)).
		Owns(&corev1.ConfigMap{}).
		Watches(&v1alpha1.KMSBackend{}, handler.EnqueueRequestsFromMapFunc(r.keysOfBackend),
			builder.WithPredicates(predicate.Or[client.Object](
				predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}))).
		WatchesMetadata(&corev1.Namespace{}, handler.EnqueueRequestsFromMapFunc(r.keysInNamespace),
			builder.WithPredicates(labelsChanged)).
		WatchesRawSource(source.Func(r.watchBackends)).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(r)
}

func indexBackend(object client.Object) []string {
	key, ok := object.(*v1alpha1.Key)
	switch {
	case !ok:
		return nil
	case key.Status.Backend != "":
		return []string{key.Status.Backend}
	case key.Spec.BackendRef != nil:
		return []string{key.Spec.BackendRef.Name}
	default:
		return []string{""}
	}
}

// deletionStarted passes the update that sets the deletion timestamp, which need not change the generation.
var deletionStarted = predicate.Funcs{
	CreateFunc:  func(event.CreateEvent) bool { return false },
	DeleteFunc:  func(event.DeleteEvent) bool { return false },
	GenericFunc: func(event.GenericEvent) bool { return false },
	UpdateFunc: func(e event.UpdateEvent) bool {
		return e.ObjectOld.GetDeletionTimestamp().IsZero() != e.ObjectNew.GetDeletionTimestamp().IsZero()
	},
}

// labelsChanged leaves out the namespaces that are merely there when the manager starts.
var labelsChanged = predicate.And[client.Object](predicate.LabelChangedPredicate{}, predicate.Funcs{
	CreateFunc: func(event.CreateEvent) bool { return false },
	DeleteFunc: func(event.DeleteEvent) bool { return false },
})

// keysOfBackend are the Keys on a KMSBackend, those with replicas on it or in its Region, and those still waiting for a default
// one.
func (r *Reconciler) keysOfBackend(ctx context.Context, object client.Object) []reconcile.Request {
	requests := append(r.list(ctx, client.MatchingFields{backendIndex: object.GetName()}),
		r.list(ctx, client.MatchingFields{backendIndex: ""})...)
	requests = append(requests, r.list(ctx, client.MatchingFields{placeIndex: object.GetName()})...)
	if entry, _ := r.Backends.Get(object.GetName()); entry.Identity.Region != "" {
		requests = append(requests, r.list(ctx, client.MatchingFields{regionIndex: entry.Identity.Region})...)
	}
	return requests
}

func (r *Reconciler) keysInNamespace(ctx context.Context, object client.Object) []reconcile.Request {
	return r.list(ctx, client.InNamespace(object.GetName()))
}

func (r *Reconciler) list(ctx context.Context, option client.ListOption) []reconcile.Request {
	keys := &v1alpha1.KeyList{}
	if err := r.Client.List(ctx, keys, option, client.UnsafeDisableDeepCopy); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "listing keys to reconcile")
		return nil
	}
	requests := make([]reconcile.Request, 0, len(keys.Items))
	for i := range keys.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&keys.Items[i])})
	}
	return requests
}

// watchBackends reconciles the Keys of a backend that was opened or failed, and each Key whose key was changed outside.
func (r *Reconciler) watchBackends(ctx context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	var mu sync.Mutex
	watched := map[string]*watch{}
	r.Backends.Watch(func(name string, entry backend.Entry) {
		mu.Lock()
		defer mu.Unlock()
		if has := watched[name]; has != nil {
			if has.backend == entry.Backend && has.failure == failure(entry) {
				return
			}
			has.stop()
		}
		watched[name] = r.watchBackend(entry, queue)
		go r.enqueueBackend(ctx, name, queue)
	})
	return nil
}

// watch is one backend being watched.
type watch struct {
	backend backend.Backend
	failure string
	stop    func()
}

// failure is why a backend cannot be used; empty when it can.
func failure(entry backend.Entry) string {
	if entry.Err == nil {
		return ""
	}
	return entry.Err.Error()
}

func (r *Reconciler) watchBackend(entry backend.Entry, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) *watch {
	w := &watch{backend: entry.Backend, failure: failure(entry), stop: func() {}}
	watcher, ok := entry.Backend.(backend.Watcher)
	if !ok {
		return w
	}
	w.stop = watcher.Watch(func(owner backend.Owner) {
		if owner.Cluster == r.ClusterUID {
			queue.Add(reconcile.Request{NamespacedName: client.ObjectKey{Namespace: owner.Namespace, Name: owner.Name}})
		}
	})
	return w
}

func (r *Reconciler) enqueueBackend(ctx context.Context, name string, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) {
	object := &v1alpha1.KMSBackend{}
	object.Name = name
	for _, request := range r.keysOfBackend(ctx, object) {
		queue.Add(request)
	}
}

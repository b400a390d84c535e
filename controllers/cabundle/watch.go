// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package cabundle

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// SetupWithManager starts the controller.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("cabundle").
		For(&corev1.Namespace{}, builder.OnlyMetadata, builder.WithPredicates(predicate.LabelChangedPredicate{})).
		Watches(&corev1.ConfigMap{}, handler.EnqueueRequestsFromMapFunc(namespaceOf), builder.WithPredicates(named)).
		WatchesRawSource(source.Func(r.watchBundle)).
		WithOptions(controller.Options{MaxConcurrentReconciles: 4}).
		Complete(r)
}

// named leaves out the ConfigMaps of Keys.
var named = predicate.NewPredicateFuncs(func(object client.Object) bool { return object.GetName() == ConfigMapName })

func namespaceOf(_ context.Context, object client.Object) []reconcile.Request {
	return []reconcile.Request{{NamespacedName: client.ObjectKey{Name: object.GetNamespace()}}}
}

// watchBundle reconciles the namespaces that want the bundle whenever it changed, until ctx is done.
func (r *Reconciler) watchBundle(ctx context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	stop := r.Bundle.Watch(func() { go r.enqueueAll(ctx, queue) })
	context.AfterFunc(ctx, stop)
	return nil
}

func (r *Reconciler) enqueueAll(ctx context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) {
	queue.Add(reconcile.Request{NamespacedName: client.ObjectKey{Name: r.Namespace}})
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("NamespaceList"))
	if err := r.Client.List(ctx, list, client.MatchingLabels{NamespaceLabel: "true"}, client.UnsafeDisableDeepCopy); err != nil {
		if ctx.Err() == nil {
			ctrl.LoggerFrom(ctx).Error(err, "listing namespaces for the changed CA bundle")
		}
		return
	}
	for i := range list.Items {
		queue.Add(reconcile.Request{NamespacedName: client.ObjectKey{Name: list.Items[i].Name}})
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keypolicy

import (
	"context"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/controllers/internal/policies"
	"github.com/chatelaine-dev/chatelaine/internal/policy/compile"
)

// queue is the controller's.
type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// SetupWithManager starts the controller. The manager's cache needs policies.AccountIndex.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("keypolicy").
		For(&v1alpha1.KeyPolicy{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.Key{}, handler.Funcs{
			CreateFunc: func(ctx context.Context, e event.CreateEvent, q queue) { r.enqueue(ctx, q, e.Object) },
			UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) { r.enqueue(ctx, q, e.ObjectOld, e.ObjectNew) },
			DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q queue) { r.enqueue(ctx, q, e.Object) },
		}, builder.WithPredicates(policyConcerned)).
		WatchesMetadata(policies.NewServiceAccount(), handler.EnqueueRequestsFromMapFunc(r.policiesNaming),
			builder.WithPredicates(policies.AccountChanged)).
		Complete(r)
}

// policyConcerned passes what changes something about the KeyPolicies of a Key.
var policyConcerned = predicate.Funcs{
	UpdateFunc: func(e event.UpdateEvent) bool {
		before, wasKey := e.ObjectOld.(*v1alpha1.Key)
		after, isKey := e.ObjectNew.(*v1alpha1.Key)
		return !wasKey || !isKey || before.DeletionTimestamp.IsZero() != after.DeletionTimestamp.IsZero() ||
			before.Status.Backend != after.Status.Backend || !maps.Equal(before.Labels, after.Labels) ||
			!equality.Semantic.DeepEqual(before.Status.Policy, after.Status.Policy) ||
			!equality.Semantic.DeepEqual(before.Status.Replicas, after.Status.Replicas) ||
			!equality.Semantic.DeepEqual(before.Spec.Replicas, after.Spec.Replicas) ||
			!equality.Semantic.DeepEqual(findCondition(before, v1alpha1.ConditionPolicyApplied), findCondition(after, v1alpha1.ConditionPolicyApplied))
	},
}

// enqueue asks for the KeyPolicies that select the Key, as it was or as it is, a little later.
func (r *Reconciler) enqueue(ctx context.Context, q queue, versions ...client.Object) {
	all := &v1alpha1.KeyPolicyList{}
	namespace := versions[0].GetNamespace()
	if err := r.Client.List(ctx, all, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "listing policies of a key")
		return
	}
	for i := range all.Items {
		object := &all.Items[i]
		selects := func(key client.Object) bool {
			return compile.Selects(object, key.GetName(), key.GetLabels()) != compile.NotSelected
		}
		if slices.ContainsFunc(versions, selects) {
			q.AddAfter(reconcile.Request{NamespacedName: client.ObjectKeyFromObject(object)}, settle)
		}
	}
}

// policiesNaming are the KeyPolicies that name a ServiceAccount.
func (r *Reconciler) policiesNaming(ctx context.Context, object client.Object) []reconcile.Request {
	naming, err := policies.Naming(ctx, r.Client, object)
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "listing policies that name a service account")
		return nil
	}
	requests := make([]reconcile.Request, 0, len(naming.Items))
	for i := range naming.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&naming.Items[i])})
	}
	return requests
}

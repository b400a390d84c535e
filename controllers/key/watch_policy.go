// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"context"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/controllers/internal/policies"
	"github.com/chatelaine-dev/chatelaine/internal/policy/compile"
)

// keysOfPolicy are the Keys that the KeyPolicy selects, and those on which it is in force. An update asks for the object
// before and after it.
func (r *Reconciler) keysOfPolicy(ctx context.Context, object client.Object) []reconcile.Request {
	keyPolicy, ok := object.(*v1alpha1.KeyPolicy)
	if !ok {
		return nil
	}
	keys := &v1alpha1.KeyList{}
	if err := r.Client.List(ctx, keys, client.InNamespace(keyPolicy.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "listing keys of a policy")
		return nil
	}
	var requests []reconcile.Request
	for i := range keys.Items {
		key := &keys.Items[i]
		if compile.Selects(keyPolicy, key.Name, key.Labels) != compile.NotSelected || policies.HasSource(key, keyPolicy.Name) {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(key)})
		}
	}
	return requests
}

// keysOfServiceAccount are the Keys of the KeyPolicies that name it, and those whose grants do.
func (r *Reconciler) keysOfServiceAccount(ctx context.Context, object client.Object) []reconcile.Request {
	naming, err := policies.Naming(ctx, r.Client, object)
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "listing policies that name a service account")
		return nil
	}
	requests := r.keysGrantedTo(ctx, object)
	for i := range naming.Items {
		requests = append(requests, r.keysOfPolicy(ctx, &naming.Items[i])...)
	}
	return requests
}

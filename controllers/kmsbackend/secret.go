// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kmsbackend

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

// ofSecret are the KMSBackends that take their credentials from the Secret.
func (r *Reconciler) ofSecret(ctx context.Context, secret client.Object) []reconcile.Request {
	if secret.GetNamespace() != r.Namespace {
		return nil
	}
	all := &v1alpha1.KMSBackendList{}
	if err := r.Client.List(ctx, all, client.UnsafeDisableDeepCopy); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "listing KMSBackends to reconcile")
		return nil
	}
	var requests []reconcile.Request
	for i := range all.Items {
		aws := all.Items[i].Spec.AWS
		if aws != nil && aws.CredentialsSecretRef != nil && aws.CredentialsSecretRef.Name == secret.GetName() {
			requests = append(requests, reconcile.Request{NamespacedName: types.NamespacedName{Name: all.Items[i].Name}})
		}
	}
	return requests
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"context"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

// granteeIndex finds Keys by the ServiceAccounts that their grants name, each as namespace/name.
const granteeIndex = "grantees"

func indexGrantees(object client.Object) []string {
	key, ok := object.(*v1alpha1.Key)
	if !ok {
		return nil
	}
	var names []string
	for i := range key.Spec.Grants {
		for _, principal := range []*v1alpha1.GrantPrincipal{key.Spec.Grants[i].Grantee, key.Spec.Grants[i].RetiringPrincipal} {
			if principal == nil || principal.ServiceAccount == nil {
				continue
			}
			namespace := principal.ServiceAccount.Namespace
			if namespace == "" {
				namespace = key.Namespace
			}
			names = append(names, namespace+"/"+principal.ServiceAccount.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// keysGrantedTo are the Keys whose grants name the ServiceAccount.
func (r *Reconciler) keysGrantedTo(ctx context.Context, account client.Object) []reconcile.Request {
	return r.list(ctx, client.MatchingFields{granteeIndex: account.GetNamespace() + "/" + account.GetName()})
}

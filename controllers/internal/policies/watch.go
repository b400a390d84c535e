// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"context"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

// AccountIndex finds KeyPolicies by the ServiceAccounts that they name, each as namespace/name.
const AccountIndex = "serviceAccounts"

// IndexAccounts is the function of AccountIndex.
func IndexAccounts(object client.Object) []string {
	keyPolicy, ok := object.(*v1alpha1.KeyPolicy)
	if !ok {
		return nil
	}
	var names []string
	for i := range keyPolicy.Spec.Rules {
		for _, principal := range keyPolicy.Spec.Rules[i].Principals {
			if account := principal.ServiceAccount; account != nil {
				namespace := account.Namespace
				if namespace == "" {
					namespace = keyPolicy.Namespace
				}
				names = append(names, namespace+"/"+account.Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Naming returns the KeyPolicies, of all namespaces, that name the ServiceAccount. They are the cache's own.
func Naming(ctx context.Context, reader client.Reader, account client.Object) (*v1alpha1.KeyPolicyList, error) {
	naming := &v1alpha1.KeyPolicyList{}
	err := reader.List(ctx, naming, client.MatchingFields{AccountIndex: account.GetNamespace() + "/" + account.GetName()},
		client.UnsafeDisableDeepCopy)
	return naming, err
}

// AccountChanged passes what changes whom a ServiceAccount is: that it comes or goes, and the role in its annotation.
var AccountChanged = predicate.Funcs{
	GenericFunc: func(event.GenericEvent) bool { return false },
	UpdateFunc: func(e event.UpdateEvent) bool {
		return e.ObjectOld.GetDeletionTimestamp().IsZero() != e.ObjectNew.GetDeletionTimestamp().IsZero() ||
			e.ObjectOld.GetAnnotations()[v1alpha1.RoleARNAnnotation] != e.ObjectNew.GetAnnotations()[v1alpha1.RoleARNAnnotation]
	},
}

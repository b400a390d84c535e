// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cluster reads what policycheck answers from out of a cluster, with the permissions of whoever asks.
package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/policy/compile"
	"github.com/chatelaine-dev/chatelaine/internal/policycheck"
)

// Reader reads a cluster.
type Reader struct {
	Client client.Reader
	// Notes say what was not to be read, and what is done without it.
	Notes []string
	// Err is the first failure of a look-up of ServiceAccounts, which answers cannot be built on.
	Err error

	accounts map[client.ObjectKey]*account
	// forbidden says that ServiceAccounts may not be read.
	forbidden bool
}

type account struct {
	compile.ServiceAccount
	exists bool
}

// Load adds the KMSBackends, and the Keys and KeyPolicies of the namespaces; the namespace "" is all. Objects that the World
// has from manifests it keeps.
func (r *Reader) Load(ctx context.Context, world *policycheck.World, namespaces ...string) error {
	world.Lookup = r.lookup(ctx)
	for _, namespace := range namespaces {
		keys := &v1alpha1.KeyList{}
		if err := r.Client.List(ctx, keys, client.InNamespace(namespace)); err != nil {
			return explain("Keys", namespace, err)
		}
		for i := range keys.Items {
			world.AddKey(&keys.Items[i])
		}
		policies := &v1alpha1.KeyPolicyList{}
		if err := r.Client.List(ctx, policies, client.InNamespace(namespace)); err != nil {
			return explain("KeyPolicies", namespace, err)
		}
		for i := range policies.Items {
			world.AddKeyPolicy(&policies.Items[i])
		}
	}
	return r.backends(ctx, world)
}

// backends are cluster-scoped, and not everybody may read those.
func (r *Reader) backends(ctx context.Context, world *policycheck.World) error {
	backends := &v1alpha1.KMSBackendList{}
	switch err := r.Client.List(ctx, backends); {
	case apierrors.IsForbidden(err):
		r.Notes = append(r.Notes, "KMSBackends may not be read with these permissions: where keys live is taken from their ARNs")
	case err != nil:
		return explain("KMSBackends", "", err)
	}
	for i := range backends.Items {
		world.AddKMSBackend(&backends.Items[i])
	}
	return nil
}

func explain(what, namespace string, err error) error {
	if meta.IsNoMatchError(err) {
		return fmt.Errorf("reading %s: the cluster does not know them: Chatelaine's CRDs are not installed there", what)
	}
	if namespace != "" {
		what += " in namespace " + namespace
	}
	return fmt.Errorf("reading %s: %w", what, err)
}

// lookup finds ServiceAccounts, each once. One that may not be read is taken to exist.
func (r *Reader) lookup(ctx context.Context) compile.ServiceAccounts {
	r.accounts = map[client.ObjectKey]*account{}
	return func(namespace, name string) (compile.ServiceAccount, bool) {
		key := client.ObjectKey{Namespace: namespace, Name: name}
		if r.accounts[key] == nil {
			r.accounts[key] = r.get(ctx, key)
		}
		return r.accounts[key].ServiceAccount, r.accounts[key].exists
	}
}

func (r *Reader) get(ctx context.Context, key client.ObjectKey) *account {
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ServiceAccount"))
	switch err := r.Client.Get(ctx, key, object); {
	case apierrors.IsNotFound(err):
		return &account{}
	case apierrors.IsForbidden(err):
		if !r.forbidden {
			r.Notes = append(r.Notes, "ServiceAccounts may not be read with these permissions: those are taken to exist")
		}
		r.forbidden = true
		return &account{exists: true}
	case err != nil && r.Err == nil:
		r.Err = fmt.Errorf("reading ServiceAccount %s: %w", key, err)
	}
	return &account{
		ServiceAccount: compile.ServiceAccount{RoleARN: object.Annotations[v1alpha1.RoleARNAnnotation]},
		exists:         object.DeletionTimestamp.IsZero(),
	}
}

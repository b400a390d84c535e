// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package cabundle

import (
	"context"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/controllers/key"
)

// publish makes the namespace's ConfigMap say what the bundle is.
func (r *Reconciler) publish(ctx context.Context, namespace *metav1.PartialObjectMetadata, bundle string) (ctrl.Result, error) {
	has := &corev1.ConfigMap{}
	id := client.ObjectKey{Namespace: namespace.Name, Name: ConfigMapName}
	err := r.Client.Get(ctx, id, has)
	if err == nil && published(has) && says(has, bundle) {
		r.conflicts.forget(namespace.Name)
		return ctrl.Result{}, nil
	}
	// The cache may lag behind, and has no ConfigMap of others: what is written to is read from the API server.
	err = r.Reader.Get(ctx, id, has)
	switch {
	case apierrors.IsNotFound(err):
		err = r.create(ctx, namespace.Name, bundle)
	case err != nil:
	case !published(has):
		r.tellConflict(namespace, has)
		return ctrl.Result{RequeueAfter: conflictRetry}, nil
	case !says(has, bundle):
		err = r.restore(ctx, has, bundle)
	}
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("publishing the CA bundle: %w", err)
	}
	r.conflicts.forget(namespace.Name)
	return ctrl.Result{}, nil
}

func (r *Reconciler) create(ctx context.Context, namespace, bundle string) error {
	err := r.Client.Create(ctx, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: ConfigMapName,
			Labels: map[string]string{key.PublishedLabel: "true", "app.kubernetes.io/managed-by": "chatelaine"},
		},
		Data: map[string]string{BundleKey: bundle},
	})
	if apierrors.IsNotFound(err) || apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
		return nil // the namespace is going
	}
	return err
}

// restore puts the bundle back. One that was made immutable is deleted, and created again when its deletion shows.
func (r *Reconciler) restore(ctx context.Context, has *corev1.ConfigMap, bundle string) error {
	if has.Immutable != nil && *has.Immutable {
		return r.delete(ctx, has)
	}
	has.Data, has.BinaryData = map[string]string{BundleKey: bundle}, nil
	return client.IgnoreNotFound(r.Client.Update(ctx, has))
}

// remove deletes the ConfigMap of a namespace that does not want it any more. Most never had one: the cache tells.
func (r *Reconciler) remove(ctx context.Context, namespace string) error {
	has := &corev1.ConfigMap{}
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: ConfigMapName}, has)
	if err == nil && published(has) {
		err = r.delete(ctx, has)
	}
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("removing the CA bundle: %w", err)
	}
	return nil
}

// delete deletes exactly what was looked at.
func (r *Reconciler) delete(ctx context.Context, has *corev1.ConfigMap) error {
	return client.IgnoreNotFound(r.Client.Delete(ctx, has,
		client.Preconditions{UID: &has.UID, ResourceVersion: &has.ResourceVersion}))
}

// published says whether the ConfigMap is one of this controller's: the operator's label is on those of Keys, too, which
// have their Key for an owner.
func published(has *corev1.ConfigMap) bool {
	return has.Labels[key.PublishedLabel] == "true" && metav1.GetControllerOf(has) == nil
}

func says(has *corev1.ConfigMap, bundle string) bool {
	return maps.Equal(has.Data, map[string]string{BundleKey: bundle}) && len(has.BinaryData) == 0
}

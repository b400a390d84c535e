// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cabundle publishes the CA certificates of the KMS endpoint to its clients: the ConfigMap chatelaine-kms-ca, with
// the bundle in PEM under ca.crt, in the operator's own namespace and in every namespace with the label
//
//	kms.chatelaine.dev/ca-bundle: "true"
//
// The ConfigMap is kept true: edited or deleted, it is restored; when the label is taken off the namespace, it is removed. A
// ConfigMap of that name that the operator did not make for this (one without key.PublishedLabel, or with an owner) is left
// alone, and an Event in the namespace says so. A namespace that is being deleted is left alone, too.
//
// Namespaces are watched by their metadata, and of the ConfigMaps those with key.PublishedLabel: both are in the manager's
// cache for the Key controller already.
package cabundle

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// ConfigMapName is the name of the ConfigMap.
	ConfigMapName = "chatelaine-kms-ca"
	// BundleKey is its only entry.
	BundleKey = "ca.crt"
	// NamespaceLabel is "true" on the namespaces that get the ConfigMap.
	NamespaceLabel = "kms.chatelaine.dev/ca-bundle"
	// ReasonConflict is the reason of the Event about a ConfigMap that is in the way.
	ReasonConflict = "CABundleConflict"
)

// conflictRetry is how often it is looked whether a foreign ConfigMap is still in the way: its deletion is not watched.
const conflictRetry = 5 * time.Minute

// Bundle is the CA certificates that clients should trust.
type Bundle interface {
	// Bundle is in PEM. As long as it is empty, nothing is published and nothing changed.
	Bundle() []byte
	// Watch calls changed, which doesn't block, after every change of Bundle until stop is called.
	Watch(changed func()) (stop func())
}

// Options are what a Reconciler is made of.
type Options struct {
	Client client.Client
	// Reader reads from the API server itself.
	Reader client.Reader
	Events events.EventRecorder
	Bundle Bundle
	// Namespace is the operator's own, which needs no label.
	Namespace string
}

// Reconciler reconciles namespaces.
type Reconciler struct {
	Options
	conflicts conflicts
}

// NewReconciler returns a Reconciler; SetupWithManager starts it.
func NewReconciler(o Options) *Reconciler { return &Reconciler{Options: o} }

// Reconcile gives one namespace the ConfigMap that it should have.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	namespace := namespaceMetadata()
	err := r.Client.Get(ctx, req.NamespacedName, namespace)
	switch {
	case apierrors.IsNotFound(err):
		r.conflicts.forget(req.Name)
		return ctrl.Result{}, nil
	case err != nil:
		return ctrl.Result{}, err
	case !namespace.DeletionTimestamp.IsZero():
		return ctrl.Result{}, nil
	case !r.wants(namespace):
		r.conflicts.forget(req.Name)
		return ctrl.Result{}, r.remove(ctx, req.Name)
	}
	bundle := r.Bundle.Bundle()
	if len(bundle) == 0 {
		return ctrl.Result{}, nil // comes again when there is one
	}
	return r.publish(ctx, namespace, string(bundle))
}

func (r *Reconciler) wants(namespace client.Object) bool {
	return namespace.GetName() == r.Namespace || namespace.GetLabels()[NamespaceLabel] == "true"
}

// namespaceMetadata is what a namespace is read into.
func namespaceMetadata() *metav1.PartialObjectMetadata {
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	return object
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"context"
	"unique"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/controllers/key"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/kubestore"
)

// frontOptions are those of what every replica runs. Of KMSBackends there are few, so its cache costs nothing.
func frontOptions(ctx context.Context, o Options) ctrl.Options {
	return ctrl.Options{
		Scheme:                 Scheme(),
		Metrics:                server.Options{BindAddress: o.MetricsAddress},
		HealthProbeBindAddress: o.ProbeAddress,
		Cache:                  cache.Options{DefaultTransform: lighten},
		Controller:             controllerOptions(),
		BaseContext:            func() context.Context { return context.WithoutCancel(ctx) },
	}
}

// operatorOptions are those of the controllers.
func operatorOptions(ctx context.Context, o Options) ctrl.Options {
	return ctrl.Options{
		Scheme:                        Scheme(),
		Metrics:                       server.Options{BindAddress: "0"},
		HealthProbeBindAddress:        "0",
		LeaderElection:                o.LeaderElection,
		LeaderElectionID:              leaseName,
		LeaderElectionNamespace:       o.Namespace,
		LeaderElectionReleaseOnCancel: true,
		LeaseDuration:                 &o.LeaseDuration,
		RenewDeadline:                 &o.RenewDeadline,
		RetryPeriod:                   &o.RetryPeriod,
		Cache: cache.Options{
			DefaultTransform: lighten,
			ByObject: map[client.Object]cache.ByObject{
				&corev1.ConfigMap{}: {Label: labels.SelectorFromSet(labels.Set{key.PublishedLabel: "true"})},
				// Of Secrets only the metadata is watched, to see that credentials change; and not of key records, of which there
				// are many.
				&corev1.Secret{}: {
					Namespaces: map[string]cache.Config{o.Namespace: {}},
					Field:      fields.OneTermNotEqualSelector("type", string(kubestore.SecretType)),
				},
			},
		},
		Controller: controllerOptions(),
		// Secrets are key records: they are read through the keyring, and never land in a cache of plain objects.
		Client:      client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.Secret{}}}},
		BaseContext: func() context.Context { return context.WithoutCancel(ctx) },
	}
}

func controllerOptions() config.Controller {
	return config.Controller{
		// The names are distinct by construction, and one process may run several operators (tests do, and so does a replica
		// that gets the Lease a second time).
		SkipNameValidation: new(true),
		// controller-runtime's own queue (v0.24.1) can hand an item, under its locks, to a worker that has just left
		// because of a shutdown; the other workers then wait for the locks until the grace period is over.
		UsePriorityQueue: new(false),
	}
}

// lighten drops from cached objects what no controller reads, and has Keys share the texts that they have in common: with ten
// thousand Keys that is most of their size.
func lighten(object any) (any, error) {
	if key, ok := object.(*v1alpha1.Key); ok {
		for i := range key.Status.Conditions {
			c := &key.Status.Conditions[i]
			c.Type, c.Reason, c.Message = common(c.Type), common(c.Reason), common(c.Message)
		}
		if inForce := key.Status.Policy; inForce != nil {
			inForce.Hash = common(inForce.Hash)
		}
		key.Status.Backend, key.Status.KeyState, key.Spec.KeySpec = common(key.Status.Backend), common(key.Status.KeyState), common(key.Spec.KeySpec)
		key.Status.BackendKind = common(key.Status.BackendKind)
	}
	if accessor, err := meta.Accessor(object); err == nil {
		accessor.SetManagedFields(nil)
		if annotations := accessor.GetAnnotations(); annotations[corev1.LastAppliedConfigAnnotation] != "" {
			delete(annotations, corev1.LastAppliedConfigAnnotation)
			accessor.SetAnnotations(annotations)
		}
	}
	return object, nil
}

// common is the text, in the one place where all who have the same one have it.
func common(text string) string { return unique.Make(text).Value() }

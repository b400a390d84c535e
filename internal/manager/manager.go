// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package manager puts the operator together: caches, leader election, probes, backends and controllers. It holds wiring
// and no decisions.
package manager

import (
	"context"
	"fmt"
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/controllers/key"
	"github.com/chatelaine-dev/chatelaine/controllers/kmsbackend"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// leaseName is the Lease by which replicas agree on the one that reconciles.
const leaseName = "chatelaine-manager"

// Options are what an operator can be told. The zero value of each is unusable: Defaults gives those of the command
// line.
type Options struct {
	// Namespace is the operator's own: key records, root keys and the leader's Lease are there.
	Namespace string
	// MetricsAddress and ProbeAddress are host:port; "0" serves none.
	MetricsAddress string
	ProbeAddress   string
	// LeaderElection lets several replicas agree on one that reconciles. A replica that lost its Lease stops.
	LeaderElection bool
	LeaseDuration  time.Duration
	RenewDeadline  time.Duration
	RetryPeriod    time.Duration
	// Resync is how often a Key that nothing happened to is looked at again.
	Resync time.Duration
	// CheckInterval is how often a KMSBackend's root key and records are looked at.
	CheckInterval time.Duration
	// Workers is the number of Keys reconciled at a time.
	Workers int
	// Clock is the time by which rotations and deletions fall due.
	Clock clock.WithTicker
}

// Defaults are the options that the command line starts from.
func Defaults() Options {
	return Options{
		Namespace:      "chatelaine-system",
		MetricsAddress: ":8080",
		ProbeAddress:   ":8081",
		LeaseDuration:  15 * time.Second,
		RenewDeadline:  10 * time.Second,
		RetryPeriod:    2 * time.Second,
		Resync:         10 * time.Minute,
		CheckInterval:  time.Minute,
		Workers:        16,
		Clock:          clock.RealClock{},
	}
}

// Scheme knows every kind that the operator handles.
func Scheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	return scheme
}

// Run runs the operator against the API server of config until ctx is done, or until it lost its Lease.
func Run(ctx context.Context, config *rest.Config, o Options) error {
	mgr, err := ctrl.NewManager(config, managerOptions(ctx, o))
	if err != nil {
		return fmt.Errorf("setting the manager up: %w", err)
	}
	direct, err := kubernetes.NewForConfig(protobuf(config))
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	clusterUID, err := readClusterUID(ctx, direct)
	if err != nil {
		return err
	}
	opener := newOpener(ctx, direct, o, clusterUID)
	defer opener.closeAll()
	if err := addControllers(ctx, mgr, o, clusterUID, opener); err != nil {
		return err
	}
	if err := addProbes(mgr); err != nil {
		return err
	}
	return mgr.Start(ctx)
}

// protobuf has Secrets and other built-in kinds come in the form that costs both sides least.
func protobuf(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	config.ContentType = runtime.ContentTypeProtobuf
	return config
}

// readClusterUID is what tells this cluster from any other: the UID of the namespace kube-system, which is never made
// anew in the life of a cluster.
func readClusterUID(ctx context.Context, direct kubernetes.Interface) (string, error) {
	namespace, err := direct.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("reading the cluster's UID from namespace %s: %w", metav1.NamespaceSystem, err)
	}
	return string(namespace.UID), nil
}

func addControllers(ctx context.Context, mgr ctrl.Manager, o Options, clusterUID string, opener *opener) error {
	backends := backend.NewRegistry()
	recorder := mgr.GetEventRecorder("chatelaine")
	err := kmsbackend.NewReconciler(kmsbackend.Options{
		Client:        mgr.GetClient(),
		Events:        recorder,
		Backends:      backends,
		Opener:        opener,
		CheckInterval: o.CheckInterval,
		Now:           o.Clock.Now,
	}).SetupWithManager(mgr)
	if err != nil {
		return fmt.Errorf("setting the controller of KMSBackends up: %w", err)
	}
	err = key.NewReconciler(key.Options{
		Client:     mgr.GetClient(),
		Reader:     mgr.GetAPIReader(),
		Events:     recorder,
		Backends:   backends,
		ClusterUID: clusterUID,
		Resync:     o.Resync,
		Now:        o.Clock.Now,
	}).SetupWithManager(ctx, mgr, o.Workers)
	if err != nil {
		return fmt.Errorf("setting the controller of Keys up: %w", err)
	}
	return nil
}

// addProbes makes a replica ready when its caches are filled, leader or not: a standby that is not ready could not take
// over at once.
func addProbes(mgr ctrl.Manager) error {
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	return mgr.AddReadyzCheck("caches", func(req *http.Request) error {
		ctx, cancel := context.WithTimeout(req.Context(), time.Second)
		defer cancel()
		if !mgr.GetCache().WaitForCacheSync(ctx) {
			return fmt.Errorf("caches are not filled yet")
		}
		return nil
	})
}

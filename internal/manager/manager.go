// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package manager puts the operator together: caches, leader election, probes, backends and controllers. It holds wiring
// and no decisions.
package manager

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/heapfloor"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
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
	// LeaderElection lets several replicas agree on one that reconciles.
	LeaderElection bool
	LeaseDuration  time.Duration
	RenewDeadline  time.Duration
	RetryPeriod    time.Duration
	// Resync is how often a Key that nothing happened to is looked at again.
	Resync time.Duration
	// CheckInterval is how often a KMSBackend's credentials, root key and records are looked at.
	CheckInterval time.Duration
	// SweepInterval is how often it is looked what others did to the keys of a backend on AWS.
	SweepInterval time.Duration
	// AWSQuotas are the requests per second that AWS takes, by operation, where they are not AWS's defaults. No flag sets them: they
	// are for what stands for AWS in tests and benchmarks.
	AWSQuotas map[string]float64
	// Workers is the number of Keys reconciled at a time.
	Workers int
	// Clock is the time by which rotations and deletions fall due.
	Clock clock.WithTicker

	// KMSAddress and KMSInsecureAddress are host:port for AWS's API over HTTPS and over plain HTTP; "0" serves none.
	KMSAddress         string
	KMSInsecureAddress string
	// KMSCertFile and KMSKeyFile are a certificate to serve with; empty for one from the operator's own CA. KMSCAFile is what
	// clients have to trust for it, if that is to be published.
	KMSCertFile, KMSKeyFile, KMSCAFile string
	// KMSService is the name of the Service in front of the endpoint, and KMSNames are further names and IP addresses that
	// clients know it by; its certificate has them all.
	KMSService string
	KMSNames   []string
}

// serves says whether AWS's API is served at all.
func (o *Options) serves() bool { return o.KMSAddress != "0" || o.KMSInsecureAddress != "0" }

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
		SweepInterval:  10 * time.Minute,
		Workers:        16,
		Clock:          clock.RealClock{},

		KMSAddress:         ":8443",
		KMSInsecureAddress: "0",
		KMSService:         "chatelaine-kms",
	}
}

// Scheme knows every kind that the operator handles.
func Scheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	return scheme
}

// Run runs the operator against the API server of config until ctx is done. It is three things in one process:
//
//   - the front, in every replica: probes, metrics, and the keyring of every KMSBackend, open;
//   - the endpoint, in every replica: what serves AWS's API from those keyrings;
//   - the controllers, in the replica that holds the Lease.
//
// A replica that loses its Lease, because the API server went away or somebody else has it, stops its controllers and
// waits for the Lease again; the front and the endpoint go on serving from memory.
func Run(ctx context.Context, config *rest.Config, o Options) error {
	heapfloor.Keep()
	direct, err := kubernetes.NewForConfig(directConfig(config))
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	clusterUID, err := readClusterUID(ctx, direct)
	if err != nil {
		return err
	}
	partition := kms.NewPartition()
	opener := newOpener(ctx, direct, o, clusterUID, partition)
	defer opener.closeAll()
	operator := &operator{config: config, options: o, clusterUID: clusterUID, opener: opener, direct: direct}
	running, ctx := errgroup.WithContext(ctx)
	door := newDoor(opener)
	front, err := newFront(ctx, config, o, door, operator)
	if err != nil {
		return err
	}
	if o.serves() {
		serving, err := newServing(ctx, o, direct)
		if err != nil {
			return err
		}
		endpoint, err := newEndpoint(ctx, o, direct, partition, door, serving)
		if err != nil {
			return err
		}
		operator.bundle = serving
		if err := front.AddReadyzCheck("endpoint", endpoint.ready); err != nil {
			return err
		}
		running.Go(func() error { return door.await(ctx) })
		running.Go(func() error { return endpoint.run(ctx, door.opened) })
	}
	running.Go(func() error { return front.Start(ctx) })
	running.Go(func() error { return operator.run(ctx) })
	return running.Wait()
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

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	served "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/chatelaine-dev/chatelaine/controllers/cabundle"
	"github.com/chatelaine-dev/chatelaine/controllers/key"
	"github.com/chatelaine-dev/chatelaine/controllers/keypolicy"
	"github.com/chatelaine-dev/chatelaine/controllers/kmsbackend"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/manager/accounts"
	"github.com/chatelaine-dev/chatelaine/internal/metrics"
)

// candidacyPause is how long a replica that lost its Lease waits before it stands for it again.
const candidacyPause = time.Second

// awsMetrics are those of the backends on AWS. They are served with controller-runtime's own, of which a process has one set, also
// when it runs several operators.
var awsMetrics = sync.OnceValue(func() *metrics.AWS { return metrics.NewAWS(served.Registry) })

// operator is the controllers, which the replica with the Lease runs.
type operator struct {
	config     *rest.Config
	options    Options
	clusterUID string
	opener     *opener
	direct     kubernetes.Interface
	bundle     cabundle.Bundle // nil if AWS's API is not served

	current atomic.Pointer[ctrl.Manager] // the one that stands for the Lease, or has it
}

// run runs the controllers whenever this replica has the Lease, until ctx is done. What fails before it had the Lease
// once is a mistake in its set-up, and ends it.
func (op *operator) run(ctx context.Context) error {
	for led := false; ctx.Err() == nil; {
		elected, err := op.stand(ctx)
		if led = led || elected; !led && ctx.Err() == nil {
			return fmt.Errorf("running the controllers: %w", err)
		}
		if ctx.Err() == nil {
			logr.FromContextOrDiscard(ctx).Error(err, "controllers stopped, standing for the lease again")
		}
		select {
		case <-time.After(candidacyPause):
		case <-ctx.Done():
		}
	}
	return nil
}

// stand stands for the Lease once, and runs the controllers for as long as it has it. It says whether it did.
func (op *operator) stand(ctx context.Context) (elected bool, err error) {
	mgr, err := op.newManager(ctx)
	if err != nil {
		return false, err
	}
	err = mgr.Start(ctx)
	return wasElected(mgr), err
}

func wasElected(mgr ctrl.Manager) bool {
	select {
	case <-mgr.Elected():
		return true
	default:
		return false
	}
}

func (op *operator) newManager(ctx context.Context) (ctrl.Manager, error) {
	mgr, err := ctrl.NewManager(op.config, operatorOptions(ctx, op.options))
	if err != nil {
		return nil, fmt.Errorf("setting the controllers up: %w", err)
	}
	if err := op.addControllers(ctx, mgr); err != nil {
		return nil, err
	}
	op.current.Store(&mgr)
	return mgr, nil
}

// ready says whether the controllers' caches are filled, with the Lease or without: a standby whose caches are not could
// not take over at once.
func (op *operator) ready(req *http.Request) error {
	ctx, cancel := context.WithTimeout(req.Context(), time.Second)
	defer cancel()
	mgr := op.current.Load()
	if mgr == nil || !(*mgr).GetCache().WaitForCacheSync(ctx) {
		return fmt.Errorf("caches are not filled yet")
	}
	return nil
}

func (op *operator) addControllers(ctx context.Context, mgr ctrl.Manager) error {
	o := op.options
	registry := backend.NewRegistry()
	recorder := mgr.GetEventRecorder("chatelaine")
	wanted := make(rechecks, 1024)
	op.opener.onClose(wanted.add)
	accounts := accounts.New(accounts.Options{
		Client: op.direct, Namespace: o.Namespace, ClusterUID: op.clusterUID, Clock: o.Clock, Quotas: o.AWSQuotas,
		Workers: o.Workers, SweepInterval: o.SweepInterval, Recheck: wanted.add, Metrics: awsMetrics(),
		Log: logr.FromContextOrDiscard(ctx).WithName("accounts"),
	})
	if err := mgr.Add(manager.RunnableFunc(accounts.Start)); err != nil {
		return fmt.Errorf("setting the sweeps up: %w", err)
	}
	err := kmsbackend.NewReconciler(kmsbackend.Options{
		Client:        mgr.GetClient(),
		Events:        recorder,
		Backends:      registry,
		Opener:        backends{software: op.opener, aws: accounts},
		Namespace:     o.Namespace,
		Rechecks:      wanted,
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
		Backends:   registry,
		Namespace:  o.Namespace,
		ClusterUID: op.clusterUID,
		Resync:     o.Resync,
		Now:        o.Clock.Now,
	}).SetupWithManager(ctx, mgr, o.Workers)
	if err != nil {
		return fmt.Errorf("setting the controller of Keys up: %w", err)
	}
	err = keypolicy.NewReconciler(keypolicy.Options{Client: mgr.GetClient(), Backends: registry}).SetupWithManager(mgr)
	if err != nil {
		return fmt.Errorf("setting the controller of KeyPolicies up: %w", err)
	}
	if op.bundle == nil {
		return nil
	}
	err = cabundle.NewReconciler(cabundle.Options{
		Client: mgr.GetClient(), Reader: mgr.GetAPIReader(), Events: recorder, Bundle: op.bundle, Namespace: o.Namespace,
	}).SetupWithManager(mgr)
	if err != nil {
		return fmt.Errorf("setting the publication of the endpoint's CA up: %w", err)
	}
	return nil
}

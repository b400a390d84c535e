// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"

	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
)

// newFront makes what every replica runs besides the endpoint: probes, metrics and the door.
func newFront(ctx context.Context, config *rest.Config, o Options, door *door, operator *operator) (ctrl.Manager, error) {
	front, err := ctrl.NewManager(config, frontOptions(ctx, o))
	if err != nil {
		return nil, fmt.Errorf("setting the manager up: %w", err)
	}
	if o.serves() {
		if err := door.setupWithManager(front); err != nil {
			return nil, fmt.Errorf("setting the door up: %w", err)
		}
	}
	if err := front.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, err
	}
	if err := front.AddReadyzCheck("caches", firstTime(operator.ready)); err != nil {
		return nil, err
	}
	if !o.serves() {
		return front, nil
	}
	return front, front.AddReadyzCheck("keyrings", door.ready)
}

// firstTime is a check that, once it has passed, always does: losing the Lease while the API server is away is no reason
// to take a replica that serves on out of its Service.
func firstTime(check healthz.Checker) healthz.Checker {
	var passed atomic.Bool
	return func(req *http.Request) error {
		if passed.Load() {
			return nil
		}
		err := check(req)
		if err == nil {
			passed.Store(true)
		}
		return err
	}
}

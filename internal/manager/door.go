// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

const (
	// settleInterval is how often it is looked whether the keyrings are open at the start.
	settleInterval = 50 * time.Millisecond
	// firstRetry and lastRetry are the pauses before a keyring that could not be opened is tried again: once what was wrong is put
	// right, for example its root key restored, every replica serves it after the last one at most.
	firstRetry, lastRetry = 100 * time.Millisecond, 30 * time.Second
)

// door opens the keyrings of all software KMSBackends, in every replica and whoever has the Lease, so that each can serve them. What
// is wrong with one is told by the controller of KMSBackends; here it is tried again.
type door struct {
	opener *opener
	client client.Client

	mu       sync.Mutex
	accounts map[string]string // by KMSBackend: the account that it opens
	defaults map[string]bool   // those that are marked as the default one, by name
	tried    map[string]bool
	opened   chan struct{} // closed when every KMSBackend was opened, or failed to, once
}

func newDoor(opener *opener) *door {
	return &door{opener: opener, accounts: map[string]string{}, defaults: map[string]bool{}, tried: map[string]bool{}, opened: make(chan struct{})}
}

func (d *door) setupWithManager(mgr ctrl.Manager) error {
	d.client = mgr.GetClient()
	return ctrl.NewControllerManagedBy(mgr).
		Named("door").
		For(&v1alpha1.KMSBackend{}, builder.WithPredicates(
			predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}))).
		WithOptions(controller.Options{MaxConcurrentReconciles: 4, NeedLeaderElection: new(false), RateLimiter: newRetries()}).
		Complete(d)
}

func newRetries() workqueue.TypedRateLimiter[ctrl.Request] {
	return workqueue.NewTypedItemExponentialFailureRateLimiter[ctrl.Request](firstRetry, lastRetry)
}

// Reconcile opens one KMSBackend's keyring, or lets it go.
func (d *door) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	object := &v1alpha1.KMSBackend{}
	err := d.client.Get(ctx, req.NamespacedName, object)
	if apierrors.IsNotFound(err) || (err == nil && !object.DeletionTimestamp.IsZero()) {
		d.forget(req.Name)
		d.opener.Close(req.Name)
		return ctrl.Result{}, nil
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	if object.Spec.Software == nil { // its keys are served elsewhere; before it, another of this name may have been here
		d.forget(req.Name)
		d.opener.Close(req.Name)
		return ctrl.Result{}, nil
	}
	opened, err := d.opener.Open(ctx, object)
	if err != nil {
		d.note(object, "")
		return ctrl.Result{}, fmt.Errorf("opening the keyring of KMSBackend %s: %w", object.Name, err)
	}
	identity, err := opened.Identify(ctx)
	d.note(object, identity.AccountID)
	return ctrl.Result{}, err
}

// note remembers what a KMSBackend opens; an empty account means that it could not be opened.
func (d *door) note(object *v1alpha1.KMSBackend, accountID string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tried[object.Name] = true
	if accountID != "" {
		d.accounts[object.Name] = accountID
	}
	if object.Annotations[v1alpha1.DefaultBackendAnnotation] == "true" {
		d.defaults[object.Name] = true
	} else {
		delete(d.defaults, object.Name)
	}
}

func (d *door) forget(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.accounts, name)
	delete(d.tried, name)
	delete(d.defaults, name)
}

// defaultAccount is that of the default KMSBackend, or the only one there is; else empty.
func (d *door) defaultAccount() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.defaults) > 1 { // as for Keys: which one was meant, nobody can tell
		return ""
	}
	for name := range d.defaults {
		return d.accounts[name]
	}
	only := ""
	for _, account := range d.accounts {
		if only != "" && only != account {
			return ""
		}
		only = account
	}
	return only
}

// ready says whether every KMSBackend was tried once. It stays so: a keyring that cannot be opened is no reason not to
// serve the others.
func (d *door) ready(*http.Request) error {
	select {
	case <-d.opened:
		return nil
	default:
		return errors.New("the keyrings are not open yet")
	}
}

// await closes opened when the KMSBackends that are there at the start were all tried.
func (d *door) await(ctx context.Context) error {
	for {
		if d.triedAll(ctx) {
			close(d.opened)
			return nil
		}
		select {
		case <-time.After(settleInterval):
		case <-ctx.Done():
			return nil
		}
	}
}

func (d *door) triedAll(ctx context.Context) bool {
	list := &v1alpha1.KMSBackendList{}
	if err := d.client.List(ctx, list); err != nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range list.Items {
		object := &list.Items[i]
		if object.Spec.Software != nil && object.DeletionTimestamp.IsZero() && !d.tried[object.Name] {
			return false
		}
	}
	return true
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package key makes Keys true. One pass reads what is declared and what is there, runs the phases (one file each: the
// backend, the input, the key's existence, its material, its configuration, its policy, its grants, its replicas, its publication), and ends
// with one status patch, which is left out when nothing changed. Deletion is a pass of its own (deletion.go).
//
// Exactly once. The finalizer is written before the first outside write. A pass that finds no key ID in status looks
// the owner up at the backend before it creates, so that a key made by a pass whose status was never written, or by an
// earlier Key of the same name, is found; and creation itself is idempotent by the Key's UID.
package key

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/controllers/internal/tell"
	"github.com/chatelaine-dev/chatelaine/controllers/internal/written"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
)

// outdatedRetry is how soon a pass is tried again that found the cache behind the controller's own last write.
const outdatedRetry = 20 * time.Millisecond

// untriedRetry is how soon a Key is looked at again that has a replica on a KMSBackend which nobody has tried to open yet.
const untriedRetry = time.Second

// Options are what a Reconciler is made of.
type Options struct {
	Client client.Client
	// Reader reads from the API server itself.
	Reader   client.Reader
	Events   events.EventRecorder
	Backends *backend.Registry
	// Namespace is the operator's own. The Secrets there are no key material for anybody, though the operator may read them.
	Namespace string
	// ClusterUID is the UID of the namespace kube-system: the cluster in owner tags.
	ClusterUID string
	// Resync is how often a Key that nothing happened to is looked at again; each Key's own time varies by a tenth.
	Resync time.Duration
	Now    func() time.Time
}

// Reconciler reconciles Keys.
type Reconciler struct {
	Options
	written  *written.Objects
	adopting sync.Mutex
	bases    sync.Map // of compile.Merged, by where keys live
}

// NewReconciler returns a Reconciler; SetupWithManager starts it.
func NewReconciler(o Options) *Reconciler {
	return &Reconciler{Options: o, written: written.NewObjects()}
}

// Reconcile makes one Key true.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	key := &v1alpha1.Key{}
	if err := r.Client.Get(ctx, req.NamespacedName, key); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if r.written.Outdated(key) {
		return ctrl.Result{RequeueAfter: outdatedRetry}, nil
	}
	p := r.newPass(key)
	if !key.DeletionTimestamp.IsZero() {
		return r.finalize(ctx, p)
	}
	if !r.resolveBackend(ctx, p) {
		r.keepOthers(ctx, p)
		return r.finish(ctx, p)
	}
	if r.checkInput(p) && r.compilePolicies(ctx, p) && r.ensureFinalizer(ctx, p) && r.ensureExists(ctx, p) {
		r.make(ctx, p)
		r.spread(ctx, p)
		r.readPublicKey(ctx, p)
		r.publish(ctx, p)
		p.reportSynced()
		r.reportDrift(p)
	} else {
		r.keepOthers(ctx, p)
	}
	return r.finish(ctx, p)
}

// make has the key as it is declared, in one Region.
func (r *Reconciler) make(ctx context.Context, p *pass) {
	r.importMaterial(ctx, p)
	r.configure(ctx, p)
	r.applyPolicy(ctx, p)
	r.applyGrants(ctx, p)
}

// finish writes the status and says when to look again.
func (r *Reconciler) finish(ctx context.Context, p *pass) (ctrl.Result, error) {
	if p.unknown || p.err != nil {
		return ctrl.Result{}, p.err
	}
	if err := r.writeStatus(ctx, p); err != nil {
		return ctrl.Result{}, err
	}
	if p.untried {
		return ctrl.Result{RequeueAfter: untriedRetry}, nil
	}
	if p.again {
		return ctrl.Result{RequeueAfter: outdatedRetry}, nil
	}
	after, err := conditions.Retry(p.conditions.Problems())
	if err != nil {
		return ctrl.Result{}, err
	}
	if after == 0 {
		after = wait.Jitter(r.Resync, 0.1)
	}
	if !p.nextAt.IsZero() {
		after = min(after, max(p.nextAt.Sub(r.Now()), time.Second))
	}
	return ctrl.Result{RequeueAfter: after}, nil
}

// event tells of something that changed outside the cluster, or that a person has to know.
func (r *Reconciler) event(p *pass, eventType, reason, note string, args ...any) {
	tell.Event(r.Events, p.key, eventType, reason, p.action(tell.Reconciling), fmt.Sprintf(note, args...))
}

const (
	normal  = corev1.EventTypeNormal
	warning = corev1.EventTypeWarning
)

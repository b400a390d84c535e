// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/controllers/key"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

const (
	clusterUID = "c0ffee00-0000-4000-8000-000000000000"
	patience   = time.Minute // for what has to happen, whatever else the machine does
)

var env *testenv.Env

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.FromSlogHandler(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})))
	os.Exit(testenv.Run(m, &env, testenv.Options{}))
}

// rig is a controller of Keys for the namespaces of one test, with a fake backend behind it.
type rig struct {
	t         *testing.T
	ctx       context.Context
	client    client.Client
	cached    client.Client // the controller's
	late      *late         // what the controller reads with, which is cached unless it is held
	namespace string
	fake      *backendtest.Fake
	backends  *backend.Registry
	// backendName is a KMSBackend, unlike that of any other test, which stands for fake.
	backendName string
	// ahead is by how much the controller's clock is ahead of the real one.
	ahead atomic.Int64
}

// now is the time by the controller's clock.
func (r *rig) now() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) }

// step moves the controller's clock and the fake's.
func (r *rig) step(by time.Duration) {
	r.ahead.Add(int64(by))
	r.fake.Advance(by)
}

// newRig starts the controller. The fake's clock is an hour behind its own.
func newRig(t *testing.T, others ...string) *rig {
	t.Helper()
	r := &rig{
		t: t, ctx: t.Context(), client: env.Client, namespace: env.Namespace(t),
		fake: backendtest.NewFake(time.Now().Add(-time.Hour)), backends: backend.NewRegistry(),
		backendName: "backend-" + rand.String(8),
	}
	opened := &v1alpha1.KMSBackend{
		ObjectMeta: metav1.ObjectMeta{Name: r.backendName},
		Spec:       v1alpha1.KMSBackendSpec{Software: &v1alpha1.SoftwareBackend{}},
	}
	r.create(opened)
	r.openBackend(r.backendName, r.fake)
	r.start(append(others, r.namespace))
	r.awaitKnown(opened)
	return r
}

func (r *rig) start(namespaces []string) {
	r.t.Helper()
	watched := map[string]cache.Config{}
	for _, namespace := range namespaces {
		watched[namespace] = cache.Config{}
	}
	mgr, err := ctrl.NewManager(env.Config, ctrl.Options{
		Scheme:     env.Scheme,
		Metrics:    server.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: new(true), UsePriorityQueue: new(false)},
		Cache:      cache.Options{DefaultNamespaces: watched},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.cached = mgr.GetClient()
	r.late = &late{Client: r.cached}
	reconciler := key.NewReconciler(key.Options{
		Client: r.late, Reader: mgr.GetAPIReader(), Events: mgr.GetEventRecorder("chatelaine"),
		Backends: r.backends, ClusterUID: clusterUID, Resync: 200 * time.Millisecond, Now: r.now,
	})
	ctx, stop := context.WithCancel(context.Background())
	if err := reconciler.SetupWithManager(ctx, mgr, 4); err != nil {
		r.t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- mgr.Start(ctx) }()
	r.t.Cleanup(func() {
		stop()
		if err := <-stopped; err != nil {
			r.t.Errorf("the manager ended with %v", err)
		}
	})
}

func (r *rig) openBackend(name string, b backend.Backend) {
	r.t.Helper()
	identity, err := b.Identify(r.ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	r.backends.Set(name, backend.Entry{Backend: b, Identity: identity})
}

// newKey is a Key on the rig's backend; change may be nil.
func (r *rig) newKey(name string, change func(*v1alpha1.Key)) *v1alpha1.Key {
	made := &v1alpha1.Key{
		ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: name},
		Spec:       v1alpha1.KeySpec{BackendRef: &v1alpha1.BackendReference{Name: r.backendName}},
	}
	if change != nil {
		change(made)
	}
	return made
}

// create creates the object, and waits until the controller knows.
func (r *rig) create(object client.Object) {
	r.t.Helper()
	if err := r.client.Create(r.ctx, object); err != nil {
		r.t.Fatalf("creating %T %s: %v", object, object.GetName(), err)
	}
	r.awaitKnown(object)
	if kmsBackend, ok := object.(*v1alpha1.KMSBackend); ok { // is for this test only
		r.t.Cleanup(func() { _ = r.client.Delete(context.Background(), kmsBackend) })
	}
}

// createReady creates a Key and waits until it is Ready.
func (r *rig) createReady(name string, change func(*v1alpha1.Key)) *v1alpha1.Key {
	r.t.Helper()
	made := r.newKey(name, change)
	r.create(made)
	return r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

// update changes a Key, whatever the controller writes at the same time.
func (r *rig) update(object *v1alpha1.Key, change func(*v1alpha1.Key)) *v1alpha1.Key {
	r.t.Helper()
	fresh := r.get(object)
	base := fresh.DeepCopy()
	change(fresh)
	if err := r.client.Patch(r.ctx, fresh, client.MergeFrom(base)); err != nil {
		r.t.Fatalf("updating Key %s: %v", object.Name, err)
	}
	return fresh
}

func (r *rig) get(object *v1alpha1.Key) *v1alpha1.Key {
	r.t.Helper()
	fresh := &v1alpha1.Key{}
	if err := r.client.Get(r.ctx, client.ObjectKeyFromObject(object), fresh); err != nil {
		r.t.Fatalf("getting Key %s: %v", object.Name, err)
	}
	return fresh
}

// await waits until the condition of the Key's current generation has the status and, unless empty, the reason.
func (r *rig) await(object *v1alpha1.Key, conditionType string, status metav1.ConditionStatus, reason string) *v1alpha1.Key {
	r.t.Helper()
	var fresh *v1alpha1.Key
	ok := poll(func() bool {
		fresh = r.get(object)
		condition := meta.FindStatusCondition(fresh.Status.Conditions, conditionType)
		return condition != nil && condition.Status == status && condition.ObservedGeneration == fresh.Generation &&
			(reason == "" || condition.Reason == reason)
	})
	if !ok {
		r.t.Fatalf("Key %s never came to %s=%s (%s); it has:\n%s", object.Name, conditionType, status, reason, describe(fresh))
	}
	return fresh
}

// awaitGone waits until the object is no longer there.
func (r *rig) awaitGone(object client.Object) {
	r.t.Helper()
	ok := poll(func() bool {
		return apierrors.IsNotFound(r.client.Get(r.ctx, client.ObjectKeyFromObject(object), object))
	})
	if !ok {
		r.t.Fatalf("%T %s is still there", object, object.GetName())
	}
}

// delete deletes the object, and waits until the controller knows.
func (r *rig) delete(object client.Object) {
	r.t.Helper()
	if err := r.client.Delete(r.ctx, object); err != nil {
		r.t.Fatal(err)
	}
	r.awaitKnownToGo(object)
}

// seen is the key at the backend.
func (r *rig) seen(id string) *backend.Key {
	r.t.Helper()
	seen, err := r.fake.Get(r.ctx, id)
	if err != nil {
		r.t.Fatal(err)
	}
	return seen
}

// awaitEvent waits for an Event about the Key with the reason, and returns its note.
func (r *rig) awaitEvent(object *v1alpha1.Key, reason string) string {
	r.t.Helper()
	note := ""
	ok := poll(func() bool {
		list := &eventsv1.EventList{}
		if err := r.client.List(r.ctx, list, client.InNamespace(object.Namespace)); err != nil {
			r.t.Fatal(err)
		}
		for _, event := range list.Items {
			if event.Regarding.Name == object.Name && event.Reason == reason {
				note = event.Note
				return true
			}
		}
		return false
	})
	if !ok {
		r.t.Fatalf("no Event %s about Key %s", reason, object.Name)
	}
	return note
}

func poll(done func() bool) bool {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if done() {
			return true
		}
	}
	return false
}

// message is that of a condition.
func message(object *v1alpha1.Key, conditionType string) string {
	condition := meta.FindStatusCondition(object.Status.Conditions, conditionType)
	if condition == nil {
		return ""
	}
	return condition.Message
}

func wantMessage(t *testing.T, object *v1alpha1.Key, conditionType string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if got := message(object, conditionType); !strings.Contains(got, part) {
			t.Errorf("%s of Key %s says %q, which lacks %q", conditionType, object.Name, got, part)
		}
	}
}

func describe(object *v1alpha1.Key) string {
	var b strings.Builder
	for _, c := range object.Status.Conditions {
		fmt.Fprintf(&b, "  %s=%s %s (generation %d of %d): %s\n", c.Type, c.Status, c.Reason, c.ObservedGeneration, object.Generation, c.Message)
	}
	return b.String()
}

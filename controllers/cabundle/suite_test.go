// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package cabundle_test

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/rand"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/chatelaine-dev/chatelaine/controllers/cabundle"
	"github.com/chatelaine-dev/chatelaine/controllers/key"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

const patience = time.Minute // for what has to happen, whatever else the machine does

var env *testenv.Env

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.FromSlogHandler(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})))
	os.Exit(testenv.Run(m, &env, testenv.Options{WithoutCRDs: true, Audit: true}))
}

// labelled is what a namespace of a client has.
var labelled = map[string]string{cabundle.NamespaceLabel: "true"}

// bundle is one that the test changes.
type bundle struct {
	mu       sync.Mutex
	pem      string
	watchers []func()
}

func (b *bundle) Bundle() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return []byte(b.pem)
}

func (b *bundle) Watch(changed func()) func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watchers = append(b.watchers, changed)
	return func() {}
}

func (b *bundle) set(pem string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pem = pem
	for _, changed := range b.watchers {
		changed()
	}
}

// rig is a controller with nothing but the permissions that it needs. It sees the namespaces of earlier tests, too.
type rig struct {
	t      *testing.T
	ctx    context.Context
	bundle *bundle
	cached client.Client // the controller's
	// operator is the operator's own namespace, account who it is.
	operator string
	account  types.NamespacedName
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, ctx: t.Context(), bundle: &bundle{pem: "bundle-" + rand.String(8)}, operator: env.Namespace(t)}
	r.account = types.NamespacedName{Namespace: r.operator, Name: "manager"}
	r.permit()
	r.start()
	return r
}

// permit gives the account what config/rbac has to give it.
func (r *rig) permit() {
	r.t.Helper()
	meta := metav1.ObjectMeta{Name: "cabundle-" + rand.String(8)}
	r.create(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: r.account.Namespace, Name: r.account.Name}})
	r.create(&rbacv1.ClusterRole{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"namespaces"}, Verbs: []string{"get", "list", "watch"}},
		{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"get", "list", "watch", "create", "update", "delete"}},
		{APIGroups: []string{"events.k8s.io"}, Resources: []string{"events"}, Verbs: []string{"create", "patch"}},
	}})
	r.create(&rbacv1.ClusterRoleBinding{
		ObjectMeta: meta,
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: meta.Name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: r.account.Namespace, Name: r.account.Name}},
	})
	access := testenv.Access{User: testenv.UserName(r.account), Verb: "create", Resource: "configmaps"}
	if err := env.WaitAllowed(r.ctx, access); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) start() {
	r.t.Helper()
	restConfig, err := env.ConfigFor(r.ctx, r.account)
	if err != nil {
		r.t.Fatal(err)
	}
	restConfig.QPS = -1
	mgr, err := ctrl.NewManager(restConfig, ctrl.Options{
		Scheme:     env.Scheme,
		Metrics:    server.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: new(true), UsePriorityQueue: new(false)},
		Cache: cache.Options{ByObject: map[client.Object]cache.ByObject{
			&corev1.ConfigMap{}: {Label: labels.SelectorFromSet(labels.Set{key.PublishedLabel: "true"})},
		}},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.cached = mgr.GetClient()
	err = cabundle.NewReconciler(cabundle.Options{
		Client: r.cached, Reader: mgr.GetAPIReader(), Events: mgr.GetEventRecorder("chatelaine"),
		Bundle: r.bundle, Namespace: r.operator,
	}).SetupWithManager(mgr)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- mgr.Start(ctx) }()
	r.t.Cleanup(func() {
		stop()
		if err := <-stopped; err != nil {
			r.t.Errorf("the manager ended with %v", err)
		}
		r.notRefused()
	})
}

// notRefused says whether the permissions were enough.
func (r *rig) notRefused() {
	requests, err := env.Audit.Since(0)
	if err != nil {
		r.t.Error(err)
	}
	if refused := requests.By(testenv.UserName(r.account)).Forbidden(); len(refused) > 0 {
		r.t.Errorf("refused for want of permission: %v", refused.Counts())
	}
}

func (r *rig) create(object client.Object) {
	r.t.Helper()
	if err := env.Client.Create(r.ctx, object); err != nil {
		r.t.Fatalf("creating %T %s: %v", object, object.GetName(), err)
	}
}

// find is the namespace's ConfigMap, nil if there is none.
func (r *rig) find(namespace string) *corev1.ConfigMap {
	r.t.Helper()
	has := &corev1.ConfigMap{}
	err := env.Client.Get(r.ctx, client.ObjectKey{Namespace: namespace, Name: cabundle.ConfigMapName}, has)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return has
}

// await waits until the namespace's ConfigMap has the bundle and nothing else.
func (r *rig) await(namespace string) *corev1.ConfigMap {
	r.t.Helper()
	var has *corev1.ConfigMap
	want := string(r.bundle.Bundle())
	ok := poll(func() bool {
		has = r.find(namespace)
		return has != nil && len(has.Data) == 1 && has.Data["ca.crt"] == want && len(has.BinaryData) == 0
	})
	if !ok {
		r.t.Fatalf("namespace %s never got the bundle, it has %v", namespace, has)
	}
	return has
}

func (r *rig) awaitGone(namespace string) {
	r.t.Helper()
	if !poll(func() bool { return r.find(namespace) == nil }) {
		r.t.Fatalf("namespace %s still has the bundle", namespace)
	}
}

func (r *rig) update(object client.Object) {
	r.t.Helper()
	if err := env.Client.Update(r.ctx, object); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) delete(object client.Object) {
	r.t.Helper()
	if err := env.Client.Delete(r.ctx, object); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) label(namespace string, set map[string]string) {
	r.t.Helper()
	object := &corev1.Namespace{}
	if err := env.Client.Get(r.ctx, client.ObjectKey{Name: namespace}, object); err != nil {
		r.t.Fatal(err)
	}
	object.Labels = set
	r.update(object)
}

// settle waits until the controller has dealt with everything before: a namespace made now comes after it.
func (r *rig) settle() {
	r.t.Helper()
	r.await(env.Namespace(r.t, labelled))
}

// settleAll waits until the controller knows every namespace to have what it wants, those of earlier tests included: it has nothing
// left to do.
func (r *rig) settleAll() {
	r.t.Helper()
	namespaces := &corev1.NamespaceList{}
	if err := env.Client.List(r.ctx, namespaces); err != nil {
		r.t.Fatal(err)
	}
	want := string(r.bundle.Bundle())
	for i := range namespaces.Items {
		namespace := &namespaces.Items[i]
		wants := namespace.Name == r.operator || namespace.Labels[cabundle.NamespaceLabel] == "true"
		if !wants || !namespace.DeletionTimestamp.IsZero() {
			continue
		}
		name, has := client.ObjectKey{Namespace: namespace.Name, Name: cabundle.ConfigMapName}, &corev1.ConfigMap{}
		if !poll(func() bool { return r.cached.Get(r.ctx, name, has) == nil && has.Data[cabundle.BundleKey] == want }) {
			r.t.Fatalf("the controller does not know namespace %s to have the bundle", namespace.Name)
		}
	}
}

func (r *rig) requests(since testenv.Mark) testenv.Requests {
	r.t.Helper()
	requests, err := env.Audit.Since(since)
	if err != nil {
		r.t.Fatal(err)
	}
	return requests.By(testenv.UserName(r.account))
}

func (r *rig) mark() testenv.Mark {
	r.t.Helper()
	mark, err := env.Audit.Mark()
	if err != nil {
		r.t.Fatal(err)
	}
	return mark
}

func poll(done func() bool) bool {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if done() {
			return true
		}
	}
	return false
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/manager"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

// patience is how long a test waits for what it has to come: on a machine that is busy, some ten times what the longest takes.
const patience = time.Minute

// world is one test's operator, backend and namespace. Its backend has a region of its own and so a keyring of its own.
type world struct {
	t         *testing.T
	env       *testenv.Env
	ctx       context.Context
	clock     *clocktesting.FakeClock
	namespace string
	backend   *v1alpha1.KMSBackend
	stop      func()
	resync    time.Duration
}

// newWorld starts the operator on the server that the tests share; change, which may be nil, changes its KMSBackend.
func newWorld(t *testing.T, change func(*v1alpha1.KMSBackend)) *world {
	t.Helper()
	w := emptyWorld(t, env, change)
	w.start()
	t.Cleanup(func() { w.stop() })
	return w
}

// emptyWorld is a world whose operator was not started.
func emptyWorld(t *testing.T, server *testenv.Env, change func(*v1alpha1.KMSBackend)) *world {
	t.Helper()
	w := &world{
		t: t, env: server, ctx: t.Context(), namespace: server.Namespace(t),
		clock: clocktesting.NewFakeClock(time.Now()), stop: func() {}, resync: 500 * time.Millisecond,
	}
	name := "software-" + rand.String(8)
	w.backend = &v1alpha1.KMSBackend{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       v1alpha1.KMSBackendSpec{Software: &v1alpha1.SoftwareBackend{Region: name}},
	}
	if change != nil {
		change(w.backend)
	}
	w.create(w.backend)
	return w
}

// start starts the operator as config/rbac lets it be.
func (w *world) start() {
	w.t.Helper()
	config, err := w.env.ConfigFor(w.ctx, managerAccount)
	if err != nil {
		w.t.Fatal(err)
	}
	config.QPS = -1
	options := manager.Defaults()
	options.MetricsAddress, options.ProbeAddress, options.KMSAddress = "0", "0", "0"
	options.Resync, options.CheckInterval = w.resync, w.resync
	options.Clock = w.clock
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- manager.Run(ctx, config, options) }()
	w.stop = func() {
		cancel()
		if err := <-stopped; err != nil {
			w.t.Errorf("the operator ended with: %v", err)
		}
		w.stop = func() {}
	}
}

func (w *world) create(object client.Object) {
	w.t.Helper()
	if err := w.env.Client.Create(w.ctx, object); err != nil {
		w.t.Fatalf("creating %T %s: %v", object, object.GetName(), err)
	}
}

func (w *world) delete(object client.Object) {
	w.t.Helper()
	if err := w.env.Client.Delete(w.ctx, object); err != nil {
		w.t.Fatal(err)
	}
}

// key makes a Key on the world's backend; change may be nil.
func (w *world) key(name string, change func(*v1alpha1.KeySpec)) *v1alpha1.Key {
	w.t.Helper()
	made := &v1alpha1.Key{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name},
		Spec:       v1alpha1.KeySpec{BackendRef: &v1alpha1.BackendReference{Name: w.backend.Name}},
	}
	if change != nil {
		change(&made.Spec)
	}
	w.create(made)
	return made
}

// readyKey makes a Key and waits until it is Ready.
func (w *world) readyKey(name string, change func(*v1alpha1.KeySpec)) *v1alpha1.Key {
	w.t.Helper()
	return w.awaitKey(w.key(name, change), v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func (w *world) update(key *v1alpha1.Key, change func(*v1alpha1.KeySpec)) {
	w.t.Helper()
	modify(w, key, func(fresh *v1alpha1.Key) { change(&fresh.Spec) })
}

// modify changes an object as it is now, again if somebody else was faster: the operator writes to it, too.
func modify[T any, P interface {
	*T
	client.Object
}](w *world, object P, change func(P)) P {
	w.t.Helper()
	var fresh P
	w.await(func() (bool, string) {
		fresh = P(new(T))
		if err := w.env.Client.Get(w.ctx, client.ObjectKeyFromObject(object), fresh); err != nil {
			w.t.Fatal(err)
		}
		change(fresh)
		err := w.env.Client.Update(w.ctx, fresh)
		if err != nil && !apierrors.IsConflict(err) {
			w.t.Fatal(err)
		}
		return err == nil, fmt.Sprintf("%T %s left alone for long enough to be changed", object, object.GetName())
	})
	return fresh
}

func (w *world) getKey(key *v1alpha1.Key) *v1alpha1.Key {
	w.t.Helper()
	fresh := &v1alpha1.Key{}
	if err := w.env.Client.Get(w.ctx, client.ObjectKeyFromObject(key), fresh); err != nil {
		w.t.Fatal(err)
	}
	return fresh
}

func (w *world) getBackend() *v1alpha1.KMSBackend {
	w.t.Helper()
	fresh := &v1alpha1.KMSBackend{}
	if err := w.env.Client.Get(w.ctx, client.ObjectKey{Name: w.backend.Name}, fresh); err != nil {
		w.t.Fatal(err)
	}
	return fresh
}

// awaitKey waits until the condition of the Key's current generation has the status and, unless empty, the reason, and says all of
// the parts.
func (w *world) awaitKey(key *v1alpha1.Key, conditionType string, status metav1.ConditionStatus, reason string, parts ...string) *v1alpha1.Key {
	w.t.Helper()
	var fresh *v1alpha1.Key
	w.await(func() (bool, string) {
		fresh = w.getKey(key)
		return holds(fresh.Status.Conditions, fresh.Generation, conditionType, status, reason, parts...),
			fmt.Sprintf("Key %s at %s=%s %s %q; it has:\n%s", key.Name, conditionType, status, reason, parts, describe(fresh.Status.Conditions))
	})
	return fresh
}

// awaitBackend is awaitKey for the world's KMSBackend.
func (w *world) awaitBackend(conditionType string, status metav1.ConditionStatus, reason string, parts ...string) *v1alpha1.KMSBackend {
	w.t.Helper()
	var fresh *v1alpha1.KMSBackend
	w.await(func() (bool, string) {
		fresh = w.getBackend()
		return holds(fresh.Status.Conditions, fresh.Generation, conditionType, status, reason, parts...),
			fmt.Sprintf("KMSBackend at %s=%s %s %q; it has:\n%s", conditionType, status, reason, parts, describe(fresh.Status.Conditions))
	})
	return fresh
}

func (w *world) awaitGone(object client.Object) {
	w.t.Helper()
	w.await(func() (bool, string) {
		err := w.env.Client.Get(w.ctx, client.ObjectKeyFromObject(object), object)
		return apierrors.IsNotFound(err), fmt.Sprintf("%T %s gone", object, object.GetName())
	})
}

func (w *world) awaitEvent(about client.Object, reason string) string {
	w.t.Helper()
	var note string
	w.await(func() (bool, string) {
		list := &eventsv1.EventList{}
		if err := w.env.Client.List(w.ctx, list); err != nil {
			w.t.Fatal(err)
		}
		for _, event := range list.Items {
			if event.Regarding.UID == about.GetUID() && event.Reason == reason {
				note = event.Note
				return true, ""
			}
		}
		return false, "an Event " + reason
	})
	return note
}

// await polls until done, and fails the test with what it waited for.
func (w *world) await(done func() (bool, string)) {
	w.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		ok, what := done()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("never saw %s", what)
		}
	}
}

// record is the Secret of the key's record.
func (w *world) record(keyID string) *corev1.Secret {
	w.t.Helper()
	list := &corev1.SecretList{}
	err := w.env.Client.List(w.ctx, list, client.InNamespace(operatorNamespace), client.HasLabels{"kms.chatelaine.dev/record"})
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range list.Items {
		if strings.Contains(list.Items[i].Name, keyID) {
			return &list.Items[i]
		}
	}
	w.t.Fatalf("no record of key %s", keyID)
	return nil
}

func holds(
	list []metav1.Condition, generation int64, conditionType string, status metav1.ConditionStatus, reason string, parts ...string,
) bool {
	condition := meta.FindStatusCondition(list, conditionType)
	return condition != nil && condition.Status == status && condition.ObservedGeneration == generation &&
		(reason == "" || condition.Reason == reason) &&
		!slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(condition.Message, part) })
}

func describe(list []metav1.Condition) string {
	var b strings.Builder
	for _, c := range list {
		fmt.Fprintf(&b, "  %s=%s %s (generation %d): %s\n", c.Type, c.Status, c.Reason, c.ObservedGeneration, c.Message)
	}
	return b.String()
}

func wantMessage(t *testing.T, list []metav1.Condition, conditionType string, parts ...string) {
	t.Helper()
	condition := meta.FindStatusCondition(list, conditionType)
	for _, part := range parts {
		if condition == nil || !strings.Contains(condition.Message, part) {
			t.Errorf("%s lacks %q: %+v", conditionType, part, condition)
		}
	}
}

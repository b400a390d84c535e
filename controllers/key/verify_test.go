// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
)

// forgetful is a Fake behind a memory, as a backend far away has one: what others did shows once somebody verifies.
type forgetful struct {
	*backendtest.Fake
	mu       sync.Mutex
	known    map[string]*backend.Key
	at       time.Time
	verifies int
	fault    error
}

var _ backend.Verifier = (*forgetful)(nil)

func (b *forgetful) keep(key *backend.Key, err error) (*backend.Key, error) {
	if err != nil {
		return key, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.known[key.ID] = key
	return key, nil
}

func (b *forgetful) Get(ctx context.Context, ref string) (*backend.Key, error) {
	b.mu.Lock()
	known := b.known[ref]
	b.mu.Unlock()
	if known != nil {
		copied := *known
		return &copied, nil
	}
	return b.keep(b.Fake.Get(ctx, ref))
}

func (b *forgetful) Create(ctx context.Context, in backend.CreateInput) (*backend.Key, error) {
	return b.keep(b.Fake.Create(ctx, in))
}

func (b *forgetful) Apply(ctx context.Context, keyID string, changes []backend.Change) (*backend.Key, error) {
	return b.keep(b.Fake.Apply(ctx, keyID, changes))
}

func (b *forgetful) Verify(ctx context.Context, keyID string) error {
	b.mu.Lock()
	b.verifies++
	fault := b.fault
	delete(b.known, keyID)
	b.mu.Unlock()
	if fault != nil {
		return fault
	}
	_, err := b.Get(ctx, keyID)
	return err
}

func (b *forgetful) Verified(string) (time.Time, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at, true
}

// set changes what the backend does.
func (b *forgetful) set(change func(*forgetful)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b)
}

func (b *forgetful) verified() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.verifies
}

// newForgetfulRig is a rig whose backend has to be asked what others did.
func newForgetfulRig(t *testing.T) (*rig, *forgetful) {
	r := newRig(t)
	b := &forgetful{Fake: r.fake, known: map[string]*backend.Key{}, at: time.Now().Truncate(time.Second)}
	r.openBackend(r.backendName, b)
	return r, b
}

func reconcileAt(value string) func(*v1alpha1.Key) {
	return annotate(v1alpha1.ReconcileAtAnnotation, value)
}

// awaitHandled waits until status names the value of the annotation.
func (r *rig) awaitHandled(object *v1alpha1.Key, value string) *v1alpha1.Key {
	r.t.Helper()
	if !poll(func() bool { return r.get(object).Status.LastHandledReconcileAt == value }) {
		r.t.Fatalf("%q was never handled; status has %q\n%s", value, r.get(object).Status.LastHandledReconcileAt, describe(r.get(object)))
	}
	return r.get(object)
}

func TestKeyIsLookedAtAnewOnceForEachValueOfTheAnnotation(t *testing.T) {
	r, b := newForgetfulRig(t)
	made := r.createReady("orders", described("declared"))
	r.meddleWith(made, backend.SetDescription{To: "meddled"})
	r.resync(3, 1)
	if got := r.get(made); got.Status.Drift != nil || b.verified() != 0 {
		t.Fatalf("found without a look: %+v, %d looks", got.Status.Drift, b.verified())
	}
	for i, value := range []string{"2026-01-02T03:04:05Z", "2026-01-02T03:04:05.5+01:00", "2199-01-01T00:00:00Z"} {
		r.meddleWith(made, backend.SetDescription{To: "meddled " + value})
		r.update(made, reconcileAt(value))
		r.awaitHandled(made, value)
		r.awaitDrift(made, 1, "description: declared -> meddled "+value)
		r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
		r.calm(3, made)
		if got := b.verified(); got != i+1 {
			t.Errorf("%d looks after %d values", got, i+1)
		}
	}
	r.update(made, func(k *v1alpha1.Key) { delete(k.Annotations, v1alpha1.ReconcileAtAnnotation) })
	r.calm(3, made)
	if got := b.verified(); got != 3 {
		t.Errorf("%d looks once the annotation is removed, want none more", got-3)
	}
}

func TestAnObservedKeyIsLookedAtAnewToo(t *testing.T) {
	r, _ := newForgetfulRig(t)
	made := r.createReady("orders", described("declared"))
	r.meddleWith(made, backend.SetDescription{To: "meddled"})
	r.update(made, func(k *v1alpha1.Key) {
		observing(k)
		reconcileAt("2026-01-02T03:04:05Z")(k)
	})
	r.awaitHandled(made, "2026-01-02T03:04:05Z")
	r.awaitDrift(made, 0, "description: declared -> meddled")
}

func TestAKeyThatIsGoneIsFoundByTheLook(t *testing.T) {
	r, _ := newForgetfulRig(t)
	made := r.createReady("orders", nil)
	r.fake.Destroy(made.Status.KeyID)
	r.update(made, reconcileAt("2026-01-02T03:04:05Z"))
	r.await(made, v1alpha1.ConditionCreated, metav1.ConditionFalse, v1alpha1.ReasonKeyLost)
	r.awaitHandled(made, "2026-01-02T03:04:05Z")
}

func TestALookThatFailsIsToldAndTriedAgain(t *testing.T) {
	r, b := newForgetfulRig(t)
	made := r.createReady("orders", described("declared"))
	b.set(func(b *forgetful) { b.fault = &backend.Error{Class: backend.Throttled, Message: "slow down"} })
	r.update(made, reconcileAt("2026-01-02T03:04:05Z"))
	waiting := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonThrottled)
	wantMessage(t, waiting, v1alpha1.ConditionSynced, v1alpha1.ReconcileAtAnnotation, "slow down")
	if waiting.Status.LastHandledReconcileAt != "" {
		t.Error("it counts as handled")
	}
	b.set(func(b *forgetful) { b.fault = nil })
	r.awaitHandled(made, "2026-01-02T03:04:05Z")
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func TestATimeThatIsNoneIsToldAndHoldsNothingUp(t *testing.T) {
	r, b := newForgetfulRig(t)
	made := r.createReady("orders", described("declared"))
	for _, value := range []string{"now", "2026-01-02", "", "2026-01-02T03:04:05." + strings.Repeat("0", 80) + "Z"} {
		r.update(made, reconcileAt(value))
		ok := poll(func() bool {
			return contains(message(r.get(made), v1alpha1.ConditionReady), v1alpha1.ReconcileAtAnnotation+` is "`+value[:min(len(value), 64)]+`"`)
		})
		told := r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady)
		if !ok || told.Status.LastHandledReconcileAt != "" {
			t.Errorf("%q: handled %q\n%s", value, told.Status.LastHandledReconcileAt, describe(told))
		}
		r.calm(2, made)
	}
	if b.verified() != 0 {
		t.Error("the key was looked at")
	}
	r.update(made, func(k *v1alpha1.Key) {
		reconcileAt("now")(k)
		described("changed")(k)
	})
	r.await(made, v1alpha1.ConditionSynced, metav1.ConditionTrue, "")
	if seen := r.seen(made.Status.KeyID); seen.Description != "changed" {
		t.Errorf("description = %q", seen.Description)
	}
	r.update(made, reconcileAt("2026-01-02T03:04:05Z"))
	corrected := r.awaitHandled(made, "2026-01-02T03:04:05Z")
	if got := message(corrected, v1alpha1.ConditionReady); got != "" {
		t.Errorf("Ready still says %q", got)
	}
}

func TestABackendThatIsAlwaysUpToDateHandlesTheAnnotationAndHasNoTimeOfALook(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", reconcileAt("2026-01-02T03:04:05Z"))
	if made.Status.LastHandledReconcileAt != "2026-01-02T03:04:05Z" || made.Status.LastVerifiedTime != nil {
		t.Errorf("status = %+v", made.Status)
	}
}

func TestTheTimeOfTheLastLookIsWrittenAlongOrOnceAnHour(t *testing.T) {
	r, b := newForgetfulRig(t)
	first := b.at
	made := r.createReady("orders", described("declared"))
	wantVerified := func(object *v1alpha1.Key, want time.Time) {
		t.Helper()
		if got := object.Status.LastVerifiedTime; got == nil || !got.Time.Equal(want) {
			t.Errorf("status.lastVerifiedTime = %v, want %v", got, want)
		}
	}
	looked := func(at time.Time) { b.set(func(b *forgetful) { b.at = at }) }
	wantVerified(made, first)

	looked(first.Add(59 * time.Minute))
	r.calm(3, made) // that alone is worth no write

	r.update(made, described("changed"))
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	wantVerified(r.get(made), first.Add(59*time.Minute))

	looked(first.Add(119 * time.Minute))
	if !poll(func() bool { return r.get(made).Status.LastVerifiedTime.Time.Equal(first.Add(119 * time.Minute)) }) {
		wantVerified(r.get(made), first.Add(119*time.Minute))
	}
	looked(first) // another process looked later
	r.calm(3, made)
	r.update(made, described("changed again"))
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	wantVerified(r.get(made), first.Add(119*time.Minute))
}

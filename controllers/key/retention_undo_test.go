// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
)

// lateEnable cancels deletions, and does not enable what it is asked to along with that.
type lateEnable struct {
	*backendtest.Fake
	refused atomic.Int32
}

func (b *lateEnable) Apply(ctx context.Context, keyID string, changes []backend.Change) (*backend.Key, error) {
	if i := slices.Index(changes, backend.Change(backend.Enable{})); i > 0 {
		b.refused.Add(1)
		after, err := b.Fake.Apply(ctx, keyID, changes[:i])
		if err == nil {
			err = &backend.ChangesError{Failed: []backend.ChangeError{{Change: changes[i], Err: throttled(backendtest.VerbApply).Err}}}
		}
		return after, err
	}
	return b.Fake.Apply(ctx, keyID, changes)
}

// begin deletes the Key, whose key's deletion is scheduled without an answer.
func (r *rig) begin(made *v1alpha1.Key) {
	r.t.Helper()
	lost := throttled(backendtest.VerbScheduleDeletion)
	lost.AfterEffect = true
	r.fake.Inject(lost)
	r.delete(made)
	r.awaitSays(made, v1alpha1.ConditionSynced, "deletion waits")
}

func TestAKeyWhoseDeletionIsCancelledIsEnabledThoughThatFailsAtFirst(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", scheduled)
	r.begin(made)
	late := &lateEnable{Fake: r.fake}
	r.openBackend(r.backendName, late)
	r.update(made, retained)
	r.awaitGone(made.DeepCopy())
	if state := r.seen(made.Status.KeyID).State; state != backend.StateEnabled || late.refused.Load() == 0 {
		t.Errorf("the key is %s, %d requests to enable it failed", state, late.refused.Load())
	}
}

func TestAKeyDisabledWhileItsDeletionWaitedIsEnabledAgainIfSoDeclared(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", scheduled)
	r.fake.Inject(denied(backendtest.VerbScheduleDeletion, "kms:ScheduleKeyDeletion is denied"))
	r.delete(made)
	r.awaitSays(made, v1alpha1.ConditionSynced, "deletion waits")
	r.update(made, func(k *v1alpha1.Key) { k.Spec.Enabled = new(false) })
	if !poll(func() bool { return r.seen(made.Status.KeyID).State == backend.StateDisabled }) {
		t.Fatal("it is not disabled")
	}
	r.update(made, func(k *v1alpha1.Key) { k.Spec.Enabled = new(true); retained(k) })
	r.awaitGone(made.DeepCopy())
	if state := r.seen(made.Status.KeyID).State; state != backend.StateEnabled {
		t.Errorf("the key is %s", state)
	}
}

func TestAReplicaThatStatusHasNotTakenUpIsTakenBackFromDeletion(t *testing.T) {
	r := newRealm(t)
	first := r.createSpread("orders", []string{south})
	r.delete(first)
	r.awaitGone(first.DeepCopy())
	r.forbid(r.names[south])
	again := r.newKey("orders", in([]string{south}, scheduled))
	r.create(again)
	again = r.awaitSays(again, v1alpha1.ConditionSynced, "does not allow namespace")
	r.fake.Inject(denied(backendtest.VerbScheduleDeletion, "kms:ScheduleKeyDeletion is denied"))
	r.delete(again)
	r.awaitSays(again, v1alpha1.ConditionSynced, "kms:ScheduleKeyDeletion")
	r.awaitKey(again, south, "scheduled", inState(backend.StatePendingDeletion))
	r.update(again, retained)
	r.awaitGone(again.DeepCopy())
	for _, region := range []string{home, south} {
		if state := r.key(again, region).State; state != backend.StateEnabled {
			t.Errorf("in %s the key is %s", region, state)
		}
	}
}

func TestAnAnnotationThatNobodyUnderstandsLeavesNoBegunDeletionUnseen(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", scheduled)
	r.begin(made)
	r.update(made, func(k *v1alpha1.Key) {
		retained(k)
		annotate(v1alpha1.ReconcileAnnotation, "observed")(k)
	})
	r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonInvalidAnnotation)
	r.update(made, func(k *v1alpha1.Key) { delete(k.Annotations, v1alpha1.ReconcileAnnotation) })
	r.awaitGone(made.DeepCopy())
	if state := r.seen(made.Status.KeyID).State; state != backend.StateEnabled {
		t.Errorf("the key is %s", state)
	}
}

func TestAKeyThatIsToBeLeftWaitsForAWhileOnly(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", nil)
	away := throttled(backendtest.VerbGet)
	r.fake.Inject(away)
	r.delete(made)
	waits := r.awaitSays(made, v1alpha1.ConditionSynced, "deletion waits: slow down")
	wantMessage(t, waits, v1alpha1.ConditionSynced, "10m0s after its deletion at the latest", v1alpha1.ReconcileObserve)
	if told := r.events(made, "Retained"); len(told) > 0 {
		t.Errorf("told already: %+v", told)
	}
	r.step(10 * time.Minute)
	r.awaitGone(made.DeepCopy())
	if note := r.awaitEvent(made, "Retained"); !contains(note, "slow down") {
		t.Errorf("the Event says %q", note)
	}
}

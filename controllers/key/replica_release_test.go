// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"context"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
)

// behind is a backend that shows the primary where it was, as AWS may in another Region for a while.
type behind struct{ *backendtest.Fake }

func (b *behind) Get(ctx context.Context, ref string) (*backend.Key, error) {
	key, err := b.Fake.Get(ctx, ref)
	if err == nil && key.MultiRegion != nil {
		key.MultiRegion = &backend.MultiRegion{PrimaryRegion: home, ReplicaRegions: []string{south, west}}
	}
	return key, err
}

func TestARegionThatHasThePrimaryUnknownToHomeIsNotReleased(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south, west}, scheduled)
	r.meddleWith(made, backend.UpdatePrimaryRegion{From: home, To: south})
	r.openBackend(r.backendName, &behind{r.fake})
	r.update(made, in([]string{west}, scheduled))
	refused := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonInvalidInput)
	wantMessage(t, refused, v1alpha1.ConditionSynced, "spec.replicas, south-1: it was removed and has the primary key")
	if state := r.key(made, south).State; state != backend.StateEnabled {
		t.Errorf("the primary is %s", state)
	}
}

func TestWhatIsRevokedIsRevokedBeforeARegionIsLetGo(t *testing.T) {
	r := newRealm(t)
	object := r.apply("apps", "orders", allow("use", "app"))
	made := r.createSpread("orders", []string{south})
	r.awaitRule(made, south, "app", true)
	fault := denied(backendtest.VerbApply, "kms:PutKeyPolicy is denied")
	r.at[south].Inject(fault)
	r.delete(object)
	r.await(made, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, v1alpha1.ReasonAccessDenied)
	r.update(made, in(nil))
	held := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonAccessDenied)
	wantMessage(t, held, v1alpha1.ConditionSynced, "spec.replicas, south-1: ", "the replica is let go when who may use it is as declared")
	r.at[south].Heal()
	r.lookAgain()
	r.awaitRegions(made)
	r.awaitRule(made, south, "app", false)
}

func TestWhatIsRevokedIsRevokedBeforeARegionIsLetGoAlsoAtAStart(t *testing.T) {
	r := newRealm(t)
	object := r.apply("apps", "orders", allow("use", "app"))
	made := r.createSpread("orders", []string{south, west})
	r.awaitRule(made, south, "app", true)
	for _, name := range r.names { // the operator ends
		r.backends.Delete(name)
	}
	r.delete(object)
	r.update(made, in([]string{west}))
	r.openBackend(r.names[south], r.at[south])
	r.openBackend(r.backendName, r.fake) // and begins, and the west is opened last
	r.awaitRule(made, south, "app", false)
	r.openBackend(r.names[west], r.at[west])
	r.awaitRegions(made, west)
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	r.awaitRule(made, west, "app", false)
}

func TestAMistakenKeyPolicyHoldsNoRegionBack(t *testing.T) {
	r := newRealm(t)
	r.apply("mistaken", "orders", mistaken("use"))
	made := r.newKey("orders", in([]string{south}))
	r.create(made)
	refused := r.await(made, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, v1alpha1.ReasonPolicyRefused)
	r.awaitKey(refused, south, "made", inState(backend.StateEnabled))
	r.await(made, v1alpha1.ConditionSynced, metav1.ConditionTrue, "")
	r.update(made, in(nil))
	r.awaitRegions(made)
}

func TestARegionThatCannotBeReachedIsLetGoAndItIsToldWhatStays(t *testing.T) {
	r := newRealm(t)
	object := r.apply("apps", "orders", allow("use", "app"))
	made := r.createSpread("orders", []string{south})
	r.awaitRule(made, south, "app", true)
	r.backends.Set(r.names[south], away)
	r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonBackendNotReady)
	r.delete(object)
	r.awaitRule(made, home, "app", false)
	r.update(made, in(nil))
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	wantNotes(r.rig, made, "ReplicaRetained", "KeyPolicies apps, and grants, stay in force there")
}

func TestAllThatTheKeyKeptGoesWithItThoughHomeDoesNotListIt(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south}, scheduled)
	r.openBackend(r.backendName, &alone{r.fake})
	r.delete(made)
	r.awaitGone(made.DeepCopy())
	if state := r.key(made, south).State; state != backend.StatePendingDeletion {
		t.Errorf("in the south it is %s", state)
	}
}

func TestADeletionThatWaitsCanStillBecomeRetain(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south}, scheduled)
	r.fake.Inject(denied(backendtest.VerbScheduleDeletion, "kms:ScheduleKeyDeletion is denied"))
	r.delete(made)
	waits := r.awaitSays(made, v1alpha1.ConditionSynced, "deletion waits: kms:ScheduleKeyDeletion is denied")
	wantMessage(t, waits, v1alpha1.ConditionSynced, "or set spec.deletion.policy to Retain to keep the key")
	r.awaitKey(made, south, "scheduled", inState(backend.StatePendingDeletion))
	r.update(made, retained)
	r.awaitGone(made.DeepCopy())
	r.awaitKey(made, south, "taken back", inState(backend.StateEnabled))
}

func TestAPolicyThatIsRefusedKeepsNoReplicaFromBeingMade(t *testing.T) {
	r := newRealm(t)
	r.fake.DeleteRole(role("ghost"))
	r.apply("ghosts", "orders", allow("haunt", "ghost"))
	made := r.newKey("orders", in([]string{south}))
	r.create(made)
	refused := r.await(made, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, v1alpha1.ReasonInvalidInput)
	r.awaitKey(refused, south, "made", inState(backend.StateEnabled))
}

func TestAKeyIsAskedForAgainUntilItWasLookedAtInEveryRegion(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south})
	r.backends.Set(r.names[south], away)
	r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonBackendNotReady)
	at := "2026-03-01T12:00:00Z"
	r.update(made, annotate(v1alpha1.ReconcileAtAnnotation, at))
	time.Sleep(500 * time.Millisecond)
	if got := r.get(made).Status.LastHandledReconcileAt; got != "" {
		t.Errorf("%s was handled though the south could not be looked at", got)
	}
	r.openBackend(r.names[south], r.at[south])
	if !poll(func() bool { return r.get(made).Status.LastHandledReconcileAt == at }) {
		t.Error("it is never handled")
	}
}

func TestAKeyWhoseBackendWasDeletedIsKeptElsewhere(t *testing.T) {
	r := newRealm(t)
	object := r.apply("apps", "orders", allow("use", "app"))
	made := r.createSpread("orders", []string{south})
	r.awaitRule(made, south, "app", true)
	r.delete(&v1alpha1.KMSBackend{ObjectMeta: metav1.ObjectMeta{Name: r.backendName}})
	r.backends.Delete(r.backendName)
	r.await(made, v1alpha1.ConditionBackendReady, metav1.ConditionFalse, v1alpha1.ReasonBackendNotFound)
	r.delete(object)
	r.awaitRule(made, south, "app", false)
}

func TestADeletionThatWaitsSchedulesAndTellsThatOfAReplicaOnce(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south}, scheduled)
	slow := &backend.Error{Class: backend.Throttled, Message: "slow down"}
	r.fake.Inject(backendtest.Fault{Verb: backendtest.VerbScheduleDeletion, Err: slow})
	r.delete(made)
	if !poll(func() bool { return r.fake.Calls(backendtest.VerbScheduleDeletion) >= 4 }) {
		t.Fatal("the deletion is not tried again")
	}
	if calls := r.at[south].Calls(backendtest.VerbScheduleDeletion); calls != 1 {
		t.Errorf("the deletion in the south was scheduled %d times", calls)
	}
	wantNotes(r.rig, made, "DeletionScheduled", "in south-1 will be destroyed at ")
	r.fake.Heal()
	r.awaitGone(made.DeepCopy())
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// denied refuses every call of a verb until the Fake is healed.
func denied(verb backendtest.Verb, message string) backendtest.Fault {
	return backendtest.Fault{Verb: verb, Err: &backend.Error{Class: backend.AccessDenied, Message: message}}
}

// throttled has a verb fail in a way that passes.
func throttled(verb backendtest.Verb) backendtest.Fault {
	return backendtest.Fault{Verb: verb, Err: &backend.Error{Class: backend.Throttled, Message: "slow down"}}
}

// wantNotes waits for as many Events with the reason as there are parts, and compares each, by the alphabet.
func wantNotes(r *rig, object *v1alpha1.Key, reason string, parts ...string) {
	r.t.Helper()
	poll(func() bool { return len(r.events(object, reason)) >= len(parts) })
	told := r.events(object, reason)
	if len(told) != len(parts) {
		r.t.Errorf("%d Events %s about Key %s, want %d: %+v", len(told), reason, object.Name, len(parts), told)
		return
	}
	for i, part := range parts {
		if !contains(told[i].Note, part) || told[i].Series != nil {
			r.t.Errorf("Event %s says %q (series %+v), want once %q", reason, told[i].Note, told[i].Series, part)
		}
	}
}

// drifts is status.drift without times, and how much of it is over.
func drifts(object *v1alpha1.Key) (all []string, over int) {
	for _, entry := range object.Status.Drift {
		all = append(all, entry.Field+": "+entry.From+" -> "+entry.To)
		if entry.ResolvedAt != nil {
			over++
		}
	}
	return all, over
}

// awaitDrift waits until status.drift says so, that many of it over.
func (r *rig) awaitDrift(object *v1alpha1.Key, over int, want ...string) *v1alpha1.Key {
	r.t.Helper()
	var fresh *v1alpha1.Key
	ok := poll(func() bool {
		fresh = r.get(object)
		all, isOver := drifts(fresh)
		return cmp.Equal(all, want) && isOver == over
	})
	if !ok {
		r.t.Fatalf("status.drift is %+v, want %q, %d over; conditions:\n%s", fresh.Status.Drift, want, over, describe(fresh))
	}
	return fresh
}

// anew is the same backend as another one, which makes the controller look at all Keys on it.
type anew struct{ *backendtest.Fake }

// lookAgain has the Keys looked at again without a change of the objects, and waits until one was.
func (r *rig) lookAgain() {
	r.t.Helper()
	looked := r.fake.Calls(backendtest.VerbGet)
	r.openBackend(r.backendName, &anew{r.fake})
	if !poll(func() bool { return r.fake.Calls(backendtest.VerbGet) > looked }) {
		r.t.Fatal("nobody looked")
	}
}

func described(text string) func(*v1alpha1.Key) {
	return func(k *v1alpha1.Key) { k.Spec.Description = text }
}

func (r *rig) meddleWith(object *v1alpha1.Key, changes ...backend.Change) {
	r.t.Helper()
	for _, change := range changes {
		if !r.fake.Meddle(object.Status.KeyID, change) {
			r.t.Fatalf("the backend does not take %v", change)
		}
	}
}

func TestDriftThatWasPutRightStaysInStatusAndIsNotWrittenAgain(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", described("declared"))
	r.await(made, v1alpha1.ConditionDrifted, metav1.ConditionFalse, v1alpha1.ReasonNoDrift)
	if made.Status.Drift != nil {
		t.Errorf("a new Key has drift: %+v", made.Status.Drift)
	}
	r.meddleWith(made, backend.SetDescription{To: "meddled"}, backend.SetRotation{ToDays: 90})
	r.awaitDrift(made, 2, "description: declared -> meddled", "rotation: off -> every 90 days")
	drifted := r.await(made, v1alpha1.ConditionDrifted, metav1.ConditionFalse, v1alpha1.ReasonNoDrift)
	for _, entry := range drifted.Status.Drift {
		if age := time.Since(entry.DetectedAt.Time); age < -time.Second || age > time.Minute || entry.ResolvedAt.Before(entry.DetectedAt) {
			t.Errorf("times of %+v", entry)
		}
	}
	r.calm(5, made)

	r.update(made, described("declared anew"))
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	r.awaitDrift(made, 2, "description: declared -> meddled", "rotation: off -> every 90 days")
}

func TestWhatIsOnItsWayToBeAsDeclaredIsNoDrift(t *testing.T) {
	r := newRig(t)
	r.fake.Inject(backendtest.Fault{Verb: backendtest.VerbApply, Times: 2, Err: &backend.Error{Class: backend.Throttled, Message: "slow down"}})
	made := r.createReady("orders", withAliases("alias/orders"))
	r.update(made, described("changed"))
	ready := r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if ready.Status.Drift != nil {
		t.Errorf("drift: %+v", ready.Status.Drift)
	}
	for _, reason := range []string{"DriftRepaired", v1alpha1.ReasonDriftRemains} {
		wantNotes(r, made, reason)
	}
}

func TestDriftThatCannotBePutRightIsShownUntilItIs(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", described("declared"))
	r.fake.Inject(denied(backendtest.VerbApply, "kms:UpdateKeyDescription is denied"))
	r.meddleWith(made, backend.SetDescription{To: "meddled"})
	stuck := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonAccessDenied)
	wantMessage(t, stuck, v1alpha1.ConditionStalled, "kms:UpdateKeyDescription is denied")
	r.await(made, v1alpha1.ConditionDrifted, metav1.ConditionTrue, v1alpha1.ReasonDriftRemains)
	wantMessage(t, stuck, v1alpha1.ConditionDrifted, `description from "declared" to "meddled"`)
	before := r.awaitDrift(made, 0, "description: declared -> meddled")

	time.Sleep(1100 * time.Millisecond) // whatever notes the time anew notes another one
	r.lookAgain()
	if after := r.get(made); after.ResourceVersion != before.ResourceVersion {
		t.Errorf("the Key was written though nothing changed:\n%s", cmp.Diff(before.Status, after.Status))
	}
	wantNotes(r, made, v1alpha1.ReasonDriftRemains, "is denied")

	r.fake.Heal()
	r.lookAgain()
	healed := r.awaitDrift(made, 1, "description: declared -> meddled")
	if was, is := before.Status.Drift[0].DetectedAt, healed.Status.Drift[0].DetectedAt; !was.Equal(is) {
		t.Errorf("noticed at %v, and at %v once it was put right", was, is)
	}
	r.await(made, v1alpha1.ConditionDrifted, metav1.ConditionFalse, v1alpha1.ReasonNoDrift)
	wantNotes(r, made, "DriftRepaired", "meddled")
}

func TestDriftDuringAnOutageIsNoticedAfterIt(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", described("declared"))
	r.fake.Inject(denied(backendtest.VerbGet, "no answer"))
	r.await(made, v1alpha1.ConditionDrifted, metav1.ConditionUnknown, v1alpha1.ReasonPending)
	r.meddleWith(made, backend.SetDescription{To: "meddled"})
	r.fake.Heal()
	r.lookAgain()
	r.awaitDrift(made, 1, "description: declared -> meddled")
	wantNotes(r, made, "DriftRepaired", "meddled")
}

func TestOneFieldThatCannotBePutRightLeavesTheOthers(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", func(k *v1alpha1.Key) {
		described("declared")(k)
		withAliases("alias/orders")(k)
	})
	other := r.createReady("other", nil)
	r.fake.Inject(denied(backendtest.VerbGet, "wait for all of it to happen"))
	r.await(made, v1alpha1.ConditionCreated, metav1.ConditionFalse, "")
	r.await(other, v1alpha1.ConditionCreated, metav1.ConditionFalse, "")
	r.meddleWith(made, backend.SetDescription{To: "meddled"}, backend.RemoveAlias{Name: "alias/orders"})
	r.meddleWith(other, backend.PutAlias{Name: "alias/orders"})
	r.fake.Heal()
	r.openBackend(r.backendName, &anew{r.fake})
	r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonAliasConflict)
	r.await(made, v1alpha1.ConditionDrifted, metav1.ConditionTrue, v1alpha1.ReasonDriftRemains)
	drifted := r.get(made)
	for _, entry := range drifted.Status.Drift {
		if over := entry.ResolvedAt != nil; over != (entry.Field == "description") {
			t.Errorf("drift %+v", entry)
		}
	}
	wantNotes(r, made, v1alpha1.ReasonDriftRemains, `aliases from "alias/orders" to nothing`)
}

func TestPolicyDriftThatCannotBePutRightIsShown(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", nil)
	r.apply("readers", "orders", allow("Use", "app"))
	r.awaitSids(made, "readers Use")
	r.fake.Inject(denied(backendtest.VerbApply, "kms:PutKeyPolicy is denied"))
	r.meddle(made, policy.Default(account).String())
	r.await(made, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, v1alpha1.ReasonAccessDenied)
	r.await(made, v1alpha1.ConditionDrifted, metav1.ConditionTrue, v1alpha1.ReasonDriftRemains)
	wantNotes(r, made, v1alpha1.ReasonDriftRemains, "kms:PutKeyPolicy is denied")
	r.fake.Heal()
	r.lookAgain()
	r.await(made, v1alpha1.ConditionDrifted, metav1.ConditionFalse, v1alpha1.ReasonNoDrift)
	wantNotes(r, made, "DriftRepaired", "policy from")
}

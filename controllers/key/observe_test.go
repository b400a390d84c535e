// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

func annotate(name, value string) func(*v1alpha1.Key) {
	return func(k *v1alpha1.Key) { metav1.SetMetaDataAnnotation(&k.ObjectMeta, name, value) }
}

// observing keeps the operator from changing the key.
var observing = annotate(v1alpha1.ReconcileAnnotation, v1alpha1.ReconcileObserve)

func unobserved(k *v1alpha1.Key) { delete(k.Annotations, v1alpha1.ReconcileAnnotation) }

func TestObservedKeyIsReportedAndNotChanged(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", described("declared"))
	r.update(made, observing)
	observed := r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady)
	if !poll(func() bool {
		observed = r.get(made)
		return contains(message(observed, v1alpha1.ConditionSynced), "is Observe")
	}) {
		t.Errorf("nothing says that the Key is observed:\n%s", describe(observed))
	}
	r.calm(5, made)

	applied := r.fake.Calls(backendtest.VerbApply)
	r.meddleWith(made, backend.SetDescription{To: "meddled"}, backend.Disable{})
	drifted := r.awaitDrift(made, 0, "description: declared -> meddled", "enabled: Enabled -> Disabled")
	for _, conditionType := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionSynced} {
		r.await(made, conditionType, metav1.ConditionFalse, v1alpha1.ReasonObserved)
	}
	r.await(made, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonObserved)
	r.await(made, v1alpha1.ConditionReconciling, metav1.ConditionFalse, "")
	r.await(made, v1alpha1.ConditionDrifted, metav1.ConditionTrue, v1alpha1.ReasonDriftObserved)
	wantMessage(t, drifted, v1alpha1.ConditionReady, v1alpha1.ReconcileAnnotation, "removed", `set to "declared"`)
	wantMessage(t, drifted, v1alpha1.ConditionDrifted, `"meddled"`)
	if drifted.Status.KeyState != "Disabled" {
		t.Errorf("status.keyState = %s", drifted.Status.KeyState)
	}
	wantNotes(r, made, v1alpha1.ReasonDriftObserved, "description", "enabled")

	r.lookAgain()
	r.lookAgain()
	if after := r.get(made); after.ResourceVersion != drifted.ResourceVersion {
		t.Errorf("the Key was written though nothing changed:\n%s", cmp.Diff(drifted.Status, after.Status))
	}
	wantNotes(r, made, v1alpha1.ReasonDriftObserved, "description", "enabled")
	if more := r.fake.Calls(backendtest.VerbApply) - applied; more != 0 {
		t.Errorf("%d attempts to change the key", more)
	}

	r.update(made, unobserved)
	r.awaitDrift(made, 2, "description: declared -> meddled", "enabled: Enabled -> Disabled")
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady)
	r.await(made, v1alpha1.ConditionDrifted, metav1.ConditionFalse, v1alpha1.ReasonNoDrift)
	if seen := r.seen(made.Status.KeyID); seen.Description != "declared" || seen.State != backend.StateEnabled {
		t.Errorf("key = %+v", seen)
	}
	wantNotes(r, made, "DriftRepaired", "description", "enabled")
}

func TestObservedKeyShowsWhatAChangedSpecWouldChangeUntilBothAgree(t *testing.T) {
	r := newRig(t)
	requested := metav1.NewTime(time.Now().Add(-time.Second)).Rfc3339Copy()
	made := r.createReady("orders", nil)
	r.update(made, func(k *v1alpha1.Key) {
		observing(k)
		described("wanted")(k)
		k.Spec.Rotation = &v1alpha1.KeyRotation{RequestedAt: &requested}
	})
	r.awaitDrift(made, 0, "description: wanted -> ")
	waiting := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonObserved)
	wantMessage(t, waiting, v1alpha1.ConditionSynced, "wanted", "rotated on demand")
	if seen := r.seen(made.Status.KeyID); seen.Description != "" || seen.Rotation.OnDemandCount != 0 || waiting.Status.Rotation != nil {
		t.Errorf("key = %+v, status.rotation = %+v", seen, waiting.Status.Rotation)
	}

	r.meddleWith(made, backend.SetDescription{To: "wanted"})
	r.update(made, func(k *v1alpha1.Key) { k.Spec.Rotation = nil })
	r.awaitDrift(made, 1, "description: wanted -> ")
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	wantNotes(r, made, "DriftRepaired")
}

func TestObservedKeyWithoutAKeyGetsNone(t *testing.T) {
	r := newRig(t)
	made := r.newKey("orders", observing)
	r.create(made)
	waiting := r.await(made, v1alpha1.ConditionCreated, metav1.ConditionFalse, v1alpha1.ReasonObserved)
	r.await(made, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonObserved)
	wantMessage(t, waiting, v1alpha1.ConditionReady, v1alpha1.ReconcileAnnotation, "make the key")
	r.await(made, v1alpha1.ConditionDrifted, metav1.ConditionUnknown, v1alpha1.ReasonPending)
	if calls := r.fake.Calls(backendtest.VerbCreate); calls != 0 || waiting.Status.KeyID != "" {
		t.Errorf("%d attempts to make a key, status.keyID %q", calls, waiting.Status.KeyID)
	}
	r.update(made, unobserved)
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func TestObservedKeySaysWhatAdoptionWouldChange(t *testing.T) {
	r := newRig(t)
	outside := r.adoptable()
	made := r.newKey("orders", func(k *v1alpha1.Key) {
		adopting(outside.ID)(k)
		described("adopted")(k)
		observing(k)
	})
	r.create(made)
	waiting := r.await(made, v1alpha1.ConditionCreated, metav1.ConditionFalse, v1alpha1.ReasonObserved)
	wantMessage(t, waiting, v1alpha1.ConditionCreated, v1alpha1.ReconcileAnnotation, `set to "adopted"`, backend.TagUID)
	if diff := cmp.Diff(outside, r.seen(outside.ID)); diff != "" {
		t.Errorf("the key was changed:\n%s", diff)
	}
	r.update(made, unobserved)
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if seen := r.seen(outside.ID); seen.Description != "adopted" {
		t.Errorf("key = %+v", seen)
	}
}

func TestDeletionOfAnObservedKeyWaitsOrLetsTheKeyBe(t *testing.T) {
	r := newRig(t)
	for name, free := range map[string]func(*v1alpha1.Key){
		"by removing the annotation": unobserved,
		"by retaining":               func(k *v1alpha1.Key) { k.Spec.Deletion.Policy = v1alpha1.DeletionRetain },
	} {
		t.Run(name, func(t *testing.T) {
			made := r.createReady("orders-"+name[3:6], scheduling(7))
			r.update(made, observing)
			r.delete(made)
			waiting := r.await(made, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonObserved)
			wantMessage(t, waiting, v1alpha1.ConditionReady, "deletion waits", v1alpha1.ReconcileAnnotation, "schedule the key's deletion", "Retain")
			if seen := r.seen(made.Status.KeyID); seen.State != backend.StateEnabled {
				t.Errorf("the key is %s", seen.State)
			}
			r.update(made, free)
			r.awaitGone(made)
			pending := r.seen(made.Status.KeyID).State == backend.StatePendingDeletion
			if pending != (name == "by removing the annotation") {
				t.Errorf("the key is %s", r.seen(made.Status.KeyID).State)
			}
		})
	}
}

func TestPolicyOfAnObservedKeyIsReportedAndNotPut(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", nil)
	r.apply("readers", "orders", allow("Use", "app"))
	r.awaitSids(made, "readers Use")
	observe(r, made)
	r.meddle(made, policy.Default(account).String())
	meddled := r.policyText(made)
	puts := r.fake.PolicyPuts()
	r.await(made, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, v1alpha1.ReasonObserved)
	r.await(made, v1alpha1.ConditionDrifted, metav1.ConditionTrue, v1alpha1.ReasonDriftObserved)
	drifted := r.get(made)
	if len(drifted.Status.Drift) != 1 || drifted.Status.Drift[0].Field != "policy" || drifted.Status.Drift[0].From != "KeyPolicies readers" ||
		!contains(drifted.Status.Drift[0].To, `"readers Use"`) {
		t.Errorf("drift = %+v", drifted.Status.Drift)
	}
	r.apply("writers", "orders", allow("Use", "writer"))
	if !poll(func() bool { return contains(r.get(made).Status.Drift[0].From, "readers, writers") }) {
		t.Errorf("drift = %+v", r.get(made).Status.Drift)
	}
	if r.fake.PolicyPuts() != puts || r.policyText(made) != meddled {
		t.Error("the policy was put")
	}
	r.update(made, unobserved)
	r.awaitSids(made, "readers Use", "writers Use")
	healed := r.await(made, v1alpha1.ConditionDrifted, metav1.ConditionFalse, v1alpha1.ReasonNoDrift)
	if len(healed.Status.Drift) != 1 || healed.Status.Drift[0].ResolvedAt == nil {
		t.Errorf("drift = %+v", healed.Status.Drift)
	}
}

func TestAnnotationOfNoMeaningHoldsTheKeyAndIsNamed(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", described("declared"))
	for _, value := range []string{"observe", "", "Pause"} {
		r.update(made, annotate(v1alpha1.ReconcileAnnotation, value))
		r.await(made, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonInvalidAnnotation)
		ok := poll(func() bool { return contains(message(r.get(made), v1alpha1.ConditionStalled), `is "`+value+`"`) })
		if !ok {
			t.Errorf("value %q: %s", value, describe(r.get(made)))
		}
		wantMessage(t, r.get(made), v1alpha1.ConditionStalled, v1alpha1.ReconcileAnnotation, v1alpha1.ReconcileObserve)
	}
	r.meddleWith(made, backend.SetDescription{To: "meddled"})
	r.lookAgain()
	r.awaitDrift(made, 0, "description: declared -> meddled")
	if seen := r.seen(made.Status.KeyID); seen.Description != "meddled" {
		t.Error("the key was changed")
	}
	r.update(made, observing)
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonObserved)
	r.update(made, unobserved)
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if seen := r.seen(made.Status.KeyID); seen.Description != "declared" {
		t.Error("the drift stays")
	}
}

func TestAnnotationOfNoMeaningKeepsAKeyFromBeingMade(t *testing.T) {
	r := newRig(t)
	made := r.newKey("orders", annotate(v1alpha1.ReconcileAnnotation, "off"))
	r.create(made)
	r.await(made, v1alpha1.ConditionCreated, metav1.ConditionFalse, v1alpha1.ReasonInvalidAnnotation)
	if r.fake.Calls(backendtest.VerbCreate) != 0 {
		t.Error("a key was made")
	}
}

// skewed is a backend whose clock is others' a second later, as AWS's may be.
type skewed struct{ *backendtest.Fake }

func (s *skewed) Get(ctx context.Context, ref string) (*backend.Key, error) {
	key, err := s.Fake.Get(ctx, ref)
	if err == nil {
		key.Rotation.NextTime = key.Rotation.NextTime.Add(time.Second)
	}
	return key, err
}

func TestAClockThatIsASecondOffWritesNothing(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", func(k *v1alpha1.Key) { k.Spec.Rotation = &v1alpha1.KeyRotation{Enabled: new(true)} })
	r.openBackend(r.backendName, &skewed{r.fake})
	r.calm(5, made)
	r.update(made, func(k *v1alpha1.Key) { k.Spec.Rotation.PeriodInDays = 90 })
	changed := r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if days := time.Until(changed.Status.Rotation.NextTime.Time).Hours() / 24; days > 91 {
		t.Errorf("the next rotation is in %.0f days", days)
	}
}

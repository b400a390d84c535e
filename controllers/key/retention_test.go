// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
)

func retained(k *v1alpha1.Key) { k.Spec.Deletion.Policy = v1alpha1.DeletionRetain }

// unreachable is what a KMSBackend in trouble comes to.
var unreachable = backend.Entry{Err: &backend.Error{Class: backend.Unavailable, Message: "AWS does not answer"}}

// allowed says whether the role of that name may use the key, by its policy.
func (r *rig) allowed(object *v1alpha1.Key, name string) bool {
	r.t.Helper()
	text, err := r.fake.Policy(r.ctx, object.Status.KeyID)
	if err != nil {
		r.t.Fatal(err)
	}
	return contains(text, role(name))
}

func TestWhatIsRevokedBeforeAKeyIsLeftIsNotLeftInForce(t *testing.T) {
	r := newRig(t)
	rule := r.apply("apps", "orders", allow("use", "app"))
	made := r.createReady("orders", withGrants(granted("api", "api", "Decrypt")))
	r.awaitSids(made, "apps use")
	r.fake.Inject(throttled(backendtest.VerbPolicy))
	r.delete(rule)
	r.update(made, withGrants())
	r.delete(made)
	waits := r.awaitSays(made, v1alpha1.ConditionSynced, "deletion waits")
	wantMessage(t, waits, v1alpha1.ConditionSynced, "slow down", "when the key is as declared")
	r.fake.Heal()
	r.awaitGone(made.DeepCopy())
	if r.allowed(made, "app") || len(r.fake.AllGrants(made.Status.KeyID)) > 0 {
		t.Errorf("the policy is %s, the grants %+v", r.policyText(made), r.fake.AllGrants(made.Status.KeyID))
	}
	if state := r.seen(made.Status.KeyID).State; state != backend.StateEnabled {
		t.Errorf("the key is %s", state)
	}
}

func TestWhatIsRevokedAMomentBeforeAKeyIsLeftIsNotLeftInForceThoughTheCacheHasIt(t *testing.T) {
	r := newRig(t)
	r.fake.NamesServiceAccounts(true)
	r.openBackend(r.backendName, r.fake)
	rule := r.apply("apps", "orders", allow("use", "app"))
	worker := r.serviceAccount(r.namespace, "worker", "")
	made := r.createReady("orders", withGrants(grantedToAccount("work", "worker")))
	r.awaitSids(made, "apps use")
	r.awaitGrants(made, grantFor(made, "work", role(r.namespace+"/worker"), "Decrypt"))
	r.hold()
	r.delete(rule)
	r.delete(worker)
	r.delete(made)
	r.awaitGone(made.DeepCopy())
	if grants := r.fake.AllGrants(made.Status.KeyID); r.allowed(made, "app") || len(grants) > 0 {
		t.Errorf("the rule is in force: %t, and grants are %+v", r.allowed(made, "app"), grants)
	}
}

func TestAKeyThatCannotBeLeftAsDeclaredIsLeftAndThatIsTold(t *testing.T) {
	for name, trouble := range map[string]func(*rig){
		"denied":      func(r *rig) { r.fake.Inject(denied(backendtest.VerbApply, "kms:PutKeyPolicy is denied")) },
		"unreadable":  func(r *rig) { r.fake.Inject(denied(backendtest.VerbGet, "kms:DescribeKey is denied")) },
		"unreachable": func(r *rig) { r.backends.Set(r.backendName, unreachable) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			rule := r.apply("apps", "orders", allow("use", "app"))
			made := r.createReady("orders", nil)
			r.awaitSids(made, "apps use")
			trouble(r)
			r.delete(rule)
			r.await(made, v1alpha1.ConditionReady, metav1.ConditionFalse, "") // so that it is known that the rule is gone
			r.delete(made)
			r.awaitGone(made.DeepCopy())
			r.fake.Heal()
			if !r.allowed(made, "app") {
				t.Fatal("the rule is not in force: the test's premise is gone")
			}
			if note := r.awaitEvent(made, "Retained"); !contains(note, "KeyPolicies apps, and grants, stay in force there") {
				t.Errorf("the Event says %q", note)
			}
		})
	}
}

func TestADeletionThatWasBegunIsCancelledWhenTheKeyIsToBeKept(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south}, scheduled)
	lost := throttled(backendtest.VerbScheduleDeletion)
	lost.AfterEffect = true
	r.fake.Inject(lost)
	r.delete(made)
	r.awaitSays(made, v1alpha1.ConditionSynced, "deletion waits")
	if r.key(made, home).State != backend.StatePendingDeletion || r.key(made, south).State != backend.StatePendingDeletion {
		t.Fatal("its deletion is not scheduled: the test's premise is gone")
	}
	r.backends.Set(r.backendName, unreachable)
	r.update(made, retained)
	waits := r.awaitSays(made, v1alpha1.ConditionSynced, "has to be seen and cancelled first")
	wantMessage(t, waits, v1alpha1.ConditionSynced, v1alpha1.ReconcileAnnotation+"="+v1alpha1.ReconcileObserve)
	r.fake.Heal()
	r.openBackend(r.backendName, r.fake)
	r.awaitGone(made.DeepCopy())
	for _, region := range []string{home, south} {
		if state := r.key(made, region).State; state != backend.StateEnabled {
			t.Errorf("in %s the key is %s", region, state)
		}
	}
	wantNotes(r.rig, made, "DeletionCancelled", "in south-1", "was scheduled and is cancelled")
}

func TestADeletionThatWasBegunCanBeLeftUnseenIfAskedFor(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", scheduled)
	r.fake.Inject(denied(backendtest.VerbScheduleDeletion, "kms:ScheduleKeyDeletion is denied"))
	r.delete(made)
	r.awaitSays(made, v1alpha1.ConditionSynced, "deletion waits")
	r.backends.Set(r.backendName, unreachable)
	r.update(made, retained)
	r.awaitSays(made, v1alpha1.ConditionSynced, "has to be seen and cancelled first")
	r.update(made, annotate(v1alpha1.ReconcileAnnotation, v1alpha1.ReconcileObserve))
	r.awaitGone(made.DeepCopy())
}

func TestADeletionThatSomebodyElseScheduledIsLeftToThem(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", nil)
	r.fake.Inject(throttled(backendtest.VerbGet)) // so that nobody sees it before the Key is deleted
	if _, err := r.fake.ScheduleDeletion(r.ctx, made.Status.KeyID, 7); err != nil {
		t.Fatal(err)
	}
	r.delete(made)
	r.awaitSays(made, v1alpha1.ConditionSynced, "deletion waits")
	r.fake.Heal()
	r.awaitGone(made.DeepCopy())
	if state := r.seen(made.Status.KeyID).State; state != backend.StatePendingDeletion {
		t.Errorf("the key is %s", state)
	}
}

func TestWhatIsRevokedWhileADeletionWaitsIsRevoked(t *testing.T) {
	r := newRealm(t)
	rule := r.apply("apps", "orders", allow("use", "app"))
	made := r.createSpread("orders", []string{south}, scheduled, withGrants(granted("api", "api", "Decrypt")))
	r.awaitRule(made, home, "app", true)
	r.awaitRule(made, south, "app", true)
	for _, at := range []*backendtest.Fake{r.fake, r.at[south]} {
		at.Inject(denied(backendtest.VerbScheduleDeletion, "kms:ScheduleKeyDeletion is denied"))
	}
	r.delete(made)
	r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonAccessDenied)
	r.delete(rule)
	r.update(made, func(k *v1alpha1.Key) { k.Spec.Enabled, k.Spec.Grants = new(false), nil })
	for _, region := range []string{home, south} {
		r.awaitRule(made, region, "app", false)
		r.awaitKey(made, region, "disabled", inState(backend.StateDisabled))
		if !poll(func() bool { return len(r.at[region].AllGrants(made.Status.KeyID)) == 0 }) {
			t.Errorf("in %s there are grants left", region)
		}
	}
	again := r.apply("again", "orders", allow("use", "app"))
	r.awaitRule(made, south, "app", true)
	r.delete(again)
	r.awaitRule(made, south, "app", false)
	says := r.await(made, v1alpha1.ConditionPolicyApplied, metav1.ConditionTrue, "")
	wantMessage(t, says, v1alpha1.ConditionSynced, "deletion waits", "kms:ScheduleKeyDeletion is denied")
}

func TestAKeyInDeletionSaysThatItsPolicyIsNotKnown(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", scheduled)
	r.backends.Set(r.backendName, unreachable)
	r.delete(made)
	r.await(made, v1alpha1.ConditionPolicyApplied, metav1.ConditionUnknown, v1alpha1.ReasonPending)
}

func TestAKeyWithoutItsOwnerTagsIsNotDestroyedAndThatIsTold(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south}, scheduled)
	r.update(made, annotate(v1alpha1.ReconcileAnnotation, v1alpha1.ReconcileObserve))
	r.awaitSays(made, v1alpha1.ConditionSynced, v1alpha1.ReconcileAnnotation)
	var owned []string
	for tag := range ownerOf(made).Tags() {
		owned = append(owned, tag)
	}
	r.fake.Meddle(made.Status.KeyID, backend.RemoveTags{Keys: owned})
	r.delete(made)
	r.awaitSays(made, v1alpha1.ConditionSynced, "south-1")
	r.update(made, func(k *v1alpha1.Key) { delete(k.Annotations, v1alpha1.ReconcileAnnotation) })
	r.awaitGone(made.DeepCopy())
	if state := r.key(made, home).State; state != backend.StateEnabled {
		t.Errorf("the key is %s", state)
	}
	if state := r.key(made, south).State; state != backend.StatePendingDeletion {
		t.Errorf("its replica is %s", state)
	}
	wantNotes(r.rig, made, "Retained", "does not carry the owner tags of this Key any more")
}

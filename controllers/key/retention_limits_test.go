// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// forbid has the KMSBackend allow the Key's namespace no longer.
func (r *rig) forbid(name string) {
	r.t.Helper()
	r.changeNamed(name, func(b *v1alpha1.KMSBackend) {
		b.Spec.AllowedNamespaces = &v1alpha1.AllowedNamespaces{
			From: v1alpha1.NamespacesSelector, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"keys": "no"}},
		}
	})
}

func TestAKeyOfANamespaceThatIsNotAllowedAnyMoreIsLeftUnchanged(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", nil)
	r.forbid(r.backendName)
	r.await(made, v1alpha1.ConditionBackendReady, metav1.ConditionFalse, v1alpha1.ReasonNamespaceNotAllowed)
	r.apply("apps", "orders", allow("use", "app"))
	r.delete(made)
	r.awaitGone(made.DeepCopy())
	if r.allowed(made, "app") {
		t.Error("it was given a rule")
	}
	if note := r.awaitEvent(made, "Retained"); !contains(note, "does not allow namespace") {
		t.Errorf("the Event says %q", note)
	}
}

func TestANamespaceGoesThoughAKeyNeverGotItsPolicy(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", nil)
	r.delete(made)
	r.awaitGone(made.DeepCopy())
	r.meddleWith(made, backend.SetPolicy{Document: policy.Default(account).String()})
	fault := denied(backendtest.VerbApply, "kms:PutKeyPolicy is denied")
	fault.Field = "policy"
	r.fake.Inject(fault)
	again := r.newKey("orders", nil)
	r.create(again)
	r.await(again, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, v1alpha1.ReasonAccessDenied)
	again = r.get(again)
	if err := r.client.Delete(r.ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: r.namespace}}); err != nil {
		t.Fatal(err)
	}
	r.delete(again)
	r.fake.Heal()
	r.awaitGone(again.DeepCopy())
	text, err := r.fake.Policy(r.ctx, again.Status.KeyID)
	if err != nil {
		t.Fatal(err)
	}
	if has, err := policy.Read([]byte(text)); err != nil || !policy.Compare(policy.Default(account), has).Equal() {
		t.Errorf("the policy is %s, %v, and was somebody else's", text, err)
	}
}

func TestAKeyThatAnotherKeyTookIsNotTouchedByTheDeletionOfTheFirst(t *testing.T) {
	r := newRig(t)
	rule := r.apply("apps", "orders", allow("use", "app"))
	made := r.createReady("orders", nil)
	r.awaitSids(made, "apps use")
	other := backend.Owner{Cluster: clusterUID, Namespace: "another", Name: "key", UID: "u"}
	r.meddleWith(made, backend.SetTags{Tags: other.Tags()})
	r.await(made, v1alpha1.ConditionCreated, metav1.ConditionFalse, v1alpha1.ReasonAdoptRefused)
	r.delete(rule)
	r.delete(made)
	r.awaitGone(made.DeepCopy())
	if !r.allowed(made, "app") {
		t.Error("its policy was changed")
	}
}

func TestAReplicaThatLostItsOwnerTagsIsStillTheKeys(t *testing.T) {
	r := newRealm(t)
	rule := r.apply("apps", "orders", allow("use", "app"))
	made := r.createSpread("orders", []string{south})
	r.awaitRule(made, south, "app", true)
	fault := denied(backendtest.VerbApply, "kms:TagResource is denied")
	fault.Field = "tags"
	r.at[south].Inject(fault)
	var owned []string
	for tag := range ownerOf(made).Tags() {
		owned = append(owned, tag)
	}
	r.at[south].Meddle(made.Status.KeyID, backend.RemoveTags{Keys: owned})
	r.delete(rule)
	r.delete(made)
	r.awaitGone(made.DeepCopy())
	r.awaitRule(made, south, "app", false)
}

func TestAKeyInDeletionSaysThatThePolicyOfAReplicaIsNotKnown(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south}, scheduled)
	r.backends.Set(r.names[south], unreachable)
	r.delete(made)
	says := r.await(made, v1alpha1.ConditionPolicyApplied, metav1.ConditionUnknown, v1alpha1.ReasonPending)
	wantMessage(t, says, v1alpha1.ConditionPolicyApplied, "not known of the replica in south-1")
}

func TestWhatTwoRegionsCannotDoIsToldOnceWhenTheObjectGoes(t *testing.T) {
	r := newRealm(t)
	rule := r.apply("apps", "orders", allow("use", "app"))
	made := r.createSpread("orders", []string{south})
	r.awaitRule(made, south, "app", true)
	r.fake.Inject(denied(backendtest.VerbApply, "kms:PutKeyPolicy is denied"))
	r.at[south].Inject(throttled(backendtest.VerbApply))
	r.delete(rule)
	r.delete(made)
	r.awaitSays(made, v1alpha1.ConditionSynced, "deletion waits: south-1: slow down")
	calls := r.at[south].Calls(backendtest.VerbApply)
	if !poll(func() bool { return r.at[south].Calls(backendtest.VerbApply) > calls }) {
		t.Fatal("it is not tried again")
	}
	if told := r.events(made, "Retained"); len(told) > 0 {
		t.Errorf("told while it waits: %+v", told)
	}
	r.at[south].Heal()
	r.awaitGone(made.DeepCopy())
	if note := r.awaitEvent(made, "Retained"); !contains(note, "kms:PutKeyPolicy is denied") {
		t.Errorf("the Event says %q", note)
	}
}

func TestDriftIsToldThoughGrantsCannotBeListed(t *testing.T) {
	r := newRig(t)
	r.fake.Inject(denied(backendtest.VerbGrants, "kms:ListGrants is denied"))
	made := r.newKey("orders", described("orders"))
	r.create(made)
	stuck := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonAccessDenied)
	if stuck.Status.GrantsUnknown == nil {
		t.Error("status does not say that grants are not known")
	}
	r.meddleWith(stuck, backend.SetDescription{To: "meddled"})
	r.lookAgain()
	r.awaitEvent(made, "DriftRepaired")
	r.fake.Heal()
	r.lookAgain()
	if fixed := r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, ""); fixed.Status.GrantsUnknown != nil {
		t.Error("status says that grants are not known")
	}
}

func TestMaterialThatNobodyCouldBringBackIsNotDeletedForATimeThatHasPassed(t *testing.T) {
	r := newRig(t)
	secret := r.materialSecret("material", word)
	made := r.createReady("orders", imported(0))
	r.delete(secret)
	r.update(made, imported(-365*24*time.Hour))
	stuck := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonMaterialExpired)
	wantMessage(t, stuck, v1alpha1.ConditionSynced, "the key still has", "is not deleted")
	if state := r.seen(made.Status.KeyID).State; state != backend.StateEnabled {
		t.Errorf("the key is %s", state)
	}
}

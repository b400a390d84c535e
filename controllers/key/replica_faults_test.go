// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
)

var away = backend.Entry{Err: errors.New("nobody answers")}

// allows says whether the key policy in a Region names the role.
func (r *realm) allows(made *v1alpha1.Key, region, name string) bool {
	r.t.Helper()
	text, err := r.at[region].Policy(r.ctx, made.Status.KeyID)
	if err != nil {
		r.t.Fatal(err)
	}
	return strings.Contains(text, role(name))
}

func (r *realm) awaitRule(made *v1alpha1.Key, region, name string, want bool) {
	r.t.Helper()
	if !poll(func() bool { return r.allows(made, region, name) == want }) {
		r.t.Fatalf("in %s the key policy names %s: %t\n%s", region, name, !want, describe(r.get(made)))
	}
}

func TestABackendThatNeverOpensKeepsNoKeyFromBeingLookedAt(t *testing.T) {
	r := newRealm(t)
	object := r.apply("apps", "orders", allow("use", "app"))
	made := r.createSpread("orders", []string{south})
	r.awaitRule(made, south, "app", true)
	broken := &v1alpha1.KMSBackend{
		ObjectMeta: metav1.ObjectMeta{Name: "backend-" + rand.String(8)}, Spec: v1alpha1.KMSBackendSpec{Software: &v1alpha1.SoftwareBackend{}},
	}
	r.create(broken)
	r.backends.Delete(r.names[south])
	r.delete(object)
	r.awaitRule(made, home, "app", false)
	r.backends.Set(broken.Name, away)
	r.openBackend(r.names[south], r.at[south])
	r.awaitRule(made, south, "app", false)
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func TestAFailingReplicaIsWrittenOfOnce(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south})
	r.at[south].Inject(denied(backendtest.VerbApply, "kms:PutKeyPolicy is denied"))
	r.apply("apps", "orders", allow("use", "app"))
	failed := r.await(made, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, v1alpha1.ReasonAccessDenied)
	time.Sleep(1100 * time.Millisecond) // the times in conditions are in seconds
	r.look(made)
	if now := r.get(made); describe(now) != describe(failed) || now.Status.Conditions[0] != failed.Status.Conditions[0] {
		t.Errorf("was %s, now %s", describe(failed), describe(now))
	}
	for i, condition := range r.get(made).Status.Conditions {
		if condition != failed.Status.Conditions[i] {
			t.Errorf("was %v, now %v", failed.Status.Conditions[i], condition)
		}
	}
}

func TestAPolicyIsNotSaidToBeInForceWhereNobodyCanLook(t *testing.T) {
	r := newRealm(t)
	object := r.apply("apps", "orders", allow("use", "app"))
	made := r.createSpread("orders", []string{south})
	r.awaitRule(made, south, "app", true)
	r.backends.Set(r.names[south], away)
	r.delete(object)
	r.awaitRule(made, home, "app", false)
	unknown := r.await(made, v1alpha1.ConditionPolicyApplied, metav1.ConditionUnknown, v1alpha1.ReasonPending)
	wantMessage(t, unknown, v1alpha1.ConditionPolicyApplied, "not known of the replica in south-1")
	r.openBackend(r.names[south], r.at[south])
	r.await(made, v1alpha1.ConditionPolicyApplied, metav1.ConditionTrue, v1alpha1.ReasonNoPolicies)
}

func TestWhatIsRevokedIsRevokedElsewhereWhileTheKeysOwnBackendIsAway(t *testing.T) {
	r := newRealm(t)
	object := r.apply("apps", "orders", allow("use", "app"))
	made := r.createSpread("orders", []string{south}, described("declared"))
	r.awaitRule(made, south, "app", true)
	r.backends.Set(r.backendName, away)
	r.await(made, v1alpha1.ConditionBackendReady, metav1.ConditionFalse, v1alpha1.ReasonBackendNotReady)
	r.delete(object)
	r.awaitRule(made, south, "app", false)
	r.at[south].Meddle(made.Status.KeyID, backend.SetDescription{To: "meddled"})
	r.openBackend(r.names[south], &anew{r.at[south]})
	r.awaitDrift(made, 1, "replicas[south-1].description: declared -> meddled")
	r.openBackend(r.backendName, r.fake)
	r.awaitRule(made, home, "app", false)
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func TestAKeyThatIsGoneAtHomeIsReplicatedFromItsPrimary(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south}, primaryIn(south), withAliases("alias/orders"))
	r.fake.DeleteRole(role("ghost"))
	r.apply("ghosts", "orders", allow("haunt", "ghost"))
	r.await(made, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, v1alpha1.ReasonInvalidInput)
	r.fake.Destroy(made.Status.KeyID)
	r.lookAgain()
	r.awaitKey(made, home, "there again", func(key *backend.Key) bool { return len(key.Aliases) == 1 })
	r.await(made, v1alpha1.ConditionSynced, metav1.ConditionTrue, "")
	r.awaitDrift(made, 2, "aliases: alias/orders -> ", "replicas: fake-1 -> ")
	if now := r.get(made); now.Status.KeyID != made.Status.KeyID || now.Status.PrimaryRegion != south {
		t.Errorf("status: %+v", now.Status)
	}
}

func TestAPrimaryThatIsGoneLeavesItsReplicasKept(t *testing.T) {
	r := newRealm(t)
	object := r.apply("apps", "orders", allow("use", "app"))
	made := r.createSpread("orders", []string{south}, scheduled)
	r.awaitRule(made, south, "app", true)
	r.fake.Destroy(made.Status.KeyID) // AWS would not, while it has replicas
	lost := r.await(made, v1alpha1.ConditionCreated, metav1.ConditionFalse, v1alpha1.ReasonKeyLost)
	wantMessage(t, lost, v1alpha1.ConditionCreated, "Its replicas have its key material")
	r.delete(object)
	r.awaitRule(made, south, "app", false)
	r.delete(made)
	r.awaitGone(made.DeepCopy())
	if state := r.key(made, south).State; state != backend.StatePendingDeletion {
		t.Errorf("in the south it is %s", state)
	}
}

func TestARegionThatNeverHadABackendCanBeTakenBack(t *testing.T) {
	r := newRealm(t)
	made := r.newKey("orders", in([]string{"east-1"}, scheduled))
	r.create(made)
	r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonReplicaBackendNotFound)
	r.update(made, in([]string{south}, scheduled))
	ready := r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	r.awaitRegions(ready, south)
}

func TestSeveralReplicasToBeMadeAreToldOnce(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south, west})
	observe(r.rig, made)
	r.at[south].Destroy(made.Status.KeyID)
	r.at[west].Destroy(made.Status.KeyID)
	r.awaitDrift(made, 0, "replicas: south-1, west-1 -> ")
	for range 5 {
		r.look(made)
	}
	wantNotes(r.rig, made, v1alpha1.ReasonDriftObserved, `replicas from "south-1, west-1" to nothing`)
}

func TestThePrimaryIsNoDriftOnceItIsNotDeclared(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south}, primaryIn(home))
	r.at[south].Inject(backendtest.Fault{Verb: backendtest.VerbApply, Field: "primaryRegion", Err: &backend.Error{Class: backend.AccessDenied, Message: "denied"}})
	r.meddleWith(made, backend.UpdatePrimaryRegion{From: home, To: south})
	r.await(made, v1alpha1.ConditionDrifted, metav1.ConditionTrue, v1alpha1.ReasonDriftRemains)
	r.update(made, primaryIn(""))
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	r.awaitDrift(made, 1, "primaryRegion: fake-1 -> south-1")
}

func TestRotationIsNotSaidToBeAsDeclaredWhereNobodyKeepsThePrimary(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", nil)
	r.meddleWith(made, backend.Replicate{Region: west}, backend.UpdatePrimaryRegion{From: home, To: west})
	r.update(made, func(k *v1alpha1.Key) { k.Spec.Rotation = &v1alpha1.KeyRotation{Enabled: new(true), PeriodInDays: 100} })
	refused := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonInvalidInput)
	wantMessage(t, refused, v1alpha1.ConditionSynced, "spec.rotation: the primary key is in west-1, where this Key does not keep it")
}

// unrotated is a backend that shows no rotation, as AWS may for a while of what was rotated in another Region.
type unrotated struct{ *backendtest.Fake }

func (u *unrotated) Get(ctx context.Context, ref string) (*backend.Key, error) {
	key, err := u.Fake.Get(ctx, ref)
	if err == nil {
		key.Rotation = backend.Rotation{}
	}
	return key, err
}

func TestARotationIsToldOnceThoughARegionShowsItLate(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south}, primaryIn(south))
	r.openBackend(r.backendName, &unrotated{r.fake})
	request := metav1.Now()
	r.update(made, func(k *v1alpha1.Key) { k.Spec.Rotation = &v1alpha1.KeyRotation{RequestedAt: &request} })
	r.awaitKey(made, south, "rotated", func(key *backend.Key) bool { return key.Rotation.OnDemandCount == 1 })
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	r.calm(5, made)
	wantNotes(r.rig, made, "Rotated", "in south-1 has new key material")
}

func TestAKeyThatCannotBeTakenBackIsTriedSlowly(t *testing.T) {
	r := newRealm(t)
	r.materialSecret("material", word)
	made := r.createSpread("orders", []string{south}, imported(0))
	r.awaitKey(made, south, "with its material", inState(backend.StateEnabled))
	r.at[south].Inject(denied(backendtest.VerbApply, "kms:CancelKeyDeletion is denied"))
	if _, err := r.at[south].ScheduleDeletion(r.ctx, made.Status.KeyID, 7); err != nil {
		t.Fatal(err)
	}
	r.lookAgain()
	r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonAccessDenied)
	before := r.at[south].Calls(backendtest.VerbApply)
	time.Sleep(3 * time.Second)
	if more := r.at[south].Calls(backendtest.VerbApply) - before; more > 1 {
		t.Errorf("it was tried %d times in 3 seconds", more)
	}
}

func TestAReplicaThatWasOnlyLookedAtIsNotTakenForTheKeys(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", nil)
	r.meddleWith(made, backend.Replicate{Region: south, Tags: map[string]string{v1alpha1.AdoptableByTag: r.namespace}})
	observe(r.rig, made)
	r.update(made, in([]string{south}))
	r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonObserved)
	r.at[south].Meddle(made.Status.KeyID, backend.RemoveTags{Keys: []string{v1alpha1.AdoptableByTag}}) // its keeper thinks better of it
	r.update(made, func(k *v1alpha1.Key) { delete(k.Annotations, v1alpha1.ReconcileAnnotation) })
	r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonAdoptRefused)
	if owner, owned := backend.OwnerFromTags(r.key(made, south).Tags); owned {
		t.Errorf("it was adopted by %+v", owner)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"errors"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
)

func TestAReplicaThatIsNoLongerDeclaredStaysAsItIs(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south, west}, described("declared"))
	r.update(made, in([]string{west}))
	r.awaitRegions(made, west)
	wantNotes(r.rig, made, "ReplicaRetained", "stays in south-1 as it is")
	r.at[south].Meddle(made.Status.KeyID, backend.SetDescription{To: "changed by its new keeper"})
	r.resync(3, 1)
	if key := r.key(made, south); key.State != backend.StateEnabled || key.Description != "changed by its new keeper" {
		t.Errorf("in the south it is %+v", key)
	}
	r.update(made, in([]string{west, south}))
	r.awaitKey(made, south, "as declared again", func(key *backend.Key) bool { return key.Description == "declared" })
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func TestAReplicaThatIsNoLongerDeclaredGoesWhereThatIsWrittenDown(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south, west}, scheduled)
	r.update(made, in([]string{west}))
	r.awaitRegions(made, west)
	if state := r.key(made, south).State; state != backend.StatePendingDeletion {
		t.Errorf("in the south it is %s", state)
	}
	wantNotes(r.rig, made, "DeletionScheduled", "in south-1 will be destroyed at ")
	for _, region := range []string{home, west} {
		if state := r.key(made, region).State; state != backend.StateEnabled {
			t.Errorf("in %s it is %s", region, state)
		}
	}
	r.update(made, in([]string{west, south}))
	r.awaitKey(made, south, "taken back", inState(backend.StateEnabled))
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func TestReplicasOfOthersAreLeftAlone(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", nil, scheduled)
	r.meddleWith(made, backend.Replicate{Region: south, Description: "another's"})
	r.resync(3, 1)
	if key := r.key(made, south); key.State != backend.StateEnabled || key.Description != "another's" {
		t.Errorf("in the south it is %+v", key)
	}
	r.update(made, in([]string{south}))
	refused := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonAdoptRefused)
	wantMessage(t, refused, v1alpha1.ConditionSynced, "spec.replicas, south-1: ", v1alpha1.AdoptableByTag+"="+r.namespace)
	r.at[south].Meddle(made.Status.KeyID, backend.SetTags{Tags: map[string]string{v1alpha1.AdoptableByTag: r.namespace}})
	r.lookAgain()
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if owner, _ := backend.OwnerFromTags(r.key(made, south).Tags); owner != ownerOf(made) {
		t.Errorf("its owner is %+v", owner)
	}
}

func TestThePrimaryIsMovedAndRotatedWhereItIs(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south, west})
	r.update(made, primaryIn(south))
	moved := r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if moved.Status.PrimaryRegion != south || r.key(made, home).MultiRegion.PrimaryRegion != south {
		t.Errorf("the primary is in %s", moved.Status.PrimaryRegion)
	}
	wantNotes(r.rig, made, "PrimaryRegionUpdated", "is now in south-1")
	r.update(made, func(k *v1alpha1.Key) { k.Spec.Rotation = &v1alpha1.KeyRotation{Enabled: new(true), PeriodInDays: 100} })
	rotated := r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if key := r.key(made, west); key.Rotation.PeriodInDays != 100 || rotated.Status.Rotation == nil || rotated.Status.Rotation.NextTime == nil {
		t.Errorf("rotation in the west is %+v, status %+v", key.Rotation, rotated.Status.Rotation)
	}
	request := metav1.Now()
	r.update(made, func(k *v1alpha1.Key) { k.Spec.Rotation.RequestedAt = &request })
	r.awaitKey(made, home, "rotated", func(key *backend.Key) bool { return key.Rotation.OnDemandCount == 1 })
	done := r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if done.Status.Rotation.RequestedAt == nil || done.Status.Rotation.OnDemandCount != 1 {
		t.Errorf("status.rotation: %+v", done.Status.Rotation)
	}
	r.calm(5, made)

	r.update(made, primaryIn(home))
	if back := r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, ""); back.Status.PrimaryRegion != home {
		t.Errorf("the primary is in %s", back.Status.PrimaryRegion)
	}
	if key := r.key(made, home); key.Rotation.OnDemandCount != 1 || key.Rotation.PeriodInDays != 100 {
		t.Errorf("rotation: %+v", key.Rotation)
	}
	r.calm(5, made)
}

func TestAPrimaryThatSomebodyMovedIsMovedBackIfItsRegionIsDeclared(t *testing.T) {
	r := newRealm(t)
	stays := r.createSpread("stays", []string{south}, primaryIn(home))
	follows := r.createSpread("follows", []string{south})
	for _, made := range []*v1alpha1.Key{stays, follows} {
		r.meddleWith(made, backend.UpdatePrimaryRegion{From: home, To: south})
	}
	r.awaitDrift(stays, 1, "primaryRegion: fake-1 -> south-1")
	if region := r.key(stays, home).MultiRegion.PrimaryRegion; region != home {
		t.Errorf("the primary is in %s", region)
	}
	if !poll(func() bool { return r.get(follows).Status.PrimaryRegion == south }) {
		t.Errorf("status says the primary is in %s", r.get(follows).Status.PrimaryRegion)
	}
	r.resync(3, 2)
	if region := r.key(follows, home).MultiRegion.PrimaryRegion; region != south {
		t.Errorf("the primary is in %s", region)
	}
}

func TestAReplicaOfAPrimaryElsewhereIsMadeThere(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south}, primaryIn(south))
	if made.Status.PrimaryRegion != south {
		t.Fatalf("the primary is in %s", made.Status.PrimaryRegion)
	}
	r.update(made, in([]string{south, west}))
	r.awaitKey(made, west, "made", inState(backend.StateEnabled))
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func TestRegionsThatCannotBeAreRefusedAndTheOthersKept(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south}, primaryIn(south))
	for name, c := range map[string]struct {
		change func(*v1alpha1.Key)
		says   string
	}{
		"the Region of its own backend":  {in([]string{home, south}), "spec.replicas[0].region: fake-1 is the Region of the Key's KMSBackend"},
		"a primary that is not declared": {in([]string{south}, primaryIn("east-1")), "spec.primaryRegion: the key is not declared to be in east-1"},
		"the primary removed":            {in([]string{west}, primaryIn("")), "spec.replicas: south-1 was removed and has the primary key"},
	} {
		r.update(made, c.change)
		refused := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonInvalidInput)
		wantMessage(t, refused, v1alpha1.ConditionSynced, c.says)
		if region := r.key(made, home).MultiRegion.PrimaryRegion; region != south {
			t.Errorf("%s: the primary is in %s", name, region)
		}
	}
	r.update(made, in([]string{south}, primaryIn(south)))
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func TestARegionNeedsABackendThatTheNamespaceMayUse(t *testing.T) {
	r := newRealm(t)
	made := r.newKey("orders", in([]string{"east-1", west}))
	r.create(made)
	missing := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonReplicaBackendNotFound)
	wantMessage(t, missing, v1alpha1.ConditionSynced, "spec.replicas, east-1: no KMSBackend is in east-1 with account "+account)
	r.awaitKey(missing, west, "made", inState(backend.StateEnabled))
	east := &v1alpha1.KMSBackend{ObjectMeta: metav1.ObjectMeta{Name: r.backendName + "-east"}, Spec: v1alpha1.KMSBackendSpec{
		Software: &v1alpha1.SoftwareBackend{},
		AllowedNamespaces: &v1alpha1.AllowedNamespaces{
			From: v1alpha1.NamespacesSelector, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"east": "yes"}},
		},
	}}
	r.create(east)
	r.openBackend(east.Name, r.fake.Elsewhere("east-1"))
	forbidden := r.awaitSays(made, v1alpha1.ConditionSynced, "does not allow namespace "+r.namespace)
	wantMessage(t, forbidden, v1alpha1.ConditionSynced, "spec.replicas, east-1: KMSBackend "+east.Name)
	fresh := &v1alpha1.KMSBackend{}
	if err := r.client.Get(r.ctx, client.ObjectKeyFromObject(east), fresh); err != nil {
		t.Fatal(err)
	}
	fresh.Spec.AllowedNamespaces = nil
	if err := r.client.Update(r.ctx, fresh); err != nil {
		t.Fatal(err)
	}
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func TestARegionThatCannotBeReachedHoldsNoOtherUp(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south, west}, described("declared"))
	r.backends.Set(r.names[south], backend.Entry{Err: errors.New("nobody answers")})
	r.update(made, described("declared anew"))
	failed := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonBackendNotReady)
	wantMessage(t, failed, v1alpha1.ConditionSynced, "spec.replicas, south-1: ")
	r.awaitKey(made, west, "as declared", func(key *backend.Key) bool { return key.Description == "declared anew" })
	r.openBackend(r.names[south], r.at[south])
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if key := r.key(made, south); key.Description != "declared anew" {
		t.Errorf("in the south it is %+v", key)
	}
}

func TestAKeyGoesAndComesBackInEveryRegion(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south, west}, scheduled)
	r.delete(made)
	r.awaitGone(made.DeepCopy())
	for _, region := range []string{home, south, west} {
		if key := r.key(made, region); key.State != backend.StatePendingDeletion {
			t.Errorf("in %s it is %s", region, key.State)
		}
	}
	again := r.createSpread("orders", []string{south, west}, scheduled)
	if again.Status.KeyID != made.Status.KeyID {
		t.Fatalf("another key: %s, was %s", again.Status.KeyID, made.Status.KeyID)
	}
	for _, region := range []string{home, south, west} {
		if key := r.key(made, region); key.State != backend.StateEnabled {
			t.Errorf("in %s it is %s", region, key.State)
		}
	}
}

func TestNothingIsSaidOfAReplicaBeforeItsBackendWasTried(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south})
	r.backends.Delete(r.names[south]) // as after a start of the operator
	before := r.get(made)
	for range 3 {
		r.openBackend(r.backendName, &anew{r.fake}) // has the Key looked at
		time.Sleep(100 * time.Millisecond)
	}
	if now := r.get(made); now.ResourceVersion != before.ResourceVersion {
		t.Errorf("status was written:\n%s", describe(now))
	}
	r.at[south].Meddle(made.Status.KeyID, backend.SetDescription{To: "meddled"})
	r.openBackend(r.names[south], r.at[south])
	r.awaitDrift(made, 1, "replicas[south-1].description:  -> meddled")
}

func TestAPrimaryThatHomeShowsLateIsMovedAndToldOnce(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south, west})
	r.openBackend(r.backendName, &behind{r.fake})
	r.update(made, primaryIn(south))
	r.awaitKey(made, south, "the primary", func(key *backend.Key) bool { return key.MultiRegion.PrimaryRegion == south })
	applies := r.fake.Calls(backendtest.VerbApply)
	r.resync(5, 1)
	moved := r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if more := r.fake.Calls(backendtest.VerbApply) - applies; more > 0 || moved.Status.PrimaryRegion != south {
		t.Errorf("%d more changes; status says the primary is in %s", more, moved.Status.PrimaryRegion)
	}
	wantNotes(r.rig, made, "PrimaryRegionUpdated", "is now in south-1")
}

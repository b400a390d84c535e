// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"context"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// alone is a backend that shows keys without their relatives, as AWS may for a while of those that others made.
type alone struct{ *backendtest.Fake }

func (a *alone) Get(ctx context.Context, ref string) (*backend.Key, error) {
	key, err := a.Fake.Get(ctx, ref)
	if err == nil && key.MultiRegion != nil {
		key.MultiRegion = &backend.MultiRegion{PrimaryRegion: home}
	}
	return key, err
}

func TestThePrimaryOfAnotherNamespaceIsNotTouched(t *testing.T) {
	r := newRealm(t)
	theirs, err := r.fake.Create(r.ctx, backend.CreateInput{
		Owner: backend.Owner{Cluster: clusterUID, Namespace: "other", Name: "theirs", UID: "u"}, Spec: keyspec.SymmetricDefault,
		Usage: keyspec.EncryptDecrypt, MultiRegion: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.fake.Meddle(theirs.ID, backend.Replicate{Region: south, Tags: map[string]string{v1alpha1.AdoptableByTag: r.namespace}})
	mine := r.createReady("mine", in(nil, func(k *v1alpha1.Key) {
		k.Spec.BackendRef.Name = r.names[south]
		k.Spec.Adopt = &v1alpha1.KeyAdoption{KeyID: theirs.ID}
	}))
	r.update(mine, in([]string{west}, primaryIn(south)))
	refused := r.await(mine, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonAdoptRefused)
	wantMessage(t, refused, v1alpha1.ConditionSynced, "spec.replicas, west-1: the primary key is in fake-1", "spec.primaryRegion: ", "belongs to a Key of another namespace")
	if r.key(mine, west) != nil || r.key(mine, home).MultiRegion.PrimaryRegion != home {
		t.Error("the primary was touched")
	}
}

func TestTwoKeysOfOneFamilyDoNotMoveItsPrimaryToAndFro(t *testing.T) {
	r := newRealm(t)
	first := r.createSpread("first", nil, primaryIn(home))
	r.meddleWith(first, backend.Replicate{Region: south, Tags: map[string]string{v1alpha1.AdoptableByTag: r.namespace}})
	second := r.newKey("second", in(nil, primaryIn(south), func(k *v1alpha1.Key) {
		k.Spec.BackendRef.Name = r.names[south]
		k.Spec.Adopt = &v1alpha1.KeyAdoption{KeyID: first.Status.KeyID}
	}))
	r.create(second)
	r.await(second, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonAdoptRefused)
	if region := r.key(first, home).MultiRegion.PrimaryRegion; region != home {
		t.Errorf("the primary is in %s", region)
	}
	r.await(first, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func TestAReplicaThatSomebodyElseMadeIsNotTakenBecauseHomeDoesNotListIt(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", nil, scheduled)
	r.meddleWith(made, backend.Replicate{Region: south, Description: "another's"})
	r.openBackend(r.backendName, &alone{r.fake})
	r.update(made, in([]string{south}, scheduled))
	r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonAdoptRefused)
	r.update(made, in(nil, scheduled))
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if key := r.key(made, south); key.State != backend.StateEnabled || key.Description != "another's" {
		t.Errorf("in the south it is %+v", key)
	}
}

func TestAnAdoptedReplicaIsClaimedBeforeItIsChanged(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", nil, withAliases("alias/orders"), described("declared"))
	r.meddleWith(made, backend.Replicate{Region: south, Description: "another's", Tags: map[string]string{v1alpha1.AdoptableByTag: r.namespace}})
	r.at[south].Inject(backendtest.Fault{Verb: backendtest.VerbApply, Field: "tags", Err: &backend.Error{
		Class: backend.AccessDenied, Message: "kms:TagResource is denied",
	}})
	r.update(made, in([]string{south}))
	r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonAccessDenied)
	if key := r.key(made, south); key.Description != "another's" || len(key.Aliases) > 0 {
		t.Errorf("in the south it is %+v", key)
	}
	r.at[south].Heal()
	r.lookAgain()
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	wantNotes(r.rig, made, "Adopted", "adopted key "+made.Status.KeyID)
}

func TestAReplicaThatAnotherKeyTookIsNotSaidToHaveThePolicy(t *testing.T) {
	r := newRealm(t)
	r.apply("apps", "orders", allow("use", "app"))
	made := r.createSpread("orders", []string{south})
	r.awaitRule(made, south, "app", true)
	other := backend.Owner{Cluster: clusterUID, Namespace: "other", Name: "orders", UID: "u"}
	r.at[south].Meddle(made.Status.KeyID, backend.SetTags{Tags: other.Tags()})
	r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonAdoptRefused)
	if replica := r.get(made).Status.Replicas[0]; replica.Policy != nil || replica.ARN != "" {
		t.Errorf("status.replicas: %+v", replica)
	}
}

func TestAKeyStaysWhereItIsThoughItsBackendBecameAnother(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south}, scheduled)
	r.openBackend(r.backendName, r.at[south])
	r.await(made, v1alpha1.ConditionCreated, metav1.ConditionFalse, v1alpha1.ReasonAdoptMismatch)
	r.update(made, in(nil, scheduled))
	moved := r.await(made, v1alpha1.ConditionCreated, metav1.ConditionFalse, v1alpha1.ReasonAdoptMismatch)
	if moved.Status.ARN != made.Status.ARN || r.key(made, south).State != backend.StateEnabled {
		t.Errorf("the key is %s, in the south %s", moved.Status.ARN, r.key(made, south).State)
	}
	r.openBackend(r.backendName, r.fake.Elsewhere("east-1")) // where the key is not
	r.delete(made)
	r.awaitSays(made, v1alpha1.ConditionSynced, "deletion waits: KMSBackend "+r.backendName+" has become another one: it is in east-1")
	r.openBackend(r.backendName, r.fake)
	r.awaitGone(made.DeepCopy())
	for region, want := range map[string]backend.State{home: backend.StatePendingDeletion, south: backend.StatePendingDeletion} {
		if state := r.key(made, region).State; state != want {
			t.Errorf("in %s it is %s", region, state)
		}
	}
}

func TestAKeyIsNotReplicatedToWhereItsBackendBecameAnother(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south}, primaryIn(south))
	r.openBackend(r.backendName, r.at[west])
	r.await(made, v1alpha1.ConditionCreated, metav1.ConditionFalse, v1alpha1.ReasonAdoptMismatch)
	if r.key(made, west) != nil || r.get(made).Status.ARN != made.Status.ARN {
		t.Error("it was replicated")
	}
}

func TestWithTwoBackendsInARegionAReplicaStaysOnItsOwn(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south})
	second := &v1alpha1.KMSBackend{
		ObjectMeta: metav1.ObjectMeta{Name: "aaa-" + r.backendName}, Spec: v1alpha1.KMSBackendSpec{Software: &v1alpha1.SoftwareBackend{}},
	}
	r.create(second)
	identity, err := r.at[south].Identify(r.ctx)
	if err != nil {
		t.Fatal(err)
	}
	identity.PrincipalARN = role("second-operator")
	puts := r.at[south].PolicyPuts()
	r.backends.Delete(r.names[south]) // the operator starts, and the other one is open first
	r.backends.Set(second.Name, backend.Entry{Backend: r.at[south], Identity: identity})
	r.lookAgain()
	r.openBackend(r.names[south], r.at[south])
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	r.backends.Set(r.names[south], away)
	r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonBackendNotReady)
	r.openBackend(r.names[south], r.at[south])
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if more := r.at[south].PolicyPuts() - puts; more != 0 || r.get(made).Status.Replicas[0].Backend != r.names[south] {
		t.Errorf("%d policies were put", more)
	}
	r.delete(&v1alpha1.KMSBackend{ObjectMeta: metav1.ObjectMeta{Name: r.names[south]}})
	r.backends.Delete(r.names[south])
	if !poll(func() bool { return r.get(made).Status.Replicas[0].Backend == second.Name }) {
		t.Errorf("the replica does not move to the KMSBackend that is left:\n%s", describe(r.get(made)))
	}
}

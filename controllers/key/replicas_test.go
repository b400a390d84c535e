// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

func TestAKeyIsInEveryRegionAsItIsDeclaredThere(t *testing.T) {
	r := newRealm(t)
	r.apply("apps", "orders", allow("use", "app"))
	made := r.createSpread("orders", []string{west, south}, withAliases("alias/orders"), withGrants(granted("backup", "backup", "Decrypt")),
		described("declared"), func(k *v1alpha1.Key) {
			k.Spec.Tags = map[string]v1alpha1.TagValue{"team": "payments", "tier": "gold"}
			k.Spec.Rotation = &v1alpha1.KeyRotation{Enabled: new(true), PeriodInDays: 90}
			k.Spec.Replicas[1].Description = new("in the south")
			k.Spec.Replicas[1].Tags = map[string]v1alpha1.TagValue{"tier": "iron"}
			k.Spec.Replicas[1].Enabled = new(false)
		})
	if !strings.HasPrefix(made.Status.KeyID, "mrk-") || made.Status.PrimaryRegion != home {
		t.Errorf("key %s with its primary in %q", made.Status.KeyID, made.Status.PrimaryRegion)
	}
	for region, want := range map[string]struct {
		description, tier string
		state             backend.State
	}{
		home: {"declared", "gold", backend.StateEnabled}, west: {"declared", "gold", backend.StateEnabled},
		south: {"in the south", "iron", backend.StateDisabled},
	} {
		key := r.key(made, region)
		tags := ownerOf(made).TagsWith(map[string]string{"team": "payments", "tier": want.tier})
		if diff := cmp.Diff(tags, key.Tags); diff != "" {
			t.Errorf("tags in %s: %s", region, diff)
		}
		if key.Description != want.description || key.State != want.state || !cmp.Equal(key.Aliases, []string{"alias/orders"}) ||
			key.Rotation.PeriodInDays != 90 {
			t.Errorf("in %s it is %+v", region, key)
		}
		text, err := r.at[region].Policy(r.ctx, key.ID)
		if err != nil {
			t.Fatal(err)
		}
		document, err := policy.Read([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		wantSame(t, "the policy in "+region, document, r.document(made))
	}
	for region, grants := range map[string]int{home: 1, west: 1, south: 0} { // a disabled key takes none
		if has := r.at[region].AllGrants(made.Status.KeyID); len(has) != grants {
			t.Errorf("grants in %s: %+v", region, has)
		}
	}
	replicas := r.awaitRegions(made, south, west).Status.Replicas
	if replicas[0].ARN != r.key(made, south).ARN || replicas[0].KeyState != "Disabled" || replicas[0].Backend != r.names[south] ||
		len(replicas[1].Grants) != 1 || replicas[1].Policy == nil || replicas[1].Policy.Hash != made.Status.Policy.Hash ||
		!cmp.Equal(replicas[1].TagKeys, []string{"team", "tier"}) {
		t.Errorf("status.replicas: %+v", replicas)
	}
	wantMessage(t, r.get(made), v1alpha1.ConditionSynced, "replica in south-1: to be done when the key is enabled")
	r.calm(5, made)
}

func TestAReplicaFollowsTheKeyUnlessItIsDeclaredOtherwise(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south, west}, func(k *v1alpha1.Key) { k.Spec.Replicas[0].Enabled = new(true) })
	r.update(made, func(k *v1alpha1.Key) { k.Spec.Enabled = new(false) })
	r.awaitKey(made, west, "disabled", inState(backend.StateDisabled))
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonDisabled)
	if state := r.key(made, south).State; state != backend.StateEnabled {
		t.Errorf("in the south it is %s", state)
	}
	r.update(made, func(k *v1alpha1.Key) { k.Spec.Replicas[0].Enabled = nil })
	r.awaitKey(made, south, "disabled", inState(backend.StateDisabled))
}

func TestARuleTakesEffectInEveryRegion(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south})
	object := r.apply("apps", "orders", allow("use", "app"))
	has := func() bool {
		text, err := r.at[south].Policy(r.ctx, made.Status.KeyID)
		return err == nil && strings.Contains(text, role("app"))
	}
	if !poll(has) {
		t.Fatal("the rule is not in force in the south")
	}
	r.delete(object)
	if !poll(func() bool { return !has() }) {
		t.Fatal("the rule is still in force in the south")
	}
}

func TestAPolicyThatARegionRefusesIsToldOfThatRegion(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south})
	r.at[south].Inject(backendtest.Fault{Verb: backendtest.VerbApply, Field: "policy", Err: &backend.Error{
		Class: backend.AccessDenied, Message: "kms:PutKeyPolicy is denied",
	}})
	r.apply("apps", "orders", allow("use", "app"))
	failed := r.await(made, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, v1alpha1.ReasonAccessDenied)
	wantMessage(t, failed, v1alpha1.ConditionPolicyApplied, "replica in south-1: ", "kms:PutKeyPolicy is denied")
	r.at[south].Heal()
	r.lookAgain()
	r.await(made, v1alpha1.ConditionPolicyApplied, metav1.ConditionTrue, v1alpha1.ReasonPolicyApplied)
}

func TestDriftOfAReplicaIsPutRightAndNamed(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south}, described("declared"))
	if !r.at[south].Meddle(made.Status.KeyID, backend.SetDescription{To: "meddled"}) || !r.at[south].Meddle(made.Status.KeyID, backend.Disable{}) {
		t.Fatal("the backend does not take it")
	}
	r.awaitDrift(made, 2, "replicas[south-1].description: declared -> meddled", "replicas[south-1].enabled: Enabled -> Disabled")
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	wantNotes(r.rig, made, "DriftRepaired", "replicas[south-1].description", "replicas[south-1].enabled")
	if r.key(made, south).State != backend.StateEnabled {
		t.Error("the replica is disabled still")
	}
	r.calm(5, made)
}

func TestAReplicaThatIsGoneIsMadeAgain(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south})
	r.at[south].Destroy(made.Status.KeyID)
	r.awaitDrift(made, 1, "replicas: south-1 -> ")
	r.awaitKey(made, south, "made again", inState(backend.StateEnabled))
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if made.Status.KeyID != r.get(made).Status.KeyID {
		t.Error("it is another key")
	}
}

func TestAReplicaThatIsBeingMadeIsWaitedFor(t *testing.T) {
	r := newRealm(t)
	r.at[south].HoldReplicas(true)
	made := r.newKey("orders", in([]string{south}, withAliases("alias/orders")))
	r.create(made)
	waiting := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonProgressing)
	wantMessage(t, waiting, v1alpha1.ConditionSynced, "spec.replicas, south-1: the replica is being made")
	r.at[south].HoldReplicas(false)
	ready := r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if key := r.key(ready, south); !cmp.Equal(key.Aliases, []string{"alias/orders"}) {
		t.Errorf("in the south it is %+v", key)
	}
}

func TestImportedMaterialIsImportedInEveryRegion(t *testing.T) {
	r := newRealm(t)
	r.materialSecret("material", word)
	made := r.createSpread("orders", []string{south}, imported(0))
	r.awaitKey(made, south, "with its material", inState(backend.StateEnabled))
	replica := r.awaitRegions(made, south).Status.Replicas[0]
	if replica.ImportedMaterial == nil || replica.ImportedMaterial.SecretVersion != r.get(made).Status.ImportedMaterial.SecretVersion {
		t.Errorf("status.replicas: %+v", replica)
	}
	r.at[south].DropMaterial(made.Status.KeyID)
	r.awaitDrift(made, 1, "replicas[south-1].importedMaterial: key material that does not expire -> no key material")
	r.awaitKey(made, south, "with its material", inState(backend.StateEnabled))
}

func TestNothingIsDoneInAnyRegionWhileOnlyObserving(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south}, described("declared"))
	observe(r.rig, made)
	r.update(made, in([]string{south, west}, described("declared anew")))
	held := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonObserved)
	wantMessage(t, held, v1alpha1.ConditionSynced, "spec.replicas, west-1: ", "replica in west-1 made", "spec.replicas, south-1: ", "declared anew")
	r.lookAgain()
	if r.key(made, west) != nil || r.key(made, south).Description != "declared" {
		t.Error("something was done")
	}
	r.update(made, func(k *v1alpha1.Key) { delete(k.Annotations, v1alpha1.ReconcileAnnotation) })
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if r.key(made, west) == nil || r.key(made, south).Description != "declared anew" {
		t.Error("it was not done")
	}
}

// observe has the Key, which is as declared, left as it is from now on.
func observe(r *rig, made *v1alpha1.Key) {
	r.t.Helper()
	r.update(made, func(k *v1alpha1.Key) {
		k.Annotations = map[string]string{v1alpha1.ReconcileAnnotation: v1alpha1.ReconcileObserve}
	})
	r.awaitSays(made, v1alpha1.ConditionSynced, "so the key is left as it is until the annotation is removed")
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
)

// unread has the key not be readable in the south, until Heal.
func (r *realm) unread(made *v1alpha1.Key) {
	r.t.Helper()
	slow := &backend.Error{Class: backend.Throttled, Message: "slow down"}
	r.at[south].Inject(backendtest.Fault{Verb: backendtest.VerbGet, Err: slow})
	r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonThrottled)
}

func TestWhatStatusSaysOfAReplicaOutlivesEveryErrorOfAReading(t *testing.T) {
	r := newRealm(t)
	r.materialSecret("material", word)
	r.apply("apps", "orders", allow("use", "app"))
	made := r.createSpread("orders", []string{south}, imported(time.Hour), withAliases("alias/orders"),
		withGrants(granted("backup", "backup", "Decrypt")), func(k *v1alpha1.Key) {
			k.Spec.Tags = map[string]v1alpha1.TagValue{"team": "payments"}
		})
	before := made.Status.Replicas[0]
	if before.ARN == "" || before.KeyState == "" || before.Aliases == nil || before.TagKeys == nil || before.Policy == nil || before.Grants == nil ||
		before.ImportedMaterial == nil || before.SyncedGeneration == 0 {
		t.Fatalf("status.replicas: %+v", before)
	}
	const unclassified = backend.Class("")
	for class, says := range map[backend.Class]string{
		backend.NotFound: "the replica is not there yet", // says the south, and home says that it is
		backend.Conflict: "nobody knows", backend.Throttled: "nobody knows", backend.AccessDenied: "nobody knows",
		backend.InvalidInput: "nobody knows", backend.NotReady: "nobody knows", backend.Damaged: "nobody knows",
		backend.Unavailable: "nobody knows", unclassified: "nobody knows",
	} {
		var err error = &backend.Error{Class: class, Message: "nobody knows"}
		if class == unclassified {
			err = errors.New("nobody knows")
		}
		r.at[south].Inject(backendtest.Fault{Verb: backendtest.VerbGet, Err: err})
		unread := r.awaitSays(made, v1alpha1.ConditionSynced, "spec.replicas, south-1: "+says)
		if diff := cmp.Diff(before, unread.Status.Replicas[0]); diff != "" {
			t.Errorf("after %q status.replicas differs: %s", class, diff)
		}
		r.at[south].Heal()
		r.lookAgain()
		read := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionTrue, "")
		if diff := cmp.Diff(before, read.Status.Replicas[0]); diff != "" {
			t.Errorf("once it was read after %q status.replicas differs: %s", class, diff)
		}
	}
}

// revokedUnread is a Key with a rule that is revoked at home, while its replica cannot be read and not all of its policy can be put.
func revokedUnread(t *testing.T) (*realm, *v1alpha1.Key) {
	t.Helper()
	r := newRealm(t)
	apps := r.apply("apps", "orders", allow("use", "app"))
	r.apply("bots", "orders", allow("use", "bot"))
	made := r.createSpread("orders", []string{south})
	r.awaitRule(made, south, "app", true)
	r.awaitRule(made, south, "bot", true)
	r.unread(made)
	r.fake.DeleteRole(role("bot")) // so that not all can be put
	r.delete(apps)
	r.awaitRule(made, home, "app", false)
	return r, made
}

func TestWhatWasRevokedWhileAReplicaCouldNotBeReadIsRevokedThere(t *testing.T) {
	r, made := revokedUnread(t)
	r.at[south].Heal()
	r.awaitRule(made, south, "app", false)
}

func TestWhatWasRevokedWhileAReplicaCouldNotBeReadIsRevokedBeforeItsRegionIsLetGo(t *testing.T) {
	r, made := revokedUnread(t)
	r.update(made, in(nil))
	r.at[south].Heal()
	r.awaitRegions(made)
	if r.allows(made, south, "app") {
		t.Error("the rule that was revoked is left in force in the south")
	}
}

func TestWhatIsInForceOfAMistakenKeyPolicyStaysThoughTheReplicaCouldNotBeRead(t *testing.T) {
	r := newRealm(t)
	object := r.apply("apps", "orders", allow("use", "app"))
	made := r.createSpread("orders", []string{south})
	r.awaitRule(made, south, "app", true)
	r.unread(made)
	r.change(object, mistaken("use"))
	r.await(made, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, v1alpha1.ReasonPolicyRefused)
	r.at[south].Heal()
	r.await(made, v1alpha1.ConditionSynced, metav1.ConditionTrue, "")
	for _, region := range []string{home, south} {
		if !r.allows(made, region, "app") {
			t.Errorf("in %s the application is locked out", region)
		}
	}
}

func TestAliasesAndTagsThatAreNoLongerDeclaredGoThoughTheReplicaCouldNotBeRead(t *testing.T) {
	r := newRealm(t)
	tagged := func(keys ...string) func(*v1alpha1.Key) {
		return func(k *v1alpha1.Key) {
			k.Spec.Tags = map[string]v1alpha1.TagValue{}
			for _, key := range keys {
				k.Spec.Tags[key] = "x"
			}
		}
	}
	made := r.createSpread("orders", []string{south}, withAliases("alias/a", "alias/b"), tagged("a", "b"))
	r.unread(made)
	r.update(made, withAliases("alias/a"))
	r.update(made, tagged("a"))
	r.awaitKey(made, home, "as declared", func(key *backend.Key) bool { return len(key.Aliases) == 1 && key.Tags["b"] == "" })
	r.at[south].Heal()
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	key := r.key(made, south)
	if _, tag := key.Tags["b"]; tag || !cmp.Equal(key.Aliases, []string{"alias/a"}) {
		t.Errorf("in the south the key has aliases %q and tags %v", key.Aliases, key.Tags)
	}
}

func TestImportedMaterialIsNeitherImportedNorWarnedOfAgainAfterAReplicaCouldNotBeRead(t *testing.T) {
	r := newRealm(t)
	r.materialSecret("material", word)
	made := r.createSpread("ledger", []string{south}, imported(time.Hour))
	imports := r.at[south].Calls(backendtest.VerbImportMaterial)
	for range 2 {
		r.unread(made)
		r.at[south].Heal()
		r.await(made, v1alpha1.ConditionSynced, metav1.ConditionTrue, "")
	}
	if more := r.at[south].Calls(backendtest.VerbImportMaterial) - imports; more != 0 {
		t.Errorf("the material was imported %d times again", more)
	}
	wantNotes(r.rig, made, v1alpha1.ReasonMaterialExpires, " in south-1: key material expires at ", ": key material expires at ")
}

func TestWhatStaysInForceIsToldThoughTheReplicaCouldNotBeReadBefore(t *testing.T) {
	r := newRealm(t)
	r.apply("apps", "orders", allow("use", "app"))
	made := r.createSpread("orders", []string{south})
	r.awaitRule(made, south, "app", true)
	r.unread(made)
	r.backends.Set(r.names[south], away)
	r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonBackendNotReady)
	r.update(made, in(nil))
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	wantNotes(r.rig, made, "ReplicaRetained", "KeyPolicies apps, and grants, stay in force there")
}

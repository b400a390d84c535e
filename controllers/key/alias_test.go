// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
)

func withAliases(aliases ...string) func(*v1alpha1.Key) {
	return func(k *v1alpha1.Key) { k.Spec.Aliases = aliases }
}

func TestAliasThatAnotherKeyHoldsIsReportedOnTheLoserAndLeftToTheWinner(t *testing.T) {
	r := newRig(t)
	winner := r.createReady("winner", withAliases("alias/wanted"))
	before := r.get(winner).ResourceVersion
	loser := r.newKey("loser", withAliases("alias/wanted", "alias/free"))
	r.create(loser)
	stuck := r.await(loser, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonAliasConflict)
	wantMessage(t, stuck, v1alpha1.ConditionReady, "spec.aliases", "alias/wanted", winner.Status.KeyID)
	if !slices.Equal(stuck.Status.Aliases, []string{"alias/free"}) {
		t.Errorf("status.aliases = %v, want the free one", stuck.Status.Aliases)
	}
	if seen := r.seen("alias/wanted"); seen.ID != winner.Status.KeyID || r.get(winner).ResourceVersion != before {
		t.Error("the winner was changed")
	}
	r.update(loser, withAliases("alias/free"))
	r.await(loser, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func TestBackendConfinesANamespaceToItsOwnAliases(t *testing.T) {
	r := newRig(t)
	r.changeBackend(func(b *v1alpha1.KMSBackend) { b.Spec.AliasScope = v1alpha1.AliasScopeNamespacePrefixed })
	inside := "alias/" + r.namespace + "/orders"
	made := r.newKey("orders", withAliases("alias/outside", inside))
	r.create(made)
	stuck := r.await(made, v1alpha1.ConditionCreated, metav1.ConditionFalse, v1alpha1.ReasonAliasNotAllowed)
	wantMessage(t, stuck, v1alpha1.ConditionStalled, "spec.aliases", "alias/"+r.namespace+"/", "alias/outside")
	if calls := r.fake.Calls(backendtest.VerbCreate); calls != 0 {
		t.Errorf("%d keys were made before the input was known to be good", calls)
	}
	r.update(made, withAliases(inside))
	ready := r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if !slices.Equal(ready.Status.Aliases, []string{inside}) {
		t.Errorf("status.aliases = %v", ready.Status.Aliases)
	}

	r.update(made, withAliases(inside, "alias/outside"))
	stuck = r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonAliasNotAllowed)
	if seen := r.seen(ready.Status.KeyID); !slices.Equal(seen.Aliases, []string{inside}) || stuck.Status.KeyID != ready.Status.KeyID {
		t.Errorf("key %s has aliases %v", stuck.Status.KeyID, seen.Aliases)
	}
}

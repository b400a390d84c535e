// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

// policyWritesSince is how often the operator wrote the status of a KeyPolicy.
func (w *world) policyWritesSince(mark testenv.Mark) int {
	w.t.Helper()
	return w.writesSince(mark).Counts()[written("patch", "keypolicies.kms.chatelaine.dev", "status")]
}

func TestPolicyOfAHundredKeysIsWrittenAFewTimes(t *testing.T) {
	w := emptyWorld(t, quietServer(t), nil)
	w.start()
	defer func() { w.stop() }()
	w.podAccount("api")
	const count = 100
	var keys []*v1alpha1.Key
	for i := range count {
		key := &v1alpha1.Key{
			ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: fmt.Sprintf("key-%d", i), Labels: map[string]string{"team": "payments"}},
			Spec:       v1alpha1.KeySpec{BackendRef: &v1alpha1.BackendReference{Name: w.backend.Name}},
		}
		w.create(key)
		keys = append(keys, key)
	}
	for _, key := range keys {
		w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	}
	mark, begun := w.mark(), time.Now()
	payments := w.policy("payments", rules(allow("Use", "api")))
	for _, step := range []func(*v1alpha1.KeyPolicySpec){
		func(*v1alpha1.KeyPolicySpec) {},
		func(s *v1alpha1.KeyPolicySpec) { s.Rules = append(s.Rules, allow("More", "api")) },
	} {
		w.updatePolicy(payments, step)
		wantCounts(t, w.awaitPolicy(payments, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady), count, count)
	}
	took, writes := time.Since(begun), w.policyWritesSince(mark)
	t.Logf("%d writes of the KeyPolicy's status in %s", writes, took)
	if most := 6 + int(took/(100*time.Millisecond)); writes > min(most, count) {
		t.Errorf("the KeyPolicy's status was written %d times in %s while %d Keys changed twice", writes, took, count)
	}

	// Those of which there is always something to be said are the ones that could be written for ever.
	w.policy("refused", rules(mistaken("One", "api"), mistaken("Two", "api")))
	w.policy("missing", rules(allow("Use", "not-there"), allow("Other", "not-there-either"), allow("Api", "api")))
	w.policy("later", rules(allow("Use", "api")), "key-1", "not-there", "nor-there")
	w.policy("nothing", rules(allow("Use", "api")), "not-there")
	w.awaitTarget(&v1alpha1.KeyPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "later"}}, "key-1", v1alpha1.TargetApplied)
	for _, key := range keys {
		w.awaitKey(key, v1alpha1.ConditionPolicyApplied, metav1.ConditionFalse, v1alpha1.ReasonPolicyRefused)
	}
	w.awaitQuiet(11)
}

func TestOperatorThatStartsAgainWritesNothingAboutPoliciesInForce(t *testing.T) {
	w := emptyWorld(t, quietServer(t), nil)
	w.start()
	defer func() { w.stop() }()
	w.podAccount("api")
	orders := w.readyKey("orders", nil)
	readers := w.policy("readers", rules(allow("Use", "api")), "orders")
	waiting := w.policy("waiting", rules(allow("Use", "not-there")), "orders")
	w.awaitPolicy(readers, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	w.awaitPolicy(waiting, v1alpha1.ConditionPrincipalsResolved, metav1.ConditionFalse, "")
	w.awaitKey(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionTrue, v1alpha1.ReasonPrincipalsUnresolved)
	w.awaitQuiet(4)
	for range 3 {
		mark := w.mark()
		w.stop()
		w.start()
		time.Sleep(4 * w.resync)
		if got := w.writesSince(mark).For("keypolicies.kms.chatelaine.dev"); len(got) != 0 {
			t.Errorf("%d writes since the operator started again: %v", len(got), got.Counts())
		}
		if got := w.writesSince(mark).For("keys.kms.chatelaine.dev"); len(got) != 0 {
			t.Errorf("%d writes of Keys since the operator started again: %v", len(got), got.Counts())
		}
	}
}

func TestWhatHappensToPoliciesWhileTheOperatorIsDownTakesEffectWhenItIsBack(t *testing.T) {
	w := newWorld(t, nil)
	api := w.podAccount("api")
	w.podAccount("web")
	orders := w.readyKey("orders", nil)
	doomed := w.policy("doomed", rules(allow("Use", "web")), "orders")
	readers := w.policy("readers", rules(allow("Api", "api"), allow("Web", "web")), "orders")
	w.awaitPolicy(doomed, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	w.awaitPolicy(readers, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	w.awaitSids(orders, "doomed Use", "readers Api", "readers Web")

	w.stop()
	w.delete(doomed)
	w.delete(api)
	w.start()
	w.awaitSids(orders, "readers Web")
	w.awaitPolicy(readers, v1alpha1.ConditionPrincipalsResolved, metav1.ConditionFalse, v1alpha1.ReasonPrincipalsUnresolved)
	w.awaitKey(orders, v1alpha1.ConditionPolicyApplied, metav1.ConditionTrue, v1alpha1.ReasonPrincipalsUnresolved)

	w.stop()
	w.podAccount("api")
	w.policy("new", rules(allow("Use", "web")), "orders")
	w.start()
	w.awaitSids(orders, "new Use", "readers Api", "readers Web")
	w.awaitPolicy(readers, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

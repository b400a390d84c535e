// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/manager"
)

func TestABackendThatHangsHoldsUpNothingElseForLong(t *testing.T) {
	w := newAWSWorld(t, nil)
	bad, good := newAWSAccount(t, firstAccount), newAWSAccount(t, secondAccount)
	onBad := w.on(w.awsBackend(bad.in(w.credentials(bad.accessKey(t, "root")))))
	onGood := w.on(w.awsBackend(good.in(w.credentials(good.accessKey(t, "root")))))
	onGood.awaitAvailable()
	keys := onBad.readyKeys(2 * manager.Defaults().Workers)

	bad.hang()
	begun := time.Now()
	onBad.occupy(keys)
	onGood.readyKey("orders", nil)
	w.readyKey("orders", nil)
	t.Logf("keys on the other backends were Ready %s after all workers were made to wait", time.Since(begun).Round(time.Millisecond))
	onBad.awaitBackend(v1alpha1.ConditionAvailable, metav1.ConditionFalse, v1alpha1.ReasonUnavailable, "no answer in time")
	onBad.awaitKey(keys[0], v1alpha1.ConditionBackendReady, metav1.ConditionFalse, v1alpha1.ReasonBackendNotReady, "no answer in time")

	begun = time.Now()
	onGood.readyKey("more-orders", nil)
	w.readyKey("more-orders", nil)
	t.Logf("from then on, Keys of other backends were Ready after %s", time.Since(begun).Round(time.Millisecond))

	bad.answer()
	onBad.awaitAvailable()
	onBad.awaitReady(keys)
}

// TestWhileABackendHangsKeysOfOthersAreMade has KMS hang, and STS say all the while that it answers, so that nothing that is under
// way is ever broken off for that.
func TestWhileABackendHangsKeysOfOthersAreMade(t *testing.T) {
	w := newAWSWorld(t, nil)
	bad := newAWSAccount(t, firstAccount)
	onBad := w.on(w.awsBackend(bad.in(w.credentials(bad.accessKey(t, "root")))))
	keys := onBad.readyKeys(30)

	bad.hangKMS()
	onBad.occupy(keys)
	onBad.awaitKey(keys[len(keys)-1], v1alpha1.ConditionCreated, metav1.ConditionFalse, v1alpha1.ReasonUnavailable, "slow to answer")
	w.readyKeys(30)
	w.await(func() (bool, string) { // requests that time out are made again
		return bad.waiting.Load() > 0, "somebody still wait for the backend that hangs: else the others were made afterwards"
	})
	onBad.awaitAvailable()

	bad.answer()
	onBad.awaitReady(keys)
}

// readyKeys makes so many Keys and waits until they are Ready.
func (w *world) readyKeys(count int) []*v1alpha1.Key {
	w.t.Helper()
	keys := make([]*v1alpha1.Key, count)
	for i := range keys {
		keys[i] = w.key(fmt.Sprintf("key-%d", i), nil)
	}
	w.awaitReady(keys)
	return keys
}

func (w *world) awaitReady(keys []*v1alpha1.Key) {
	w.t.Helper()
	for _, key := range keys {
		w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	}
}

// occupy has something to be written to each of the Keys' keys.
func (w *world) occupy(keys []*v1alpha1.Key) {
	w.t.Helper()
	for _, key := range keys {
		w.update(key, func(s *v1alpha1.KeySpec) { s.Description = "to be written while nobody answers" })
	}
}

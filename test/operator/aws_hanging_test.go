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
	keys := make([]*v1alpha1.Key, 2*manager.Defaults().Workers)
	for i := range keys {
		keys[i] = onBad.key(fmt.Sprintf("key-%d", i), nil)
	}
	for _, key := range keys {
		onBad.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	}

	bad.hang()
	begun := time.Now()
	for _, key := range keys {
		onBad.update(key, func(s *v1alpha1.KeySpec) { s.Description = "to be written while nobody answers" })
	}
	onGood.readyKey("orders", nil)
	w.readyKey("orders", nil)
	t.Logf("keys on the other backends were Ready %s after all workers were made to wait", time.Since(begun).Round(time.Millisecond))
	silent := onBad.awaitBackend(v1alpha1.ConditionAvailable, metav1.ConditionFalse, v1alpha1.ReasonUnavailable)
	wantMessage(t, silent.Status.Conditions, v1alpha1.ConditionAvailable, "no answer in time")
	waiting := onBad.awaitKey(keys[0], v1alpha1.ConditionBackendReady, metav1.ConditionFalse, v1alpha1.ReasonBackendNotReady)
	wantMessage(t, waiting.Status.Conditions, v1alpha1.ConditionBackendReady, "no answer in time")

	begun = time.Now()
	onGood.readyKey("more-orders", nil)
	w.readyKey("more-orders", nil)
	t.Logf("from then on, Keys of other backends were Ready after %s", time.Since(begun).Round(time.Millisecond))

	bad.answer()
	onBad.awaitAvailable()
	for _, key := range keys {
		onBad.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	}
}

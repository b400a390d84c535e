// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
)

// wantFoundAgain waits until the key is at home again, and fails the test if it was told to be lost.
func (r *realm) wantFoundAgain(made *v1alpha1.Key) {
	r.t.Helper()
	r.awaitKey(made, home, "there again", inState(backend.StateEnabled))
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	again := func() bool {
		for _, event := range r.events(made, "Replicated") {
			if contains(event.Note, "was gone in "+home) {
				return true
			}
		}
		return false
	}
	if !poll(again) {
		r.t.Error("no Event says that the key was replicated again")
	}
	if told := r.events(made, v1alpha1.ReasonKeyLost); len(told) > 0 {
		r.t.Errorf("a key was told to be lost that was not: %+v", told)
	}
}

func TestAKeyIsNotSaidToBeLostBeforeTheBackendsOfItsReplicasWereTried(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south}, primaryIn(south))
	for _, name := range r.names { // the operator ends
		r.backends.Delete(name)
	}
	r.fake.Destroy(made.Status.KeyID)
	r.lookAgain() // and begins, and the south is opened last
	r.openBackend(r.names[west], r.at[west])
	looks := r.fake.Calls(backendtest.VerbGet)
	if !poll(func() bool { return r.fake.Calls(backendtest.VerbGet) > looks }) {
		t.Fatal("nobody looks again")
	}
	if now := r.get(made); now.Status.KeyState != string(backend.StateEnabled) || describe(now) != describe(made) {
		t.Errorf("meanwhile the key is %q:\n%swas\n%s", now.Status.KeyState, describe(now), describe(made))
	}
	r.openBackend(r.names[south], r.at[south])
	r.wantFoundAgain(made)
}

func TestAKeyIsNotSaidToBeLostWhileItsReplicaCannotBeReadForAMoment(t *testing.T) {
	r := newRealm(t)
	made := r.createSpread("orders", []string{south}, primaryIn(south))
	slow := &backend.Error{Class: backend.Throttled, Message: "slow down"}
	r.at[south].Inject(backendtest.Fault{Verb: backendtest.VerbGet, Err: slow})
	r.fake.Destroy(made.Status.KeyID)
	unknown := r.await(made, v1alpha1.ConditionCreated, metav1.ConditionFalse, v1alpha1.ReasonThrottled)
	wantMessage(t, unknown, v1alpha1.ConditionCreated, "the key is gone in fake-1, and it is not known whether its primary is: south-1: slow down")
	r.at[south].Heal()
	r.wantFoundAgain(made)
}

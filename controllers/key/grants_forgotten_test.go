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

// oneGrantFault has the next look at the grants, or the next revocation, fail.
var oneGrantFault = map[string]backendtest.Fault{
	"they cannot be listed at first": {
		Verb: backendtest.VerbGrants, Times: 1, Err: &backend.Error{Class: backend.Throttled, Message: "slow down"},
	},
	"they may not be listed at first": {
		Verb: backendtest.VerbGrants, Times: 1, Err: &backend.Error{Class: backend.Unavailable, Message: "away"},
	},
	"the revocation fails at first": {
		Verb: backendtest.VerbApply, Field: "grants", Times: 1, Err: &backend.Error{Class: backend.Throttled, Message: "slow down"},
	},
}

func TestGrantsOfAnEarlierKeyAreRevokedThough(t *testing.T) {
	for name, fault := range oneGrantFault {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			made := r.createReady("orders", withGrants(granted("api", "app", "Decrypt")))
			r.awaitGrants(made, grantFor(made, "api", role("app"), "Decrypt"))
			r.delete(made)
			r.awaitGone(made.DeepCopy())
			r.fake.Inject(fault)
			again := r.newKey("orders", nil)
			r.create(again)
			r.awaitGrants(again)
			if r.get(again).Status.KeyID != made.Status.KeyID {
				t.Error("it is another key: the test's premise is gone")
			}
		})
	}
}

func TestAGrantThatNobodyKnowsOfIsFoundByALookAtTheKey(t *testing.T) {
	for name, fault := range oneGrantFault {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			made := r.createReady("orders", nil)
			r.fake.AddGrant(made.Status.KeyID, grantFor(made, "api", role("app"), "Decrypt"))
			r.fake.Inject(fault)
			r.update(made, annotate(v1alpha1.ReconcileAtAnnotation, "2026-03-01T12:00:00Z"))
			r.awaitGrants(made)
			r.awaitHandled(made, "2026-03-01T12:00:00Z")
		})
	}
}

func TestAGrantThatStatusForgotIsRevokedThough(t *testing.T) {
	for name, fault := range oneGrantFault {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			made := r.createReady("orders", nil)
			r.fake.AddGrant(made.Status.KeyID, grantFor(made, "api", role("app"), "Decrypt"))
			r.fake.Inject(fault)
			r.update(made, described("new"))
			r.awaitGrants(made)
			r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
		})
	}
}

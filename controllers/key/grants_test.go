// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
)

func TestGrantsAreMadeReplacedAndRevokedAsDeclared(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", withGrants(granted("app", "app", "Decrypt", "Encrypt"), granted("audit", "audit", "DescribeKey")))
	app, audit := grantFor(made, "app", role("app"), "Encrypt", "Decrypt"), grantFor(made, "audit", role("audit"), "DescribeKey")
	before := r.awaitGrants(made, app, audit)

	narrow := granted("app", "app", "Decrypt")
	narrow.RetiringPrincipal = &v1alpha1.GrantPrincipal{Account: account}
	narrow.Constraints = &v1alpha1.GrantConstraints{EncryptionContextSubset: map[string]v1alpha1.EncryptionContextValue{"tenant": "a"}}
	r.update(made, withGrants(granted("audit", "audit", "DescribeKey"), narrow))
	app = grantFor(made, "app", role("app"), "Decrypt")
	app.Retiring, app.EncryptionContextSubset = "arn:aws:iam::"+account+":root", map[string]string{"tenant": "a"}
	after := r.awaitGrants(made, app, audit)
	if before.Status.Grants[1] != after.Status.Grants[1] || before.Status.Grants[0].GrantID == after.Status.Grants[0].GrantID {
		t.Errorf("status.grants was %+v and is %+v, want the first replaced and the second kept", before.Status.Grants, after.Status.Grants)
	}

	narrow.Constraints = &v1alpha1.GrantConstraints{EncryptionContextEquals: map[string]v1alpha1.EncryptionContextValue{"tenant": "a"}}
	r.update(made, withGrants(narrow))
	app.EncryptionContextEquals, app.EncryptionContextSubset = app.EncryptionContextSubset, nil
	r.awaitGrants(made, app)

	r.update(made, withGrants())
	r.awaitGrants(made)
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady)
	r.wantNoDrift(made)
}

func TestGrantsOfOthersAreLeftAlone(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", withGrants(granted("app", "app", "Decrypt")))
	app := grantFor(made, "app", role("app"), "Decrypt")
	r.awaitGrants(made, app)
	nameless := backend.Grant{Grantee: role("somebody"), Operations: []string{"Encrypt"}}
	ofAnother := backend.Grant{
		Name: backend.GrantName(backend.Owner{Cluster: clusterUID, Namespace: made.Namespace, Name: "payments"}, "app"), Grantee: role("app"),
		Operations: []string{"Decrypt"},
	}
	r.fake.AddGrant(made.Status.KeyID, nameless)
	r.fake.AddGrant(made.Status.KeyID, ofAnother)
	r.update(made, withGrants(granted("other", "app", "Decrypt")))
	r.awaitGrants(made, grantFor(made, "other", role("app"), "Decrypt"), nameless, ofAnother)
}

func TestGrantsDriftIsPutRightAndTold(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", withGrants(granted("app", "app", "Decrypt")))
	app := grantFor(made, "app", role("app"), "Decrypt")
	settled := r.awaitGrants(made, app)
	id := settled.Status.Grants[0].GrantID
	r.fake.Meddle(made.Status.KeyID, backend.RevokeGrant{ID: id})
	if !poll(func() bool { return r.hasGrants(made, app) && r.get(made).Status.Grants[0].GrantID != id }) {
		t.Fatalf("the grant stays away: %+v", r.fake.AllGrants(made.Status.KeyID))
	}
	wantNotes(r, made, "DriftRepaired", `grants from "app (Decrypt for `+role("app")+`)" to nothing, and was put right`)
}

func TestGrantThatSomebodyElseMadeUnderAKeysNameIsRevokedAndTold(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", withGrants(granted("app", "app", "Decrypt")))
	app := grantFor(made, "app", role("app"), "Decrypt")
	r.awaitGrants(made, app)
	r.fake.AddGrant(made.Status.KeyID, grantFor(made, "app", role("intruder"), "Encrypt"))
	r.awaitGrants(made, app)
	wantNotes(r, made, "DriftRepaired", `grants from nothing to "app (Encrypt for `+role("intruder")+`)", and was put right`)
	r.fake.AddGrant(made.Status.KeyID, grantFor(made, "more", role("intruder"), "Decrypt"))
	r.awaitGrants(made, app)
}

// Names and numbers that status has no room for.
func TestGrantsThatSomebodyElseMadeAreNotInStatus(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", withGrants(granted("app", "app", "Decrypt")))
	before := r.awaitGrants(made, grantFor(made, "app", role("app"), "Decrypt")).Status.Grants
	r.fake.Inject(backendtest.Fault{Verb: backendtest.VerbApply, Err: &backend.Error{Class: backend.AccessDenied, Message: "kms:RevokeGrant is denied"}})
	for i := range 300 {
		r.fake.AddGrant(made.Status.KeyID, grantFor(made, strings.Repeat("long", 20)+strconv.Itoa(i), role("intruder"), "Encrypt"))
	}
	stuck := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonAccessDenied)
	if !slices.Equal(stuck.Status.Grants, before) {
		t.Errorf("status.grants was %+v and is %+v", before, stuck.Status.Grants)
	}
}

func TestGrantWaitsForItsServiceAccountAndGoesWithIt(t *testing.T) {
	r := newRig(t)
	r.fake.NamesServiceAccounts(true)
	r.openBackend(r.backendName, r.fake)
	retired := granted("retired", "app", "Decrypt")
	retired.RetiringPrincipal = grantedToAccount("", "app").Grantee
	made := r.createReady("orders", withGrants(grantedToAccount("app", "app"), retired, granted("role", "app", "Encrypt")))
	standing := grantFor(made, "role", role("app"), "Encrypt")
	r.awaitGrants(made, standing)
	waiting := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionTrue, v1alpha1.ReasonPrincipalsUnresolved)
	wantMessage(t, waiting, v1alpha1.ConditionSynced,
		"grant app waits: ServiceAccount "+r.namespace+"/app does not exist", "grant retired waits: ServiceAccount "+r.namespace+"/app does not exist")

	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "app"}}
	r.create(account)
	arn := role(r.namespace + "/app")
	heldBack := grantFor(made, "retired", role("app"), "Decrypt")
	heldBack.Retiring = arn
	r.awaitGrants(made, standing, grantFor(made, "app", arn, "Decrypt"), heldBack)
	healed := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	if said := message(healed, v1alpha1.ConditionSynced); said != "" {
		t.Errorf("Synced still says %q", said)
	}

	r.delete(account)
	r.awaitGrants(made, standing)
	r.wantNoDrift(made)
}

func TestGrantFollowsTheRoleInAServiceAccountsAnnotation(t *testing.T) {
	r := newRig(t)
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "app"}}
	r.create(account)
	made := r.createReady("orders", withGrants(grantedToAccount("app", "app")))
	waiting := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionTrue, v1alpha1.ReasonPrincipalsUnresolved)
	wantMessage(t, waiting, v1alpha1.ConditionSynced, "has no annotation eks.amazonaws.com/role-arn")
	for _, name := range []string{"first", "second"} {
		account.Annotations = map[string]string{v1alpha1.RoleARNAnnotation: role(name)}
		if err := r.client.Update(r.ctx, account); err != nil {
			t.Fatal(err)
		}
		r.awaitGrants(made, grantFor(made, "app", role(name), "Decrypt"))
	}
	account.Annotations = nil
	if err := r.client.Update(r.ctx, account); err != nil {
		t.Fatal(err)
	}
	r.awaitGrants(made)
	r.wantNoDrift(made)
}

func TestGrantIsReplacedOnlyByOneThatCanBeMade(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", withGrants(granted("app", "old", "Decrypt")))
	old := grantFor(made, "app", role("old"), "Decrypt")
	r.awaitGrants(made, old)
	r.fake.DeleteRole(role("new"))
	r.update(made, withGrants(granted("app", "new", "Decrypt"), granted("more", "old", "Encrypt")))
	more := grantFor(made, "more", role("old"), "Encrypt")
	r.awaitGrants(made, old, more)
	stuck := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonInvalidInput)
	wantMessage(t, stuck, v1alpha1.ConditionStalled, "spec.grants: ", role("new"))
	r.fake.CreateRole(role("new"))
	r.update(made, func(k *v1alpha1.Key) { k.Spec.Description = "nudge" })
	r.awaitGrants(made, grantFor(made, "app", role("new"), "Decrypt"), more)
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func TestDisabledKeyTakesGrantsWhenItIsEnabledAndLosesThemAtOnce(t *testing.T) {
	r := newRig(t)
	disabled := func(disabled bool) func(*v1alpha1.Key) {
		return func(k *v1alpha1.Key) { k.Spec.Enabled = new(!disabled) }
	}
	made := r.createReady("orders", withGrants(granted("app", "app", "Decrypt"), granted("audit", "audit", "DescribeKey")))
	audit := grantFor(made, "audit", role("audit"), "DescribeKey")
	r.update(made, disabled(true))
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonDisabled)
	r.update(made, withGrants(granted("app", "app", "Encrypt"), granted("audit", "audit", "DescribeKey")))
	r.awaitGrants(made, audit)
	waiting := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionTrue, "")
	wantMessage(t, waiting, v1alpha1.ConditionSynced, "when the key is enabled: grant app made: Encrypt for "+role("app"))
	r.update(made, disabled(false))
	r.awaitGrants(made, grantFor(made, "app", role("app"), "Encrypt"), audit)
}

func TestGrantWhoseAnswerWasLostIsNotMadeTwice(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", nil)
	r.fake.Inject(backendtest.Fault{
		Verb: backendtest.VerbApply, Times: 2, AfterEffect: true, Err: &backend.Error{Class: backend.Unavailable, Message: "connection reset"},
	})
	r.update(made, withGrants(granted("app", "app", "Decrypt")))
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	r.awaitGrants(made, grantFor(made, "app", role("app"), "Decrypt"))
}

func TestGrantsThatCannotBeReadOrChangedAreReportedAndHeal(t *testing.T) {
	for class, reason := range map[backend.Class]string{
		backend.Throttled: v1alpha1.ReasonThrottled, backend.AccessDenied: v1alpha1.ReasonAccessDenied, backend.Unavailable: v1alpha1.ReasonUnavailable,
	} {
		for _, verb := range []backendtest.Verb{backendtest.VerbGrants, backendtest.VerbApply} {
			t.Run(string(class)+" "+string(verb), func(t *testing.T) {
				r := newRig(t)
				made := r.createReady("orders", withGrants(granted("app", "app", "Decrypt")))
				settled := r.awaitGrants(made, grantFor(made, "app", role("app"), "Decrypt"))
				r.fake.Inject(backendtest.Fault{Verb: verb, Err: &backend.Error{Class: class, Message: "what happened"}})
				r.update(made, withGrants(granted("app", "app", "Encrypt")))
				stuck := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, reason)
				wantMessage(t, stuck, v1alpha1.ConditionReady, "what happened")
				if !slices.Equal(stuck.Status.Grants, settled.Status.Grants) {
					t.Errorf("status.grants was %+v and is %+v", settled.Status.Grants, stuck.Status.Grants)
				}
				r.fake.Heal()
				if class == backend.AccessDenied { // looked at again in a minute
					r.update(made, func(k *v1alpha1.Key) { k.Spec.Description = "nudge" })
				}
				r.awaitGrants(made, grantFor(made, "app", role("app"), "Encrypt"))
				r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
			})
		}
	}
}

func TestKeyWithoutGrantsDoesNotAskForThem(t *testing.T) {
	r := newRig(t)
	r.createReady("orders", nil)
	looks := func(times int) {
		gets := r.fake.Calls(backendtest.VerbGet)
		if !poll(func() bool { return r.fake.Calls(backendtest.VerbGet) > gets+times }) {
			t.Fatal("the Key is not looked at again")
		}
	}
	looks(1) // the pass that made the key is over, and another one has begun
	before := r.fake.Calls(backendtest.VerbGrants)
	looks(3)
	if after := r.fake.Calls(backendtest.VerbGrants); after != before {
		t.Errorf("grants were asked for %d times", after-before)
	}
}

func TestStatusStaysAsItIsWhileGrantsAreAsDeclared(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", withGrants(granted("b", "app", "Decrypt"), granted("a", "app", "Encrypt"), grantedToAccount("c", "nobody")))
	before, asked := r.get(made).ResourceVersion, r.fake.Calls(backendtest.VerbGrants)
	if !poll(func() bool { return r.fake.Calls(backendtest.VerbGrants) > asked+3 }) {
		t.Fatal("the grants are not looked at again")
	}
	if after := r.get(made).ResourceVersion; after != before {
		t.Errorf("status was written again: %+v", r.get(made).Status)
	}
}

func TestRetainedKeyKeepsItsGrantsUntilAKeyOfThatNameSaysOtherwise(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", withGrants(granted("app", "app", "Decrypt"), granted("audit", "audit", "DescribeKey")))
	r.awaitGrants(made, grantFor(made, "app", role("app"), "Decrypt"), grantFor(made, "audit", role("audit"), "DescribeKey"))
	keyID := r.get(made).Status.KeyID
	r.delete(made)
	r.awaitGone(made)
	kept := r.fake.AllGrants(keyID)
	if len(kept) != 2 {
		t.Fatalf("the retained key has grants %+v", kept)
	}
	again := r.createReady("orders", withGrants(granted("app", "app", "Decrypt")))
	found := r.awaitGrants(again, grantFor(again, "app", role("app"), "Decrypt"))
	if found.Status.Grants[0].GrantID != kept[0].ID {
		t.Errorf("the grant was made anew: %+v, was %+v", found.Status.Grants, kept)
	}
	r.delete(again)
	r.awaitGone(again)
	r.awaitGrants(r.createReady("orders", nil))
}

// A process that died after it made a grant and before it wrote status, and the grant no longer declared when the next one
// starts: nobody but the key knows of it.
func TestGrantThatNobodyWroteDownIsFoundAndRevoked(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", nil)
	r.fake.AddGrant(made.Status.KeyID, grantFor(made, "app", role("app"), "Decrypt"))
	r.update(made, func(k *v1alpha1.Key) { k.Spec.Description = "no grants" })
	r.awaitGrants(made)
}

func TestGrantsOfAnObservedKeyAreReportedAndNotChanged(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", withGrants(granted("app", "app", "Decrypt")))
	app := grantFor(made, "app", role("app"), "Decrypt")
	id := r.awaitGrants(made, app).Status.Grants[0].GrantID
	observe(r, made)
	r.fake.Meddle(made.Status.KeyID, backend.RevokeGrant{ID: id})
	drifted := r.await(made, v1alpha1.ConditionDrifted, metav1.ConditionTrue, v1alpha1.ReasonDriftObserved)
	wantMessage(t, drifted, v1alpha1.ConditionDrifted, "grants from", "app (Decrypt for "+role("app")+")")
	if has := r.fake.AllGrants(made.Status.KeyID); len(has) > 0 {
		t.Errorf("the observed key was given grants %+v", has)
	}
	r.update(made, func(k *v1alpha1.Key) { k.Annotations = nil })
	r.awaitGrants(made, app)
}

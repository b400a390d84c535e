// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/software"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// sids are those of the statements in the key's record, but the base.
func (w *world) sids(keyID string) []string {
	w.t.Helper()
	text := w.open(keyID).Policy
	if text == "" {
		return nil // the record of a key that nobody may use
	}
	document, err := policy.Read([]byte(text))
	if err != nil {
		w.t.Fatal(err)
	}
	var sids []string
	for _, statement := range document.Statements {
		if statement.Sid != policy.BaseSid {
			sids = append(sids, statement.Sid)
		}
	}
	slices.Sort(sids)
	return sids
}

// awaitSids waits until the Key's key policy has the base and the statements of those Sids, given sorted.
func (w *world) awaitSids(key *v1alpha1.Key, want ...string) {
	w.t.Helper()
	w.await(func() (bool, string) {
		has := w.sids(w.getKey(key).Status.KeyID)
		return slices.Equal(has, want), fmt.Sprintf("the policy with %q; it has %q", want, has)
	})
}

// replacedPolicy is what Events tell of the policy of an adopted key, put together again.
func (w *world) replacedPolicy(key *v1alpha1.Key) string {
	w.t.Helper()
	list := &eventsv1.EventList{}
	if err := w.env.Client.List(w.ctx, list, client.InNamespace(w.namespace)); err != nil {
		w.t.Fatal(err)
	}
	parts := slices.DeleteFunc(list.Items, func(event eventsv1.Event) bool {
		return event.Regarding.UID != key.UID || event.Reason != "PolicyReplaced"
	})
	number := func(event eventsv1.Event) (n int) {
		_, _ = fmt.Sscanf(event.Note, "(%d/", &n) // 0 for one that is alone
		return n
	}
	slices.SortFunc(parts, func(a, b eventsv1.Event) int { return cmp.Compare(number(a), number(b)) })
	var whole strings.Builder
	for _, event := range parts {
		_, part, numbered := strings.Cut(event.Note, ") ")
		if !numbered || number(event) == 0 {
			part = event.Note
		}
		whole.WriteString(part)
	}
	return whole.String()
}

func TestKilledAfterAPolicyWasPutTheOperatorPutsNoneAgain(t *testing.T) {
	server := quietServer(t)
	for _, failpoint := range []string{"policy-put", "before-status"} {
		t.Run(failpoint, func(t *testing.T) {
			w := emptyWorld(t, server, nil)
			w.podAccount("api")
			first := w.run("")
			key := w.awaitKey(w.key("orders", nil), v1alpha1.ConditionReady, metav1.ConditionTrue, "")
			first.kill()
			doomed := w.run(failpoint)
			readers := w.policy("readers", rules(allow("Use", "api")), "orders")
			doomed.awaitDeath()
			if got := w.sids(key.Status.KeyID); !slices.Equal(got, []string{"readers Use"}) {
				t.Fatalf("when the operator died, the policy had %q", got)
			}
			if got := w.getKey(key).Status.Policy; len(got.Sources) != 0 {
				t.Fatalf("when the operator died, status.policy was %+v", got)
			}
			record := w.record(key.Status.KeyID)
			next := w.run("")
			w.awaitPolicy(readers, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
			w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
			if now := w.record(key.Status.KeyID); now.ResourceVersion != record.ResourceVersion {
				t.Errorf("the record was written again: %s, was %s", now.ResourceVersion, record.ResourceVersion)
			}
			next.kill()
		})
	}
}

func TestKilledWhileItReplacesThePolicyOfAnAdoptedKeyTheOperatorHasToldOfIt(t *testing.T) {
	server := quietServer(t)
	for _, failpoint := range []string{"policy-put", "before-status"} {
		t.Run(failpoint, func(t *testing.T) {
			w := emptyWorld(t, server, nil)
			w.podAccount("api")
			first := w.run("")
			key := w.readyKey("orders", nil)
			w.delete(key)
			w.awaitGone(key.DeepCopy())
			first.kill() // the next one knows of the policy when it hears of the Key
			w.putOutside(key.Status.KeyID, ownPolicy(w))
			second := w.run("")
			adopted := w.readyKey("orders", func(s *v1alpha1.KeySpec) { s.Adopt = &v1alpha1.KeyAdoption{KeyID: key.Status.KeyID} })
			w.awaitKey(adopted, v1alpha1.ConditionPolicyApplied, metav1.ConditionTrue, v1alpha1.ReasonPolicyKept)
			second.kill()
			replaced := w.open(key.Status.KeyID).Policy

			doomed := w.run(failpoint)
			w.policy("readers", rules(allow("Use", "api")), "orders")
			doomed.awaitDeath()
			if got := w.sids(key.Status.KeyID); !slices.Equal(got, []string{"readers Use"}) {
				t.Fatalf("when the operator died, the policy had %q", got)
			}
			next := w.run("")
			w.awaitKey(adopted, v1alpha1.ConditionPolicyApplied, metav1.ConditionTrue, v1alpha1.ReasonPolicyApplied)
			next.kill()
			if told := w.replacedPolicy(adopted); len(replaced) < 1024 || !strings.HasSuffix(told, " was: "+replaced) || strings.Count(told, " was: ") != 1 {
				t.Errorf("told is\n%s\nand the policy was\n%s", told, replaced)
			}
		})
	}
}

// ownPolicy is a key policy of more than 1 KB that the operator never put, and under which it may put another one.
func ownPolicy(w *world) *policy.Document {
	status := w.getBackend().Status
	document := policy.BaseDocument(status.CallerARN, status.AccountID)
	document.Statements[0].Sid = "Administrators"
	for _, sid := range []string{"One", "Two", "Three", "Four"} {
		document.Statements = append(document.Statements, policy.Statement{
			Sid: sid, Effect: policy.Allow, Action: []string{"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt"}, Resource: []string{"*"},
			Principal: policy.Principals{AWS: []string{w.arn("role/of-somebody-else/" + sid)}},
		})
	}
	return document
}

// putOutside gives a key a policy past the operator.
func (w *world) putOutside(keyID string, document *policy.Document) {
	w.t.Helper()
	direct, err := kubernetes.NewForConfig(w.env.Config)
	if err != nil {
		w.t.Fatal(err)
	}
	status, root := w.getBackend().Status, v1alpha1.DefaultRootKeySecret
	if rootKey := w.backend.Spec.Software.RootKey; rootKey != nil {
		root = rootKey.SecretRef.Name
	}
	opened, err := software.Open(w.ctx, software.Config{
		Client: direct, Namespace: operatorNamespace, AccountID: status.AccountID, Region: status.Region, RootKeySecret: root, Clock: clock.RealClock{},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	defer opened.Close()
	if _, err := opened.Apply(w.ctx, keyID, []backend.Change{backend.SetPolicy{Document: document.String()}}); err != nil {
		w.t.Fatal(err)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
	"github.com/chatelaine-dev/chatelaine/internal/policy/compile"
)

const (
	account  = "111122223333"
	operator = "arn:aws:iam::" + account + ":role/operator"
)

func role(name string) string { return "arn:aws:iam::" + account + ":role/" + name }

// allow is a rule that lets a role use the key.
func allow(sid, roleName string) v1alpha1.KeyPolicyRule {
	return v1alpha1.KeyPolicyRule{
		Sid: sid, Principals: []v1alpha1.KeyPolicyPrincipal{{AWS: role(roleName)}},
		Permissions: []v1alpha1.Permission{v1alpha1.PermissionUse},
	}
}

// allowAccount is a rule that lets a ServiceAccount of the policy's namespace use the key.
func allowAccount(sid, name string) v1alpha1.KeyPolicyRule {
	rule := allow(sid, "")
	rule.Principals = []v1alpha1.KeyPolicyPrincipal{{ServiceAccount: &v1alpha1.ServiceAccountReference{Name: name}}}
	return rule
}

// mistaken is a rule that no policy may have.
func mistaken(sid string) v1alpha1.KeyPolicyRule {
	rule := allow(sid, "app")
	rule.Permissions, rule.Actions = nil, []string{"kms:Decipher"}
	return rule
}

// apply creates a KeyPolicy for the Keys of that name, or with that name as their label "for".
func (r *rig) apply(name, target string, rules ...v1alpha1.KeyPolicyRule) *v1alpha1.KeyPolicy {
	r.t.Helper()
	object := &v1alpha1.KeyPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: name},
		Spec:       v1alpha1.KeyPolicySpec{Targets: []v1alpha1.KeyPolicyTarget{{Name: target}}, Rules: rules},
	}
	r.create(object)
	return object
}

// change replaces the rules of a KeyPolicy.
func (r *rig) change(object *v1alpha1.KeyPolicy, rules ...v1alpha1.KeyPolicyRule) {
	r.t.Helper()
	fresh := &v1alpha1.KeyPolicy{}
	if err := r.client.Get(r.ctx, client.ObjectKeyFromObject(object), fresh); err != nil {
		r.t.Fatal(err)
	}
	fresh.Spec.Rules = rules
	if err := r.client.Update(r.ctx, fresh); err != nil {
		r.t.Fatal(err)
	}
	r.awaitKnown(fresh)
}

// policyText is the key's policy as the backend answers it.
func (r *rig) policyText(object *v1alpha1.Key) string {
	r.t.Helper()
	text, err := r.fake.Policy(r.ctx, r.get(object).Status.KeyID)
	if err != nil {
		r.t.Fatal(err)
	}
	return text
}

func (r *rig) document(object *v1alpha1.Key) *policy.Document {
	r.t.Helper()
	document, err := policy.Read([]byte(r.policyText(object)))
	if err != nil {
		r.t.Fatal(err)
	}
	return document
}

// statements are those of the key's policy but the base, each as a text, by their Sids.
func (r *rig) statements(object *v1alpha1.Key) map[string]string {
	r.t.Helper()
	texts := map[string]string{}
	for _, statement := range r.document(object).Statements {
		if statement.Sid != policy.BaseSid {
			texts[statement.Sid] = (&policy.Document{Statements: []policy.Statement{statement}}).String()
		}
	}
	return texts
}

// awaitSids waits until the key's policy has the base and the statements of those Sids, and status says so.
func (r *rig) awaitSids(object *v1alpha1.Key, want ...string) *v1alpha1.Key {
	r.t.Helper()
	slices.Sort(want)
	var fresh *v1alpha1.Key
	ok := poll(func() bool {
		if fresh = r.get(object); fresh.Status.KeyID == "" || fresh.Status.Policy == nil {
			return false
		}
		return slices.Equal(slices.Sorted(maps.Keys(r.statements(object))), want) &&
			fresh.Status.Policy.Hash == compile.Hash(r.document(object))
	})
	if !ok {
		r.t.Fatalf("Key %s never had the policy with %q; status.policy is %+v, it has %s\n%s",
			object.Name, want, fresh.Status.Policy, r.policyText(object), describe(fresh))
	}
	return fresh
}

// sources are the names of the KeyPolicies that status.policy lists.
func sources(object *v1alpha1.Key) []string {
	var names []string
	if object.Status.Policy != nil {
		for _, source := range object.Status.Policy.Sources {
			names = append(names, source.Name)
		}
	}
	return names
}

// meddle replaces the key's policy as somebody outside could.
func (r *rig) meddle(object *v1alpha1.Key, document string) {
	r.t.Helper()
	if !r.fake.Meddle(r.get(object).Status.KeyID, backend.SetPolicy{Document: document}) {
		r.t.Fatalf("the backend does not take %s", document)
	}
}

// look has the Key, the only one there is, looked at again, even if it is Stalled, and waits until that is done.
func (r *rig) look(object *v1alpha1.Key) {
	r.t.Helper()
	before := r.fake.Calls(backendtest.VerbPolicy)
	fresh := r.get(object)
	seen := fresh.DeepCopy()
	fresh.Labels = map[string]string{"looked": strconv.Itoa(before)}
	if err := r.client.Patch(r.ctx, fresh, client.MergeFrom(seen)); err != nil {
		r.t.Fatal(err)
	}
	if !poll(func() bool { return r.fake.Calls(backendtest.VerbPolicy) > before }) {
		r.t.Fatal("the Key is not looked at")
	}
	time.Sleep(100 * time.Millisecond) // until status is written, if it is
}

// resync waits until each of so many Keys, the only ones there are, was looked at so many times.
func (r *rig) resync(times, keys int) {
	r.t.Helper()
	before := r.fake.Calls(backendtest.VerbPolicy)
	if !poll(func() bool { return r.fake.Calls(backendtest.VerbPolicy) >= before+(times+2)*keys }) {
		r.t.Fatal("the Keys are not resynced")
	}
}

// calm fails the test if a policy is put, or one of the Keys written, within so many resyncs.
func (r *rig) calm(times int, keys ...*v1alpha1.Key) {
	r.t.Helper()
	puts := r.fake.PolicyPuts()
	before := map[string]*v1alpha1.Key{}
	for _, object := range keys {
		before[object.Name] = r.get(object)
	}
	r.resync(times, len(keys))
	if more := r.fake.PolicyPuts() - puts; more != 0 {
		r.t.Errorf("%d policies were put in %d resyncs", more, times)
	}
	for name, object := range before {
		if now := r.get(object); now.ResourceVersion != object.ResourceVersion {
			r.t.Errorf("Key %s was written, and was not:\n%swas\n%s", name, describe(now), describe(object))
		}
	}
}

// events are those about the Key with the reason, by their notes.
func (r *rig) events(object *v1alpha1.Key, reason string) []eventsv1.Event {
	r.t.Helper()
	list := &eventsv1.EventList{}
	if err := r.client.List(r.ctx, list, client.InNamespace(object.Namespace)); err != nil {
		r.t.Fatal(err)
	}
	about := slices.DeleteFunc(list.Items, func(event eventsv1.Event) bool {
		return event.Regarding.Name != object.Name || event.Reason != reason
	})
	slices.SortFunc(about, func(a, b eventsv1.Event) int { return cmp.Compare(a.Note, b.Note) })
	return about
}

// wantSame fails the test if both documents do not mean the same.
func wantSame(t *testing.T, what string, got, want *policy.Document) {
	t.Helper()
	if comparison := policy.Compare(want, got); !comparison.Equal() || len(comparison.Orphans) > 0 {
		t.Errorf("%s: %+v", what, comparison)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package cabundle_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/controllers/cabundle"
	"github.com/chatelaine-dev/chatelaine/controllers/key"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

func TestTheOperatorsNamespaceAndLabelledOnesGetTheBundle(t *testing.T) {
	before := env.Namespace(t, labelled)
	r := newRig(t)
	after, never := env.Namespace(t, labelled), env.Namespace(t, map[string]string{cabundle.NamespaceLabel: "false"})
	for _, namespace := range []string{r.operator, before, after} {
		published := r.await(namespace)
		want := map[string]string{key.PublishedLabel: "true", "app.kubernetes.io/managed-by": "chatelaine"}
		if !maps.Equal(published.Labels, want) || len(published.OwnerReferences) != 0 {
			t.Errorf("labels %v, owners %v", published.Labels, published.OwnerReferences)
		}
	}
	r.settle()
	if r.find(never) != nil {
		t.Error("a namespace that did not ask got the bundle")
	}
}

// One has to be in time: the machine may be busy with something else for a while.
func TestALabelledNamespaceGetsTheBundleWithinASecond(t *testing.T) {
	r := newRig(t)
	r.await(r.operator)
	var took time.Duration
	for begun := time.Now(); time.Since(begun) < patience; {
		namespace := env.Namespace(t)
		r.label(namespace, labelled)
		started := time.Now()
		r.await(namespace)
		if took = time.Since(started); took < time.Second {
			return
		}
	}
	t.Errorf("it took %s, and every time before more than a second", took)
}

func TestWhatIsDoneToTheConfigMapIsUndone(t *testing.T) {
	r := newRig(t)
	for what, meddle := range map[string]func(*corev1.ConfigMap){
		"changed":   func(c *corev1.ConfigMap) { c.Data["ca.crt"] = "another" },
		"added to":  func(c *corev1.ConfigMap) { c.Data["extra"] = "1" },
		"binary":    func(c *corev1.ConfigMap) { c.BinaryData = map[string][]byte{"extra": {1}} },
		"emptied":   func(c *corev1.ConfigMap) { c.Data = nil },
		"immutable": func(c *corev1.ConfigMap) { c.Data["ca.crt"], c.Immutable = "another", new(true) },
	} {
		t.Run(what, func(t *testing.T) {
			namespace := env.Namespace(t, labelled)
			published := r.await(namespace)
			published.Annotations = map[string]string{"theirs": "1"}
			meddle(published)
			r.update(published)
			restored := r.await(namespace)
			if restored.UID == published.UID && restored.Annotations["theirs"] != "1" {
				t.Error("what does not concern the bundle was undone, too")
			}
		})
	}
	t.Run("deleted", func(t *testing.T) {
		namespace := env.Namespace(t, labelled)
		r.delete(r.await(namespace))
		r.await(namespace)
	})
}

func TestAChangedBundleReachesAllNamespaces(t *testing.T) {
	r := newRig(t)
	namespaces := []string{r.operator, env.Namespace(t, labelled), env.Namespace(t, labelled)}
	for _, pem := range []string{"one", "two"} {
		r.bundle.set(pem)
		for _, namespace := range namespaces {
			r.await(namespace)
		}
	}
	r.bundle.set("") // not known any more
	namespace := env.Namespace(t, labelled)
	r.label(namespaces[1], map[string]string{cabundle.NamespaceLabel: "true", "another": "1"})
	r.label(namespaces[2], nil)
	r.awaitGone(namespaces[2])
	if has := r.find(namespaces[1]); has == nil || has.Data["ca.crt"] != "two" {
		t.Errorf("without a bundle, what was published became %v", has)
	}
	if r.find(namespace) != nil {
		t.Error("an empty bundle was published")
	}
	r.bundle.set("three")
	r.await(namespace)
}

func TestWithoutTheLabelTheConfigMapIsRemoved(t *testing.T) {
	r := newRig(t)
	first, second := env.Namespace(t, labelled), env.Namespace(t, labelled)
	r.await(first)
	r.await(second)
	r.label(first, nil)
	r.label(second, map[string]string{cabundle.NamespaceLabel: "no"})
	r.awaitGone(first)
	r.awaitGone(second)
	r.label(first, labelled)
	r.await(first)
}

func TestALabelTakenOffWhileTheOperatorWasAwayIsNoticed(t *testing.T) {
	namespace := env.Namespace(t)
	left := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: cabundle.ConfigMapName, Labels: map[string]string{key.PublishedLabel: "true"},
		},
		Data: map[string]string{"ca.crt": "old"},
	}
	if err := env.Client.Create(t.Context(), left); err != nil {
		t.Fatal(err)
	}
	newRig(t).awaitGone(namespace)
}

func TestAForeignConfigMapIsLeftAloneAndTold(t *testing.T) {
	for what, meta := range map[string]metav1.ObjectMeta{
		"of somebody else": {Labels: map[string]string{"app": "theirs"}},
		"of a Key": {
			Labels: map[string]string{key.PublishedLabel: "true"},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "kms.chatelaine.dev/v1alpha1", Kind: "Key", Name: "orders", UID: "u", Controller: new(true),
			}},
		},
	} {
		t.Run(what, func(t *testing.T) {
			r := newRig(t)
			namespace := env.Namespace(t)
			meta.Namespace, meta.Name = namespace, cabundle.ConfigMapName
			theirs := &corev1.ConfigMap{ObjectMeta: meta, Data: map[string]string{"theirs": "1"}}
			r.create(theirs)
			r.label(namespace, labelled)
			note := r.awaitEvent(namespace)
			for _, part := range []string{"chatelaine-kms-ca", "untouched", "rename"} {
				if !strings.Contains(note, part) {
					t.Errorf("%q lacks %q", note, part)
				}
			}
			mark := r.mark()
			r.label(namespace, map[string]string{cabundle.NamespaceLabel: "true", "another": "1"})
			r.settle()
			r.label(namespace, nil)
			r.settle()
			if has := r.find(namespace); has == nil || has.ResourceVersion != theirs.ResourceVersion {
				t.Errorf("it became %v", has)
			}
			if told := r.requests(mark).Writes().For("events.events.k8s.io"); len(told) != 0 {
				t.Errorf("it was told again: %v", told)
			}
			r.delete(theirs)
			r.label(namespace, labelled)
			r.await(namespace)
		})
	}
}

// awaitEvent waits for the Event about the namespace, in it, and returns its note.
func (r *rig) awaitEvent(namespace string) string {
	r.t.Helper()
	note := ""
	ok := poll(func() bool {
		list := &eventsv1.EventList{}
		if err := env.Client.List(r.ctx, list, client.InNamespace(namespace)); err != nil {
			r.t.Fatal(err)
		}
		for _, event := range list.Items {
			if event.Regarding.Kind == "Namespace" && event.Regarding.Name == namespace && event.Reason == cabundle.ReasonConflict {
				note = event.Note
				return true
			}
		}
		return false
	})
	if !ok {
		r.t.Fatalf("no Event about namespace %s", namespace)
	}
	return note
}

func TestANamespaceThatIsBeingDeletedIsLeftAlone(t *testing.T) {
	r := newRig(t)
	namespace := env.Namespace(t, labelled)
	published := r.await(namespace)
	r.delete(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}) // stays in Terminating
	terminating := &corev1.Namespace{}
	if err := env.Client.Get(t.Context(), client.ObjectKey{Name: namespace}, terminating); err != nil || terminating.DeletionTimestamp.IsZero() {
		t.Fatalf("the namespace is not being deleted: %v", err)
	}
	r.settle()
	mark := r.mark()
	r.delete(published)
	r.settle()
	tried := r.requests(mark).Writes().Where(func(q testenv.Request) bool { return q.Namespace == namespace })
	if len(tried) != 0 || r.find(namespace) != nil {
		t.Errorf("tried %v", tried)
	}
}

func TestNothingIsWrittenInSteadyState(t *testing.T) {
	r := newRig(t)
	namespaces := []string{r.operator}
	for range 5 {
		namespaces = append(namespaces, env.Namespace(t, labelled))
	}
	r.settleAll()
	start := r.mark()
	for _, namespace := range namespaces {
		// Looked at again, with nothing to do.
		r.label(namespace, map[string]string{cabundle.NamespaceLabel: "true", "another": "1"})
	}
	r.bundle.set(string(r.bundle.Bundle()))
	last := env.Namespace(t, labelled)
	r.await(last)
	time.Sleep(200 * time.Millisecond)
	requests := r.requests(start).Where(func(q testenv.Request) bool { return q.Verb != "watch" && q.Namespace != last })
	if len(requests) != 0 {
		t.Errorf("steady state took %v", requests.Counts())
	}
	if created := r.requests(start).Writes(); len(created) != 1 {
		t.Errorf("one new namespace took %v", created.Counts())
	}
}

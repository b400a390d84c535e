// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

func kmsBackend(name string, isDefault bool) *v1alpha1.KMSBackend {
	object := &v1alpha1.KMSBackend{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if isDefault {
		object.Annotations = map[string]string{v1alpha1.DefaultBackendAnnotation: "true"}
	}
	return object
}

func TestTheDefaultAccountIsThatOfTheDefaultBackendOrTheOnlyOne(t *testing.T) {
	const first, second = "111111111111", "222222222222"
	d := newDoor(nil)
	is := func(want, when string) {
		t.Helper()
		if got := d.defaultAccount(); got != want {
			t.Errorf("%s: %q, want %q", when, got, want)
		}
	}
	is("", "no KMSBackend")
	d.note(kmsBackend("a", false), first)
	is(first, "one KMSBackend")
	d.note(kmsBackend("b", false), first)
	is(first, "two KMSBackends of one account")
	d.note(kmsBackend("c", false), second)
	is("", "two accounts")
	d.note(kmsBackend("c", true), second)
	is(second, "a default KMSBackend")
	d.note(kmsBackend("c", false), second)
	is("", "no longer a default KMSBackend")
	d.note(kmsBackend("a", true), first)
	d.forget("a")
	is("", "the default KMSBackend is gone")
	d.forget("c")
	is(first, "one account is left")
}

func TestAKeyringThatCouldNotBeOpenedForLongIsTriedAgainWithinHalfAMinute(t *testing.T) {
	retries, last := newRetries(), time.Duration(0)
	for range 100 {
		last = retries.When(ctrl.Request{NamespacedName: types.NamespacedName{Name: "software"}})
	}
	if last <= 0 || last > 30*time.Second {
		t.Errorf("it is tried again after %s", last)
	}
}

func TestTheEndpointMindsNoBackendsOnAWS(t *testing.T) {
	onAWS := kmsBackend("aws", true)
	onAWS.Spec.AWS = &v1alpha1.AWSBackend{}
	d := newDoor(newOpener(t.Context(), nil, Defaults(), "cluster", kms.NewPartition()))
	d.client = fake.NewClientBuilder().WithScheme(Scheme()).WithObjects(onAWS).Build()
	if !d.triedAll(t.Context()) {
		t.Error("the endpoint waits for a KMSBackend on AWS")
	}
	d.note(kmsBackend("aws", true), "222222222222") // a software one of that name, deleted since
	d.note(kmsBackend("software", false), "111111111111")
	if _, err := d.Reconcile(t.Context(), ctrl.Request{NamespacedName: types.NamespacedName{Name: "aws"}}); err != nil {
		t.Fatal(err)
	}
	if got := d.defaultAccount(); got != "111111111111" {
		t.Errorf("the default account is %q, want that of the keys that are served here", got)
	}
}

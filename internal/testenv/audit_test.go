// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package testenv_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

func TestAuditCountsRequestsSinceTheMark(t *testing.T) {
	namespace := env.Namespace(t)
	key := &v1alpha1.Key{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "orders"},
		Spec:       v1alpha1.KeySpec{Description: "one"},
	}
	create(t, key) // before the mark: not counted
	mark := markNow(t)

	for range 2 {
		key.Spec.Description += ", more"
		if err := env.Client.Update(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	key.Status.KeyID = "1234"
	if err := env.Client.Status().Update(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if err := env.Client.Get(t.Context(), client.ObjectKeyFromObject(key), key); err != nil {
		t.Fatal(err)
	}

	const keys = "keys.kms.chatelaine.dev"
	want := map[testenv.Kind]int{
		{User: testenv.AdminUser, Verb: "update", Resource: keys}:                        2,
		{User: testenv.AdminUser, Verb: "update", Resource: keys, Subresource: "status"}: 1,
	}
	mine := since(t, mark).By(testenv.AdminUser).For(keys)
	if diff := cmp.Diff(want, mine.Writes().Counts()); diff != "" {
		t.Errorf("writes since the mark (-want +got):\n%s", diff)
	}
	want[testenv.Kind{User: testenv.AdminUser, Verb: "get", Resource: keys}] = 1
	if diff := cmp.Diff(want, mine.Counts()); diff != "" {
		t.Errorf("requests since the mark (-want +got):\n%s", diff)
	}
	for _, request := range mine {
		if request.Namespace != namespace || request.Name != "orders" {
			t.Errorf("request %+v is not about the Key", request)
		}
	}
}

func TestAuditShowsWhatAServiceAccountWasRefused(t *testing.T) {
	account := newServiceAccount(t)
	as := clientFor(t, account)
	mark := markNow(t)
	if err := as.List(t.Context(), &corev1.SecretList{}, client.InNamespace(account.Namespace)); err == nil {
		t.Fatal("listing Secrets was allowed")
	}

	want := map[testenv.Kind]int{{User: testenv.UserName(account), Verb: "list", Resource: "secrets"}: 1}
	var got map[testenv.Kind]int
	// The status code may come into the log a moment after the answer.
	for deadline := time.Now().Add(time.Minute); len(got) == 0 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		got = since(t, mark).By(testenv.UserName(account)).Forbidden().Counts()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("refused requests (-want +got):\n%s", diff)
	}
}

func markNow(t *testing.T) testenv.Mark {
	t.Helper()
	mark, err := env.Audit.Mark()
	if err != nil {
		t.Fatal(err)
	}
	return mark
}

func since(t *testing.T, mark testenv.Mark) testenv.Requests {
	t.Helper()
	requests, err := env.Audit.Since(mark)
	if err != nil {
		t.Fatal(err)
	}
	return requests
}

// whoAmI is the user that the API server takes the client for.
func whoAmI(t *testing.T, as client.Client) string {
	t.Helper()
	review := &authenticationv1.SelfSubjectReview{}
	if err := as.Create(t.Context(), review); err != nil {
		t.Fatal(err)
	}
	return review.Status.UserInfo.Username
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package testenv_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

func TestServiceAccountMayDoWhatItsRoleSaysAndNothingElse(t *testing.T) {
	account := newServiceAccount(t)
	role := &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Namespace: account.Namespace, Name: "reader"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"list"}}},
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: account.Namespace, Name: "reader"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: account.Namespace, Name: account.Name}},
	}
	create(t, role, binding)
	access := testenv.Access{
		User: testenv.UserName(account), Namespace: account.Namespace, Verb: "list", Resource: "configmaps",
	}
	if err := env.WaitAllowed(t.Context(), access); err != nil {
		t.Fatal(err)
	}

	as := clientFor(t, account)
	if err := as.List(t.Context(), &corev1.ConfigMapList{}, client.InNamespace(account.Namespace)); err != nil {
		t.Errorf("listing ConfigMaps, which the role allows: %v", err)
	}
	if err := as.List(t.Context(), &corev1.SecretList{}, client.InNamespace(account.Namespace)); !apierrors.IsForbidden(err) {
		t.Errorf("listing Secrets, which nothing allows: got %v, want Forbidden", err)
	}
}

func TestNamespacesOfOneTestDiffer(t *testing.T) {
	labels := map[string]string{"team": "payments"}
	first, second := env.Namespace(t, labels), env.Namespace(t)
	if first == second {
		t.Errorf("both namespaces are %s", first)
	}
	var namespace corev1.Namespace
	if err := env.Client.Get(t.Context(), client.ObjectKey{Name: first}, &namespace); err != nil {
		t.Fatal(err)
	}
	if namespace.Labels["team"] != "payments" {
		t.Errorf("labels are %v, want team=payments among them", namespace.Labels)
	}
}

func TestConfigForAnUnknownServiceAccountNamesIt(t *testing.T) {
	unknown := types.NamespacedName{Namespace: env.Namespace(t), Name: "nobody"}
	if _, err := env.ConfigFor(t.Context(), unknown); !apierrors.IsNotFound(err) {
		t.Errorf("got %v, want NotFound", err)
	}
}

func newServiceAccount(t *testing.T) types.NamespacedName {
	t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: env.Namespace(t), Name: "worker"}}
	create(t, account)
	return client.ObjectKeyFromObject(account)
}

func clientFor(t *testing.T, account types.NamespacedName) client.Client {
	t.Helper()
	config, err := env.ConfigFor(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	as, err := client.New(config, client.Options{Scheme: env.Scheme})
	if err != nil {
		t.Fatal(err)
	}
	if want := testenv.UserName(account); whoAmI(t, as) != want {
		t.Fatalf("the client acts as %s, want %s", whoAmI(t, as), want)
	}
	return as
}

func create(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, object := range objects {
		if err := env.Client.Create(t.Context(), object); err != nil {
			t.Fatalf("creating %T %s: %v", object, object.GetName(), err)
		}
	}
}

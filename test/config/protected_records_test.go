// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/rand"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

const allowDeletion = "kms.chatelaine.dev/allow-deletion"

// recordLabel is the one by which the tests below make a Secret one of the software KMS's.
var recordLabel = map[string]string{"kms.chatelaine.dev/record": "key"}

func TestSecretsOfTheSoftwareKMSAreNotDeletedByPeople(t *testing.T) {
	awaitPolicy(t, createSecret(t, operatorNamespace, corev1.Secret{ObjectMeta: metav1.ObjectMeta{Labels: recordLabel}}))
	meta := func(labels, annotations map[string]string) corev1.Secret {
		return corev1.Secret{ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: annotations}}
	}
	rootKeyLabel := map[string]string{"kms.chatelaine.dev/root-key": "true"}
	allowed := map[string]string{allowDeletion: "true"}
	for name, test := range map[string]struct {
		namespace string
		secret    corev1.Secret
		refused   bool
	}{
		"record":                         {operatorNamespace, meta(recordLabel, nil), true},
		"record, by its type":            {operatorNamespace, corev1.Secret{Type: "kms.chatelaine.dev/record"}, true},
		"record with other annotations":  {operatorNamespace, meta(recordLabel, map[string]string{"a": "b"}), true},
		"record, label without value":    {operatorNamespace, meta(map[string]string{"kms.chatelaine.dev/record": ""}, nil), true},
		"record, deletion allowed":       {operatorNamespace, meta(recordLabel, allowed), false},
		"record, deletion not allowed":   {operatorNamespace, meta(recordLabel, map[string]string{allowDeletion: "false"}), true},
		"root key":                       {operatorNamespace, meta(rootKeyLabel, nil), true},
		"root key, deletion allowed":     {operatorNamespace, meta(rootKeyLabel, allowed), false},
		"no longer the root key":         {operatorNamespace, meta(map[string]string{"kms.chatelaine.dev/root-key": "false"}, nil), false},
		"some other Secret":              {operatorNamespace, meta(map[string]string{"app": "other"}, nil), false},
		"some other Secret, no labels":   {operatorNamespace, corev1.Secret{}, false},
		"record's label, a tenant's own": {env.Namespace(t), meta(recordLabel, nil), false},
	} {
		t.Run(name, func(t *testing.T) {
			secret := createSecret(t, test.namespace, test.secret)
			err := env.Client.Delete(t.Context(), secret)
			if test.refused {
				assertForbidden(t, err, `annotate it with kms.chatelaine.dev/allow-deletion: "true" first`)
				assertExists(t, secret)
			} else if err != nil {
				t.Errorf("deleting the Secret: %v", err)
			}
		})
	}
}

func TestSecretsOfTheSoftwareKMSOutliveTheDeletionOfAll(t *testing.T) {
	secret := createSecret(t, operatorNamespace, corev1.Secret{ObjectMeta: metav1.ObjectMeta{Labels: recordLabel}})
	awaitPolicy(t, secret)
	err := env.Client.DeleteAllOf(t.Context(), &corev1.Secret{},
		client.InNamespace(operatorNamespace), client.MatchingLabels(recordLabel))
	assertForbidden(t, err, allowDeletion)
	assertExists(t, secret)
}

func TestOnlyTheOperatorItselfDeletesRecords(t *testing.T) {
	awaitPolicy(t, createSecret(t, operatorNamespace, corev1.Secret{ObjectMeta: metav1.ObjectMeta{Labels: recordLabel}}))
	neighbour := types.NamespacedName{Namespace: operatorNamespace, Name: "neighbour-" + rand.String(5)}
	namesake := types.NamespacedName{Namespace: env.Namespace(t), Name: manager.Name}
	for _, account := range []types.NamespacedName{neighbour, namesake} {
		allowToDeleteSecrets(t, account)
	}
	awaitAccess(t, testenv.Access{User: testenv.UserName(manager), Namespace: operatorNamespace, Verb: "delete", Resource: "secrets"})
	for name, test := range map[string]struct {
		account types.NamespacedName
		refused bool
	}{
		"operator":                               {manager, false},
		"another account with the permission":    {neighbour, true},
		"account of its name, another namespace": {namesake, true},
	} {
		t.Run(name, func(t *testing.T) {
			secret := createSecret(t, operatorNamespace, corev1.Secret{ObjectMeta: metav1.ObjectMeta{Labels: recordLabel}})
			err := clientFor(t, test.account).Delete(t.Context(), secret)
			if test.refused {
				assertForbidden(t, err, allowDeletion)
			} else if err != nil {
				t.Errorf("deleting the record: %v", err)
			}
		})
	}
}

func createSecret(t *testing.T, namespace string, secret corev1.Secret) *corev1.Secret {
	t.Helper()
	created := secret.DeepCopy()
	created.Namespace, created.GenerateName = namespace, "secret-"
	if err := env.Client.Create(t.Context(), created); err != nil {
		t.Fatal(err)
	}
	return created
}

// allowToDeleteSecrets makes the ServiceAccount and lets it delete Secrets of the operator's namespace.
func allowToDeleteSecrets(t *testing.T, account types.NamespacedName) {
	t.Helper()
	name := "deleter-" + account.Namespace + "-" + account.Name
	rule := rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"delete"}}
	for _, object := range []client.Object{
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: account.Namespace, Name: account.Name}},
		&rbacv1.Role{
			ObjectMeta: metav1.ObjectMeta{Namespace: operatorNamespace, Name: name}, Rules: []rbacv1.PolicyRule{rule},
		},
		&rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: operatorNamespace, Name: name},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
			Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: account.Namespace, Name: account.Name}},
		},
	} {
		if err := env.Client.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	awaitAccess(t, testenv.Access{
		User: testenv.UserName(account), Namespace: operatorNamespace, Verb: "delete", Resource: "secrets",
	})
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
	return as
}

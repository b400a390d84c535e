// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

func TestIdentityOfAKeyringNeverChanges(t *testing.T) {
	account := func(id string) v1alpha1.SoftwareBackend { return v1alpha1.SoftwareBackend{AccountID: id} }
	region := func(name string) v1alpha1.SoftwareBackend { return v1alpha1.SoftwareBackend{Region: name} }
	rootKey := func(secret string) v1alpha1.SoftwareBackend {
		return v1alpha1.SoftwareBackend{RootKey: &v1alpha1.RootKey{SecretRef: &v1alpha1.SecretReference{Name: secret}}}
	}
	none := v1alpha1.SoftwareBackend{}
	withoutRef := v1alpha1.SoftwareBackend{RootKey: &v1alpha1.RootKey{}}
	rotated := rootKey("root")
	rotated.RootKey.Rotation = &v1alpha1.RootKeyRotation{RequestedAt: noon}

	accountRefused := refused("spec.software.accountID", "accountID is immutable")
	regionRefused := refused("spec.software.region", "region is immutable")
	rootKeyRefused := refused("spec.software.rootKey.secretRef", "rootKey.secretRef is immutable")
	for name, test := range map[string]struct {
		from, to v1alpha1.SoftwareBackend
		want     verdict
	}{
		"account changed":   {account("111122223333"), account("444455556666"), accountRefused},
		"account removed":   {account("111122223333"), none, accountRefused},
		"account set later": {none, account("111122223333"), accountRefused},
		"account kept":      {account("111122223333"), account("111122223333"), accepted},

		"region changed":            {region("here"), region("there"), regionRefused},
		"region removed":            {region("here"), none, regionRefused},
		"region set later":          {none, region("there"), regionRefused},
		"default region spelt out":  {none, region("local"), accepted},
		"default region left again": {region("local"), none, accepted},

		"root key changed":             {rootKey("root"), rootKey("other"), rootKeyRefused},
		"root key removed":             {rootKey("root"), none, rootKeyRefused},
		"its reference removed":        {rootKey("root"), withoutRef, rootKeyRefused},
		"root key set later":           {none, rootKey("other"), rootKeyRefused},
		"default root key spelt out":   {none, rootKey(v1alpha1.DefaultRootKeySecret), accepted},
		"default root key left again":  {rootKey(v1alpha1.DefaultRootKeySecret), none, accepted},
		"rotation of the root key":     {rootKey("root"), rotated, accepted},
		"rotation no longer asked for": {rotated, rootKey("root"), accepted},
	} {
		t.Run(name, func(t *testing.T) {
			backend := newBackend()
			backend.Spec.Software = test.from.DeepCopy()
			if err := env.Client.Create(t.Context(), backend); err != nil {
				t.Fatal(err)
			}
			backend.Spec.Software = test.to.DeepCopy()
			test.want.check(t, env.Client.Update(t.Context(), backend))
		})
	}
}

func TestKindOfBackendStays(t *testing.T) {
	backend := newBackend()
	if err := env.Client.Create(t.Context(), backend); err != nil {
		t.Fatal(err)
	}
	backend.Spec.Software = nil
	refused("spec", "exactly one kind of backend").check(t, env.Client.Update(t.Context(), backend))
}

func TestTenancyMayChange(t *testing.T) {
	backend := newBackend()
	if err := env.Client.Create(t.Context(), backend); err != nil {
		t.Fatal(err)
	}
	backend.Spec.Adoption = v1alpha1.AdoptionNone
	backend.Spec.AliasScope = v1alpha1.AliasScopeNamespacePrefixed
	backend.Spec.AllowedNamespaces = &v1alpha1.AllowedNamespaces{
		From: v1alpha1.NamespacesSelector, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"kms": "yes"}},
	}
	accepted.check(t, env.Client.Update(t.Context(), backend))
	backend.Spec.AllowedNamespaces = nil
	accepted.check(t, env.Client.Update(t.Context(), backend))
}

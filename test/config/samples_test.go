// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

func TestSamplesAreAcceptedAndShowOneKeyOfEachSort(t *testing.T) {
	kubectlQuietly(t, env, "apply", "--server-side", "--validate=strict", "-k", path(t, "config", "samples"))

	var keys v1alpha1.KeyList
	if err := env.Client.List(t.Context(), &keys, client.InNamespace("chatelaine-samples")); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, key := range keys.Items {
		got[key.Name] = key.Spec.KeySpec + " " + string(key.Spec.KeyUsage)
	}
	want := map[string]string{
		"orders":               "SYMMETRIC_DEFAULT ",
		"release-signing":      "ECC_NIST_P256 SIGN_VERIFY",
		"session-mac":          "HMAC_256 GENERATE_VERIFY_MAC",
		"post-quantum-signing": "ML_DSA_65 SIGN_VERIFY",
		"post-quantum-kem":     "ML_KEM_768 ENCAPSULATE_DECAPSULATE",
		"legacy-exchange":      "RSA_3072 ENCRYPT_DECRYPT",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sample keys (-want +got):\n%s", diff)
	}
}

func TestSampleBackendIsTheDefaultOne(t *testing.T) {
	kubectlQuietly(t, env, "apply", "--server-side", "--validate=strict", "-k", path(t, "config", "samples"))

	var backend v1alpha1.KMSBackend
	if err := env.Client.Get(t.Context(), client.ObjectKey{Name: "software"}, &backend); err != nil {
		t.Fatal(err)
	}
	if backend.Annotations[v1alpha1.DefaultBackendAnnotation] != "true" || backend.Spec.Software == nil {
		t.Errorf("got annotations %v and spec %+v", backend.Annotations, backend.Spec)
	}
}

func TestSampleOfImportedKeyMaterialIsAccepted(t *testing.T) {
	kubectlQuietly(t, env, "apply", "--server-side", "--validate=strict", "-k", path(t, "config", "samples"))
	kubectlQuietly(t, env, "apply", "--server-side", "--validate=strict", "-f", path(t, "config", "samples", "imported"))

	ledger := get(t, "chatelaine-samples", "ledger", &v1alpha1.Key{})
	role := get(t, "chatelaine-samples", "chatelaine-key-material", &rbacv1.Role{})
	if names := role.Rules[0].ResourceNames; len(names) != 1 || names[0] != ledger.Spec.ImportedMaterial.SecretRef.Name {
		t.Errorf("the Role is for %v, the Key's Secret is %s", names, ledger.Spec.ImportedMaterial.SecretRef.Name)
	}
	if err := env.Client.Delete(t.Context(), ledger); err != nil { // the samples are one key of each sort
		t.Fatal(err)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

// imported gives a Key of origin EXTERNAL the material that change makes of a good one.
func imported(change func(*v1alpha1.ImportedKeyMaterial)) func(*v1alpha1.Key) {
	return func(key *v1alpha1.Key) {
		key.Spec.Origin = v1alpha1.OriginExternal
		key.Spec.ImportedMaterial = &v1alpha1.ImportedKeyMaterial{SecretRef: &v1alpha1.KeyMaterialSecretReference{Name: "orders-material"}}
		if change != nil {
			change(key.Spec.ImportedMaterial)
		}
	}
}

func TestImportedMaterialIsForOriginExternal(t *testing.T) {
	origin := func(origin v1alpha1.KeyOrigin) func(*v1alpha1.Key) {
		return func(key *v1alpha1.Key) { key.Spec.Origin = origin }
	}
	without := func(origin v1alpha1.KeyOrigin) func(*v1alpha1.Key) {
		return func(key *v1alpha1.Key) { imported(nil)(key); key.Spec.Origin = origin }
	}
	needs := refused("spec.importedMaterial", "importedMaterial needs origin: EXTERNAL")
	keyCases{
		"AWS_KMS":                      {origin("AWS_KMS"), accepted},
		"EXTERNAL, imported by others": {origin("EXTERNAL"), accepted},
		"EXTERNAL with material":       {imported(nil), accepted},
		"material of AWS_KMS":          {without("AWS_KMS"), needs},
		"material of no origin":        {without(""), needs},
		"a custom key store":           {origin("AWS_CLOUDHSM"), refused("spec.customKeyStoreID", "need each other")},
		"another origin":               {origin("AWS_CLOUD"), refused("spec.origin", "Unsupported value")},
		"material of an RSA key": {func(key *v1alpha1.Key) {
			imported(nil)(key)
			key.Spec.KeySpec, key.Spec.KeyUsage = "RSA_2048", "SIGN_VERIFY"
		}, accepted},
		"rotation": {func(key *v1alpha1.Key) {
			imported(nil)(key)
			key.Spec.Rotation = &v1alpha1.KeyRotation{Enabled: new(true)}
		}, refused("spec.rotation", "imported key material is not rotated")},
		"rotation, imported by others": {func(key *v1alpha1.Key) {
			key.Spec.Origin, key.Spec.Rotation = "EXTERNAL", &v1alpha1.KeyRotation{}
		}, refused("spec.rotation", "imported key material is not rotated")},
	}.run(t)
}

func TestImportedMaterialNamesAnEntryOfASecret(t *testing.T) {
	name := func(name string) func(*v1alpha1.Key) {
		return imported(func(m *v1alpha1.ImportedKeyMaterial) { m.SecretRef.Name = name })
	}
	entry := func(entry string) func(*v1alpha1.Key) {
		return imported(func(m *v1alpha1.ImportedKeyMaterial) { m.SecretRef.Key = entry })
	}
	const nameField, keyField = "spec.importedMaterial.secretRef.name", "spec.importedMaterial.secretRef.key"
	keyCases{
		"dots":           {name("a.b-c"), accepted},
		"253 characters": {name(repeat("a", 253)), accepted},
		"254 characters": {name(repeat("a", 254)), refused(nameField, "may not be more than 253")},
		"capitals":       {name("Orders"), refused(nameField, "name must be a Secret's name")},
		"a path":         {name("other/secret"), refused(nameField, "name must be a Secret's name")},
		"no name":        {name(""), refused(nameField, "Required value")},
		"an entry":       {entry("Key_1.der"), accepted},
		"a path, within": {entry("a/b"), refused(keyField, "key must be that of a Secret's entry")},
		"a line break":   {entry("a\n"), refused(keyField, "key must be that of a Secret's entry")},
		"too long":       {entry(repeat("a", 254)), refused(keyField, "may not be more than 253")},
	}.run(t)
}

func TestTheEntryOfASecretIsMaterialUnlessItIsNamed(t *testing.T) {
	key := newKey(env.Namespace(t))
	imported(nil)(key)
	if err := env.Client.Create(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if entry := key.Spec.ImportedMaterial.SecretRef.Key; entry != "material" {
		t.Errorf("the entry is %q", entry)
	}
}

func TestOriginNeverChangesAndImportedMaterialMay(t *testing.T) {
	origin := func(origin v1alpha1.KeyOrigin) func(*v1alpha1.Key) {
		return func(key *v1alpha1.Key) { key.Spec.Origin = origin }
	}
	immutable := refused("spec.origin", "origin is immutable: create another Key")
	later := imported(func(m *v1alpha1.ImportedKeyMaterial) {
		m.ExpirationTime = &metav1.Time{Time: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}
		m.SecretRef = &v1alpha1.KeyMaterialSecretReference{Name: "other", Key: "other"}
	})
	keyChanges{
		"to EXTERNAL":               {origin("AWS_KMS"), origin("EXTERNAL"), immutable},
		"omitted, to EXTERNAL":      {origin(""), origin("EXTERNAL"), immutable},
		"to AWS_KMS":                {origin("EXTERNAL"), origin("AWS_KMS"), immutable},
		"removed":                   {origin("EXTERNAL"), origin(""), immutable},
		"default spelt out":         {origin(""), origin("AWS_KMS"), accepted},
		"default removed":           {origin("AWS_KMS"), origin(""), accepted},
		"material named later":      {origin("EXTERNAL"), imported(nil), accepted},
		"Secret and expiry changed": {imported(nil), later, accepted},
		"expiry removed":            {later, imported(nil), accepted},
		"material removed":          {imported(nil), func(key *v1alpha1.Key) { key.Spec.ImportedMaterial = nil }, accepted},
	}.run(t)
}

func TestImportedMaterialManifestsOutsideTheGoTypes(t *testing.T) {
	manifests{
		"empty origin":          {"spec: {origin: ''}", refused("spec.origin", "Unsupported value")},
		"no Secret":             {"spec: {origin: EXTERNAL, importedMaterial: {}}", refused("spec.importedMaterial.secretRef", "Required value")},
		"no name":               {"spec: {origin: EXTERNAL, importedMaterial: {secretRef: {key: a}}}", refused("spec.importedMaterial.secretRef.name", "Required value")},
		"empty key":             {"spec: {origin: EXTERNAL, importedMaterial: {secretRef: {name: a, key: ''}}}", refused("spec.importedMaterial.secretRef.key", tooShort)},
		"expirationTime a word": {"spec: {origin: EXTERNAL, importedMaterial: {secretRef: {name: a}, expirationTime: never}}", refused("spec.importedMaterial.expirationTime", "must be of type date-time")},
	}.run(t, "Key", env.Namespace(t))
}

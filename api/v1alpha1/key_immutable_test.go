// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"testing"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

func TestKeySpecAndUsageNeverChange(t *testing.T) {
	with := func(spec string, usage v1alpha1.KeyUsage) func(*v1alpha1.Key) {
		return func(key *v1alpha1.Key) { key.Spec.KeySpec, key.Spec.KeyUsage = spec, usage }
	}
	omitted := func(key *v1alpha1.Key) { key.Spec = v1alpha1.KeySpec{Description: "nothing else"} }
	symmetric := with("SYMMETRIC_DEFAULT", "")
	spec := refused("spec.keySpec", "keySpec is immutable: create another Key")
	usage := refused("spec.keyUsage", "keyUsage is immutable: create another Key")
	keyChanges{
		"keySpec changed":           {with("RSA_2048", "SIGN_VERIFY"), with("RSA_4096", "SIGN_VERIFY"), spec},
		"keySpec removed":           {with("RSA_2048", "ENCRYPT_DECRYPT"), with("", "ENCRYPT_DECRYPT"), spec},
		"default keySpec removed":   {symmetric, omitted, accepted},
		"default keySpec spelt out": {omitted, symmetric, accepted},
		"omitted keySpec changed":   {omitted, with("RSA_2048", "ENCRYPT_DECRYPT"), spec},

		"keyUsage changed":           {with("RSA_2048", "SIGN_VERIFY"), with("RSA_2048", "ENCRYPT_DECRYPT"), usage},
		"keyUsage removed":           {with("RSA_2048", "SIGN_VERIFY"), with("RSA_2048", ""), usage},
		"default keyUsage removed":   {with("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"), symmetric, accepted},
		"default keyUsage spelt out": {symmetric, with("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"), accepted},

		"everything else changed": {symmetric, func(key *v1alpha1.Key) {
			key.Spec.Description = "new"
			key.Spec.Enabled = new(false)
			key.Spec.Aliases = []string{"alias/new"}
			key.Spec.Tags = map[string]v1alpha1.TagValue{"team": "new"}
			key.Spec.Rotation = &v1alpha1.KeyRotation{Enabled: new(true)}
			key.Spec.Publish = &v1alpha1.KeyPublication{ConfigMapName: "new"}
			key.Spec.Deletion.Policy = v1alpha1.DeletionSchedule
		}, accepted},
	}.run(t)
}

func TestBackendRefNeverChanges(t *testing.T) {
	with := func(ref, resolved string) func(*v1alpha1.Key) {
		return func(key *v1alpha1.Key) {
			key.Spec.BackendRef = nil
			if ref != "" {
				key.Spec.BackendRef = &v1alpha1.BackendReference{Name: ref}
			}
			key.Status.Backend = resolved
		}
	}
	immutable := refused("spec.backendRef", "backendRef is immutable")
	keyChanges{
		"changed":                            {with("first", ""), with("second", ""), immutable},
		"changed, in use":                    {with("first", "first"), with("second", "first"), immutable},
		"removed":                            {with("first", ""), with("", ""), immutable},
		"removed, in use":                    {with("first", "first"), with("", "first"), immutable},
		"unchanged":                          {with("first", "first"), with("first", "first"), accepted},
		"set before the default is resolved": {with("", ""), with("second", ""), immutable},
		"set to another than the default":    {with("", "first"), with("second", "first"), immutable},
		"set to the default that is in use":  {with("", "first"), with("first", "first"), accepted},
		"status in the same request counts for nothing": {with("", ""), with("second", "second"), immutable},
	}.run(t)
}

func TestBackendRefSetToTheDefaultStaysSet(t *testing.T) {
	key := newKey(env.Namespace(t))
	if err := env.Client.Create(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	key.Status.Backend = "first"
	if err := env.Client.Status().Update(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	key.Spec.BackendRef = &v1alpha1.BackendReference{Name: "first"}
	if err := env.Client.Update(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	key.Spec.BackendRef = nil
	refused("spec.backendRef", "backendRef is immutable").check(t, env.Client.Update(t.Context(), key))
}

func TestAdoptChangesOnlyUntilTheKeyHasItsKey(t *testing.T) {
	with := func(adopted, keyID string) func(*v1alpha1.Key) {
		return func(key *v1alpha1.Key) {
			key.Spec.Adopt = nil
			if adopted != "" {
				key.Spec.Adopt = &v1alpha1.KeyAdoption{KeyID: adopted}
			}
			key.Status.KeyID = keyID
		}
	}
	byAlias := func(key *v1alpha1.Key) {
		key.Spec.Adopt = &v1alpha1.KeyAdoption{Alias: "alias/orders"}
	}
	immutable := refused("spec.adopt", "adopt is immutable once the Key has its key")
	keyChanges{
		"set before":               {with("", ""), with("1234", ""), accepted},
		"changed before":           {with("1234", ""), with("5678", ""), accepted},
		"changed to alias before":  {with("1234", ""), byAlias, accepted},
		"removed before":           {with("1234", ""), with("", ""), accepted},
		"set afterwards":           {with("", "1234"), with("1234", "1234"), immutable},
		"changed afterwards":       {with("1234", "1234"), with("5678", "1234"), immutable},
		"changed to alias after":   {with("1234", "1234"), byAlias, immutable},
		"removed afterwards":       {with("1234", "1234"), with("", "1234"), immutable},
		"unchanged afterwards":     {with("1234", "1234"), with("1234", "1234"), accepted},
		"never set, other changes": {with("", "1234"), func(key *v1alpha1.Key) { key.Spec.Description = "new" }, accepted},
	}.run(t)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms/material"
)

// importTests are about key material from outside.
var importTests = []contractTest{
	{"waits for key material and takes it once", importing(testImport)},
	{"takes no other key material than before", importing(testImportOther)},
	{"takes key material of every form", importing(testImportForms)},
	{"changes when key material expires", importing(testImportExpiry)},
	{"loses key material when it expires and takes the same again", importing(testImportExpires)},
	{"deletes key material and takes the same again", importing(testDeleteMaterial)},
	{"refuses bad key material", importing(testImportRefused)},
	{"imports into a key in every state but pending deletion", importing(testImportStates)},
}

// importing is a test for backends whose keys can have key material from outside.
func importing(test func(*testing.T, *fixture)) func(*testing.T, *fixture) {
	return func(t *testing.T, f *fixture) {
		if _, ok := f.Backend.(backend.Importer); ok {
			test(t, f)
			return
		}
		t.Log("the backend imports no key material")
	}
}

func external() backend.CreateInput {
	in := symmetric("key")
	in.Origin = backend.OriginExternal
	return in
}

// secret is material of 32 times a byte.
func secret(b byte) *backend.Material { return backend.NewMaterial(bytes.Repeat([]byte{b}, 32)) }

func (f *fixture) tryImport(keyID string, m *backend.Material, validTo time.Time) (*backend.Key, error) {
	importer, _ := f.Backend.(backend.Importer) // importing has looked
	return importer.ImportMaterial(f.ctx, keyID, m, validTo)
}

// put imports, and looks whether Get says what was answered.
func (f *fixture) put(t *testing.T, keyID string, m *backend.Material, validTo time.Time) *backend.Key {
	t.Helper()
	key, err := f.tryImport(keyID, m, validTo)
	if err != nil {
		t.Fatalf("importing into key %s: %v", keyID, err)
	}
	if diff := cmp.Diff(key, f.get(t, keyID)); diff != "" {
		t.Errorf("the import told another key than there is (-told +there):\n%s", diff)
	}
	return key
}

func wantExpiry(t *testing.T, key *backend.Key, state backend.State, want time.Time) {
	t.Helper()
	if key.State != state || key.ExpirationTime.Sub(want).Abs() >= time.Second {
		t.Errorf("key is %s and its material expires at %s, want %s and %s", key.State, key.ExpirationTime, state, want)
	}
}

func testImport(t *testing.T, f *fixture) {
	in := external()
	in.Disabled = true // a key without material cannot be disabled
	key := f.create(t, in)
	if key.Origin != backend.OriginExternal {
		t.Errorf("origin %s, want %s", key.Origin, backend.OriginExternal)
	}
	wantExpiry(t, key, backend.StatePendingImport, time.Time{})
	if diff := cmp.Diff(key, f.create(t, in)); diff != "" {
		t.Errorf("created again, it is another key:\n%s", diff)
	}
	if own := f.create(t, symmetric("own")); own.Origin != backend.OriginAWSKMS {
		t.Errorf("origin %s of a key of the backend's own, want %s", own.Origin, backend.OriginAWSKMS)
	}
	given := secret(1)
	first := f.put(t, key.ID, given, time.Time{})
	wantExpiry(t, first, backend.StateEnabled, time.Time{})
	if err := given.Use(func(b []byte) error {
		if !bytes.Equal(b, bytes.Repeat([]byte{1}, 32)) {
			t.Error("the import changed the material that it was given")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(first, f.put(t, key.ID, secret(1), time.Time{})); diff != "" {
		t.Errorf("imported again, the key changed:\n%s", diff)
	}
}

func testImportOther(t *testing.T, f *fixture) {
	key := f.create(t, external())
	before := f.put(t, key.ID, secret(1), key.CreationTime.Add(30*day))
	_, err := f.tryImport(key.ID, secret(2), time.Time{})
	wantClass(t, err, backend.InvalidInput)
	if diff := cmp.Diff(before, f.get(t, key.ID)); diff != "" {
		t.Errorf("what was refused changed the key:\n%s", diff)
	}
}

func testImportForms(t *testing.T, f *fixture) {
	for spec, usage := range map[keyspec.Spec]keyspec.Usage{
		keyspec.SymmetricDefault: keyspec.EncryptDecrypt, keyspec.HMAC384: keyspec.GenerateVerifyMAC,
		keyspec.RSA2048: keyspec.SignVerify, keyspec.ECCNISTP521: keyspec.KeyAgreement,
	} {
		key := f.create(t, backend.CreateInput{
			Owner: owner("of-" + strings.ToLower(strings.ReplaceAll(string(spec), "_", "-"))), Spec: spec, Usage: usage, Origin: backend.OriginExternal,
		})
		made, err := material.Generate(spec)
		if err != nil {
			t.Fatal(err)
		}
		form := made.Export()
		if spec.HasPublicKey() {
			if form, err = made.PKCS8(); err != nil {
				t.Fatal(err)
			}
		}
		wantExpiry(t, f.put(t, key.ID, backend.NewMaterial(form), time.Time{}), backend.StateEnabled, time.Time{})
		if !spec.HasPublicKey() {
			continue
		}
		want, err := made.PublicKey()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := f.Backend.PublicKey(f.ctx, key.ID); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: the public key is another one, or %v", spec, err)
		}
	}
}

func testImportExpiry(t *testing.T, f *fixture) {
	key := f.create(t, external())
	for _, days := range []int{30, 60, 20} {
		want := key.CreationTime.AddDate(0, 0, days)
		wantExpiry(t, f.put(t, key.ID, secret(1), want), backend.StateEnabled, want)
	}
	wantExpiry(t, f.put(t, key.ID, secret(1), time.Time{}), backend.StateEnabled, time.Time{})
}

func testImportExpires(t *testing.T, f *fixture) {
	key := f.create(t, external())
	f.put(t, key.ID, secret(1), key.CreationTime.Add(30*day))
	f.Advance(t, 29*day)
	wantExpiry(t, f.get(t, key.ID), backend.StateEnabled, key.CreationTime.Add(30*day))
	f.Advance(t, 2*day)
	wantExpiry(t, f.get(t, key.ID), backend.StatePendingImport, time.Time{})
	_, err := f.tryImport(key.ID, secret(2), time.Time{})
	wantClass(t, err, backend.InvalidInput)
	wantExpiry(t, f.get(t, key.ID), backend.StatePendingImport, time.Time{})
	wantExpiry(t, f.put(t, key.ID, secret(1), time.Time{}), backend.StateEnabled, time.Time{})
}

func (f *fixture) dropMaterial(keyID string) (*backend.Key, error) {
	importer, _ := f.Backend.(backend.Importer) // importing has looked
	return importer.DeleteMaterial(f.ctx, keyID)
}

func testDeleteMaterial(t *testing.T, f *fixture) {
	key := f.create(t, external())
	drop := func() {
		t.Helper()
		dropped, err := f.dropMaterial(key.ID)
		if err != nil {
			t.Fatal(err)
		}
		wantExpiry(t, dropped, backend.StatePendingImport, time.Time{})
		if diff := cmp.Diff(dropped, f.get(t, key.ID)); diff != "" {
			t.Errorf("the deletion told another key than there is (-told +there):\n%s", diff)
		}
	}
	drop() // there is none
	f.put(t, key.ID, secret(1), key.CreationTime.Add(30*day))
	drop()
	drop()
	_, err := f.tryImport(key.ID, secret(2), time.Time{})
	wantClass(t, err, backend.InvalidInput)
	wantExpiry(t, f.put(t, key.ID, secret(1), time.Time{}), backend.StateEnabled, time.Time{})
	f.apply(t, key.ID, backend.Disable{})
	drop()

	own := f.create(t, symmetric("own"))
	_, err = f.dropMaterial(own.ID)
	wantClass(t, err, backend.InvalidInput)
	if seen := f.get(t, own.ID); seen.State != backend.StateEnabled {
		t.Errorf("a key of another origin is %s", seen.State)
	}
	_, err = f.dropMaterial("1234abcd-12ab-34cd-56ef-1234567890ab")
	wantClass(t, err, backend.NotFound)
}

func testImportRefused(t *testing.T, f *fixture) {
	own := f.create(t, symmetric("own"))
	key := f.create(t, external())
	now := key.CreationTime
	const word = "secret noise that nobody is told"
	for name, c := range map[string]struct {
		keyID    string
		material []byte
		validTo  time.Time
	}{
		"a key of another origin":  {own.ID, []byte(word), time.Time{}},
		"nothing":                  {key.ID, []byte{}, time.Time{}},
		"too short":                {key.ID, []byte(word[:31]), time.Time{}},
		"too long":                 {key.ID, []byte(strings.Repeat(word, 40)), time.Time{}},
		"expired already":          {key.ID, []byte(word), now.Add(-time.Hour)},
		"expires in over 365 days": {key.ID, []byte(word), now.Add(366 * day)},
	} {
		_, err := f.tryImport(c.keyID, backend.NewMaterial(c.material), c.validTo)
		if class := backend.ClassOf(err); class != backend.InvalidInput || strings.Contains(err.Error(), "noise") {
			t.Errorf("%s: %q (%v), want %s", name, class, err, backend.InvalidInput)
		}
	}
	wantExpiry(t, f.get(t, key.ID), backend.StatePendingImport, time.Time{})
	_, err := f.tryImport("1234abcd-12ab-34cd-56ef-1234567890ab", secret(1), time.Time{})
	wantClass(t, err, backend.NotFound)
}

func testImportStates(t *testing.T, f *fixture) {
	key := f.create(t, external())
	if _, err := f.Backend.Apply(f.ctx, key.ID, []backend.Change{backend.Disable{}}); backend.ClassOf(err) != backend.NotReady {
		t.Errorf("a key without material is disabled: %v", err)
	}
	f.put(t, key.ID, secret(1), time.Time{})
	f.apply(t, key.ID, backend.Disable{})
	until := key.CreationTime.Add(30 * day)
	wantExpiry(t, f.put(t, key.ID, secret(1), until), backend.StateDisabled, until)
	if _, err := f.Backend.ScheduleDeletion(f.ctx, key.ID, 7); err != nil {
		t.Fatal(err)
	}
	_, err := f.tryImport(key.ID, secret(1), time.Time{})
	wantClass(t, err, backend.NotReady)
	f.apply(t, key.ID, backend.CancelDeletion{})
	wantExpiry(t, f.get(t, key.ID), backend.StateDisabled, until)
}

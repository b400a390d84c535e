// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/plan"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

func testIdentity(t *testing.T, f *fixture) {
	identity, err := f.Backend.Identify(f.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(identity.AccountID) != 12 || identity.Region == "" || !strings.HasPrefix(identity.CallerARN, "arn:aws:") {
		t.Errorf("identity = %+v, want 12 digits, a region and an ARN", identity)
	}
	if caller, err := policy.NewPrincipal(identity.PrincipalARN); err != nil || caller.SessionARN != "" || caller.AccountID() != identity.AccountID {
		t.Errorf("identity = %+v, %v; want a role or user of the account as principal", identity, err)
	}
	key := f.create(t, symmetric("key"))
	if want := fmt.Sprintf("arn:aws:kms:%s:%s:key/%s", identity.Region, identity.AccountID, key.ID); key.ARN != want {
		t.Errorf("ARN = %s, want %s", key.ARN, want)
	}
}

func testSpecs(t *testing.T, f *fixture) {
	for _, spec := range keyspec.All() {
		for _, usage := range spec.Usages() {
			f.part(t, fmt.Sprintf("%s for %s", spec, usage), func(t *testing.T) {
				in := backend.CreateInput{Owner: owner(strings.ToLower(fmt.Sprintf("%s-%s", spec, usage))), Spec: spec, Usage: usage}
				key := f.create(t, in)
				if key.Spec != spec || key.Usage != usage || key.State != backend.StateEnabled {
					t.Errorf("key is %s for %s, %s", key.Spec, key.Usage, key.State)
				}
				f.checkPublicKey(t, key)
			})
		}
	}
}

// checkPublicKey looks at the outer shape only: Go's x509 does not know every algorithm that AWS KMS has.
func (f *fixture) checkPublicKey(t *testing.T, key *backend.Key) {
	t.Helper()
	der, err := f.Backend.PublicKey(f.ctx, key.ID)
	if !key.Spec.HasPublicKey() {
		wantClass(t, err, backend.InvalidInput)
		return
	}
	if err != nil {
		t.Fatalf("public key: %v", err)
	}
	var spki struct {
		Algorithm asn1.RawValue
		PublicKey asn1.BitString
	}
	if rest, err := asn1.Unmarshal(der, &spki); err != nil || len(rest) > 0 || spki.PublicKey.BitLength == 0 {
		t.Errorf("public key is not a SubjectPublicKeyInfo: %v, %d bytes left", err, len(rest))
	}
	if strings.HasPrefix(string(key.Spec), "RSA_") || strings.HasPrefix(string(key.Spec), "ECC_NIST") {
		if _, err := x509.ParsePKIXPublicKey(der); err != nil {
			t.Errorf("public key: %v", err)
		}
	}
}

func testCreateSettings(t *testing.T, f *fixture) {
	in := symmetric("key")
	in.Description = "what it is for"
	in.Tags = map[string]string{"team": "payments", "empty": ""}
	in.Disabled = true
	in.RotationPeriodInDays = 180
	created := f.create(t, in)
	if created.Description != in.Description {
		t.Errorf("description = %q", created.Description)
	}
	declared := plan.Key{Owner: in.Owner, Description: in.Description, Tags: in.Tags, RotationPeriodInDays: 180}
	key := f.apply(t, created.ID, plan.Diff(declared, created, created.CreationTime).Now...)
	if key.State != backend.StateDisabled || !key.Rotation.Enabled || key.Rotation.PeriodInDays != 180 {
		t.Errorf("key is %s with rotation %+v", key.State, key.Rotation)
	}
	want := in.Owner.TagsWith(in.Tags)
	if diff := cmp.Diff(want, key.Tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(key, f.get(t, key.ID)); diff != "" {
		t.Errorf("what Create returned is not what Get returns:\n%s", diff)
	}
	if holder, owned := backend.OwnerFromTags(key.Tags); !owned || holder != in.Owner {
		t.Errorf("owner = %+v, want %+v", holder, in.Owner)
	}
}

func testCreateIdempotent(t *testing.T, f *fixture) {
	in := symmetric("key")
	first := f.create(t, in)
	f.apply(t, first.ID, backend.SetDescription{To: "changed since"})
	again := f.create(t, in)
	if again.ID != first.ID || again.Description != "changed since" {
		t.Errorf("created again: %s %q, want %s unchanged", again.ID, again.Description, first.ID)
	}
	later := symmetric("key")
	later.Owner.UID = "uid-of-a-later-key"
	if other := f.create(t, later); other.ID == first.ID {
		t.Error("another UID got the same key")
	}
}

func testCreateConcurrent(t *testing.T, f *fixture) {
	var wg sync.WaitGroup
	got := make([]string, 8)
	for i := range got {
		wg.Go(func() {
			key, err := f.Backend.Create(f.ctx, symmetric("key"))
			if err != nil {
				t.Errorf("creating: %v", err)
				return
			}
			got[i] = key.ID
		})
	}
	wg.Wait()
	owned, err := f.Backend.Owned(f.ctx, owner("key"))
	if err != nil || len(owned) != 1 {
		t.Fatalf("owned = %v, %v; want one key", owned, err)
	}
	for _, id := range got {
		if id != owned[0].ID {
			t.Errorf("one creator was told of key %q, the key is %s", id, owned[0].ID)
		}
	}
}

func testGet(t *testing.T, f *fixture) {
	key := f.create(t, symmetric("key"))
	f.apply(t, key.ID, backend.PutAlias{Name: "alias/found"})
	aliasARN := key.ARN[:strings.LastIndex(key.ARN, ":")+1] + "alias/found"
	for _, ref := range []string{key.ID, key.ARN, "alias/found", aliasARN} {
		if got := f.get(t, ref); got.ID != key.ID {
			t.Errorf("%s is key %s, want %s", ref, got.ID, key.ID)
		}
	}
}

func testNotFound(t *testing.T, f *fixture) {
	key := f.create(t, symmetric("key"))
	missing := "00000000-0000-4000-8000-000000000000"
	for _, ref := range []string{missing, strings.Replace(key.ARN, key.ID, missing, 1), "alias/missing"} {
		_, err := f.Backend.Get(f.ctx, ref)
		wantClass(t, err, backend.NotFound)
	}
	_, err := f.Backend.Apply(f.ctx, missing, []backend.Change{backend.Disable{}})
	wantClass(t, err, backend.NotFound)
	_, err = f.Backend.ScheduleDeletion(f.ctx, missing, 7)
	wantClass(t, err, backend.NotFound)
	_, err = f.Backend.PublicKey(f.ctx, missing)
	wantClass(t, err, backend.NotFound)
	_, err = f.Backend.Policy(f.ctx, missing)
	wantClass(t, err, backend.NotFound)
	_, err = f.Backend.Apply(f.ctx, missing, []backend.Change{backend.SetPolicy{Document: f.documentWith(t)}})
	wantClass(t, err, backend.NotFound)
	f.Destroy(t, key.ID)
	_, err = f.Backend.Get(f.ctx, key.ID)
	wantClass(t, err, backend.NotFound)
	_, err = f.Backend.Policy(f.ctx, key.ID)
	wantClass(t, err, backend.NotFound)
}

func testOwned(t *testing.T, f *fixture) {
	first := f.create(t, symmetric("key"))
	f.Advance(t, 10*time.Millisecond) // AWS tells times in milliseconds
	later := symmetric("key")
	later.Owner.UID = "uid-of-a-later-key"
	second := f.create(t, later)
	f.create(t, symmetric("another"))
	elsewhere := symmetric("key")
	elsewhere.Owner.Namespace = "another-team"
	f.create(t, elsewhere)
	abroad := symmetric("key")
	abroad.Owner.Cluster = "another-cluster"
	f.create(t, abroad)
	f.CreateOutside(t, map[string]string{"team": "none"})

	owned, err := f.Backend.Owned(f.ctx, owner("key"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, key := range owned {
		got[key.ID] = true
	}
	if !maps.Equal(got, map[string]bool{first.ID: true, second.ID: true}) || owned[0].ID != first.ID {
		t.Errorf("owned = %v, want %s and %s", got, first.ID, second.ID)
	}
	if none, err := f.Backend.Owned(f.ctx, owner("nobody")); err != nil || len(none) != 0 {
		t.Errorf("owned by nobody = %v, %v", none, err)
	}
}

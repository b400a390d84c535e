// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

// fixture is what an earlier version sealed.
func fixture(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func formatOf(t *testing.T, plaintext []byte) int {
	t.Helper()
	var head struct{ Format int }
	if err := json.Unmarshal(plaintext, &head); err != nil {
		t.Fatal(err)
	}
	return head.Format
}

func TestARecordOfFormat1IsReadAndWrittenBackAsFormat2(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	got, err := decodeKey(fixture(t, "key-format1.json"))
	if err != nil {
		t.Fatal(err)
	}
	want := &KeyRecord{
		KeyID: "4b7f2b1e-0000-4000-8000-000000000001", Spec: keyspec.SymmetricDefault, Usage: keyspec.EncryptDecrypt,
		Origin: OriginAWSKMS, State: lifecycle.PendingDeletion, Description: "orders", Tags: map[string]string{"team": "orders"},
		CreationTime: at, DeletionTime: at.AddDate(0, 0, 7), PendingWindowInDays: 7,
		Rotation:  RotationSettings{Enabled: true, PeriodInDays: 90, EnabledAt: at},
		Rotations: []Rotation{{Time: at, Type: OnDemand, MaterialID: "m2"}},
		Materials: []Material{
			{ID: "m1", CreatedAt: at, Bytes: NewSecretBytes([]byte("first generation, 32 bytes long!"))},
			{ID: "m2", CreatedAt: at, Bytes: NewSecretBytes([]byte("second generation, 32 bytes long"))},
		},
	}
	if !got.Equal(want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	written, err := encodeKey(got)
	if err != nil {
		t.Fatal(err)
	}
	again, err := decodeKey(written)
	if err != nil {
		t.Fatal(err)
	}
	if formatOf(t, written) != 2 || !again.Equal(want) {
		t.Errorf("written back it is %+v", again)
	}
	for i := range want.Materials {
		if !bytes.Equal(again.Materials[i].Bytes.reveal(), want.Materials[i].Bytes.reveal()) {
			t.Errorf("material %d is another", i)
		}
	}
}

func TestAnAliasOfFormat1IsReadAndWrittenBackAsFormat2(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	got, err := decodeAlias(fixture(t, "alias-format1.json"))
	if err != nil {
		t.Fatal(err)
	}
	want := &AliasRecord{
		Name: "alias/orders", KeyID: "4b7f2b1e-0000-4000-8000-000000000001", CreationTime: at, LastUpdated: at.AddDate(0, 0, 1),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	written, err := encodeAlias(got)
	if err != nil || formatOf(t, written) != 2 {
		t.Errorf("written back as format %d, %v", formatOf(t, written), err)
	}
}

func TestOnlyAKeyOfImportedMaterialMayHaveNone(t *testing.T) {
	for name, change := range map[string]func(*KeyRecord){
		"no material":            func(r *KeyRecord) { r.Materials = nil },
		"material without bytes": func(r *KeyRecord) { r.Materials[0].Bytes = nil },
	} {
		t.Run(name, func(t *testing.T) {
			for origin, allowed := range map[Origin]bool{OriginAWSKMS: false, OriginExternal: true} {
				record := fullRecord()
				record.Origin = origin
				change(record)
				plaintext, err := encodeKey(record)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := decodeKey(plaintext); (err == nil) != allowed {
					t.Errorf("origin %s: %v", origin, err)
				}
			}
		})
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

var secretText = []byte("thirty-two bytes nobody may read")

func fullRecord() *KeyRecord {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return &KeyRecord{
		KeyID: "4b7f2b1e-0000-4000-8000-000000000001", Spec: keyspec.SymmetricDefault, Usage: keyspec.EncryptDecrypt,
		State: lifecycle.PendingDeletion, Description: "orders", Tags: map[string]string{"team": "orders"},
		CreationTime: at, DeletionTime: at.AddDate(0, 0, 7), PendingWindowInDays: 7,
		Rotation:  RotationSettings{Enabled: true, PeriodInDays: 90, EnabledAt: at},
		Rotations: []Rotation{{Time: at, Type: OnDemand, MaterialID: "m2"}},
		Materials: []Material{{ID: "m2", CreatedAt: at, Bytes: NewSecretBytes(bytes.Clone(secretText))}},
		Origin:    OriginExternal,
		Policy:    "{}",
		Grants: []Grant{{
			ID: "g1", CreationTime: at, Grantee: "arn:aws:iam::111122223333:role/orders/api", Operations: []string{"Decrypt"},
			EncryptionContextEquals: map[string]string{}, EncryptionContextSubset: map[string]string{"tenant": "42"},
		}},
		MultiRegion: &MultiRegion{
			PrimaryRegion: "local", Epoch: 3, Replicas: []string{"elsewhere"}, Replicating: []string{"elsewhere"}, ReplicatingSince: at,
		},
		Rotating: OnDemand,
		Pending:  &Material{ID: "m3", CreatedAt: at, Bytes: NewSecretBytes(bytes.Clone(secretText)), ExpirationTime: at},
		LastUse:  &Use{Time: at, Operation: "Decrypt", RequestID: "r1", EventID: "e1", Principal: "p1"},
	}
}

func TestARecordNeverPrintsItsMaterial(t *testing.T) {
	record := fullRecord()
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("record", "pointer", record, "value", *record)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("record", "pointer", record, "bytes", record.Materials[0].Bytes)
	printed := log.String()
	wrapped := struct{ private *KeyRecord }{record}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		printed += fmt.Sprintf(verb, record) + fmt.Sprintf(verb, *record) + fmt.Sprintf(verb, record.Materials) +
			fmt.Sprintf(verb, record.Materials[0].Bytes) + fmt.Sprintf(verb, wrapped)
	}
	if out, err := json.Marshal(record); err == nil {
		t.Errorf("a record marshals: %s", out)
	}
	decimal := strings.Trim(fmt.Sprint(secretText), "[]")
	for _, form := range []string{
		string(secretText), decimal, hex.EncodeToString(secretText), strings.ToUpper(hex.EncodeToString(secretText)),
		base64.StdEncoding.EncodeToString(secretText), strings.ReplaceAll(decimal, " ", ", "),
	} {
		if strings.Contains(printed, form) {
			t.Errorf("the material shows as %s", form)
		}
	}
}

func TestARecordComesBackAsItWasSealed(t *testing.T) {
	want := fullRecord()
	plaintext, err := encodeKey(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeKey(plaintext)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Equal(want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	err = got.Materials[0].Bytes.Use(func(b []byte) error {
		if !bytes.Equal(b, secretText) {
			t.Error("the material is another")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestDecodingRefusesWhatItCannotWriteBack(t *testing.T) {
	tests := map[string]string{
		`{"format":3,"materials":[{}]}`:  "it has format 3 and this version reads formats 1 to 2",
		`{"format":1,"keyID":"x"}`:       "it holds no key material",
		`{"format":1,"materials":"c2Vj"`: "its content is not a record",
		``:                               "its content is not a record",
	}
	for plaintext, want := range tests {
		if _, err := decodeKey([]byte(plaintext)); err == nil || err.Error() != want {
			t.Errorf("decoding %q: got %v, want %s", plaintext, err, want)
		}
	}
	if _, err := decodeAlias([]byte(`{"format":7}`)); err == nil {
		t.Error("an alias of another format was decoded")
	}
}

func TestEncodingAWipedRecordFails(t *testing.T) {
	record := fullRecord()
	record.Materials[0].Bytes.wipe()
	if _, err := encodeKey(record); err == nil {
		t.Error("a record without its material was encoded")
	}
}

// A field that equal forgot would be a change that is never written, and one that clone or the codec forgot one that is
// written into nothing.
func TestEveryFieldCountsForEqualityCloneAndCodec(t *testing.T) {
	changeEach(t, reflect.TypeFor[KeyRecord](), func(path string, change func(*KeyRecord)) {
		t.Run(path, func(t *testing.T) {
			record := fullRecord()
			changed := record.clone()
			change(changed)
			if record.Equal(changed) {
				t.Error("Equal does not see the difference")
			}
			if !record.Equal(fullRecord()) {
				t.Error("changing the clone changed the original")
			}
			plaintext, err := encodeKey(changed)
			if err != nil {
				t.Fatal(err)
			}
			read, err := decodeKey(plaintext)
			if err != nil {
				t.Fatal(err)
			}
			if !read.Equal(changed) {
				t.Errorf("the change is lost in the seal: got %+v, want %+v", read, changed)
			}
		})
	})
}

func TestAClonesRegionsAreItsOwn(t *testing.T) {
	record := fullRecord()
	clone := record.clone()
	clone.MultiRegion.Replicas[0], clone.MultiRegion.Replicating[0] = "changed", "changed"
	if !record.Equal(fullRecord()) {
		t.Error("changing the clone changed the original")
	}
}

// changeEach calls visit with a change of each field of KeyRecord, those in its structs and slices included.
func changeEach(t *testing.T, record reflect.Type, visit func(path string, change func(*KeyRecord))) {
	t.Helper()
	var walk func(typ reflect.Type, path string, find func(*KeyRecord) reflect.Value)
	walk = func(typ reflect.Type, path string, find func(*KeyRecord) reflect.Value) {
		for field := range typ.Fields() {
			find := func(r *KeyRecord) reflect.Value { return find(r).FieldByIndex(field.Index) }
			path := path + "/" + field.Name
			switch {
			case field.Type == reflect.TypeFor[*SecretBytes]():
				// The material's ID stands for its bytes.
			case field.Type == reflect.TypeFor[time.Time]():
				visit(path, func(r *KeyRecord) { find(r).Set(reflect.ValueOf(time.Unix(1, 0).UTC())) })
			case field.Type.Kind() == reflect.Pointer:
				visit(path, func(r *KeyRecord) { find(r).SetZero() })
				walk(field.Type.Elem(), path, func(r *KeyRecord) reflect.Value { return find(r).Elem() })
			case field.Type.Kind() == reflect.Struct:
				walk(field.Type, path, find)
			case field.Type.Kind() == reflect.Slice:
				visit(path, func(r *KeyRecord) { find(r).Set(reflect.AppendSlice(find(r), find(r))) })
				if field.Type.Elem().Kind() == reflect.Struct {
					walk(field.Type.Elem(), path, func(r *KeyRecord) reflect.Value { return find(r).Index(0) })
				}
			case field.Type.Kind() == reflect.String:
				visit(path, func(r *KeyRecord) { find(r).SetString("changed") })
			case field.Type.Kind() == reflect.Int32, field.Type.Kind() == reflect.Int64:
				visit(path, func(r *KeyRecord) { find(r).SetInt(77) })
			case field.Type.Kind() == reflect.Bool:
				visit(path, func(r *KeyRecord) { find(r).SetBool(!find(r).Bool()) })
			case field.Type.Kind() == reflect.Map:
				visit(path, func(r *KeyRecord) {
					longer := map[string]string{"new": "entry"}
					for entry := find(r).MapRange(); entry.Next(); {
						longer[entry.Key().String()] = entry.Value().String()
					}
					find(r).Set(reflect.ValueOf(longer))
				})
			default:
				t.Fatalf("this test knows no way to change %s, a %s", path, field.Type)
			}
		}
	}
	walk(record, "", func(r *KeyRecord) reflect.Value { return reflect.ValueOf(r).Elem() })
}

func TestRotationTimesComeFromTheHistory(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	record := &KeyRecord{
		Rotation:  RotationSettings{Enabled: true, PeriodInDays: 90, EnabledAt: day(1)},
		Rotations: []Rotation{{Time: day(2), Type: Automatic}, {Time: day(3), Type: OnDemand}, {Time: day(4), Type: OnDemand}},
	}
	got := []any{
		record.LastRotation(Automatic, OnDemand), record.LastRotation(Automatic), record.OnDemandCount(), record.NextRotation(),
	}
	want := []any{day(4), day(2), 2, day(2).AddDate(0, 0, 90)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	record.Rotation = RotationSettings{}
	if next := record.NextRotation(); !next.IsZero() {
		t.Errorf("a key without automatic rotation has a next one at %s", next)
	}
}

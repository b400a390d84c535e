// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestMaterialIsNeverPrinted(t *testing.T) {
	m := NewMaterial([]byte("secret noise"))
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("imported", "material", m)
	slog.New(slog.NewTextHandler(&log, nil)).Info("imported", "material", m)
	texts := []string{log.String(), m.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		texts = append(texts, fmt.Sprintf(verb, m), fmt.Sprintf(verb, []*Material{m}))
	}
	for _, text := range texts {
		if !strings.Contains(text, "[redacted]") || strings.Contains(text, "noise") || strings.Contains(text, fmt.Sprintf("%x", "noise")) ||
			strings.Contains(text, "115 101 99") {
			t.Errorf("it prints as %q", text)
		}
	}
	if text, err := json.Marshal(m); !errors.Is(err, errMarshal) {
		t.Errorf("it marshals to %s, %v", text, err)
	}
	if text, err := m.MarshalText(); !errors.Is(err, errMarshal) {
		t.Errorf("it marshals to %s, %v", text, err)
	}
}

func TestWipedMaterialIsGone(t *testing.T) {
	owned := []byte("secret noise")
	m := NewMaterial(owned)
	var lent string
	if err := m.Use(func(b []byte) error { lent = string(b); return nil }); err != nil || lent != "secret noise" {
		t.Errorf("it lends %q, %v", lent, err)
	}
	m.Wipe()
	if !bytes.Equal(owned, make([]byte, len(owned))) {
		t.Errorf("the bytes are still %q", owned)
	}
	if err := m.Use(func([]byte) error { return errors.New("it was lent") }); !errors.Is(err, ErrWiped) {
		t.Errorf("%v, want %v", err, ErrWiped)
	}
	m.Wipe()
}

func TestAnOriginThatIsNotSaidIsAWSKMS(t *testing.T) {
	for origin, want := range map[Origin]Origin{"": OriginAWSKMS, OriginAWSKMS: OriginAWSKMS, OriginExternal: OriginExternal} {
		if got := origin.Or(); got != want {
			t.Errorf("%q is %s, want %s", origin, got, want)
		}
	}
}

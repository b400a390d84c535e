// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/redacttest"
)

func TestMaterialIsNeverPrinted(t *testing.T) {
	m := NewMaterial(redacttest.Secret())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if text := fmt.Sprintf(verb, m); text != "[redacted]" {
			t.Errorf("%s prints %q", verb, text)
		}
	}
	marshalled := map[string]any{"pointer": m, "slice": []*Material{m}, "struct": struct{ M *Material }{m}}
	printed := maps.Clone(marshalled)
	printed["holder"] = struct{ m *Material }{m}
	redacttest.NoVerbPrints(t, printed, redacttest.Secret())
	redacttest.NoLogTells(t, m.String(), printed, redacttest.Secret())
	redacttest.NothingMarshals(t, marshalled, redacttest.Secret())
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

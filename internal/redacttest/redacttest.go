// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package redacttest shows of types that hold a secret that they never give it away: not to any verb of fmt, not to a log,
// not to an encoder, and not from inside of what careless code puts them in.
//
// A test gives the shapes in which such code may have them, under the names by which a failure is told: the value, a
// pointer, slices, maps, and structs with unexported fields, in which fmt reaches no methods.
package redacttest

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// Secret is 32 bytes of which none is common in text, and no two are alike, so that a piece of it is found in any output.
func Secret() []byte {
	b := make([]byte, 32)
	for i := range b {
		b[i] = byte(200 + i)
	}
	return b
}

// Leak returns the form in which output shows a part of the secret, or "". The secret is of at least 9 bytes, and no piece
// of it may stand in the output by chance.
func Leak(output string, secret []byte) string {
	part := secret[3:9] // from a multiple of 3, so that base64 of the whole has base64 of the part in it
	decimal := strings.Trim(fmt.Sprint(part), "[]")
	for form, text := range map[string]string{
		"raw":          string(part),
		"hex":          hex.EncodeToString(part),
		"spaced hex":   fmt.Sprintf("% x", part),
		"Go syntax":    strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", part), "[]byte{"), "}"),
		"decimal":      decimal,
		"JSON numbers": strings.ReplaceAll(decimal, " ", ","),
		"base64":       base64.StdEncoding.EncodeToString(part),
		"octal":        strings.Trim(fmt.Sprintf("%o", part), "[]"),
		"binary":       strings.Trim(fmt.Sprintf("%b", part), "[]"),
		"quoted":       strings.Trim(fmt.Sprintf("%+q", part), `"`),
	} {
		if strings.Contains(strings.ToLower(output), strings.ToLower(text)) {
			return form
		}
	}
	return ""
}

// NoVerbPrints checks that fmt prints no secret of a shape, whatever the verb and its flags.
func NoVerbPrints(t testing.TB, shapes map[string]any, secrets ...[]byte) {
	t.Helper()
	for name, shape := range shapes {
		for _, flags := range []string{"", "+", "#", " ", "0", "-", "+#", "# ", "40.3"} {
			for verb := 'A'; verb <= 'z'; verb++ {
				format := "%" + flags + string(verb)
				refuse(t, format+" of the "+name, fmt.Sprintf(format, shape), secrets)
			}
		}
		refuse(t, "Sprint of the "+name, fmt.Sprint(shape)+fmt.Sprintln(shape), secrets)
	}
}

// NoLogTells checks that the handlers of log/slog write no secret of a shape, and that they write redacted, which is what
// stands in its place.
func NoLogTells(t testing.TB, redacted string, shapes map[string]any, secrets ...[]byte) {
	t.Helper()
	var out bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		for name, shape := range shapes {
			slog.New(handler).Info("test", slog.Any(name, shape))
		}
		if !strings.Contains(out.String(), redacted) {
			t.Errorf("%T does not say that something was redacted", handler)
		}
		refuse(t, fmt.Sprintf("%T", handler), out.String(), secrets)
		out.Reset()
	}
}

// NothingMarshals checks that JSON, XML and gob refuse each of the shapes, and that neither what they wrote until then nor
// the error shows a secret. All that JSON does with unexported fields is to leave them out: such shapes do marshal.
func NothingMarshals(t testing.TB, shapes map[string]any, secrets ...[]byte) {
	t.Helper()
	for encoding, marshal := range map[string]func(any) ([]byte, error){
		"JSON": json.Marshal,
		"XML":  xml.Marshal,
		"gob": func(v any) ([]byte, error) {
			var out bytes.Buffer
			err := gob.NewEncoder(&out).Encode(v)
			return out.Bytes(), err
		},
	} {
		for name, shape := range shapes {
			out, err := marshal(shape)
			if err == nil {
				t.Errorf("%s of the %s succeeded", encoding, name)
			}
			refuse(t, encoding+" of the "+name, string(out)+fmt.Sprint(err), secrets)
		}
	}
}

// refuse fails the test if output shows one of the secrets.
func refuse(t testing.TB, what, output string, secrets [][]byte) {
	t.Helper()
	for _, secret := range secrets {
		if form := Leak(output, secret); form != "" {
			t.Errorf("%s prints the secret (%s): %s", what, form, output)
		}
	}
}

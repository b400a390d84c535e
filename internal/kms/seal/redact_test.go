// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package seal

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

// secretBytes has no byte that is common in text, and no two alike, so that a piece of it is found in any output.
func secretBytes() []byte {
	b := make([]byte, 32)
	for i := range b {
		b[i] = byte(200 + i)
	}
	return b
}

// leak returns how output shows a part of the secret, or "".
func leak(output string) string {
	part := secretBytes()[3:9]
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

// shapes are the key and its set in all the ways that careless code may print them; fmt reaches no methods in the
// unexported fields.
func shapes(t *testing.T) map[string]any {
	key := hide("0123456789abcdef", secretBytes())
	set := must[RootKeys](t)(NewRootKeys(key))
	type holder struct {
		key    RootKey
		set    RootKeys
		keys   []RootKey
		sets   map[string]RootKeys
		keyPtr *RootKey
		setPtr *RootKeys
	}
	h := holder{key, set, []RootKey{key}, map[string]RootKeys{"a": set}, &key, &set}
	return map[string]any{
		"key": key, "set": set, "key pointer": &key, "set pointer": &set,
		"holder": h, "holder pointer": &h, "slice": []any{key, set, &key, &set},
	}
}

func TestNoVerbOfFmtPrintsARootKey(t *testing.T) {
	for name, shape := range shapes(t) {
		for _, flags := range []string{"", "+", "#", " ", "0", "-", "+#", "# ", "40.3"} {
			for verb := 'A'; verb <= 'z'; verb++ {
				output := fmt.Sprintf("%"+flags+string(verb), shape)
				if form := leak(output); form != "" {
					t.Errorf("%%%s%c of the %s prints the key (%s)", flags, verb, name, form)
				}
			}
		}
	}
	key := fmt.Sprintf("%x", secretBytes())
	if leak(key) == "" || leak(fmt.Sprint(secretBytes())) == "" {
		t.Error("this test would not see a leak")
	}
}

func TestRootKeysPrintTheirIdentifiers(t *testing.T) {
	const (
		wantKey = `[redacted root key 0123456789abcdef]`
		wantSet = `[redacted root keys ["0123456789abcdef"], current "0123456789abcdef"]`
	)
	all := shapes(t)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(format, all["key"]); got != wantKey {
			t.Errorf("%s of a key: %s", format, got)
		}
		if got := fmt.Sprintf(format, all["set"]); got != wantSet {
			t.Errorf("%s of a set: %s", format, got)
		}
	}
	key := hide("0123456789abcdef", secretBytes())
	set := must[RootKeys](t)(NewRootKeys(key))
	for want, v := range map[string]interface {
		fmt.GoStringer
		slog.LogValuer
	}{wantKey: key, wantSet: set} {
		if v.GoString() != want || v.LogValue().String() != want {
			t.Errorf("got %s and %s", v.GoString(), v.LogValue())
		}
	}
}

func TestLoggingPrintsNoRootKey(t *testing.T) {
	var out bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		for name, shape := range shapes(t) {
			slog.New(handler).Info("test", name, shape)
		}
		if !strings.Contains(out.String(), "[redacted root key 0123456789abcdef]") {
			t.Errorf("%T does not say that something was redacted", handler)
		}
		if form := leak(out.String()); form != "" {
			t.Errorf("%T prints a key (%s)", handler, form)
		}
		out.Reset()
	}
}

func TestMarshallingRootKeysFails(t *testing.T) {
	marshallers := map[string]func(any) ([]byte, error){
		"json": json.Marshal,
		"xml":  xml.Marshal,
		"gob": func(v any) ([]byte, error) {
			var out bytes.Buffer
			err := gob.NewEncoder(&out).Encode(v)
			return out.Bytes(), err
		},
	}
	all := shapes(t)
	for name, marshal := range marshallers {
		for _, shape := range []string{"key", "set", "key pointer", "set pointer", "slice"} {
			out, err := marshal(all[shape])
			if err == nil {
				t.Errorf("%s of the %s succeeded", name, shape)
			}
			if form := leak(string(out) + fmt.Sprint(err)); form != "" {
				t.Errorf("%s of the %s prints the key (%s)", name, shape, form)
			}
		}
	}
}

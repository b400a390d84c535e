// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

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

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
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
	forms := map[string]string{
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
	}
	for form, text := range forms {
		if strings.Contains(strings.ToLower(output), strings.ToLower(text)) {
			return form
		}
	}
	return ""
}

// holder is what careless code prints: fmt can reach neither field's methods but the first one's.
type holder struct {
	Public  Material
	private Material
	pointer *Material
	list    []Material
	byName  map[string]Material
}

func shapes(m Material) map[string]any {
	h := holder{m, m, &m, []Material{m}, map[string]Material{"a": m}}
	return map[string]any{
		"value": m, "pointer": &m, "slice": []Material{m}, "map": map[string]Material{"a": m},
		"struct": h, "pointer to struct": &h, "any": any(m),
	}
}

func TestTheLeakDetectorSeesEveryFormOfTheBytes(t *testing.T) {
	b := secretBytes()
	jsonNumbers, err := json.Marshal([32]byte(b))
	if err != nil {
		t.Fatal(err)
	}
	for _, output := range []string{
		string(b), string(jsonNumbers), base64.StdEncoding.EncodeToString(b),
		fmt.Sprintf("%x", b), fmt.Sprintf("%X", b), fmt.Sprintf("% X", b), fmt.Sprintf("%v", b), fmt.Sprintf("%#v", b),
		fmt.Sprintf("%o", b), fmt.Sprintf("%b", b), fmt.Sprintf("%+q", b),
	} {
		if leak(output) == "" {
			t.Errorf("not seen in %s", output)
		}
	}
}

func TestNoVerbOfFmtPrintsTheBytes(t *testing.T) {
	m := mustParse(t, keyspec.SymmetricDefault, secretBytes())
	for name, shape := range shapes(m) {
		for _, flags := range []string{"", "+", "#", " ", "0", "-", "+#", "# ", "40.3"} {
			for verb := 'A'; verb <= 'z'; verb++ {
				output := fmt.Sprintf("%"+flags+string(verb), shape)
				if form := leak(output); form != "" {
					t.Errorf("%%%s%c of a %s prints the bytes (%s): %s", flags, verb, name, form, output)
				}
			}
		}
		if form := leak(fmt.Sprint(shape) + fmt.Sprintln(shape)); form != "" {
			t.Errorf("Sprint of a %s prints the bytes (%s)", name, form)
		}
	}
}

func TestMaterialPrintsItsSpec(t *testing.T) {
	const want = "[redacted SYMMETRIC_DEFAULT]"
	m := mustParse(t, keyspec.SymmetricDefault, secretBytes())
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T%[1]v"} {
		if got := strings.TrimPrefix(fmt.Sprintf(format, m), "material.Material"); got != want {
			t.Errorf("%s: got %s", format, got)
		}
	}
	if m.String() != want || m.GoString() != want || m.LogValue().String() != want {
		t.Errorf("got %s, %s, %s", m.String(), m.GoString(), m.LogValue())
	}
	if got := fmt.Sprint(holder{Public: m}.Public, &m); got != want+" "+want {
		t.Errorf("got %s", got)
	}
}

func TestLoggingPrintsTheSpecAlone(t *testing.T) {
	m := mustParse(t, keyspec.SymmetricDefault, secretBytes())
	var out bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		for name, shape := range shapes(m) {
			slog.New(handler).Info("test", name, shape)
		}
		slog.New(handler).Info("test", "material", m)
		if !strings.Contains(out.String(), "[redacted SYMMETRIC_DEFAULT]") {
			t.Errorf("%T does not say that something was redacted", handler)
		}
		if form := leak(out.String()); form != "" {
			t.Errorf("%T prints the bytes (%s)", handler, form)
		}
		out.Reset()
	}
}

func TestMarshallingFails(t *testing.T) {
	m := mustParse(t, keyspec.SymmetricDefault, secretBytes())
	marshallers := map[string]func(any) ([]byte, error){
		"json": json.Marshal,
		"xml":  xml.Marshal,
		"gob": func(v any) ([]byte, error) {
			var out bytes.Buffer
			err := gob.NewEncoder(&out).Encode(v)
			return out.Bytes(), err
		},
	}
	for name, marshal := range marshallers {
		for _, v := range []any{m, &m, struct{ M Material }{m}, []Material{m}} {
			out, err := marshal(v)
			if err == nil {
				t.Errorf("%s of %T succeeded", name, v)
			}
			if form := leak(string(out) + fmt.Sprint(err)); form != "" {
				t.Errorf("%s of %T prints the bytes (%s)", name, v, form)
			}
		}
	}
	if out, err := json.Marshal(map[Material]string{m: "key of a map"}); err == nil {
		t.Errorf("as a map's key: got %s", out)
	}
}

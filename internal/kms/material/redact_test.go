// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/redacttest"
)

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

func hidden(t *testing.T) Material {
	t.Helper()
	return mustParse(t, keyspec.SymmetricDefault, redacttest.Secret())
}

func TestNoVerbOfFmtPrintsTheBytes(t *testing.T) {
	redacttest.NoVerbPrints(t, shapes(hidden(t)), redacttest.Secret())
}

func TestMaterialPrintsItsSpec(t *testing.T) {
	const want = "[redacted SYMMETRIC_DEFAULT]"
	m := hidden(t)
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
	redacttest.NoLogTells(t, "[redacted SYMMETRIC_DEFAULT]", shapes(hidden(t)), redacttest.Secret())
}

func TestMarshallingFails(t *testing.T) {
	m := hidden(t)
	redacttest.NothingMarshals(t, map[string]any{
		"value": m, "pointer": &m, "struct": struct{ M Material }{m}, "slice": []Material{m},
	}, redacttest.Secret())
	if out, err := json.Marshal(map[Material]string{m: "key of a map"}); err == nil {
		t.Errorf("as a map's key: got %s", out)
	}
}

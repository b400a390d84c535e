// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/redacttest"
)

// shapes are the key and its set in all the ways that careless code may print them; fmt reaches no methods in the
// unexported fields.
func shapes(t *testing.T) map[string]any {
	key := hide("0123456789abcdef", redacttest.Secret())
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
	redacttest.NoVerbPrints(t, shapes(t), redacttest.Secret())
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
	key := hide("0123456789abcdef", redacttest.Secret())
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
	redacttest.NoLogTells(t, "[redacted root key 0123456789abcdef]", shapes(t), redacttest.Secret())
}

func TestMarshallingRootKeysFails(t *testing.T) {
	marshalled := shapes(t)
	delete(marshalled, "holder")
	delete(marshalled, "holder pointer")
	redacttest.NothingMarshals(t, marshalled, redacttest.Secret())
}

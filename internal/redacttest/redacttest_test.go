// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package redacttest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"testing"
)

func TestEveryFormOfTheBytesIsALeak(t *testing.T) {
	b := Secret()
	jsonNumbers, err := json.Marshal([32]byte(b))
	if err != nil {
		t.Fatal(err)
	}
	for _, output := range []string{
		string(b), string(jsonNumbers), base64.StdEncoding.EncodeToString(b),
		fmt.Sprintf("%x", b), fmt.Sprintf("%X", b), fmt.Sprintf("% X", b), fmt.Sprintf("%v", b), fmt.Sprintf("%#v", b),
		fmt.Sprintf("%o", b), fmt.Sprintf("%b", b), fmt.Sprintf("%+q", b),
	} {
		if Leak(output, b) == "" {
			t.Errorf("not seen in %s", output)
		}
	}
	if form := Leak("[redacted]", b); form != "" {
		t.Errorf("seen in what is redacted, as %s", form)
	}
}

// counter counts the failures that a check reports.
type counter struct {
	testing.TB

	failures int
}

func (*counter) Helper() {}

func (c *counter) Errorf(string, ...any) { c.failures++ }

func TestEachCheckFailsForATypeThatHidesNothing(t *testing.T) {
	open := map[string]any{"key": Secret(), "holder": struct{ Key []byte }{Secret()}}
	for name, check := range map[string]func(testing.TB, map[string]any, ...[]byte){
		"printing": NoVerbPrints,
		"logging": func(t testing.TB, shapes map[string]any, secrets ...[]byte) {
			t.Helper()
			NoLogTells(t, "key", shapes, secrets...)
		},
		"marshalling": NothingMarshals,
	} {
		seen := &counter{}
		check(seen, open, []byte("another secret"), Secret())
		if seen.failures == 0 {
			t.Errorf("%s is not seen", name)
		}
	}
}

func TestALogThatDoesNotSayWhatItLeftOutFails(t *testing.T) {
	seen := &counter{}
	NoLogTells(seen, "[redacted]", map[string]any{"key": "nothing"}, Secret())
	if seen.failures != 2 {
		t.Errorf("%d failures, want one for each handler", seen.failures)
	}
}

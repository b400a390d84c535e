// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/redacttest"
)

// The value is AWS's own, from "Deriving the signing key" in the AWS General Reference.
func TestDeriveKeyGivesTheDocumentedSigningKey(t *testing.T) {
	key := derive("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", Scope{Date: "20150830", Region: "us-east-1", Service: "iam"})
	const want = "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"
	if got := hex.EncodeToString(key); got != want {
		t.Errorf("signing key is %s, want %s", got, want)
	}
}

func TestAKeyPrintsRedactedWhateverTheVerb(t *testing.T) {
	scope := Scope{Date: "20150830", Region: "us-east-1", Service: "iam"}
	key := DeriveKey("secret", scope)
	key.sign([]byte("a string to sign")) // so that it has an HMAC
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{key, *key, []Key{*key}, struct{ K Key }{*key}} {
			if text := fmt.Sprintf(verb, value); !strings.Contains(text, "redacted") {
				t.Errorf("%s of %T prints %s", verb, value, text)
			}
		}
	}
	shapes := map[string]any{"key": key, "value": *key, "holder": struct {
		key     Key
		pointer *Key
	}{*key, key}}
	redacttest.NoVerbPrints(t, shapes, derive("secret", scope))
	redacttest.NoLogTells(t, "redacted", shapes, derive("secret", scope))
}

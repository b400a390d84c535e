// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/redacttest"
)

// The secret has no two characters alike, so that a piece of it is found in any output.
const hidden = "qzjxvkwypfmbgculdrhstnioea0123456789/+=&"

func secretShapes() (shapes map[string]any, secrets [][]byte) {
	secret := NewSecretAccessKey(hidden)
	key := redacttest.Secret()
	keys := Keys{[]sessionKey{hideKey("0123456789abcdef", start, key)}}
	type holder struct {
		secret     SecretAccessKey
		keys       Keys
		credential *Credential
	}
	h := holder{secret, keys, &Credential{SecretAccessKey: secret}}
	return map[string]any{
		"secret": secret, "pointer": &secret, "credential": *h.credential, "issued": Issued{Credential: *h.credential},
		"keys": keys, "key": keys.byAge[0], "holder": h, "holder pointer": &h, "list": []any{secret, keys},
		"static keys": StaticKeys{map[string]Credential{"a": *h.credential}},
	}, [][]byte{[]byte(hidden), key}
}

func TestNoVerbOfFmtPrintsASecret(t *testing.T) {
	shapes, secrets := secretShapes()
	redacttest.NoVerbPrints(t, shapes, secrets...)
}

func TestSecretsSayThatTheyAreRedacted(t *testing.T) {
	shapes, secrets := secretShapes()
	for name, want := range map[string]string{
		"secret": "[redacted secret access key]", "keys": `[redacted session keys ["0123456789abcdef"]]`,
	} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if got := fmt.Sprintf(format, shapes[name]); got != want {
				t.Errorf("%s of %s: %s", format, name, got)
			}
		}
		shape, ok := shapes[name].(interface {
			fmt.Stringer
			fmt.GoStringer
			slog.LogValuer
		})
		if !ok || shape.String() != want || shape.GoString() != want || shape.LogValue().String() != want {
			t.Errorf("%s: %v", name, shape)
		}
	}
	redacttest.NoLogTells(t, "[redacted secret access key]", shapes, secrets...)
}

func TestMarshallingSecretsFails(t *testing.T) {
	shapes, secrets := secretShapes()
	for _, name := range []string{"key", "holder", "holder pointer", "static keys"} { // unexported fields are left out
		delete(shapes, name)
	}
	redacttest.NothingMarshals(t, shapes, secrets...)
}

func TestSecretsCompareAndReveal(t *testing.T) {
	secret := NewSecretAccessKey(hidden)
	if secret.Reveal() != hidden || (SecretAccessKey{}).Reveal() != "" {
		t.Error("Reveal does not return what was hidden")
	}
	if !secret.Equal(NewSecretAccessKey(hidden)) || secret.Equal(NewSecretAccessKey(hidden[1:])) || secret.Equal(SecretAccessKey{}) {
		t.Error("Equal is wrong")
	}
}

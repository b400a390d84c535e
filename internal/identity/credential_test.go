// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// The secret has no two characters alike, so that a piece of it is found in any output.
const hidden = "qzjxvkwypfmbgculdrhstnioea0123456789/+=&"

// leaks finds a part of the secret: as text, hex, or numbers.
func leaks(output string, secret []byte) bool {
	part := secret[5:11]
	decimal := strings.Trim(fmt.Sprint(part), "[]")
	for _, form := range []string{
		string(part), fmt.Sprintf("%x", part), fmt.Sprintf("% x", part), decimal, strings.ReplaceAll(decimal, " ", ","),
		strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", part), "[]byte{"), "}"),
	} {
		if strings.Contains(strings.ToLower(output), strings.ToLower(form)) {
			return true
		}
	}
	return false
}

func secretShapes() (shapes map[string]any, secrets [][]byte) {
	secret := NewSecretAccessKey(hidden)
	key := bytes.Repeat([]byte{0}, sessionKeySize)
	for i := range key {
		key[i] = byte(200 + i)
	}
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
	for name, shape := range shapes {
		for _, flags := range []string{"", "+", "#", " ", "0", "-", "40.3"} {
			for verb := 'A'; verb <= 'z'; verb++ {
				output := fmt.Sprintf("%"+flags+string(verb), shape)
				for _, secret := range secrets {
					if leaks(output, secret) {
						t.Errorf("%%%s%c of the %s prints a secret", flags, verb, name)
					}
				}
			}
		}
	}
	if !leaks(hidden, secrets[0]) || !leaks(fmt.Sprintf("%v", secrets[1]), secrets[1]) {
		t.Error("this test would not see a leak")
	}
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
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	for name, shape := range shapes {
		log.Info("test", name, shape)
	}
	if leaks(out.String(), secrets[0]) || leaks(out.String(), secrets[1]) || !strings.Contains(out.String(), "[redacted") {
		t.Errorf("slog prints %s", &out)
	}
}

func TestMarshallingSecretsFails(t *testing.T) {
	shapes, _ := secretShapes()
	for _, name := range []string{"secret", "pointer", "credential", "issued", "keys", "list"} {
		if out, err := json.Marshal(shapes[name]); err == nil {
			t.Errorf("JSON of the %s: %s", name, out)
		}
	}
	for _, name := range []string{"secret", "keys"} {
		if out, err := xml.Marshal(shapes[name]); err == nil {
			t.Errorf("XML of the %s: %s", name, out)
		}
		if err := gob.NewEncoder(&bytes.Buffer{}).Encode(shapes[name]); err == nil {
			t.Errorf("gob of the %s", name)
		}
	}
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

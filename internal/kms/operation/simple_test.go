// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

// simpleBodies are of Encrypt, and read without package json.
var simpleBodies = []string{
	`{"KeyId":"alias/app","Plaintext":"c2VjcmV0"}`,
	`{"Plaintext":"c2VjcmV0IQ==","KeyId":"alias/app","EncryptionContext":{"tenant":"42","":"<&>"},"DryRun":true}`,
	" { \"KeyId\" : \"\" ,\r\n\t\"DryRun\" : false } ",
}

// otherBodies are of Encrypt too, and left to package json.
var otherBodies = []string{
	"", "{}", "[]", "null", `"KeyId"`, `{`, `{"KeyId"`, `{"KeyId":`, `{"KeyId":"k"`, `{"KeyId":"k",}`, `{,"KeyId":"k"}`, `{"KeyId":"k"}}`,
	`{"KeyId":"k"} {}`, `{"KeyId":"k" "DryRun":true}`, `{"KeyId":"k","KeyId":"k"}`, `{"keyid":"k"}`, `{"Unknown":"k"}`, `{"KeyId":7}`,
	`{"KeyId":"\u006b"}`, `{"\u004beyId":"k"}`, `{"KeyId":"a\"b"}`, "{\"KeyId\":\"\xff\"}", "{\"KeyId\":\"\n\"}", `{"KeyId":"schlüssel"}`,
	`{"KeyId":null}`, `{"DryRun":"true"}`, `{"DryRun":truer}`, `{"DryRun":1}`, `{"Plaintext":""}`, `{"Plaintext":"AA"}`, `{"Plaintext":"A==="}`,
	"{\"Plaintext\":\"AA\n==\"}", `{"Plaintext":"AA==AA=="}`, `{"Plaintext":"-_-_"}`, `{"Plaintext":"AA\/A"}`, `{"Plaintext":[1]}`,
	`{"EncryptionContext":{}}`, `{"EncryptionContext":{"a":1}}`, `{"EncryptionContext":{"a":"b","a":"b"}}`, `{"EncryptionContext":{"a":"\n"}}`,
	`{"EncryptionContext":{"ä":"b"}}`, `{"GrantTokens":["a"]}`, `{"GrantTokens":"a"}`,
}

func TestASimpleBodyIsReadWithoutPackageJSONAndEveryOtherOneByIt(t *testing.T) {
	op, _ := Lookup("Encrypt")
	for _, body := range simpleBodies {
		if !op.input.decodeSimple([]byte(body), reflect.New(op.input.typ).Elem()) {
			t.Errorf("%s is not read", body)
		}
	}
	for _, body := range otherBodies {
		if op.input.decodeSimple([]byte(body), reflect.New(op.input.typ).Elem()) {
			t.Errorf("%s is read", body)
		}
	}
}

// FuzzDecodeSimple has bodies of every operation read in both ways.
func FuzzDecodeSimple(f *testing.F) {
	ops := All()
	for which, op := range ops {
		if op.Name == "Encrypt" || op.Name == "TagResource" {
			for _, body := range append(simpleBodies, otherBodies...) {
				f.Add(byte(which), []byte(body))
			}
		}
	}
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		shape := ops[int(which)%len(ops)].input
		if shape == nil {
			return
		}
		simple, full := reflect.New(shape.typ), reflect.New(shape.typ)
		if !shape.decodeSimple(body, simple.Elem()) {
			return
		}
		if err := json.Unmarshal(body, full.Interface()); err != nil {
			t.Fatalf("package json refuses %q: %v", body, err)
		}
		if diff := cmp.Diff(full.Interface(), simple.Interface()); diff != "" {
			t.Errorf("%q is read as something else (-json +here):\n%s", body, diff)
		}
	})
}

func TestBlobsAreDecodedBehindTheBodyOfOperationsThatUseAKeyAlone(t *testing.T) {
	for _, c := range []struct{ operation, body, behind string }{
		{"Encrypt", `{"Plaintext":"c2VjcmV0","KeyId":"k"}`, "secret"},
		{"VerifyMac", `{"Message":"c2VjcmV0","Mac":"bWFj"}`, "secretmac"},
		{"ImportKeyMaterial", `{"EncryptedKeyMaterial":"c2VjcmV0"}`, ""},
	} {
		op, _ := Lookup(c.operation)
		body := append(make([]byte, 0, 2*len(c.body)), c.body...)
		if _, err := op.decode(body); err != nil {
			t.Fatal(err)
		}
		if behind := bytes.TrimRight(body[len(body):cap(body)], "\x00"); string(behind) != c.behind || string(body) != c.body {
			t.Errorf("%s leaves %q behind %q", c.operation, behind, body)
		}
	}
}

func TestABlobThatDoesNotFitBehindTheBodyIsDecodedElsewhere(t *testing.T) {
	op, _ := Lookup("Encrypt")
	body := append(make([]byte, 0, 50), `{"Plaintext":"c2VjcmV0c2VjcmV0c2VjcmV0"}`...)
	in, err := op.decode(body)
	if encrypt, ok := in.(*EncryptInput); err != nil || !ok || string(encrypt.Plaintext) != "secretsecretsecret" {
		t.Errorf("the input is %v, %v", in, err)
	}
}

func TestAnAnswerIsWrittenAsPackageJSONWritesIt(t *testing.T) {
	for _, values := range []struct {
		text string
		blob []byte
		yes  bool
	}{
		{}, {text: "arn:aws:kms", blob: []byte("secret"), yes: true}, {text: "x"}, {blob: []byte{}}, {blob: []byte{0xff}}, {yes: true},
		{text: "<a&b>", yes: true}, {text: `"`}, {text: `\`}, {text: "\x7f"}, {text: "ü", blob: []byte{1, 2}}, {text: "a\n"}, {text: "\u2028"},
	} {
		for _, op := range All() {
			if op.simple == nil {
				continue
			}
			out := reflect.New(op.output)
			for i := range op.output.NumField() {
				switch field := out.Elem().Field(i); field.Kind() {
				case reflect.String:
					field.SetString(values.text)
				case reflect.Bool:
					field.SetBool(values.yes)
				default:
					field.SetBytes(values.blob)
				}
			}
			want, err := json.Marshal(out.Interface())
			if err != nil {
				t.Fatal(err)
			}
			if got, err := op.encode(nil, out.Interface()); err != nil || string(got) != string(want) {
				t.Errorf("%s answers %s, %v; package json writes %s", op.Name, got, err, want)
			}
		}
	}
}

func TestTheAnswersOfCryptographicOperationsAreSimple(t *testing.T) {
	for _, name := range []string{"Encrypt", "Decrypt", "ReEncrypt", "GenerateDataKey", "GenerateRandom", "Sign", "GenerateMac"} {
		if op, _ := Lookup(name); op.simple == nil {
			t.Errorf("the answer of %s is not", name)
		}
	}
}

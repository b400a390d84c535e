// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

// hidden is the text that stands for a secret in the seeds; it is valid base64.
const hidden = "c2VjcmV0IQ=="

// FuzzDecode gives bodies to decode and prepare of every operation: they never panic, they refuse with one of their two
// errors, and what stands in a secret member alone is not in the error.
func FuzzDecode(f *testing.F) {
	for _, body := range []string{
		`{"KeyId":"alias/app","Plaintext":"` + hidden + `","EncryptionContext":{"tenant":"42"}}`,
		`{"KeyId":7,"Plaintext":"` + hidden + `"}`,
		`{"KeyId":"alias/app","Plaintext":"` + hidden + `!","DryRun":true}`,
		`{"KeyId":"alias/app","Plaintext":{"` + hidden + `":"` + hidden + `"}}`,
		`{"KeyId":"alias/app","Plaintext":"` + hidden + `","Plaintext":"` + hidden + `"}`,
		`{"KeyId":"k","Message":"` + hidden + `","MessageType":"WRONG","SigningAlgorithm":"ECDSA_SHA_256"}`,
		`{"KeyId":"k","GrantTokens":["` + hidden + `",7]}`,
		`{"KeyId":"k","GrantTokens":["` + strings.Repeat(hidden, 800) + `"],"KeySpec":"AES_256","NumberOfBytes":0}`,
		`{"Tags":[{"TagKey":"a","TagValue":null}],"KeySpec":"RSA_1024","MultiRegion":"yes"}`,
		`{"KeyId":"k","ImportToken":"AA==","EncryptedKeyMaterial":"` + hidden + `","ValidTo":1.8e9}`,
		`{"KeyId":"k","ValidTo":1e400,"PendingWindowInDays":99999999999}`,
		`{"Constraints":{"EncryptionContextSubset":{"a":1}},"Operations":["Decrypt","Destroy"]}`,
		`{"Recipient":{"AttestationDocument":"AA=="},"CiphertextBlob":"AA==","DryRunModifiers":["IGNORE_CIPHERTEXT"]}`,
		`{"NumberOfBytes":-1}`, "", "null", "[]", "{", `{"KeyId":"` + "\xff" + `"}`, strings.Repeat("[", 20000),
	} {
		for _, op := range []byte{0, 7, 11, 23, 42} {
			f.Add(op, []byte(body))
		}
	}
	ops := All()
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		op := ops[int(which)%len(ops)]
		in, err := op.decode(body)
		if err == nil {
			err = op.input.prepare(in, emptyTexts(body))
		}
		if err == nil {
			return
		}
		known, ok := errors.AsType[*kms.Error](err)
		if !ok {
			t.Fatalf("%s: %v is no *kms.Error", op.Name, err)
		}
		switch known.Code {
		case kms.SerializationException, kms.ValidationException, kms.UnsupportedOperationException:
		default:
			t.Errorf("%s: the code is %s", op.Name, known.Code)
		}
		if strings.Contains(known.Message, hidden) && !disclosed(op, body) {
			t.Errorf("%s: the error tells what is secret: %s", op.Name, known.Message)
		}
	})
}

// disclosed says whether the hidden text is in a member that may be quoted, or anywhere in a body that is no object, where
// a test cannot tell.
func disclosed(op *Operation, body []byte) bool {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return false
	}
	secret := map[string]bool{}
	for _, m := range op.input.members {
		secret[m.name] = m.secret
	}
	for name, value := range members {
		if strings.Contains(name, hidden) || !secret[lowerFirst(name)] && strings.Contains(string(value), hidden) {
			return true
		}
	}
	return false
}

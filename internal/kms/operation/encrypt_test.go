// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

func TestEncryptAnswersWithTheKeysARNAndRecordsNoPlaintext(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	out := w.must(root(), "Encrypt", object{
		"KeyId": keyID, "Plaintext": []byte("attack at dawn"), "EncryptionContext": object{"tenant": "42"},
	})
	arn := "arn:aws:kms:" + home + ":" + account + ":key/" + keyID
	if out["KeyId"] != arn || out["EncryptionAlgorithm"] != "SYMMETRIC_DEFAULT" {
		t.Errorf("the answer is %v", out)
	}
	event := w.events.last()
	if event.Name != "Encrypt" || !event.ReadOnly || event.Resources[0].ARN != arn || event.ResponseElements != nil {
		t.Errorf("the event is %+v", event)
	}
	parameters := event.RequestParameters
	if parameters["keyId"] != keyID || parameters["encryptionAlgorithm"] != "SYMMETRIC_DEFAULT" || len(parameters) != 3 {
		t.Errorf("the parameters are %v", parameters)
	}
}

func TestARequestThatCannotBeRecordedIsNotAnswered(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	w.events.fail = errors.New("the disk is full")
	w.refused(root(), "Encrypt", object{"KeyId": keyID, "Plaintext": []byte("x")}, kms.KMSInternalException)
}

func TestBrokenRequestsAreRefusedInAWSsWordsAndWithoutTheirSecrets(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	tests := map[string]struct {
		in   any
		code kms.Code
		want string
	}{
		"no key": {
			object{"Plaintext": []byte("x")}, kms.ValidationException,
			"1 validation error detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null",
		},
		"over-long plaintext": {
			object{"KeyId": keyID, "Plaintext": make([]byte, 4097)}, kms.ValidationException,
			"1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096",
		},
		"two mistakes": {
			object{"EncryptionAlgorithm": "ROT13", "KeyId": keyID}, kms.ValidationException,
			"2 validation errors detected: Value null at 'plaintext' failed to satisfy constraint: Member must not be null; " +
				"Value 'ROT13' at 'encryptionAlgorithm' failed to satisfy constraint: Member must satisfy enum value set: " +
				"[SYMMETRIC_DEFAULT, RSAES_OAEP_SHA_1, RSAES_OAEP_SHA_256, SM2PKE]",
		},
		"an empty text": {
			object{"KeyId": "", "Plaintext": []byte("x"), "EncryptionAlgorithm": ""}, kms.ValidationException,
			"2 validation errors detected: Value '' at 'keyId' failed to satisfy constraint: Member must have length greater than or equal to 1; " +
				"Value '' at 'encryptionAlgorithm' failed to satisfy constraint: Member must satisfy enum value set: " +
				"[SYMMETRIC_DEFAULT, RSAES_OAEP_SHA_1, RSAES_OAEP_SHA_256, SM2PKE]",
		},
		"no ARN":              {object{"KeyId": "arn:aws:kms:nonsense", "Plaintext": []byte("x")}, kms.NotFoundException, "Invalid arn 'arn:aws:kms:nonsense'"},
		"a number for a text": {object{"KeyId": 7}, kms.SerializationException, "The value of /KeyId has a wrong type."},
		"no base64":           {object{"KeyId": keyID, "Plaintext": "secret!"}, kms.SerializationException, "The value of /Plaintext has a wrong type."},
		"an array":            {[]int{1}, kms.SerializationException, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w.t = t
			got := w.refused(root(), "Encrypt", tt.in, tt.code)
			if tt.want != "" && got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if strings.Contains(got, "secret") || strings.Contains(got, base64.StdEncoding.EncodeToString([]byte("secret"))) {
				t.Errorf("the error quotes the plaintext: %s", got)
			}
		})
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

func TestAnImportThatIsNotRightIsRefused(t *testing.T) {
	w := newWorld(t)
	i := w.external(kms.CreateKeyInput{})
	other := w.external(kms.CreateKeyInput{})
	hmac := w.external(kms.CreateKeyInput{Spec: keyspec.HMAC256, Usage: keyspec.GenerateVerifyMAC})
	flippedToken := slices.Clone(blob(t, i.parameters, "ImportToken"))
	flippedToken[len(flippedToken)-1] ^= 1
	good := i.request(secretOf("a"), nil)
	for name, tt := range map[string]struct {
		in   object
		code kms.Code
		text string
	}{
		"no expiry": {
			with(good, object{"ExpirationModel": nil}), kms.ValidationException,
			"A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES",
		},
		"an expiry for what does not expire": {
			with(good, object{"ValidTo": begin.Add(hour).Unix()}), kms.ValidationException,
			"A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE",
		},
		"an expiry in the past": {
			with(good, object{"ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": begin.Unix()}), kms.ValidationException,
			"The validTo date must be in the future",
		},
		"an expiry too far off": {
			with(good, object{"ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": begin.Add(365*24*hour + time.Second).Unix()}),
			kms.ValidationException, "The validTo date must be within 365 days from now",
		},
		"a forged token": {with(good, object{"ImportToken": flippedToken}), kms.InvalidImportTokenException, ""},
		"another key's token": {
			with(good, object{"ImportToken": other.parameters["ImportToken"]}), kms.InvalidImportTokenException,
			"The provided import token is invalid or is associated with a different KMS key.",
		},
		"garbage": {with(good, object{"EncryptedKeyMaterial": []byte("garbage")}), kms.InvalidCiphertextException, ""},
		"another wrapping key's material": {
			with(good, object{"EncryptedKeyMaterial": other.request(secretOf("a"), nil)["EncryptedKeyMaterial"]}),
			kms.InvalidCiphertextException, "",
		},
		"too short a key": {
			i.request([]byte("short"), nil), kms.IncorrectKeyMaterialException,
			"The key material is not valid for key spec SYMMETRIC_DEFAULT.",
		},
		"material that must be there and is not": {
			i.request(secretOf("a"), object{"ImportType": "EXISTING_KEY_MATERIAL"}), kms.IncorrectKeyMaterialException,
			"The key material is not the same as what was imported into " + arnOf(i.keyID) + " before.",
		},
		"another ID": {
			i.request(secretOf("a"), object{"KeyMaterialId": strings.Repeat("0", 64)}), kms.IncorrectKeyMaterialException, "",
		},
		"an ID for new material": {
			i.request(secretOf("a"), object{"ImportType": "NEW_KEY_MATERIAL", "KeyMaterialId": strings.Repeat("0", 64)}),
			kms.ValidationException, "A keyMaterialId must not be set if the ImportType is NEW_KEY_MATERIAL",
		},
		"a type for a key that takes none": {
			hmac.request(secretOf("a"), object{"ImportType": "NEW_KEY_MATERIAL"}), kms.ValidationException,
			"ImportType is valid for symmetric encryption keys only, and the key spec is HMAC_256.",
		},
		"a description for a key that takes none": {
			hmac.request(secretOf("a"), object{"KeyMaterialDescription": "x"}), kms.ValidationException, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			if got := w.refused(root(), "ImportKeyMaterial", tt.in, tt.code); tt.text != "" && got != tt.text {
				t.Errorf("got  %s\nwant %s", got, tt.text)
			}
			if state := w.stateOf(i.keyID); state != "PendingImport" {
				t.Errorf("the key is %s", state)
			}
		})
	}
}

func TestEveryFlippedBitOfTheEncryptedMaterialIsAnInvalidCiphertext(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{Origin: keyring.OriginExternal})
	parameters := w.must(root(), "GetParametersForImport", object{
		"KeyId": keyID, "WrappingAlgorithm": "RSA_AES_KEY_WRAP_SHA_256", "WrappingKeySpec": "RSA_2048",
	})
	secret := wrapped(t, parameters, "RSA_AES_KEY_WRAP_SHA_256", secretOf("a"))
	for at := 0; at < len(secret); at += 7 {
		broken := slices.Clone(secret)
		broken[at] ^= 1
		message := w.refused(root(), "ImportKeyMaterial", object{
			"KeyId": keyID, "ImportToken": parameters["ImportToken"], "EncryptedKeyMaterial": broken, "ExpirationModel": doesNotExpire,
		}, kms.InvalidCiphertextException)
		if message != "" {
			t.Fatalf("byte %d: the error tells %q", at, message)
		}
	}
}

func TestOnlyKeysOfImportedMaterialAreImportedInto(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{Disabled: true})
	for name, in := range map[string]object{
		"GetParametersForImport":    {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"},
		"ImportKeyMaterial":         {"ImportToken": []byte("x"), "EncryptedKeyMaterial": []byte("x")},
		"DeleteImportedKeyMaterial": {},
	} {
		for _, state := range everyState {
			w.edit(keyID, func(r *keyring.KeyRecord) { r.State = state })
			got := w.refused(root(), name, plus(in, "KeyId", keyID), kms.UnsupportedOperationException)
			if want := arnOf(keyID) + " origin is AWS_KMS which is not valid for this operation."; got != want {
				t.Errorf("%s when %s: got  %s\nwant %s", name, state, got, want)
			}
		}
	}
}

func TestWrappingAlgorithmsThatAreNotOfferedAreRefused(t *testing.T) {
	w := newWorld(t)
	symmetric := w.newKey(kms.CreateKeyInput{Origin: keyring.OriginExternal})
	pair := w.newKey(kms.CreateKeyInput{Spec: keyspec.RSA2048, Usage: keyspec.SignVerify, Origin: keyring.OriginExternal})
	for _, in := range []object{
		{"KeyId": symmetric, "WrappingAlgorithm": "RSAES_PKCS1_V1_5", "WrappingKeySpec": "RSA_2048"},
		{"KeyId": symmetric, "WrappingAlgorithm": "SM2PKE", "WrappingKeySpec": "SM2"},
		{"KeyId": symmetric, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "SM2"},
		{"KeyId": pair, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_4096"},
	} {
		w.refused(root(), "GetParametersForImport", in, kms.UnsupportedOperationException)
	}
	w.refused(root(), "GetParametersForImport", object{
		"KeyId": symmetric, "WrappingAlgorithm": "ROT13", "WrappingKeySpec": "RSA_2048",
	}, kms.ValidationException)
}

// FuzzImportKeyMaterial sends tokens and material that nobody made; what is wrong with them is always said in AWS's words.
func FuzzImportKeyMaterial(f *testing.F) {
	f.Add([]byte("token"), []byte("material"))
	f.Add([]byte{}, make([]byte, 256))
	f.Add(make([]byte, 6144), make([]byte, 6144))
	f.Add([]byte{0x01, 0xff}, []byte(base64.StdEncoding.EncodeToString(make([]byte, 32))))
	var w *world
	var i *importer
	f.Fuzz(func(t *testing.T, token, secret []byte) {
		if w == nil {
			w = newWorld(t)
			i = w.external(kms.CreateKeyInput{})
		}
		w.t = t
		for _, in := range []object{
			{"ImportToken": token, "EncryptedKeyMaterial": secret},
			{"ImportToken": i.parameters["ImportToken"], "EncryptedKeyMaterial": secret},
		} {
			_, err := w.call(root(), "ImportKeyMaterial", with(in, object{"KeyId": i.keyID, "ExpirationModel": doesNotExpire}))
			for _, code := range []kms.Code{
				kms.ValidationException, kms.InvalidImportTokenException, kms.InvalidCiphertextException, kms.IncorrectKeyMaterialException,
			} {
				if kms.HasCode(err, code) {
					err = nil
					break
				}
			}
			if err != nil {
				t.Errorf("got %v", err)
			}
		}
	})
}

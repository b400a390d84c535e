// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/memstore"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
	"github.com/chatelaine-dev/chatelaine/internal/kms/material"
	"github.com/chatelaine-dev/chatelaine/internal/kms/wrapping"
)

const (
	hour          = time.Hour
	doesNotExpire = "KEY_MATERIAL_DOES_NOT_EXPIRE"
)

func TestImportedMaterialIsUsedAndNeverRecorded(t *testing.T) {
	w := newWorld(t)
	i := w.external(kms.CreateKeyInput{})
	if event := w.events.last(); !cmp.Equal(event.RequestParameters, object{
		"keyId": i.keyID, "wrappingAlgorithm": "RSAES_OAEP_SHA_256", "wrappingKeySpec": "RSA_2048",
	}) || event.ResponseElements != nil {
		t.Errorf("GetParametersForImport is recorded as %+v", event)
	}
	if i.parameters["KeyId"] != arnOf(i.keyID) || i.parameters["ParametersValidTo"] != seconds(begin.Add(24*hour)) {
		t.Errorf("the parameters are for %v until %v", i.parameters["KeyId"], i.parameters["ParametersValidTo"])
	}
	if n := len(blob(t, i.parameters, "ImportToken")); n > 6144 {
		t.Errorf("the token has %d bytes", n)
	}
	if state := w.stateOf(i.keyID); state != "PendingImport" {
		t.Errorf("before the import it is %s", state)
	}
	out := w.must(root(), "ImportKeyMaterial", i.request(secretOf("a"), object{"KeyMaterialDescription": "first"}))
	id := str(out, "KeyMaterialId")
	if out["KeyId"] != arnOf(i.keyID) || len(id) != 64 {
		t.Errorf("the answer is %v", out)
	}
	event := w.events.last()
	want := object{"keyId": i.keyID, "expirationModel": doesNotExpire, "keyMaterialDescription": "first"}
	if diff := cmp.Diff(want, event.RequestParameters); diff != "" {
		t.Errorf("recorded parameters (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(object{"keyId": arnOf(i.keyID), "keyMaterialId": id}, event.ResponseElements); diff != "" {
		t.Errorf("recorded elements (-want +got):\n%s", diff)
	}
	metadata := w.describe(i.keyID)
	if metadata["KeyState"] != "Enabled" || metadata["Origin"] != "EXTERNAL" || metadata["CurrentKeyMaterialId"] != id ||
		metadata["ExpirationModel"] != doesNotExpire {
		t.Errorf("the key is %v", metadata)
	}
	w.must(root(), "Decrypt", object{"CiphertextBlob": w.sealed(i.keyID)})
}

func TestMaterialOfEverySpecIsImportedAndByEveryAlgorithm(t *testing.T) {
	w := newWorld(t)
	for _, spec := range keyspec.All() {
		algorithms := wrapping.Algorithms(spec, wrapping.RSA2048)
		if !spec.Symmetric() {
			algorithms = algorithms[:1] // making wrapping keys takes its time
		}
		for _, algorithm := range algorithms {
			t.Run(string(spec)+" "+string(algorithm), func(t *testing.T) {
				w.t = t
				w.importBy(spec, string(algorithm))
			})
		}
	}
}

// importBy imports new material of a spec.
func (w *world) importBy(spec keyspec.Spec, algorithm string) {
	w.t.Helper()
	m, err := material.Generate(spec)
	if err != nil {
		w.t.Fatal(err)
	}
	secret := m.Export()
	if spec.HasPublicKey() {
		if secret, err = m.PKCS8(); err != nil {
			w.t.Fatal(err)
		}
	}
	keyID := w.newKey(kms.CreateKeyInput{Spec: spec, Usage: spec.Usages()[0], Origin: keyring.OriginExternal})
	parameters := w.must(root(), "GetParametersForImport", object{
		"KeyId": keyID, "WrappingAlgorithm": algorithm, "WrappingKeySpec": "RSA_2048",
	})
	out := w.must(root(), "ImportKeyMaterial", object{
		"KeyId": keyID, "ImportToken": parameters["ImportToken"], "ExpirationModel": doesNotExpire,
		"EncryptedKeyMaterial": wrapped(w.t, parameters, algorithm, secret),
	})
	if out["KeyMaterialId"] != m.ID() || w.stateOf(keyID) != "Enabled" {
		w.t.Errorf("the answer is %v", out)
	}
}

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

func TestAnImportTokenIsGoodForADay(t *testing.T) {
	w := newWorld(t)
	i := w.external(kms.CreateKeyInput{})
	w.clock.Step(24*hour - time.Second)
	i.put(secretOf("a"), nil)
	w.clock.Step(time.Second)
	text := w.refused(root(), "ImportKeyMaterial", i.request(secretOf("a"), nil), kms.ExpiredImportTokenException)
	if !strings.HasPrefix(text, "The provided import token is expired.") {
		t.Error(text)
	}
}

func TestAnImportTokenIsGoodInEveryProcess(t *testing.T) {
	w := newWorld(t)
	i := w.external(kms.CreateKeyInput{})
	w.partition.Add(w.open(keyring.ID{AccountID: account, Region: home}))
	i.put(secretOf("a"), nil)
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

func TestImportGoesInTheStatesThatAWSsTableNames(t *testing.T) {
	w := newWorld(t)
	i := w.external(kms.CreateKeyInput{})
	i.put(secretOf("a"), nil)
	importing := i.request(secretOf("a"), nil)
	parameters := object{"KeyId": i.keyID, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
	for _, state := range everyState {
		in := func() { w.edit(i.keyID, func(r *keyring.KeyRecord) { r.State = state }) }
		in()
		if state.ToBeDeleted() {
			w.refused(root(), "GetParametersForImport", parameters, kms.KMSInvalidStateException)
			w.refused(root(), "ImportKeyMaterial", importing, kms.KMSInvalidStateException)
		} else {
			w.must(root(), "GetParametersForImport", parameters)
			w.must(root(), "ImportKeyMaterial", importing)
		}
		in()
		w.must(root(), "DeleteImportedKeyMaterial", object{"KeyId": i.keyID})
		if got := w.stateOf(i.keyID); state.ToBeDeleted() && got != string(state) || !state.ToBeDeleted() && got != "PendingImport" {
			t.Errorf("without its material a key that was %s is %s", state, got)
		}
		w.edit(i.keyID, func(r *keyring.KeyRecord) { r.State = lifecycle.PendingImport })
		i.put(secretOf("a"), nil)
	}
}

func TestDeletedMaterialIsInNoRecordAnyMore(t *testing.T) {
	w := newWorld(t)
	i := w.external(kms.CreateKeyInput{})
	i.put(secretOf("a"), nil)
	key, err := w.partition.Service(account, home).Key(i.keyID)
	if err != nil {
		t.Fatal(err)
	}
	ciphertext := w.sealed(i.keyID)
	w.must(root(), "DeleteImportedKeyMaterial", object{"KeyId": i.keyID})
	if err := key.Record().Current().Bytes.Use(func([]byte) error { return nil }); err == nil {
		t.Error("the deleted material is still in memory")
	}
	_, _, err = key.Decrypt(t.Context(), keyspec.AlgorithmSymmetricDefault, nil, ciphertext)
	if !kms.HasCode(err, kms.KMSInvalidStateException) {
		t.Errorf("a request that began before gets %v", err)
	}
}

func TestImportIsDoneByWhomTheKeyPolicyNames(t *testing.T) {
	w := newWorld(t)
	ann, bob := user("ann"), user("bob")
	i := w.external(kms.CreateKeyInput{Policy: allow(ann.ARN(),
		"kms:GetParametersForImport", "kms:ImportKeyMaterial", "kms:DeleteImportedKeyMaterial")})
	for _, call := range []struct {
		name string
		in   object
	}{
		{"GetParametersForImport", object{"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}},
		{"ImportKeyMaterial", i.request(secretOf("a"), nil)},
		{"DeleteImportedKeyMaterial", object{}},
	} {
		in := plus(call.in, "KeyId", arnOf(i.keyID))
		w.refused(bob, call.name, in, kms.AccessDeniedException)
		w.refused(as(rootOf(stranger)), call.name, in, kms.AccessDeniedException)
		w.refused(ann, call.name, plus(in, "KeyId", "alias/none"), kms.NotFoundException)
		w.must(ann, call.name, in)
	}
}

func TestTheConditionsOfImportDecide(t *testing.T) {
	w := newWorld(t)
	ann := user("ann")
	i := w.external(kms.CreateKeyInput{Policy: statements(
		object{
			"Effect": "Allow", "Principal": object{"AWS": ann.ARN()}, "Action": "kms:GetParametersForImport", "Resource": "*",
			"Condition": object{"StringEquals": object{
				"kms:WrappingAlgorithm": "RSAES_OAEP_SHA_256", "kms:WrappingKeySpec": "RSA_3072",
			}},
		},
		object{
			"Effect": "Allow", "Principal": object{"AWS": ann.ARN()}, "Action": "kms:ImportKeyMaterial", "Resource": "*",
			"Condition": object{
				"StringEquals": object{"kms:ExpirationModel": "KEY_MATERIAL_EXPIRES"},
				"DateLessThan": object{"kms:ValidTo": begin.Add(24 * hour).Format(time.RFC3339)},
			},
		},
	)})
	parameters := object{"KeyId": i.keyID, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_3072"}
	w.must(ann, "GetParametersForImport", parameters)
	w.refused(ann, "GetParametersForImport", plus(parameters, "WrappingKeySpec", "RSA_2048"), kms.AccessDeniedException)
	w.refused(ann, "ImportKeyMaterial", i.request(secretOf("a"), nil), kms.AccessDeniedException)
	late := object{"ExpirationModel": nil, "ValidTo": begin.Add(25 * hour).Unix()}
	w.refused(ann, "ImportKeyMaterial", i.request(secretOf("a"), late), kms.AccessDeniedException)
	w.must(ann, "ImportKeyMaterial", i.request(secretOf("a"), plus(late, "ValidTo", begin.Add(hour).Unix())))
}

func TestAnImportWhoseWriteFailsCanBeMadeAgain(t *testing.T) {
	w := newWorld(t)
	i := w.external(kms.CreateKeyInput{})
	store := w.stores[keyring.ID{AccountID: account, Region: home}]
	away := true
	store.Before = func(op memstore.Op, _ string) error {
		if away && op == memstore.OpUpdate {
			return errAway
		}
		return nil
	}
	w.refused(root(), "ImportKeyMaterial", i.request(secretOf("a"), nil), kms.DependencyTimeoutException)
	if state := w.stateOf(i.keyID); state != "PendingImport" {
		t.Errorf("it is %s", state)
	}
	away = false
	i.put(secretOf("a"), nil)
	w.must(root(), "Decrypt", object{"CiphertextBlob": w.sealed(i.keyID)})
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

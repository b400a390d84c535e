// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
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

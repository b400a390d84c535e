// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

const undisclosed = "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or " +
	"you are not allowed to access."

const zeroKeyID = "00000000-0000-4000-8000-000000000000"

// allow is a key policy that allows a principal some actions.
func allow(principal string, actions ...string) string {
	return statements(object{"Effect": "Allow", "Principal": object{"AWS": principal}, "Action": actions, "Resource": "*"})
}

func statements(list ...object) string {
	document, err := json.Marshal(object{"Version": "2012-10-17", "Statement": list})
	if err != nil {
		panic(err)
	}
	return string(document)
}

// blob is a member of an answer that is a blob.
func blob(t *testing.T, out object, member string) []byte {
	t.Helper()
	text, _ := out[member].(string)
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(decoded) == 0 {
		t.Fatalf("%s is %v", member, out[member])
	}
	return decoded
}

func (w *world) update(keyID string, mutations ...kms.Mutation) {
	w.t.Helper()
	if _, err := w.partition.Service(account, home).Update(w.t.Context(), keyID, mutations...); err != nil {
		w.t.Fatal(err)
	}
}

// str is a member that is a text.
func str(o object, member string) string {
	text, _ := o[member].(string)
	return text
}

func arnOf(keyID string) string { return "arn:aws:kms:" + home + ":" + account + ":key/" + keyID }

// newKeyIn makes a key of another account or Region.
func (w *world) newKeyIn(accountID, region string, in kms.CreateKeyInput) string {
	w.t.Helper()
	key, err := w.partition.Service(accountID, region).CreateKey(w.t.Context(), in)
	if err != nil {
		w.t.Fatal(err)
	}
	return key.KeyID
}

// sealed is a ciphertext of "attack at dawn".
func (w *world) sealed(keyID string) []byte {
	w.t.Helper()
	return blob(w.t, w.must(root(), "Encrypt", object{"KeyId": keyID, "Plaintext": []byte("attack at dawn")}), "CiphertextBlob")
}

func TestDecryptNeedsNoKeyID(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	encryptionContext := object{"tenant": "42", "table": "orders"}
	sealed := blob(t, w.must(root(), "Encrypt", object{
		"KeyId": keyID, "Plaintext": []byte("attack at dawn"), "EncryptionContext": encryptionContext,
	}), "CiphertextBlob")
	materialID := w.events.last().AdditionalEventData["keyMaterialId"]
	out := w.must(root(), "Decrypt", object{"CiphertextBlob": sealed, "EncryptionContext": encryptionContext})
	want := object{
		"KeyId": arnOf(keyID), "Plaintext": base64.StdEncoding.EncodeToString([]byte("attack at dawn")),
		"EncryptionAlgorithm": "SYMMETRIC_DEFAULT", "KeyMaterialId": materialID,
	}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("the answer differs (-want +got):\n%s", diff)
	}
	event := w.events.last()
	parameters := map[string]any{
		"keyId": arnOf(keyID), "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
		"encryptionContext": map[string]string{"tenant": "42", "table": "orders"},
	}
	if diff := cmp.Diff(parameters, event.RequestParameters); diff != "" {
		t.Errorf("the recorded parameters differ (-want +got):\n%s", diff)
	}
	if !event.ReadOnly || len(event.Resources) != 1 || event.Resources[0].ARN != arnOf(keyID) || event.ResponseElements != nil ||
		event.AdditionalEventData["keyMaterialId"] != materialID {
		t.Errorf("the event is %+v", event)
	}
}

func TestDecryptTakesTheKeyInEveryForm(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	if err := w.partition.Service(account, home).CreateAlias(t.Context(), "alias/orders", keyID); err != nil {
		t.Fatal(err)
	}
	sealed := w.sealed(keyID)
	for _, ref := range []string{keyID, arnOf(keyID), "alias/orders", "arn:aws:kms:local:" + account + ":alias/orders"} {
		w.must(root(), "Decrypt", object{"KeyId": ref, "CiphertextBlob": sealed})
		event := w.events.last()
		if event.RequestParameters["keyId"] != ref || event.Resources[0].ARN != arnOf(keyID) {
			t.Errorf("%s is recorded as %v of %v", ref, event.RequestParameters, event.Resources)
		}
	}
}

func TestDecryptWithAnotherKeyThanTheCiphertextsIsRefused(t *testing.T) {
	w := newWorld(t)
	sealed, other := w.sealed(w.newKey(kms.CreateKeyInput{})), w.newKey(kms.CreateKeyInput{})
	got := w.refused(root(), "Decrypt", object{"KeyId": other, "CiphertextBlob": sealed}, kms.IncorrectKeyException)
	if got != "The key ID in the request does not identify a CMK that can perform this operation." {
		t.Error(got)
	}
}

func TestAnotherEncryptionContextDoesNotDecrypt(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	sealed := blob(t, w.must(root(), "Encrypt", object{
		"KeyId": keyID, "Plaintext": []byte("x"), "EncryptionContext": object{"a": "1", "b": "2"},
	}), "CiphertextBlob")
	for _, wrong := range []object{nil, {}, {"a": "1"}, {"a": "2", "b": "1"}, {"A": "1", "b": "2"}, {"a": "1", "b": "2", "c": ""}} {
		got := w.refused(root(), "Decrypt", object{"CiphertextBlob": sealed, "EncryptionContext": wrong}, kms.InvalidCiphertextException)
		if got != "" {
			t.Errorf("with %v the error says %q", wrong, got)
		}
	}
}

func TestADryRunOfDecryptSaysWhatTheRequestWouldHave(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{Policy: allow(user("ann").ARN(), "kms:Encrypt", "kms:Decrypt")})
	sealed := blob(t, w.must(user("ann"), "Encrypt", object{"KeyId": keyID, "Plaintext": []byte("x")}), "CiphertextBlob")
	ignore := []string{"IGNORE_CIPHERTEXT"}
	tests := map[string]struct {
		caller string
		in     object
		code   kms.Code
		text   string
	}{
		"good":           {"ann", object{"CiphertextBlob": sealed}, kms.DryRunOperationException, "The request would have succeeded, but the DryRun option is set."},
		"bad ciphertext": {"ann", object{"CiphertextBlob": sealed[1:]}, kms.InvalidCiphertextException, ""},
		"not allowed":    {"eve", object{"CiphertextBlob": sealed}, kms.AccessDeniedException, undisclosed},
		"without the ciphertext": {
			"ann", object{"KeyId": keyID, "DryRunModifiers": ignore}, kms.DryRunOperationException,
			"The request would have succeeded, but the DryRun option is set.",
		},
		"with any ciphertext": {
			"ann", object{"KeyId": keyID, "DryRunModifiers": ignore, "CiphertextBlob": []byte("x")}, kms.DryRunOperationException,
			"The request would have succeeded, but the DryRun option is set.",
		},
		"without ciphertext, not allowed": {
			"eve", object{"KeyId": keyID, "DryRunModifiers": ignore}, kms.AccessDeniedException,
			"User: arn:aws:iam::" + account + ":user/eve is not authorized to perform: kms:Decrypt on resource: " + arnOf(keyID) +
				" because no resource-based policy allows the kms:Decrypt action",
		},
		"without ciphertext and key": {"ann", object{"DryRunModifiers": ignore}, kms.ValidationException, "KeyId must not be null"},
		"without ciphertext, another algorithm": {
			"ann", object{"KeyId": keyID, "DryRunModifiers": ignore, "EncryptionAlgorithm": "RSAES_OAEP_SHA_1"},
			kms.InvalidKeyUsageException, "Algorithm RSAES_OAEP_SHA_1 is incompatible with key spec SYMMETRIC_DEFAULT.",
		},
		"no dry run": {
			"ann", object{"CiphertextBlob": sealed, "DryRun": false, "DryRunModifiers": ignore}, kms.ValidationException,
			"DryRunModifiers can only be specified if DryRun is true",
		},
		"no ciphertext": {
			"ann", object{"KeyId": keyID}, kms.ValidationException,
			"1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: Member must not be null",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w.t = t
			if _, set := tt.in["DryRun"]; !set {
				tt.in["DryRun"] = true
			}
			if got := w.refused(user(tt.caller), "Decrypt", tt.in, tt.code); got != tt.text {
				t.Errorf("got  %s\nwant %s", got, tt.text)
			}
		})
	}
	key, err := w.partition.Service(account, home).Key(keyID)
	if err != nil || key.LastUse().Operation != "Encrypt" {
		t.Errorf("a dry run counts as use: %+v, %v", key.LastUse(), err)
	}
}

func TestAsymmetricDecryptionNeedsTheKeyAndItsAlgorithm(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{Spec: keyspec.RSA2048, Usage: keyspec.EncryptDecrypt})
	const oaep = "RSAES_OAEP_SHA_256"
	out := w.must(root(), "Encrypt", object{"KeyId": keyID, "Plaintext": []byte("x"), "EncryptionAlgorithm": oaep})
	sealed := blob(t, out, "CiphertextBlob")
	if w.events.last().AdditionalEventData != nil {
		t.Error("a material ID was recorded, which only symmetric keys have")
	}
	out = w.must(root(), "Decrypt", object{"KeyId": keyID, "CiphertextBlob": sealed, "EncryptionAlgorithm": oaep})
	if _, set := out["KeyMaterialId"]; set || string(blob(t, out, "Plaintext")) != "x" {
		t.Errorf("the answer is %v", out)
	}
	tests := map[string]struct {
		in   object
		code kms.Code
		text string
	}{
		"no key": {
			object{"CiphertextBlob": sealed, "EncryptionAlgorithm": oaep}, kms.ValidationException, "KeyId must not be null",
		},
		"no algorithm": {object{"KeyId": keyID, "CiphertextBlob": sealed}, kms.InvalidCiphertextException, ""},
		"another algorithm": {
			object{"KeyId": keyID, "CiphertextBlob": sealed, "EncryptionAlgorithm": "RSAES_OAEP_SHA_1"}, kms.InvalidCiphertextException, "",
		},
		"a context": {
			object{"KeyId": keyID, "CiphertextBlob": sealed, "EncryptionAlgorithm": oaep, "EncryptionContext": object{"a": "b"}},
			kms.ValidationException, "EncryptionContext is not supported when encrypting/decrypting with asymmetric CMKs.",
		},
		"another length": {
			object{"KeyId": keyID, "CiphertextBlob": sealed[1:], "EncryptionAlgorithm": oaep}, kms.InvalidCiphertextException, "",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w.t = t
			if got := w.refused(root(), "Decrypt", tt.in, tt.code); got != tt.text {
				t.Errorf("got  %s\nwant %s", got, tt.text)
			}
		})
	}
}

func TestWhatAnRSAKeyCannotEncryptIsRefusedInAWSsWords(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{Spec: keyspec.RSA2048, Usage: keyspec.EncryptDecrypt})
	tests := map[string]struct {
		in   object
		code kms.Code
		text string
	}{
		"too long for SHA-1": {
			object{"Plaintext": make([]byte, 215), "EncryptionAlgorithm": "RSAES_OAEP_SHA_1"}, kms.ValidationException,
			"Algorithm RSAES_OAEP_SHA_1 and key spec RSA_2048 cannot encrypt data larger than 214 bytes.",
		},
		"too long for SHA-256": {
			object{"Plaintext": make([]byte, 191), "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}, kms.ValidationException,
			"Algorithm RSAES_OAEP_SHA_256 and key spec RSA_2048 cannot encrypt data larger than 190 bytes.",
		},
		"no algorithm": {
			object{"Plaintext": []byte("x")}, kms.InvalidKeyUsageException,
			"Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048.",
		},
		"a context": {
			object{"Plaintext": []byte("x"), "EncryptionAlgorithm": "RSAES_OAEP_SHA_1", "EncryptionContext": object{"a": "b"}},
			kms.ValidationException, "EncryptionContext is not supported when encrypting/decrypting with asymmetric CMKs.",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w.t = t
			tt.in["KeyId"] = keyID
			if got := w.refused(root(), "Encrypt", tt.in, tt.code); got != tt.text {
				t.Errorf("got  %s\nwant %s", got, tt.text)
			}
			tt.in["DryRun"] = true
			w.refused(root(), "Encrypt", tt.in, tt.code)
		})
	}
}

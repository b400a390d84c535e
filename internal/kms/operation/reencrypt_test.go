// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

func TestReEncryptMovesACiphertextToAnotherKeyAndContext(t *testing.T) {
	w := newWorld(t)
	from, to := w.newKey(kms.CreateKeyInput{}), w.newKey(kms.CreateKeyInput{})
	sealed := blob(t, w.must(root(), "Encrypt", object{
		"KeyId": from, "Plaintext": []byte("attack at dawn"), "EncryptionContext": object{"tenant": "42"},
	}), "CiphertextBlob")
	out := w.must(root(), "ReEncrypt", object{
		"CiphertextBlob": sealed, "SourceEncryptionContext": object{"tenant": "42"},
		"DestinationKeyId": to, "DestinationEncryptionContext": object{"tenant": "43"},
	})
	moved := blob(t, out, "CiphertextBlob")
	if out["SourceKeyId"] != arnOf(from) || out["KeyId"] != arnOf(to) ||
		out["SourceEncryptionAlgorithm"] != "SYMMETRIC_DEFAULT" || out["DestinationEncryptionAlgorithm"] != "SYMMETRIC_DEFAULT" {
		t.Errorf("the answer is %v", out)
	}
	event := w.events.last()
	parameters := map[string]any{
		"sourceKeyId": arnOf(from), "sourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
		"sourceEncryptionContext":        map[string]string{"tenant": "42"},
		"destinationKeyId":               to,
		"destinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
		"destinationEncryptionContext":   map[string]string{"tenant": "43"},
	}
	if diff := cmp.Diff(parameters, event.RequestParameters); diff != "" {
		t.Errorf("the recorded parameters differ (-want +got):\n%s", diff)
	}
	materials := map[string]any{
		"sourceKeyMaterialId": out["SourceKeyMaterialId"], "destinationKeyMaterialId": out["DestinationKeyMaterialId"],
	}
	if diff := cmp.Diff(materials, event.AdditionalEventData); diff != "" || materials["sourceKeyMaterialId"] == nil {
		t.Errorf("the recorded materials differ (-want +got):\n%s", diff)
	}
	if len(event.Resources) != 2 || event.Resources[0].ARN != arnOf(from) || event.Resources[1].ARN != arnOf(to) {
		t.Errorf("the recorded resources are %v", event.Resources)
	}
	plain := w.must(root(), "Decrypt", object{"CiphertextBlob": moved, "KeyId": to, "EncryptionContext": object{"tenant": "43"}})
	if got := string(blob(t, plain, "Plaintext")); got != "attack at dawn" {
		t.Errorf("what was moved is %q", got)
	}
}

func TestReEncryptLeadsFromSymmetricToRSAAndBack(t *testing.T) {
	w := newWorld(t)
	symmetric := w.newKey(kms.CreateKeyInput{})
	pair := w.newKey(kms.CreateKeyInput{Spec: keyspec.RSA2048, Usage: keyspec.EncryptDecrypt})
	const oaep = "RSAES_OAEP_SHA_1"
	there := blob(t, w.must(root(), "ReEncrypt", object{
		"CiphertextBlob": w.sealed(symmetric), "DestinationKeyId": pair, "DestinationEncryptionAlgorithm": oaep,
	}), "CiphertextBlob")
	w.refused(root(), "ReEncrypt", object{
		"CiphertextBlob": there, "SourceEncryptionAlgorithm": oaep, "DestinationKeyId": symmetric,
	}, kms.ValidationException)
	back := blob(t, w.must(root(), "ReEncrypt", object{
		"CiphertextBlob": there, "SourceKeyId": pair, "SourceEncryptionAlgorithm": oaep, "DestinationKeyId": symmetric,
	}), "CiphertextBlob")
	plain := w.must(root(), "Decrypt", object{"CiphertextBlob": back})
	if got := string(blob(t, plain, "Plaintext")); got != "attack at dawn" {
		t.Errorf("what came back is %q", got)
	}
}

func TestReEncryptNeedsAPermissionOnEachKeyForItsOwnContext(t *testing.T) {
	ann := user("ann").ARN()
	rule := func(action, key, value string) object {
		return object{
			"Effect": "Allow", "Principal": object{"AWS": ann}, "Action": action, "Resource": "*",
			"Condition": object{"StringEquals": object{key: value}},
		}
	}
	const tenant = "kms:EncryptionContext:tenant"
	tests := map[string]struct {
		from, to object
		text     string // empty if it is allowed
	}{
		"both":                        {rule("kms:ReEncryptFrom", tenant, "42"), rule("kms:ReEncryptTo", tenant, "43"), ""},
		"only on keys that differ":    {rule("kms:ReEncryptFrom", "kms:ReEncryptOnSameKey", "false"), rule("kms:ReEncryptTo", tenant, "43"), ""},
		"with the algorithm":          {rule("kms:ReEncryptFrom", "kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT"), rule("kms:ReEncryptTo", tenant, "43"), ""},
		"source of the other context": {rule("kms:ReEncryptFrom", tenant, "43"), rule("kms:ReEncryptTo", tenant, "43"), undisclosed},
		"Decrypt alone":               {rule("kms:Decrypt", tenant, "42"), rule("kms:ReEncryptTo", tenant, "43"), undisclosed},
		"only on the same key":        {rule("kms:ReEncryptFrom", "kms:ReEncryptOnSameKey", "true"), rule("kms:ReEncryptTo", tenant, "43"), undisclosed},
		"destination of the other context": {
			rule("kms:ReEncryptFrom", tenant, "42"), rule("kms:ReEncryptTo", tenant, "42"),
			"User: " + ann + " is not authorized to perform: kms:ReEncryptTo on resource: KEY because no identity-based policy " +
				"allows the kms:ReEncryptTo action",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			everything := object{"Effect": "Allow", "Principal": object{"AWS": rootOf(account)}, "Action": "kms:*", "Resource": "*"}
			from := w.newKey(kms.CreateKeyInput{Policy: statements(everything, tt.from)})
			to := w.newKey(kms.CreateKeyInput{Policy: statements(everything, tt.to)})
			sealed := blob(t, w.must(root(), "Encrypt", object{
				"KeyId": from, "Plaintext": []byte("x"), "EncryptionContext": object{"tenant": "42"},
			}), "CiphertextBlob")
			in := object{
				"CiphertextBlob": sealed, "SourceEncryptionContext": object{"tenant": "42"},
				"DestinationKeyId": to, "DestinationEncryptionContext": object{"tenant": "43"},
			}
			if tt.text == "" {
				w.must(user("ann"), "ReEncrypt", in)
				return
			}
			want := tt.text
			if tt.text != undisclosed {
				want = strings.Replace(tt.text, "KEY", arnOf(to), 1)
			}
			if got := w.refused(user("ann"), "ReEncrypt", in, kms.AccessDeniedException); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestReEncryptTellsNothingOfASourceThatTheCallerMayNotUse(t *testing.T) {
	w := newWorld(t)
	to := w.newKey(kms.CreateKeyInput{Policy: allow(user("eve").ARN(), "kms:ReEncrypt*")})
	sealed := w.sealed(w.newKey(kms.CreateKeyInput{}))
	unknown := append([]byte(nil), sealed...)
	copy(unknown[2:18], make([]byte, 16))
	for name, ciphertext := range map[string][]byte{"there": sealed, "not there": unknown} {
		for _, destination := range []string{to, zeroKeyID} {
			in := object{"CiphertextBlob": ciphertext, "DestinationKeyId": destination}
			if destination == to {
				if got := w.refused(user("eve"), "ReEncrypt", in, kms.AccessDeniedException); got != undisclosed {
					t.Errorf("source %s: %s", name, got)
				}
				continue
			}
			got := w.refused(user("eve"), "ReEncrypt", in, kms.NotFoundException)
			if got != "Key '"+arnOf(zeroKeyID)+"' does not exist" {
				t.Errorf("source %s: %s", name, got)
			}
		}
	}
}

func TestReEncryptIsRefusedForWhatEitherKeyCannotDo(t *testing.T) {
	w := newWorld(t)
	from, to := w.newKey(kms.CreateKeyInput{}), w.newKey(kms.CreateKeyInput{})
	other := w.newKey(kms.CreateKeyInput{})
	disabled := w.newKey(kms.CreateKeyInput{Disabled: true})
	signing := w.newKey(kms.CreateKeyInput{Spec: keyspec.ECCNISTP256, Usage: keyspec.SignVerify})
	sealed := w.sealed(from)
	tests := map[string]struct {
		in   object
		code kms.Code
		text string
	}{
		"disabled destination": {object{"DestinationKeyId": disabled}, kms.DisabledException, arnOf(disabled) + " is disabled."},
		"signing key": {
			object{"DestinationKeyId": signing}, kms.InvalidKeyUsageException,
			arnOf(signing) + " key usage is SIGN_VERIFY which is not valid for ReEncrypt.",
		},
		"another source":    {object{"SourceKeyId": other, "DestinationKeyId": to}, kms.IncorrectKeyException, "The key ID in the request does not identify a CMK that can perform this operation."},
		"wrong context":     {object{"SourceEncryptionContext": object{"a": "b"}, "DestinationKeyId": to}, kms.InvalidCiphertextException, ""},
		"broken ciphertext": {object{"CiphertextBlob": sealed[:50], "DestinationKeyId": to}, kms.InvalidCiphertextException, ""},
		"destination algorithm": {
			object{"DestinationKeyId": to, "DestinationEncryptionAlgorithm": "RSAES_OAEP_SHA_1"}, kms.InvalidKeyUsageException,
			"Algorithm RSAES_OAEP_SHA_1 is incompatible with key spec SYMMETRIC_DEFAULT.",
		},
		"a dry run": {
			object{"DestinationKeyId": to, "DryRun": true}, kms.DryRunOperationException,
			"The request would have succeeded, but the DryRun option is set.",
		},
		"a dry run without ciphertext": {
			object{"CiphertextBlob": nil, "SourceKeyId": from, "DestinationKeyId": to, "DryRun": true, "DryRunModifiers": []string{"IGNORE_CIPHERTEXT"}},
			kms.DryRunOperationException, "The request would have succeeded, but the DryRun option is set.",
		},
		"a dry run without ciphertext and source": {
			object{"CiphertextBlob": nil, "DestinationKeyId": to, "DryRun": true, "DryRunModifiers": []string{"IGNORE_CIPHERTEXT"}},
			kms.ValidationException, "SourceKeyId must not be null",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w.t = t
			if _, set := tt.in["CiphertextBlob"]; !set {
				tt.in["CiphertextBlob"] = sealed
			}
			if got := w.refused(root(), "ReEncrypt", tt.in, tt.code); got != tt.text {
				t.Errorf("got  %s\nwant %s", got, tt.text)
			}
		})
	}
}

func TestEachKeyOfAReEncryptSeesItsOwnAlgorithm(t *testing.T) {
	w := newWorld(t)
	const oaep = "RSAES_OAEP_SHA_256"
	rule := func(action, algorithm string) string {
		return statements(object{
			"Effect": "Allow", "Principal": object{"AWS": user("ann").ARN()}, "Action": action, "Resource": "*",
			"Condition": object{"StringEquals": object{"kms:EncryptionAlgorithm": algorithm}},
		})
	}
	from := w.newKey(kms.CreateKeyInput{Policy: rule("kms:ReEncryptFrom", "SYMMETRIC_DEFAULT")})
	to := w.newKey(kms.CreateKeyInput{
		Spec: keyspec.RSA2048, Usage: keyspec.EncryptDecrypt, Policy: rule("kms:ReEncryptTo", oaep),
	})
	w.must(user("ann"), "ReEncrypt", object{
		"CiphertextBlob": w.sealed(from), "DestinationKeyId": to, "DestinationEncryptionAlgorithm": oaep,
	})
}

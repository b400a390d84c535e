// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"maps"
	"slices"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/material"
)

func TestADataKeyComesPlainAndEncrypted(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	for _, tt := range []struct {
		member string
		value  any
		size   int
	}{{"KeySpec", "AES_256", 32}, {"KeySpec", "AES_128", 16}, {"NumberOfBytes", 1, 1}, {"NumberOfBytes", 1024, 1024}} {
		in := object{"KeyId": keyID, tt.member: tt.value, "EncryptionContext": object{"tenant": "42"}}
		out := w.must(root(), "GenerateDataKey", in)
		plaintext := blob(t, out, "Plaintext")
		if len(plaintext) != tt.size || out["KeyId"] != arnOf(keyID) || len(str(out, "KeyMaterialId")) != 64 {
			t.Errorf("%s %v: %v", tt.member, tt.value, out)
		}
		event := w.events.last()
		if len(event.RequestParameters) != 3 || event.AdditionalEventData["keyMaterialId"] != out["KeyMaterialId"] {
			t.Errorf("%s %v is recorded as %+v", tt.member, tt.value, event)
		}
		opened := w.must(root(), "Decrypt", object{"CiphertextBlob": blob(t, out, "CiphertextBlob"), "EncryptionContext": object{"tenant": "42"}})
		if !bytes.Equal(blob(t, opened, "Plaintext"), plaintext) {
			t.Errorf("%s %v: the ciphertext is that of another key", tt.member, tt.value)
		}
		out = w.must(root(), "GenerateDataKeyWithoutPlaintext", in)
		if _, set := out["Plaintext"]; set || len(out) != 3 {
			t.Errorf("%s %v without plaintext: %v", tt.member, tt.value, out)
		}
		opened = w.must(root(), "Decrypt", object{"CiphertextBlob": blob(t, out, "CiphertextBlob"), "EncryptionContext": object{"tenant": "42"}})
		if hidden := blob(t, opened, "Plaintext"); len(hidden) != tt.size || tt.size > 1 && !bytes.ContainsFunc(hidden, notZero) {
			t.Errorf("%s %v without plaintext: the key is %d bytes, or zeros", tt.member, tt.value, len(hidden))
		}
	}
}

func notZero(r rune) bool { return r != 0 }

func TestADataKeysLengthIsToldInExactlyOneWay(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	for _, name := range []string{"GenerateDataKey", "GenerateDataKeyWithoutPlaintext"} {
		for _, in := range []object{{}, {"KeySpec": "AES_256", "NumberOfBytes": 32}} {
			in["KeyId"] = keyID
			if got := w.refused(root(), name, in, kms.ValidationException); got != "Please specify either number of bytes or key spec." {
				t.Error(got)
			}
		}
		got := w.refused(root(), name, object{"KeyId": keyID, "NumberOfBytes": 1025}, kms.ValidationException)
		if got != "1 validation error detected: Value '1025' at 'numberOfBytes' failed to satisfy constraint: Member must have value less than or equal to 1024" {
			t.Error(got)
		}
	}
}

func TestOnlySymmetricEncryptionKeysMakeDataKeys(t *testing.T) {
	w := newWorld(t)
	pair := w.newKey(kms.CreateKeyInput{Spec: keyspec.RSA2048, Usage: keyspec.EncryptDecrypt})
	signing := w.newKey(kms.CreateKeyInput{Spec: keyspec.ECCNISTP256, Usage: keyspec.SignVerify})
	for name, in := range map[string]object{
		"GenerateDataKey": {"KeySpec": "AES_256"}, "GenerateDataKeyWithoutPlaintext": {"KeySpec": "AES_256"},
		"GenerateDataKeyPair": {"KeyPairSpec": "ECC_NIST_P256"}, "GenerateDataKeyPairWithoutPlaintext": {"KeyPairSpec": "ECC_NIST_P256"},
	} {
		for _, dryRun := range []bool{false, true} {
			in["KeyId"], in["DryRun"] = pair, dryRun
			if got := w.refused(root(), name, in, kms.InvalidKeyUsageException); got != "You cannot generate a data key with an asymmetric CMK" {
				t.Error(got)
			}
			in["KeyId"] = signing
			if got := w.refused(root(), name, in, kms.InvalidKeyUsageException); got != arnOf(signing)+" key usage is SIGN_VERIFY which is not valid for "+name+"." {
				t.Error(got)
			}
		}
	}
}

// TestADataKeyPairIsWholeForEverySpec has the private key, which Decrypt gives back too, work with the public one.
func TestADataKeyPairIsWholeForEverySpec(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	for _, spec := range []keyspec.Spec{
		keyspec.RSA2048, keyspec.RSA3072, keyspec.RSA4096, keyspec.ECCNISTP256, keyspec.ECCNISTP384, keyspec.ECCNISTP521,
		keyspec.ECCSECGP256K1, keyspec.ECCNISTEdwards25519, keyspec.MLKEM512, keyspec.MLKEM768, keyspec.MLKEM1024,
	} {
		t.Run(string(spec), func(t *testing.T) {
			w.t = t
			in := object{"KeyId": keyID, "KeyPairSpec": spec, "EncryptionContext": object{"tenant": "42"}}
			out := w.must(root(), "GenerateDataKeyPair", in)
			if out["KeyPairSpec"] != string(spec) || out["KeyId"] != arnOf(keyID) || len(out) != 6 {
				t.Errorf("the answer is %v", slices.Sorted(maps.Keys(out)))
			}
			event := w.events.last()
			if event.RequestParameters["keyPairSpec"] != string(spec) || len(event.RequestParameters) != 3 ||
				event.AdditionalEventData["keyMaterialId"] != out["KeyMaterialId"] {
				t.Errorf("the event is %+v", event)
			}
			private := blob(t, out, "PrivateKeyPlaintext")
			checkPair(t, spec, private, blob(t, out, "PublicKey"))
			opened := w.must(root(), "Decrypt", object{
				"CiphertextBlob": blob(t, out, "PrivateKeyCiphertextBlob"), "EncryptionContext": object{"tenant": "42"},
			})
			if !bytes.Equal(blob(t, opened, "Plaintext"), private) {
				t.Error("the ciphertext is that of another private key")
			}
			if spec.Family() == keyspec.FamilyRSA && spec != keyspec.RSA2048 {
				return // once of each size is slow enough
			}
			out = w.must(root(), "GenerateDataKeyPairWithoutPlaintext", in)
			if _, set := out["PrivateKeyPlaintext"]; set || len(out) != 5 {
				t.Errorf("the answer without plaintext is %v", slices.Sorted(maps.Keys(out)))
			}
			opened = w.must(root(), "Decrypt", object{
				"CiphertextBlob": blob(t, out, "PrivateKeyCiphertextBlob"), "EncryptionContext": object{"tenant": "42"},
			})
			checkPair(t, spec, blob(t, opened, "Plaintext"), blob(t, out, "PublicKey"))
		})
	}
}

// checkPair has the parser of imported keys, and Go's own where it knows the kind, read the private key.
func checkPair(t *testing.T, spec keyspec.Spec, private, public []byte) {
	t.Helper()
	m, err := material.ParseImported(spec, private)
	if err != nil {
		t.Fatal(err)
	}
	if der, err := m.PublicKey(); err != nil || !bytes.Equal(der, public) {
		t.Errorf("the public key is another one: %v", err)
	}
	if spec == keyspec.ECCSECGP256K1 || spec.Family() == keyspec.FamilyMLKEM {
		return
	}
	parsed, err := x509.ParsePKCS8PrivateKey(private)
	if err != nil {
		t.Fatalf("Go's parser: %v", err)
	}
	signer, _ := parsed.(crypto.Signer)
	der, err := x509.MarshalPKIXPublicKey(signer.Public())
	if err != nil || !bytes.Equal(der, public) {
		t.Errorf("Go's parser finds another public key: %v", err)
	}
}

func TestAKeyPairOfSM2IsNotSupported(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	for _, name := range []string{"GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"} {
		w.refused(root(), name, object{"KeyId": keyID, "KeyPairSpec": "SM2"}, kms.UnsupportedOperationException)
		w.refused(root(), name, object{"KeyId": keyID, "KeyPairSpec": "ML_DSA_44"}, kms.ValidationException)
	}
}

func TestADryRunOfADataKeyMakesNone(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	for name, in := range map[string]object{
		"GenerateDataKey": {"KeySpec": "AES_256"}, "GenerateDataKeyWithoutPlaintext": {"KeySpec": "AES_256"},
		"GenerateDataKeyPair": {"KeyPairSpec": "RSA_4096"}, "GenerateDataKeyPairWithoutPlaintext": {"KeyPairSpec": "RSA_4096"},
	} {
		in["KeyId"], in["DryRun"] = keyID, true
		w.refused(root(), name, in, kms.DryRunOperationException)
		w.refused(user("eve"), name, in, kms.AccessDeniedException)
	}
}

func TestAnyCallerOfAServedAccountGetsRandomBytes(t *testing.T) {
	w := newWorld(t)
	for _, n := range []int{1, 1024} {
		out := w.must(user("ann"), "GenerateRandom", object{"NumberOfBytes": n})
		if got := blob(t, out, "Plaintext"); len(got) != n || len(out) != 1 {
			t.Errorf("%d bytes are %d: %v", n, len(got), slices.Sorted(maps.Keys(out)))
		}
	}
	first := w.must(user("ann"), "GenerateRandom", object{"NumberOfBytes": 32})["Plaintext"]
	if second := w.must(user("ann"), "GenerateRandom", object{"NumberOfBytes": 32})["Plaintext"]; first == second {
		t.Error("twice the same")
	}
	if event := w.events.last(); len(event.Resources) != 0 || !event.ReadOnly {
		t.Errorf("the event is %+v", event)
	}
	got := w.refused(as("arn:aws:iam::999988887777:user/mallory"), "GenerateRandom", object{"NumberOfBytes": 1}, kms.AccessDeniedException)
	if got != "User: arn:aws:iam::999988887777:user/mallory is not authorized to perform: kms:GenerateRandom on resource: * "+
		"because no identity-based policy allows the kms:GenerateRandom action" {
		t.Error(got)
	}
}

func TestGenerateRandomRefusesWhatItCannotDo(t *testing.T) {
	w := newWorld(t)
	if got := w.refused(root(), "GenerateRandom", object{}, kms.ValidationException); got != "NumberOfBytes is required." {
		t.Error(got)
	}
	w.refused(root(), "GenerateRandom", object{"NumberOfBytes": 0}, kms.ValidationException)
	w.refused(root(), "GenerateRandom", object{"NumberOfBytes": 1025}, kms.ValidationException)
	w.refused(root(), "GenerateRandom", object{"NumberOfBytes": 1, "CustomKeyStoreId": "cks-1"}, kms.UnsupportedOperationException)
}

func TestARecipientIsRefusedWhereverItCanBeGiven(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	for name, in := range map[string]object{
		"Decrypt":             {"CiphertextBlob": w.sealed(keyID)},
		"GenerateDataKey":     {"KeyId": keyID, "KeySpec": "AES_256"},
		"GenerateDataKeyPair": {"KeyId": keyID, "KeyPairSpec": "ECC_NIST_P256"},
		"GenerateRandom":      {"NumberOfBytes": 1},
		"DeriveSharedSecret":  {"KeyId": keyID, "KeyAgreementAlgorithm": "ECDH", "PublicKey": []byte("x")},
	} {
		in["Recipient"] = object{"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": []byte("x")}
		got := w.refused(root(), name, in, kms.UnsupportedOperationException)
		if got != "Recipient is not supported: the software KMS has no Nitro Enclaves attestation." {
			t.Errorf("%s: %s", name, got)
		}
	}
}

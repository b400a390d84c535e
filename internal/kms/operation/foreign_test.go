// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/operation"
)

// What another account's key does with a caller whom it does not allow, it does with every key that is not there.
func TestAForeignKeyThatIsForbiddenLooksLikeOneThatIsNotThere(t *testing.T) {
	w := newWorld(t)
	service := w.partition.Service(account, home)
	forbidden := w.newKey(kms.CreateKeyInput{})
	denied := w.newKey(kms.CreateKeyInput{Policy: statements(rule("Deny", "*", "*"))})
	delegated := w.newKey(kms.CreateKeyInput{Policy: statements(rule("Allow", aws(stranger), "*"))})
	disabled := w.newKey(kms.CreateKeyInput{Disabled: true})
	if err := service.CreateAlias(t.Context(), "alias/there", forbidden); err != nil {
		t.Fatal(err)
	}
	prefix := strings.TrimSuffix(arnOf(""), "key/")
	refs := []string{
		arnOf(forbidden), arnOf(denied), arnOf(delegated), arnOf(disabled), arnOf(zeroKeyID), arnOf("no-such-key"),
		prefix + "alias/there", prefix + "alias/not-there", "arn:aws:kms:" + home + ":999999999999:key/" + forbidden,
	}
	zoe := as("arn:aws:iam::" + stranger + ":user/zoe")
	for _, op := range operation.All() {
		if op.Key == operation.NoKey || op.Unsupported || op.Name == "RetireGrant" {
			continue
		}
		t.Run(op.Name, func(t *testing.T) {
			w.t = t
			for _, ref := range refs {
				if op.Key == operation.KeyOnly && strings.Contains(ref, "alias/") {
					continue
				}
				for _, tokens := range [][]string{nil, {"not-a-token"}} {
					in := sample(op.Name, object{"KeyId": ref})
					if op.Name == "ReEncrypt" {
						in["SourceKeyId"], in["DestinationKeyId"] = ref, ref
					}
					if tokens != nil && op.Grantable {
						in["GrantTokens"] = tokens
					}
					want := "User: " + zoe.ARN() + " is not authorized to perform: " + op.Permissions[0] + " on resource: " + ref + " " + byUnknown
					if got := w.refused(zoe, op.Name, in, kms.AccessDeniedException); got != want {
						t.Errorf("got  %s\nwant %s", got, want)
					}
				}
			}
		})
	}
}

// samples are requests on a key that are well formed, without KeyId.
var samples = map[string]object{
	"Encrypt":                             {"Plaintext": []byte("x")},
	"Decrypt":                             {"CiphertextBlob": make([]byte, 64)},
	"ReEncrypt":                           {"CiphertextBlob": make([]byte, 64)},
	"Sign":                                {"Message": []byte("x"), "SigningAlgorithm": "ECDSA_SHA_256"},
	"Verify":                              {"Message": []byte("x"), "Signature": []byte("x"), "SigningAlgorithm": "ECDSA_SHA_256"},
	"GenerateMac":                         {"Message": []byte("x"), "MacAlgorithm": "HMAC_SHA_256"},
	"VerifyMac":                           {"Message": []byte("x"), "Mac": []byte("x"), "MacAlgorithm": "HMAC_SHA_256"},
	"GenerateDataKey":                     {"NumberOfBytes": 1},
	"GenerateDataKeyWithoutPlaintext":     {"KeySpec": "AES_256"},
	"GenerateDataKeyPair":                 {"KeyPairSpec": "ECC_NIST_P256"},
	"GenerateDataKeyPairWithoutPlaintext": {"KeyPairSpec": "ECC_NIST_P256"},
	"DeriveSharedSecret":                  {"KeyAgreementAlgorithm": "ECDH", "PublicKey": []byte("x")},
	"Encapsulate":                         {"EncapsulationAlgorithm": "ML_KEM"},
	"Decapsulate":                         {"EncapsulationAlgorithm": "ML_KEM", "SharedSecretCiphertextBlob": []byte("x")},
	"PutKeyPolicy":                        {"Policy": "{}"},
	"CreateGrant":                         {"GranteePrincipal": "arn:aws:iam::444455556666:user/zoe", "Operations": []string{"DescribeKey"}},
	"RevokeGrant":                         {"GrantId": strings.Repeat("0", 64)},
	"UpdateKeyDescription":                {"Description": "x"},
	"TagResource":                         {"Tags": []object{{"TagKey": "k", "TagValue": "v"}}},
	"UntagResource":                       {"TagKeys": []string{"k"}},
	"GetParametersForImport":              {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"},
	"ImportKeyMaterial": {
		"ImportToken": []byte("x"), "EncryptedKeyMaterial": []byte("x"), "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
	},
	"ReplicateKey":        {"ReplicaRegion": abroad},
	"UpdatePrimaryRegion": {"PrimaryRegion": abroad},
}

func TestWhoMayUseAForeignKeyIsToldWhatIsWrongWithHisTokens(t *testing.T) {
	w := newWorld(t)
	zoe := as("arn:aws:iam::" + stranger + ":user/zoe")
	keyID := w.newKey(kms.CreateKeyInput{Policy: allow(zoe.ARN(), "kms:Encrypt")})
	in := plus(forms("Encrypt", arnOf(keyID)), "GrantTokens", []string{"not-a-token"})
	w.refused(zoe, "Encrypt", in, kms.InvalidGrantTokenException)
	w.refused(user("ann"), "Encrypt", in, kms.InvalidGrantTokenException) // a key of his own account
}

func TestAForeignKeyIsFoundByItsARNAlone(t *testing.T) {
	w := newWorld(t)
	zoe := as("arn:aws:iam::" + stranger + ":user/zoe")
	keyID := w.newKey(kms.CreateKeyInput{Policy: allow(zoe.ARN(), "kms:Encrypt")})
	if err := w.partition.Service(account, home).CreateAlias(t.Context(), "alias/a", keyID); err != nil {
		t.Fatal(err)
	}
	for ref, found := range map[string]bool{
		arnOf(keyID): true, strings.Replace(arnOf("alias/a"), "key/", "", 1): true, keyID: false, "alias/a": false,
	} {
		if _, err := w.call(zoe, "Encrypt", forms("Encrypt", ref)); found != (err == nil) || !found && !kms.HasCode(err, kms.NotFoundException) {
			t.Errorf("%s: %v", ref, err)
		}
	}
	abroadARN := strings.Replace(arnOf(keyID), home, abroad, 1)
	if got := w.refused(zoe, "Encrypt", forms("Encrypt", abroadARN), kms.NotFoundException); got != "Invalid arn "+abroad {
		t.Errorf("another Region's ARN: %s", got)
	}
}

func TestADamagedForeignKeyIsNoDifferentFromOneThatIsNotThere(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	w.damage(keyID)
	zoe := as("arn:aws:iam::" + stranger + ":user/zoe")
	if got := w.refusal(zoe, "DescribeKey", object{"KeyId": arnOf(keyID)}); !strings.HasSuffix(got, byUnknown) {
		t.Errorf("got %q", got)
	}
	w.refused(root(), "DescribeKey", object{"KeyId": arnOf(keyID)}, kms.KeyUnavailableException)
}

// damage spoils what the store has of a key, and waits until the keyring has seen it.
func (w *world) damage(keyID string) {
	w.t.Helper()
	store := w.stores[keyring.ID{AccountID: account, Region: home}]
	for _, item := range store.Items() {
		if item.Name == keyID {
			item.Sealed = append([]byte(nil), item.Sealed...)
			item.Sealed[len(item.Sealed)-1] ^= 1
			store.Put(item)
		}
	}
	if err := w.ring(account, home).Refresh(w.t.Context(), keyID); err != nil {
		w.t.Fatal(err)
	}
}

// A keyring that is still being opened is no reason to tell clients that they may not use it: that they would not try again.
func TestAKeyringThatIsStillToBeOpenedIsAnsweredSo(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	service := w.partition.Service(account, home)
	w.partition.Expect(service.ID())
	w.partition.Remove(service)
	for _, ref := range []string{keyID, service.KeyARN(keyID), "alias/x"} {
		w.refused(root(), "DescribeKey", object{"KeyId": ref}, kms.DependencyTimeoutException)
	}
	if !w.partition.HasRegion(home) {
		t.Error("the Region is not taken for one that is served")
	}
	w.partition.Add(service)
	w.must(root(), "DescribeKey", object{"KeyId": keyID})
	w.partition.Remove(service)
	w.partition.Forget(service.ID())
	w.refused(root(), "DescribeKey", object{"KeyId": keyID}, kms.AccessDeniedException)
}

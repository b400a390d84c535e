// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/memstore"
)

// A caller who may not use the key of a ciphertext gets one and the same answer wherever the key is, and whether it is.
func TestDecryptTellsNothingOfAKeyThatTheCallerMayNotUse(t *testing.T) {
	w := newWorld(t)
	mine := w.sealed(w.newKey(kms.CreateKeyInput{Policy: allow(rootOf(account), "kms:*")}))
	disabledID := w.newKey(kms.CreateKeyInput{})
	disabled := w.sealed(disabledID)
	w.update(disabledID, kms.DisableKey())
	foreignID := w.newKeyIn(stranger, home, kms.CreateKeyInput{Policy: allow(rootOf(stranger), "kms:*")})
	foreign := blob(t, w.must(as(rootOf(stranger)), "Encrypt",
		object{"KeyId": foreignID, "Plaintext": []byte("x")}), "CiphertextBlob")
	abroadID := w.newKeyIn(account, abroad, kms.CreateKeyInput{})
	out, err := w.callIn(abroad, root(), "Encrypt", object{"KeyId": abroadID, "Plaintext": []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	unknown := bytes.Clone(mine)
	copy(unknown[2:18], make([]byte, 16))

	for name, ciphertext := range map[string][]byte{
		"a key of the account": mine, "a disabled key": disabled, "another account's key": foreign,
		"a key of another Region": blob(t, out, "CiphertextBlob"), "no key": unknown,
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			for _, extra := range []object{nil, {"DryRun": true}, {"GrantTokens": []string{"forged"}}} {
				in := with(object{"CiphertextBlob": ciphertext}, extra)
				if got := w.refused(user("eve"), "Decrypt", in, kms.AccessDeniedException); got != undisclosed {
					t.Errorf("with %v: %s", extra, got)
				}
				event := w.events.last()
				if event.ErrorCode != "AccessDenied" || event.ErrorMessage != undisclosed || event.Reason == "" {
					t.Errorf("the event is %+v", event)
				}
				if name == "another account's key" && len(event.Resources) != 0 {
					t.Errorf("the record of the caller's account names %v", event.Resources)
				}
			}
		})
	}
}

func TestAKeyOfAnotherAccountThatAllowsTheCallerDecrypts(t *testing.T) {
	w := newWorld(t)
	eve := user("eve")
	keyID := w.newKeyIn(stranger, home, kms.CreateKeyInput{Policy: statements(
		object{"Effect": "Allow", "Principal": object{"AWS": eve.ARN()}, "Action": "kms:Decrypt", "Resource": "*"},
		object{"Effect": "Allow", "Principal": object{"AWS": rootOf(stranger)}, "Action": "kms:*", "Resource": "*"},
	)})
	sealed := blob(t, w.must(as(rootOf(stranger)), "Encrypt", object{"KeyId": keyID, "Plaintext": []byte("x")}), "CiphertextBlob")
	out := w.must(eve, "Decrypt", object{"CiphertextBlob": sealed})
	if out["KeyId"] != "arn:aws:kms:local:"+stranger+":key/"+keyID {
		t.Errorf("the key is %v", out["KeyId"])
	}
	if event := w.events.last(); event.Resources[0].AccountID != stranger || event.RecipientAccountID != account {
		t.Errorf("the event is %+v", event)
	}
}

func TestOfTwoAccountsWithAKeyOfOneIDTheCallersOwnIsMeant(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	key, err := w.partition.Service(account, home).Key(keyID)
	if err != nil {
		t.Fatal(err)
	}
	w.place(keyring.ID{AccountID: stranger, Region: home}, key.Record())
	for _, accountID := range []string{account, stranger} {
		out := w.must(as(rootOf(accountID)), "Decrypt", object{"CiphertextBlob": w.sealed(keyID)})
		if out["KeyId"] != "arn:aws:kms:"+home+":"+accountID+":key/"+keyID {
			t.Errorf("to %s it is %v", accountID, out["KeyId"])
		}
	}
}

func TestAReplicaDecryptsWhatThePrimaryEncrypted(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{MultiRegion: true})
	primary, err := w.partition.Service(account, home).Key(keyID)
	if err != nil {
		t.Fatal(err)
	}
	w.place(keyring.ID{AccountID: account, Region: abroad}, primary.Record())
	out, err := w.callIn(abroad, root(), "Decrypt", object{"CiphertextBlob": w.sealed(keyID)})
	if err != nil || out["KeyId"] != "arn:aws:kms:"+abroad+":"+account+":key/"+keyID {
		t.Errorf("the answer is %v, %v", out, err)
	}
}

// place puts a record into another keyring, as replication does.
func (w *world) place(id keyring.ID, record *keyring.KeyRecord) {
	w.t.Helper()
	ring := keyring.New(id, w.stores[id], w.roots, keyring.Options{})
	defer keyringtest.Start(w.t, ring)()
	if _, err := ring.CreateKey(w.t.Context(), record); err != nil {
		w.t.Fatal(err)
	}
	w.partition.Add(w.open(id))
}

func TestAKeyPolicyMayDemandAnEncryptionContextOfDecrypt(t *testing.T) {
	w := newWorld(t)
	ann := user("ann")
	keyID := w.newKey(kms.CreateKeyInput{Policy: statements(object{
		"Effect": "Allow", "Principal": object{"AWS": ann.ARN()}, "Action": []string{"kms:Encrypt", "kms:Decrypt"}, "Resource": "*",
		"Condition": object{"StringEquals": object{"kms:EncryptionContext:tenant": "42", "kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}},
	})})
	right, wrong := object{"tenant": "42"}, object{"tenant": "43"}
	sealed := blob(t, w.must(ann, "Encrypt", object{"KeyId": keyID, "Plaintext": []byte("x"), "EncryptionContext": right}), "CiphertextBlob")
	w.must(ann, "Decrypt", object{"CiphertextBlob": sealed, "EncryptionContext": right})
	if got := w.refused(ann, "Decrypt", object{"CiphertextBlob": sealed, "EncryptionContext": wrong}, kms.AccessDeniedException); got != undisclosed {
		t.Error(got)
	}
	if reason := w.events.last().Reason; !strings.Contains(reason, "kms:EncryptionContext:tenant") {
		t.Errorf("the operator is told: %s", reason)
	}
}

func TestAGrantAllowsToDecryptWithoutNamingTheKey(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	sealed := w.sealed(keyID)
	eve := user("eve")
	out := w.must(root(), "CreateGrant", object{"KeyId": keyID, "GranteePrincipal": eve.ARN(), "Operations": []string{"Decrypt"}})
	w.must(eve, "Decrypt", object{"CiphertextBlob": sealed, "GrantTokens": []string{str(out, "GrantToken")}})
	if reason := w.events.last().Reason; reason != "allowed by grant "+str(out, "GrantId") {
		t.Errorf("the operator is told: %s", reason)
	}
	w.refused(eve, "Decrypt", object{"CiphertextBlob": sealed, "GrantTokens": []string{"forged"}}, kms.InvalidGrantTokenException)
	to := w.newKey(kms.CreateKeyInput{})
	got := w.refused(eve, "ReEncrypt", object{"CiphertextBlob": sealed, "DestinationKeyId": to}, kms.AccessDeniedException)
	if got != undisclosed {
		t.Error(got)
	}
	for _, grant := range []object{
		{"KeyId": keyID, "Operations": []string{"ReEncryptFrom"}}, {"KeyId": to, "Operations": []string{"ReEncryptTo"}},
	} {
		w.must(root(), "CreateGrant", with(grant, object{"GranteePrincipal": eve.ARN()}))
	}
	w.must(eve, "ReEncrypt", object{"CiphertextBlob": sealed, "DestinationKeyId": to})
}

// A key of an account whose keys are not loaded yet may be the ciphertext's, so the caller is to try again.
func TestACiphertextMayBeOfAnAccountThatIsNotLoadedYet(t *testing.T) {
	w := newWorld(t)
	sealed := w.sealed(w.newKey(kms.CreateKeyInput{}))
	loading := keyring.New(keyring.ID{AccountID: "777788889999", Region: home}, &memstore.Store{}, w.roots, keyring.Options{})
	w.partition.Add(kms.New(loading, w.clock, kms.Options{}))
	w.must(root(), "Decrypt", object{"CiphertextBlob": sealed})
	w.refused(as(rootOf(stranger)), "ReEncrypt", object{
		"CiphertextBlob": sealed, "DestinationKeyId": w.newKeyIn(stranger, home, kms.CreateKeyInput{}),
	}, kms.AccessDeniedException)
	copy(sealed[2:18], make([]byte, 16))
	w.refused(root(), "Decrypt", object{"CiphertextBlob": sealed}, kms.DependencyTimeoutException)
}

func TestKeysAreUsedWithoutTheStore(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	pair := w.newKey(kms.CreateKeyInput{Spec: keyspec.ECCNISTP256, Usage: keyspec.SignVerify})
	w.stores[keyring.ID{AccountID: account, Region: home}].Before = func(memstore.Op, string) error {
		return errors.New("the store is away")
	}
	w.must(root(), "Decrypt", object{"CiphertextBlob": w.sealed(keyID)})
	w.must(root(), "GenerateDataKey", object{"KeyId": keyID, "KeySpec": "AES_256"})
	w.must(root(), "Sign", object{"KeyId": pair, "Message": []byte("x"), "SigningAlgorithm": "ECDSA_SHA_256"})
	w.must(root(), "GetPublicKey", object{"KeyId": pair})
}

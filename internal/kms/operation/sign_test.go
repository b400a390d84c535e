// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

// publicKey is the key's, as Go knows it.
func publicKey[K any](w *world, keyID string) K {
	w.t.Helper()
	parsed, err := x509.ParsePKIXPublicKey(blob(w.t, w.must(root(), "GetPublicKey", object{"KeyId": keyID}), "PublicKey"))
	public, ok := parsed.(K)
	if err != nil || !ok {
		w.t.Fatalf("the public key is a %T: %v", parsed, err)
	}
	return public
}

func TestSignaturesHoldOutsideOfTheService(t *testing.T) {
	w := newWorld(t)
	message := []byte("attack at dawn")
	hash256, hash512 := sha256.Sum256(message), sha512.Sum512(message)
	sign := func(keyID, algorithm, messageType string, message []byte) []byte {
		return blob(t, w.must(root(), "Sign", object{
			"KeyId": keyID, "SigningAlgorithm": algorithm, "MessageType": messageType, "Message": message,
		}), "Signature")
	}
	pair := w.newKey(kms.CreateKeyInput{Spec: keyspec.RSA2048, Usage: keyspec.SignVerify})
	public := publicKey[*rsa.PublicKey](w, pair)
	salt := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
	if err := rsa.VerifyPSS(public, crypto.SHA256, hash256[:], sign(pair, "RSASSA_PSS_SHA_256", "RAW", message), salt); err != nil {
		t.Error(err)
	}
	if err := rsa.VerifyPKCS1v15(public, crypto.SHA512, hash512[:], sign(pair, "RSASSA_PKCS1_V1_5_SHA_512", "DIGEST", hash512[:])); err != nil {
		t.Error(err)
	}
	curve := w.newKey(kms.CreateKeyInput{Spec: keyspec.ECCNISTP256, Usage: keyspec.SignVerify})
	if !ecdsa.VerifyASN1(publicKey[*ecdsa.PublicKey](w, curve), hash256[:], sign(curve, "ECDSA_SHA_256", "RAW", message)) {
		t.Error("ECDSA does not verify")
	}
	edwards := w.newKey(kms.CreateKeyInput{Spec: keyspec.ECCNISTEdwards25519, Usage: keyspec.SignVerify})
	if !ed25519.Verify(publicKey[ed25519.PublicKey](w, edwards), message, sign(edwards, "ED25519_SHA_512", "RAW", message)) {
		t.Error("Ed25519 does not verify")
	}
}

// AWS hashes the digest again, so what verifies elsewhere is Ed25519ph of the digest.
func TestED25519PHHashesTheDigestAgain(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{Spec: keyspec.ECCNISTEdwards25519, Usage: keyspec.SignVerify})
	digest := sha512.Sum512([]byte("attack at dawn"))
	signature := blob(t, w.must(root(), "Sign", object{
		"KeyId": keyID, "SigningAlgorithm": "ED25519_PH_SHA_512", "MessageType": "DIGEST", "Message": digest[:],
	}), "Signature")
	again := sha512.Sum512(digest[:])
	options := &ed25519.Options{Hash: crypto.SHA512}
	public := publicKey[ed25519.PublicKey](w, keyID)
	if err := ed25519.VerifyWithOptions(public, again[:], signature, options); err != nil {
		t.Error(err)
	}
	if ed25519.VerifyWithOptions(public, digest[:], signature, options) == nil {
		t.Error("the digest was not hashed again")
	}
}

// TestEveryUseOfAKeyFollowsItsPolicyAndState tries each operation of this group as one whom the key policy allows it and as
// one whom it does not, by alias, as a dry run, and on keys that cannot be used.
func TestEveryUseOfAKeyFollowsItsPolicyAndState(t *testing.T) {
	specs := map[keyspec.Usage]keyspec.Spec{
		keyspec.EncryptDecrypt: keyspec.SymmetricDefault, keyspec.SignVerify: keyspec.ECCNISTP256,
		keyspec.GenerateVerifyMAC: keyspec.HMAC256, keyspec.KeyAgreement: keyspec.ECCNISTP256,
		keyspec.EncapsulateDecapsulate: keyspec.MLKEM768,
	}
	const dryRun = "The request would have succeeded, but the DryRun option is set."
	for usage, calls := range usesOf(t) {
		for _, call := range calls {
			t.Run(call.name, func(t *testing.T) {
				w := newWorld(t)
				ann := user("ann")
				action := "kms:" + call.name
				keyID := w.newKey(kms.CreateKeyInput{Spec: specs[usage], Usage: usage, Policy: allow(ann.ARN(), action)})
				if err := w.partition.Service(account, home).CreateAlias(t.Context(), "alias/app", keyID); err != nil {
					t.Fatal(err)
				}
				in := call.input(w, keyID)
				for _, ref := range []string{keyID, arnOf(keyID), "alias/app", "arn:aws:kms:local:" + account + ":alias/app"} {
					w.must(ann, call.name, with(in, object{"KeyId": ref}))
					if w.events.last().RequestParameters["keyId"] != ref {
						t.Errorf("%s is recorded as %v", ref, w.events.last().RequestParameters)
					}
				}
				want := "User: arn:aws:iam::" + account + ":user/eve is not authorized to perform: " + action + " on resource: " +
					arnOf(keyID) + " because no resource-based policy allows the " + action + " action"
				if got := w.refused(user("eve"), call.name, in, kms.AccessDeniedException); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
				if call.name != "GetPublicKey" {
					if got := w.refused(ann, call.name, with(in, object{"DryRun": true}), kms.DryRunOperationException); got != dryRun {
						t.Error(got)
					}
					w.refused(user("eve"), call.name, with(in, object{"DryRun": true}), kms.AccessDeniedException)
				}
				w.refused(ann, call.name, with(in, object{"KeyId": zeroKeyID}), kms.NotFoundException)
				w.update(keyID, kms.DisableKey())
				if got := w.refused(ann, call.name, in, kms.DisabledException); got != arnOf(keyID)+" is disabled." {
					t.Error(got)
				}
				w.update(keyID, kms.ScheduleKeyDeletion(7))
				if got := w.refused(ann, call.name, in, kms.KMSInvalidStateException); got != arnOf(keyID)+" is pending deletion." {
					t.Error(got)
				}
			})
		}
	}
}

// use is an operation and what it needs, made with a key that allows the root user everything.
type use struct {
	name  string
	input func(w *world, keyID string) object
}

func usesOf(t *testing.T) map[keyspec.Usage][]use {
	t.Helper()
	fixed := func(in object) func(*world, string) object {
		return func(_ *world, keyID string) object { return with(in, object{"KeyId": keyID}) }
	}
	// made adds to the request a member of what another operation answers it.
	made := func(in object, by string, made, as string) func(*world, string) object {
		return func(w *world, keyID string) object {
			first := with(in, object{"KeyId": keyID})
			return with(first, object{as: blob(w.t, w.must(root(), by, first), made)})
		}
	}
	message := []byte("attack at dawn")
	signing := object{"SigningAlgorithm": "ECDSA_SHA_256", "Message": message}
	mac := object{"MacAlgorithm": "HMAC_SHA_256", "Message": message}
	kem := object{"EncapsulationAlgorithm": "ML_KEM"}
	return map[keyspec.Usage][]use{
		keyspec.EncryptDecrypt: {
			{"Encrypt", fixed(object{"Plaintext": message})},
			{"Decrypt", made(object{"Plaintext": message}, "Encrypt", "CiphertextBlob", "CiphertextBlob")},
			{"GenerateDataKey", fixed(object{"KeySpec": "AES_256"})},
			{"GenerateDataKeyWithoutPlaintext", fixed(object{"KeySpec": "AES_256"})},
			{"GenerateDataKeyPair", fixed(object{"KeyPairSpec": "ECC_NIST_P256"})},
			{"GenerateDataKeyPairWithoutPlaintext", fixed(object{"KeyPairSpec": "ECC_NIST_P256"})},
		},
		keyspec.SignVerify: {
			{"Sign", fixed(signing)}, {"Verify", made(signing, "Sign", "Signature", "Signature")}, {"GetPublicKey", fixed(object{})},
		},
		keyspec.GenerateVerifyMAC: {{"GenerateMac", fixed(mac)}, {"VerifyMac", made(mac, "GenerateMac", "Mac", "Mac")}},
		keyspec.KeyAgreement: {
			{"DeriveSharedSecret", made(object{"KeyAgreementAlgorithm": "ECDH"}, "GetPublicKey", "PublicKey", "PublicKey")},
		},
		keyspec.EncapsulateDecapsulate: {
			{"Encapsulate", fixed(kem)},
			{"Decapsulate", made(kem, "Encapsulate", "SharedSecretCiphertextBlob", "SharedSecretCiphertextBlob")},
		},
	}
}

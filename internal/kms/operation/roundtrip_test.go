// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

func encryptAndDecrypt(w *world, _ keyspec.Spec, key object) {
	w.t.Helper()
	out := w.must(root(), "Encrypt", with(key, object{"Plaintext": []byte("attack at dawn")}))
	w.expect(key, out, "EncryptionAlgorithm")
	out = w.must(root(), "Decrypt", with(key, object{"CiphertextBlob": blob(w.t, out, "CiphertextBlob")}))
	w.expect(key, out, "EncryptionAlgorithm")
	if got := blob(w.t, out, "Plaintext"); string(got) != "attack at dawn" {
		w.t.Errorf("decrypted to %q", got)
	}
}

// messageTypes are those that an algorithm takes, with a message of each.
func messageTypes(algorithm string) map[string][]byte {
	message := bytes.Repeat([]byte("attack at dawn. "), 256)
	switch {
	case algorithm == "ED25519_SHA_512":
		return map[string][]byte{"RAW": message}
	case algorithm == "ED25519_PH_SHA_512":
		return map[string][]byte{"DIGEST": make([]byte, 64)}
	case algorithm == "ML_DSA_SHAKE_256":
		return map[string][]byte{"RAW": message, "EXTERNAL_MU": make([]byte, 64)}
	default:
		digests := map[string]int{"256": 32, "384": 48, "512": 64}
		return map[string][]byte{"RAW": message, "DIGEST": make([]byte, digests[algorithm[len(algorithm)-3:]])}
	}
}

func signAndVerify(w *world, _ keyspec.Spec, key object) {
	w.t.Helper()
	algorithm := str(key, "SigningAlgorithm")
	taken := messageTypes(algorithm)
	for _, messageType := range []string{"RAW", "DIGEST", "EXTERNAL_MU"} {
		message, ok := taken[messageType]
		in := with(key, object{"MessageType": messageType, "Message": message})
		if !ok {
			in["Message"] = make([]byte, 64)
			got := w.refused(root(), "Sign", in, kms.ValidationException)
			if got != "Message type "+messageType+" is incompatible with algorithm "+algorithm+"." {
				w.t.Error(got)
			}
			w.refused(root(), "Verify", with(in, object{"Signature": []byte("x")}), kms.ValidationException)
			continue
		}
		out := w.must(root(), "Sign", in)
		w.expect(key, out, "SigningAlgorithm")
		if got := w.events.last().RequestParameters["messageType"]; got != messageType {
			w.t.Errorf("the recorded message type is %v", got)
		}
		in["Signature"] = blob(w.t, out, "Signature")
		out = w.must(root(), "Verify", in)
		w.expect(key, out, "SigningAlgorithm")
		if out["SignatureValid"] != true {
			w.t.Errorf("Verify answers %v", out)
		}
		w.rejectSignatures(in)
		if messageType != "RAW" {
			w.rejectDigest(in, algorithm, messageType)
		}
	}
}

// rejectSignatures has Verify refuse what Sign did not make.
func (w *world) rejectSignatures(in object) {
	w.t.Helper()
	for _, change := range []object{
		{"Signature": flipped(raw(in, "Signature"))}, {"Signature": raw(in, "Signature")[1:]}, {"Signature": []byte("x")},
		{"Message": flipped(raw(in, "Message"))},
	} {
		if got := w.refused(root(), "Verify", with(in, change), kms.KMSInvalidSignatureException); got != "" {
			w.t.Errorf("the refusal of a signature says %q", got)
		}
	}
}

func (w *world) rejectDigest(in object, algorithm, messageType string) {
	w.t.Helper()
	short := with(in, object{"Message": raw(in, "Message")[1:]})
	for _, name := range []string{"Sign", "Verify"} {
		got := w.refused(root(), name, short, kms.ValidationException)
		if messageType == "DIGEST" && got != "Digest is invalid length for algorithm "+algorithm+"." {
			w.t.Error(got)
		}
	}
}

// flipped is a blob with its middle bit changed.
func flipped(blob []byte) []byte {
	changed := bytes.Clone(blob)
	changed[len(changed)/2] ^= 1
	return changed
}

func generateAndVerifyMac(w *world, _ keyspec.Spec, key object) {
	w.t.Helper()
	in := with(key, object{"Message": []byte("attack at dawn")})
	out := w.must(root(), "GenerateMac", in)
	w.expect(key, out, "MacAlgorithm")
	in["Mac"] = blob(w.t, out, "Mac")
	out = w.must(root(), "VerifyMac", in)
	w.expect(key, out, "MacAlgorithm")
	if out["MacValid"] != true {
		w.t.Errorf("VerifyMac answers %v", out)
	}
	for _, change := range []object{
		{"Mac": flipped(raw(in, "Mac"))}, {"Mac": raw(in, "Mac")[:8]}, {"Message": flipped(raw(in, "Message"))},
	} {
		if got := w.refused(root(), "VerifyMac", with(in, change), kms.KMSInvalidMacException); got != "" {
			w.t.Errorf("the refusal of a MAC says %q", got)
		}
	}
}

func agree(w *world, spec keyspec.Spec, key object) {
	w.t.Helper()
	curves := map[keyspec.Spec]ecdh.Curve{
		keyspec.ECCNISTP256: ecdh.P256(), keyspec.ECCNISTP384: ecdh.P384(), keyspec.ECCNISTP521: ecdh.P521(),
	}
	peer, err := curves[spec].GenerateKey(rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(peer.PublicKey())
	if err != nil {
		w.t.Fatal(err)
	}
	out := w.must(root(), "DeriveSharedSecret", with(key, object{"PublicKey": der}))
	w.expect(key, out, "KeyAgreementAlgorithm")
	if out["KeyOrigin"] != "AWS_KMS" {
		w.t.Errorf("the origin is %v", out["KeyOrigin"])
	}
	own, err := publicKey[*ecdsa.PublicKey](w, str(key, "KeyId")).ECDH()
	if err != nil {
		w.t.Fatal(err)
	}
	want, err := peer.ECDH(own)
	if err != nil || !bytes.Equal(blob(w.t, out, "SharedSecret"), want) {
		w.t.Errorf("the peer has another secret: %v", err)
	}
	for _, wrong := range [][]byte{der[1:], append(bytes.Clone(der), 0), []byte("x"), otherCurve(w, spec)} {
		w.refused(root(), "DeriveSharedSecret", with(key, object{"PublicKey": wrong}), kms.ValidationException)
	}
}

// otherCurve is a public key on another curve.
func otherCurve(w *world, spec keyspec.Spec) []byte {
	w.t.Helper()
	curve := ecdh.P256()
	if spec == keyspec.ECCNISTP256 {
		curve = ecdh.P384()
	}
	key, err := curve.GenerateKey(rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.PublicKey())
	if err != nil {
		w.t.Fatal(err)
	}
	return der
}

func encapsulateAndDecapsulate(w *world, _ keyspec.Spec, key object) {
	w.t.Helper()
	out := w.must(root(), "Encapsulate", key)
	w.expect(key, out, "EncapsulationAlgorithm")
	secret, carrier := blob(w.t, out, "SharedSecret"), blob(w.t, out, "SharedSecretCiphertextBlob")
	open := func(carrier []byte) []byte {
		out := w.must(root(), "Decapsulate", with(key, object{"SharedSecretCiphertextBlob": carrier}))
		w.expect(key, out, "EncapsulationAlgorithm")
		return blob(w.t, out, "SharedSecret")
	}
	if got := open(carrier); len(secret) != 32 || !bytes.Equal(got, secret) {
		w.t.Errorf("Decapsulate yields another secret, of %d bytes", len(got))
	}
	if got := open(flipped(carrier)); len(got) != 32 || bytes.Equal(got, secret) {
		w.t.Errorf("a forged ciphertext yields the secret, or one of %d bytes", len(got))
	}
	got := w.refused(root(), "Decapsulate", with(key, object{"SharedSecretCiphertextBlob": carrier[1:]}), kms.InvalidCiphertextException)
	if got != "" {
		w.t.Errorf("the refusal of a ciphertext says %q", got)
	}
}

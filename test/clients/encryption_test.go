// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package clients_test

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // for crypto.SHA1.New, which RSAES_OAEP_SHA_1 is named after
	"crypto/x509"
	"encoding/asn1"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

var oaepHashes = map[types.EncryptionAlgorithmSpec]crypto.Hash{
	types.EncryptionAlgorithmSpecRsaesOaepSha1: crypto.SHA1, types.EncryptionAlgorithmSpecRsaesOaepSha256: crypto.SHA256,
}

func TestRSACiphertextsMadeElsewhereDecryptAtTheEndpoint(t *testing.T) {
	for _, spec := range []types.KeySpec{types.KeySpecRsa2048, types.KeySpecRsa3072, types.KeySpecRsa4096} {
		keyID := newKey(t, spec, types.KeyUsageTypeEncryptDecrypt)
		public := rsaPublic(t, publicKey(t, keyID))
		for algorithm, hash := range oaepHashes {
			sealed := must(rsa.EncryptOAEP(hash.New(), rand.Reader, public, []byte("made elsewhere"), nil))(t)
			out := must(root().Decrypt(t.Context(), &kms.DecryptInput{
				KeyId: keyID, CiphertextBlob: sealed, EncryptionAlgorithm: algorithm,
			}))(t)
			if string(out.Plaintext) != "made elsewhere" {
				t.Errorf("%s, %s: another plaintext", spec, algorithm)
			}
		}
	}
}

func TestRSACiphertextsOfTheEndpointDecryptElsewhere(t *testing.T) {
	private := must(rsa.GenerateKey(rand.Reader, 2048))(t)
	keyID := imported(t, types.KeySpecRsa2048, types.KeyUsageTypeEncryptDecrypt, pkcs8(t, private))
	for algorithm, hash := range oaepHashes {
		out := must(root().Encrypt(t.Context(), &kms.EncryptInput{
			KeyId: keyID, Plaintext: []byte("made here"), EncryptionAlgorithm: algorithm,
		}))(t)
		opened, err := rsa.DecryptOAEP(hash.New(), rand.Reader, private, out.CiphertextBlob, nil)
		if err != nil || string(opened) != "made here" {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
}

func TestMACsAreThoseOfTheImportedSecret(t *testing.T) {
	message := []byte("m")
	for spec, hash := range map[types.KeySpec]crypto.Hash{
		types.KeySpecHmac224: crypto.SHA224, types.KeySpecHmac256: crypto.SHA256,
		types.KeySpecHmac384: crypto.SHA384, types.KeySpecHmac512: crypto.SHA512,
	} {
		secret := make([]byte, hash.Size())
		_, _ = rand.Read(secret) // it never fails
		keyID := imported(t, spec, types.KeyUsageTypeGenerateVerifyMac, secret)
		algorithm := types.MacAlgorithmSpec(strings.Replace(string(spec), "HMAC_", "HMAC_SHA_", 1))
		local := hmac.New(hash.New, secret)
		local.Write(message)
		want := local.Sum(nil)
		out := must(root().GenerateMac(t.Context(), &kms.GenerateMacInput{
			KeyId: keyID, Message: message, MacAlgorithm: algorithm,
		}))(t)
		if !hmac.Equal(out.Mac, want) {
			t.Errorf("%s: another MAC", spec)
		}
		in := &kms.VerifyMacInput{KeyId: keyID, Message: message, MacAlgorithm: algorithm, Mac: want}
		verified, err := root().VerifyMac(t.Context(), in)
		if err != nil || !verified.MacValid {
			t.Errorf("%s: %v", spec, err)
		}
		in.Mac[0] ^= 1
		_, err = root().VerifyMac(t.Context(), in)
		mustRefuse[*types.KMSInvalidMacException](t, err)
	}
}

func TestSharedSecretsAreThoseOfThePeer(t *testing.T) {
	for spec, curve := range curves {
		keyID := newKey(t, spec, types.KeyUsageTypeKeyAgreement)
		mine := must(curve.ecdh.GenerateKey(rand.Reader))(t)
		encoded := must(x509.MarshalPKIXPublicKey(mine.Public()))(t)
		theirs := must(curve.ecdh.NewPublicKey(rawPublic(t, publicKey(t, keyID))))(t)
		want := must(mine.ECDH(theirs))(t)
		out := must(root().DeriveSharedSecret(t.Context(), &kms.DeriveSharedSecretInput{
			KeyId: keyID, KeyAgreementAlgorithm: types.KeyAgreementAlgorithmSpecEcdh, PublicKey: encoded,
		}))(t)
		if !bytes.Equal(out.SharedSecret, want) {
			t.Errorf("%s: another secret", spec)
		}
	}
	other := must(x509.MarshalPKIXPublicKey(must(ecdh.X25519().GenerateKey(rand.Reader))(t).Public()))(t)
	_, err := root().DeriveSharedSecret(t.Context(), &kms.DeriveSharedSecretInput{
		KeyId:                 newKey(t, types.KeySpecEccNistP256, types.KeyUsageTypeKeyAgreement),
		KeyAgreementAlgorithm: types.KeyAgreementAlgorithmSpecEcdh, PublicKey: other,
	})
	mustHaveCode(t, err, "ValidationException")
}

func TestDataKeyPairsAreKeyPairs(t *testing.T) {
	client, keyID := root(), symmetricKey(t)
	for _, spec := range types.DataKeyPairSpec("").Values() {
		if spec == types.DataKeyPairSpecSm2 {
			continue // of the China Regions
		}
		t.Run(string(spec), func(t *testing.T) {
			pair := must(client.GenerateDataKeyPair(t.Context(), &kms.GenerateDataKeyPairInput{KeyId: keyID, KeyPairSpec: spec}))(t)
			switch spec {
			case types.DataKeyPairSpecMlKem512, types.DataKeyPairSpecMlKem768, types.DataKeyPairSpecMlKem1024:
				secret, ciphertext := encapsulate(t, types.KeySpec(spec), pair.PublicKey)
				if !bytes.Equal(decapsulate(t, types.KeySpec(spec), pair.PrivateKeyPlaintext, ciphertext), secret) {
					t.Error("the private key is another's")
				}
			case types.DataKeyPairSpecEccSecgP256k1:
				if !secp256k1.PrivKeyFromBytes(secpScalar(t, pair.PrivateKeyPlaintext)).PubKey().IsEqual(secpPublic(t, pair.PublicKey)) {
					t.Error("the private key is another's")
				}
			default:
				if !bytes.Equal(publicHalf(t, spec, pair.PrivateKeyPlaintext), pair.PublicKey) {
					t.Error("the private key is another's")
				}
			}
			opened := must(client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: pair.PrivateKeyCiphertextBlob}))(t)
			if !bytes.Equal(opened.Plaintext, pair.PrivateKeyPlaintext) {
				t.Error("the ciphertext is another key's")
			}
		})
	}
}

// secpScalar is the number of an ECPrivateKey (RFC 5915) in a PrivateKeyInfo.
func secpScalar(t *testing.T, der []byte) []byte {
	t.Helper()
	var key struct {
		Version    int
		PrivateKey []byte
		Parameters asn1.ObjectIdentifier `asn1:"optional,explicit,tag:0"`
		PublicKey  asn1.BitString        `asn1:"optional,explicit,tag:1"`
	}
	if rest, err := asn1.Unmarshal(rawPrivate(t, der), &key); err != nil || len(rest) > 0 {
		t.Fatalf("the private key is no ECPrivateKey: %v", err)
	}
	return key.PrivateKey
}

func TestARegionsCiphertextDecryptsWhereTheKeyHasAReplica(t *testing.T) {
	client, elsewhere := root(), newClient("root", otherRegion)
	multi := true
	keyID := newKey(t, types.KeySpecSymmetricDefault, types.KeyUsageTypeEncryptDecrypt, func(in *kms.CreateKeyInput) {
		in.MultiRegion = &multi
	})
	single := must(client.Encrypt(t.Context(), &kms.EncryptInput{KeyId: symmetricKey(t), Plaintext: []byte("x")}))(t)
	sealed := must(client.Encrypt(t.Context(), &kms.EncryptInput{KeyId: keyID, Plaintext: []byte("x")}))(t)
	_, err := elsewhere.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})
	mustHaveCode(t, err, "AccessDeniedException")
	region := otherRegion
	replica := must(client.ReplicateKey(t.Context(), &kms.ReplicateKeyInput{KeyId: keyID, ReplicaRegion: &region}))(t)
	opened := must(elsewhere.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob}))(t)
	if string(opened.Plaintext) != "x" || *opened.KeyId != *replica.ReplicaKeyMetadata.Arn {
		t.Errorf("it decrypts by %s", *opened.KeyId)
	}
	_, err = elsewhere.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: single.CiphertextBlob})
	mustHaveCode(t, err, "AccessDeniedException")
}

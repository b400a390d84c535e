// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package clients_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // for crypto.SHA256.New
	"crypto/sha3"
	_ "crypto/sha512" // for crypto.SHA512.New
	"slices"
	"strings"
	"testing"

	"filippo.io/mldsa"
	mldsax509 "filippo.io/mldsa/x509"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	secpecdsa "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
)

var signingSpecs = []types.KeySpec{
	types.KeySpecRsa2048, types.KeySpecRsa3072, types.KeySpecRsa4096,
	types.KeySpecEccNistP256, types.KeySpecEccNistP384, types.KeySpecEccNistP521, types.KeySpecEccSecgP256k1,
	types.KeySpecEccNistEdwards25519, types.KeySpecMlDsa44, types.KeySpecMlDsa65, types.KeySpecMlDsa87,
}

// hashOf is the hash that a signing algorithm is named after.
func hashOf(algorithm types.SigningAlgorithmSpec) crypto.Hash {
	switch {
	case strings.HasSuffix(string(algorithm), "_384"):
		return crypto.SHA384
	case strings.HasSuffix(string(algorithm), "_512"):
		return crypto.SHA512
	default:
		return crypto.SHA256
	}
}

func digest(hash crypto.Hash, message []byte) []byte {
	h := hash.New()
	h.Write(message)
	return h.Sum(nil)
}

// externalMu is FIPS 204's message representative for an empty context (algorithm 7, line 6).
func externalMu(key *mldsa.PublicKey, message []byte) []byte {
	hash := sha3.NewSHAKE256()
	_, _ = hash.Write(sha3.SumSHAKE256(key.Bytes(), 64))
	_, _ = hash.Write([]byte{0, 0})
	_, _ = hash.Write(message)
	mu := make([]byte, 64)
	_, _ = hash.Read(mu)
	return mu
}

// forms are the message types that an algorithm takes, with what is sent for the message.
func forms(
	t *testing.T, spec types.KeySpec, algorithm types.SigningAlgorithmSpec, public, message []byte,
) map[types.MessageType][]byte {
	t.Helper()
	switch algorithm {
	case types.SigningAlgorithmSpecEd25519Sha512:
		return map[types.MessageType][]byte{types.MessageTypeRaw: message}
	case types.SigningAlgorithmSpecEd25519PhSha512:
		return map[types.MessageType][]byte{types.MessageTypeDigest: digest(crypto.SHA512, message)}
	case types.SigningAlgorithmSpecMlDsaShake256:
		return map[types.MessageType][]byte{
			types.MessageTypeRaw: message, types.MessageTypeExternalMu: externalMu(mldsaPublic(t, spec, public), message),
		}
	default:
		return map[types.MessageType][]byte{
			types.MessageTypeRaw: message, types.MessageTypeDigest: digest(hashOf(algorithm), message),
		}
	}
}

// verify checks a signature of the message without the endpoint.
func verify(t *testing.T, spec types.KeySpec, algorithm types.SigningAlgorithmSpec, public, message, signature []byte) bool {
	t.Helper()
	hash := hashOf(algorithm)
	switch {
	case spec == types.KeySpecEccSecgP256k1:
		return must(secpecdsa.ParseDERSignature(signature))(t).Verify(digest(hash, message), secpPublic(t, public))
	case algorithm == types.SigningAlgorithmSpecMlDsaShake256:
		return mldsa.Verify(mldsaPublic(t, spec, public), message, signature, nil) == nil
	case algorithm == types.SigningAlgorithmSpecEd25519Sha512:
		return ed25519.Verify(parsed[ed25519.PublicKey](t, public), message, signature)
	case algorithm == types.SigningAlgorithmSpecEd25519PhSha512:
		// "This means the input is hashed twice: once by you and once by KMS" (AWS KMS API reference, Sign, MessageType).
		twice, options := digest(hash, digest(hash, message)), &ed25519.Options{Hash: crypto.SHA512}
		return ed25519.VerifyWithOptions(parsed[ed25519.PublicKey](t, public), twice, signature, options) == nil
	case strings.HasPrefix(string(algorithm), "ECDSA"):
		return ecdsa.VerifyASN1(parsed[*ecdsa.PublicKey](t, public), digest(hash, message), signature)
	case strings.HasPrefix(string(algorithm), "RSASSA_PSS"):
		options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
		return rsa.VerifyPSS(rsaPublic(t, public), hash, digest(hash, message), signature, options) == nil
	default:
		return rsa.VerifyPKCS1v15(rsaPublic(t, public), hash, digest(hash, message), signature) == nil
	}
}

func TestSignaturesOfEverySpecAndAlgorithmVerifyWithoutTheEndpoint(t *testing.T) {
	client, message := root(), []byte("a message that somebody else verifies")
	for _, spec := range signingSpecs {
		t.Run(string(spec), func(t *testing.T) {
			keyID := newKey(t, spec, types.KeyUsageTypeSignVerify)
			public := must(client.GetPublicKey(t.Context(), &kms.GetPublicKeyInput{KeyId: keyID}))(t)
			for _, algorithm := range public.SigningAlgorithms {
				for form, sent := range forms(t, spec, algorithm, public.PublicKey, message) {
					in := kms.SignInput{KeyId: keyID, Message: sent, MessageType: form, SigningAlgorithm: algorithm}
					out := must(client.Sign(t.Context(), &in))(t)
					if !verify(t, spec, algorithm, public.PublicKey, message, out.Signature) {
						t.Errorf("%s, %s: the signature is not valid", algorithm, form)
					}
					if other := append([]byte("not "), message...); verify(t, spec, algorithm, public.PublicKey, other, out.Signature) {
						t.Errorf("%s, %s: the signature is valid for another message", algorithm, form)
					}
				}
			}
		})
	}
}

// TestSignaturesMadeElsewhereVerifyAtTheEndpoint imports private keys whose owner has signed before.
func TestSignaturesMadeElsewhereVerifyAtTheEndpoint(t *testing.T) {
	message := []byte("a message that was signed elsewhere")
	check := func(spec types.KeySpec, algorithm types.SigningAlgorithmSpec, private, signature []byte) {
		t.Helper()
		keyID := imported(t, spec, types.KeyUsageTypeSignVerify, private)
		in := kms.VerifyInput{KeyId: keyID, Message: message, SigningAlgorithm: algorithm, Signature: signature}
		if out, err := root().Verify(t.Context(), &in); err != nil || !out.SignatureValid {
			t.Errorf("%s: %v", algorithm, err)
		}
		in.Signature = slices.Clone(signature)
		in.Signature[len(signature)/2] ^= 1
		_, err := root().Verify(t.Context(), &in)
		mustRefuse[*types.KMSInvalidSignatureException](t, err)
	}
	rsaKey := must(rsa.GenerateKey(rand.Reader, 2048))(t)
	hashed := digest(crypto.SHA384, message)
	check(types.KeySpecRsa2048, types.SigningAlgorithmSpecRsassaPkcs1V15Sha384, pkcs8(t, rsaKey),
		must(rsa.SignPKCS1v15(rand.Reader, rsaKey, crypto.SHA384, hashed))(t))
	check(types.KeySpecRsa2048, types.SigningAlgorithmSpecRsassaPssSha384, pkcs8(t, rsaKey),
		must(rsa.SignPSS(rand.Reader, rsaKey, crypto.SHA384, hashed, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}))(t))
	for spec, curve := range curves {
		key := must(ecdsa.GenerateKey(curve.ecdsa, rand.Reader))(t)
		algorithm := map[types.KeySpec]types.SigningAlgorithmSpec{
			types.KeySpecEccNistP256: types.SigningAlgorithmSpecEcdsaSha256,
			types.KeySpecEccNistP384: types.SigningAlgorithmSpecEcdsaSha384,
			types.KeySpecEccNistP521: types.SigningAlgorithmSpecEcdsaSha512,
		}[spec]
		check(spec, algorithm, pkcs8(t, key), must(ecdsa.SignASN1(rand.Reader, key, digest(hashOf(algorithm), message)))(t))
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	check(types.KeySpecEccNistEdwards25519, types.SigningAlgorithmSpecEd25519Sha512, pkcs8(t, edwards),
		ed25519.Sign(edwards, message))
	for _, spec := range []types.KeySpec{types.KeySpecMlDsa44, types.KeySpecMlDsa65, types.KeySpecMlDsa87} {
		key := must(mldsa.GenerateKey(mldsaParameters(spec)))(t)
		check(spec, types.SigningAlgorithmSpecMlDsaShake256, must(mldsax509.MarshalPKCS8PrivateKey(key))(t),
			must(key.Sign(nil, message, &mldsa.Options{}))(t))
	}
}

func TestDryRunsOfSignaturesSignNothing(t *testing.T) {
	keyID := newKey(t, types.KeySpecEccNistP256, types.KeyUsageTypeSignVerify)
	out, err := root().Sign(t.Context(), &kms.SignInput{
		KeyId: keyID, Message: []byte("m"), SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256, DryRun: aws.Bool(true),
	})
	mustRefuse[*types.DryRunOperationException](t, err)
	if out != nil {
		t.Errorf("it answers %+v", out)
	}
}

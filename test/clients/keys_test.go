// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package clients_test

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/mlkem"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"testing"

	"filippo.io/mldsa"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/cloudflare/circl/kem/mlkem/mlkem512"
	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	kwp "github.com/tink-crypto/tink-go/v2/kwp/subtle"
)

// publicKey downloads the public key of a KMS key, in DER.
func publicKey(t *testing.T, keyID *string) []byte {
	t.Helper()
	return must(root().GetPublicKey(t.Context(), &kms.GetPublicKeyInput{KeyId: keyID}))(t).PublicKey
}

// keyInfo is SubjectPublicKeyInfo (RFC 5280), and privateKeyInfo the beginning of PrivateKeyInfo (RFC 5958), of keys that
// crypto/x509 does not read.
type keyInfo struct {
	Algorithm struct {
		Algorithm  asn1.ObjectIdentifier
		Parameters asn1.RawValue `asn1:"optional"`
	}
	Key asn1.BitString
}

type privateKeyInfo struct {
	Version   int
	Algorithm asn1.RawValue
	Key       []byte
}

// rawPublic is the encoded key in a SubjectPublicKeyInfo.
func rawPublic(t *testing.T, der []byte) []byte {
	t.Helper()
	var info keyInfo
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 {
		t.Fatalf("the public key is no SubjectPublicKeyInfo: %v, %d bytes left", err, len(rest))
	}
	return info.Key.Bytes
}

// rawPrivate is the encoded key in a PrivateKeyInfo.
func rawPrivate(t *testing.T, der []byte) []byte {
	t.Helper()
	var info privateKeyInfo
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 {
		t.Fatalf("the private key is no PrivateKeyInfo: %v, %d bytes left", err, len(rest))
	}
	return info.Key
}

// seed is the seed of an ML-KEM private key, which RFC 9935 writes as an implicitly tagged octet string, with or without the
// expanded key behind it.
func seed(t *testing.T, der []byte) []byte {
	t.Helper()
	var value asn1.RawValue
	if _, err := asn1.Unmarshal(rawPrivate(t, der), &value); err != nil {
		t.Fatal(err)
	}
	if value.Class == asn1.ClassContextSpecific && value.Tag == 0 {
		return value.Bytes
	}
	var both struct{ Seed, Expanded []byte }
	if _, err := asn1.Unmarshal(rawPrivate(t, der), &both); err != nil {
		t.Fatalf("the private key has no seed: %v", err)
	}
	return both.Seed
}

func rsaPublic(t *testing.T, der []byte) *rsa.PublicKey { return parsed[*rsa.PublicKey](t, der) }

func parsed[K any](t *testing.T, der []byte) K {
	t.Helper()
	key, ok := must(x509.ParsePKIXPublicKey(der))(t).(K)
	if !ok {
		t.Fatalf("the public key is no %T", key)
	}
	return key
}

func secpPublic(t *testing.T, der []byte) *secp256k1.PublicKey {
	t.Helper()
	return must(secp256k1.ParsePubKey(rawPublic(t, der)))(t)
}

func mldsaPublic(t *testing.T, spec types.KeySpec, der []byte) *mldsa.PublicKey {
	t.Helper()
	return must(mldsa.NewPublicKey(mldsaParameters(spec), rawPublic(t, der)))(t)
}

func mldsaParameters(spec types.KeySpec) mldsa.Parameters {
	switch spec {
	case types.KeySpecMlDsa44:
		return mldsa.MLDSA44()
	case types.KeySpecMlDsa65:
		return mldsa.MLDSA65()
	default:
		return mldsa.MLDSA87()
	}
}

// encapsulate makes a secret and its ciphertext for a public key, without the endpoint.
func encapsulate(t *testing.T, spec types.KeySpec, der []byte) (secret, ciphertext []byte) {
	t.Helper()
	raw := rawPublic(t, der)
	switch spec {
	case types.KeySpecMlKem512:
		key := must(mlkem512.Scheme().UnmarshalBinaryPublicKey(raw))(t)
		ciphertext, secret, err := mlkem512.Scheme().Encapsulate(key)
		if err != nil {
			t.Fatal(err)
		}
		return secret, ciphertext
	case types.KeySpecMlKem768:
		return must(mlkem.NewEncapsulationKey768(raw))(t).Encapsulate()
	default:
		return must(mlkem.NewEncapsulationKey1024(raw))(t).Encapsulate()
	}
}

// decapsulate is the secret of a ciphertext by a private key in PKCS#8, without the endpoint.
func decapsulate(t *testing.T, spec types.KeySpec, der, ciphertext []byte) []byte {
	t.Helper()
	switch spec {
	case types.KeySpecMlKem512:
		_, key := mlkem512.Scheme().DeriveKeyPair(seed(t, der))
		return must(mlkem512.Scheme().Decapsulate(key, ciphertext))(t)
	case types.KeySpecMlKem768:
		return must(must(mlkem.NewDecapsulationKey768(seed(t, der)))(t).Decapsulate(ciphertext))(t)
	default:
		return must(must(mlkem.NewDecapsulationKey1024(seed(t, der)))(t).Decapsulate(ciphertext))(t)
	}
}

// imported is a key of Origin EXTERNAL whose material is wrapped here, by RSA_AES_KEY_WRAP_SHA_256, and then imported.
func imported(t *testing.T, spec types.KeySpec, usage types.KeyUsageType, material []byte) *string {
	t.Helper()
	client := root()
	keyID := newKey(t, spec, usage, func(in *kms.CreateKeyInput) { in.Origin = types.OriginTypeExternal })
	parameters := must(client.GetParametersForImport(t.Context(), &kms.GetParametersForImportInput{
		KeyId: keyID, WrappingAlgorithm: types.AlgorithmSpecRsaAesKeyWrapSha256, WrappingKeySpec: types.WrappingKeySpecRsa2048,
	}))(t)
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // it never fails
	wrapped := must(rsa.EncryptOAEP(sha256.New(), rand.Reader, rsaPublic(t, parameters.PublicKey), secret, nil))(t)
	inner := must(must(kwp.NewKWP(secret))(t).Wrap(material))(t)
	must(client.ImportKeyMaterial(t.Context(), &kms.ImportKeyMaterialInput{
		KeyId: keyID, ImportToken: parameters.ImportToken, EncryptedKeyMaterial: slices.Concat(wrapped, inner),
		ExpirationModel: types.ExpirationModelTypeKeyMaterialDoesNotExpire,
	}))(t)
	return keyID
}

// pkcs8 encodes a private key that crypto/x509 knows.
func pkcs8(t *testing.T, key any) []byte {
	t.Helper()
	return must(x509.MarshalPKCS8PrivateKey(key))(t)
}

// curves are the curves for ECDH and ECDSA.
var curves = map[types.KeySpec]struct {
	ecdh  ecdh.Curve
	ecdsa elliptic.Curve
}{
	types.KeySpecEccNistP256: {ecdh.P256(), elliptic.P256()},
	types.KeySpecEccNistP384: {ecdh.P384(), elliptic.P384()},
	types.KeySpecEccNistP521: {ecdh.P521(), elliptic.P521()},
}

// publicHalf is the public key, in DER, of a private key in PKCS#8 as GenerateDataKeyPair gives it.
func publicHalf(t *testing.T, spec types.DataKeyPairSpec, der []byte) []byte {
	t.Helper()
	var public any
	switch key := must(x509.ParsePKCS8PrivateKey(der))(t).(type) {
	case *rsa.PrivateKey:
		if err := key.Validate(); err != nil {
			t.Error(err)
		}
		public = key.Public()
	case *ecdsa.PrivateKey:
		public = key.Public()
	case ed25519.PrivateKey:
		public = key.Public()
	default:
		t.Fatalf("the private key of spec %s is a %T", spec, key)
	}
	return must(x509.MarshalPKIXPublicKey(public))(t)
}

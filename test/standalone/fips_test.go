// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package standalone_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"debug/buildinfo"
	"errors"
	"hash"
	"runtime/debug"
	"slices"
	"testing"

	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// use does with a key what it is for, and the opposite.
type use func(ctx context.Context, client *awskms.Client, keyID *string) error

var errAnother = errors.New("what came back is not what went in")

func encrypting(algorithm types.EncryptionAlgorithmSpec) use {
	return func(ctx context.Context, client *awskms.Client, keyID *string) error {
		encrypted, err := client.Encrypt(ctx, &awskms.EncryptInput{KeyId: keyID, Plaintext: []byte(plaintext), EncryptionAlgorithm: algorithm})
		if err != nil {
			return err
		}
		decrypted, err := client.Decrypt(ctx, &awskms.DecryptInput{
			KeyId: keyID, CiphertextBlob: encrypted.CiphertextBlob, EncryptionAlgorithm: algorithm,
		})
		if err == nil && string(decrypted.Plaintext) != plaintext {
			err = errAnother
		}
		return err
	}
}

func signing(algorithm types.SigningAlgorithmSpec) use {
	return func(ctx context.Context, client *awskms.Client, keyID *string) error {
		signed, err := client.Sign(ctx, &awskms.SignInput{KeyId: keyID, Message: []byte(plaintext), SigningAlgorithm: algorithm})
		if err != nil {
			return err
		}
		_, err = client.Verify(ctx, &awskms.VerifyInput{
			KeyId: keyID, Message: []byte(plaintext), SigningAlgorithm: algorithm, Signature: signed.Signature,
		})
		return err
	}
}

func macing(algorithm types.MacAlgorithmSpec) use {
	return func(ctx context.Context, client *awskms.Client, keyID *string) error {
		mac, err := client.GenerateMac(ctx, &awskms.GenerateMacInput{KeyId: keyID, Message: []byte(plaintext), MacAlgorithm: algorithm})
		if err != nil {
			return err
		}
		_, err = client.VerifyMac(ctx, &awskms.VerifyMacInput{KeyId: keyID, Message: []byte(plaintext), MacAlgorithm: algorithm, Mac: mac.Mac})
		return err
	}
}

func deriving(ctx context.Context, client *awskms.Client, keyID *string) error {
	public, err := client.GetPublicKey(ctx, &awskms.GetPublicKeyInput{KeyId: keyID})
	if err != nil {
		return err
	}
	_, err = client.DeriveSharedSecret(ctx, &awskms.DeriveSharedSecretInput{
		KeyId: keyID, KeyAgreementAlgorithm: types.KeyAgreementAlgorithmSpecEcdh, PublicKey: public.PublicKey,
	})
	return err
}

func encapsulating(ctx context.Context, client *awskms.Client, keyID *string) error {
	const algorithm = types.EncapsulationAlgorithmSpecMlKem
	there, err := client.Encapsulate(ctx, &awskms.EncapsulateInput{KeyId: keyID, EncapsulationAlgorithm: algorithm})
	if err != nil {
		return err
	}
	back, err := client.Decapsulate(ctx, &awskms.DecapsulateInput{
		KeyId: keyID, EncapsulationAlgorithm: algorithm, SharedSecretCiphertextBlob: there.SharedSecretCiphertextBlob,
	})
	if err == nil && !bytes.Equal(there.SharedSecret, back.SharedSecret) {
		err = errAnother
	}
	return err
}

// fipsCases is what docs/fips.md says of each algorithm.
var fipsCases = []struct {
	name  string
	spec  types.KeySpec
	usage types.KeyUsageType
	use   use
	// enforced is AWS's code of the error in fips140=only mode; empty where it works all the same.
	enforced string
}{
	{"SYMMETRIC_DEFAULT", types.KeySpecSymmetricDefault, types.KeyUsageTypeEncryptDecrypt, encrypting(types.EncryptionAlgorithmSpecSymmetricDefault), ""},
	{"RSAES_OAEP_SHA_256", types.KeySpecRsa2048, types.KeyUsageTypeEncryptDecrypt, encrypting(types.EncryptionAlgorithmSpecRsaesOaepSha256), ""},
	{"RSAES_OAEP_SHA_1", types.KeySpecRsa2048, types.KeyUsageTypeEncryptDecrypt, encrypting(types.EncryptionAlgorithmSpecRsaesOaepSha1), "KMSInternalException"},
	{"RSASSA_PSS_SHA_256", types.KeySpecRsa2048, types.KeyUsageTypeSignVerify, signing(types.SigningAlgorithmSpecRsassaPssSha256), ""},
	{"RSASSA_PKCS1_V1_5_SHA_512", types.KeySpecRsa2048, types.KeyUsageTypeSignVerify, signing(types.SigningAlgorithmSpecRsassaPkcs1V15Sha512), ""},
	{"ECC_NIST_P256", types.KeySpecEccNistP256, types.KeyUsageTypeSignVerify, signing(types.SigningAlgorithmSpecEcdsaSha256), ""},
	{"ECC_NIST_P384", types.KeySpecEccNistP384, types.KeyUsageTypeSignVerify, signing(types.SigningAlgorithmSpecEcdsaSha384), ""},
	{"ECC_NIST_P521", types.KeySpecEccNistP521, types.KeyUsageTypeSignVerify, signing(types.SigningAlgorithmSpecEcdsaSha512), ""},
	{"ECC_NIST_EDWARDS25519", types.KeySpecEccNistEdwards25519, types.KeyUsageTypeSignVerify, signing(types.SigningAlgorithmSpecEd25519Sha512), ""},
	{"ECDH", types.KeySpecEccNistP256, types.KeyUsageTypeKeyAgreement, deriving, ""},
	{"HMAC_SHA_224", types.KeySpecHmac224, types.KeyUsageTypeGenerateVerifyMac, macing(types.MacAlgorithmSpecHmacSha224), ""},
	{"HMAC_SHA_512", types.KeySpecHmac512, types.KeyUsageTypeGenerateVerifyMac, macing(types.MacAlgorithmSpecHmacSha512), ""},
	{"ML_KEM_768", types.KeySpecMlKem768, types.KeyUsageTypeEncapsulateDecapsulate, encapsulating, ""},
	{"ML_KEM_1024", types.KeySpecMlKem1024, types.KeyUsageTypeEncapsulateDecapsulate, encapsulating, ""},
	// Outside of the module, whose enforcement does not see them.
	{"ML_KEM_512", types.KeySpecMlKem512, types.KeyUsageTypeEncapsulateDecapsulate, encapsulating, ""},
	{"ECC_SECG_P256K1", types.KeySpecEccSecgP256k1, types.KeyUsageTypeSignVerify, signing(types.SigningAlgorithmSpecEcdsaSha256), ""},
	{"ML_DSA_44", types.KeySpecMlDsa44, types.KeyUsageTypeSignVerify, signing(types.SigningAlgorithmSpecMlDsaShake256), ""},
	{"ML_DSA_65", types.KeySpecMlDsa65, types.KeyUsageTypeSignVerify, signing(types.SigningAlgorithmSpecMlDsaShake256), ""},
	{"ML_DSA_87", types.KeySpecMlDsa87, types.KeyUsageTypeSignVerify, signing(types.SigningAlgorithmSpecMlDsaShake256), ""},
}

func TestInFIPSModeEveryAlgorithmDoesWhatTheDocumentationSays(t *testing.T) {
	binary, err := certified()
	if err != nil {
		t.Fatal(err)
	}
	c := newCommand(t)
	c.program = binary
	for _, mode := range []string{"on", "only"} {
		t.Run(mode, func(t *testing.T) {
			c.environment = []string{"GODEBUG=fips140=" + mode}
			p := c.start(t)
			p.logs("serving AWS's API", "fips140=true")
			for _, tt := range fipsCases {
				keyID := p.newKey(func(in *awskms.CreateKeyInput) { in.KeySpec, in.KeyUsage = tt.spec, tt.usage })
				want := ""
				if mode == "only" {
					want = tt.enforced
				}
				if err := tt.use(t.Context(), p.root(), &keyID); code(err) != want {
					t.Errorf("%s: %v, want %q", tt.name, err, want)
				}
			}
			p.stop()
		})
	}
}

func TestTheFIPSBuildIsOfTheCertifiedModule(t *testing.T) {
	binary, err := certified()
	if err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []debug.BuildSetting{{Key: "GOFIPS140", Value: "v1.0.0-c2097c7c"}, {Key: "DefaultGODEBUG", Value: "fips140=on"}} {
		if !slices.Contains(info.Settings, want) {
			t.Errorf("the build's settings are %v, without %v", info.Settings, want)
		}
	}
}

// importing imports material for a new key, wrapped by RSA-OAEP with the hash.
func importing(ctx context.Context, client *awskms.Client, algorithm types.AlgorithmSpec, h hash.Hash) error {
	created, err := client.CreateKey(ctx, &awskms.CreateKeyInput{Origin: types.OriginTypeExternal})
	if err != nil {
		return err
	}
	keyID := created.KeyMetadata.KeyId
	parameters, err := client.GetParametersForImport(ctx, &awskms.GetParametersForImportInput{
		KeyId: keyID, WrappingAlgorithm: algorithm, WrappingKeySpec: types.WrappingKeySpecRsa2048,
	})
	if err != nil {
		return err
	}
	public, err := x509.ParsePKIXPublicKey(parameters.PublicKey)
	if err != nil {
		return err
	}
	wrappingKey, ok := public.(*rsa.PublicKey)
	if !ok {
		return errors.New("the wrapping key is no RSA key")
	}
	wrapped, err := rsa.EncryptOAEP(h, rand.Reader, wrappingKey, make([]byte, 32), nil)
	if err != nil {
		return err
	}
	_, err = client.ImportKeyMaterial(ctx, &awskms.ImportKeyMaterialInput{
		KeyId: keyID, ImportToken: parameters.ImportToken, EncryptedKeyMaterial: wrapped,
		ExpirationModel: types.ExpirationModelTypeKeyMaterialDoesNotExpire,
	})
	return err
}

func TestInFIPSModeImportsAndShortSecretsDoWhatTheDocumentationSays(t *testing.T) {
	binary, err := certified()
	if err != nil {
		t.Fatal(err)
	}
	c := newCommand(t)
	c.program = binary
	ten, nine := secret[:10], secret[:9]
	write(t, c.credentials, `[{accessKeyID: TEN0, secretAccessKey: "`+ten+`", principal: "`+rootARN+`"},
		{accessKeyID: NINE, secretAccessKey: "`+nine+`", principal: "`+rootARN+`"}]`, 0o600)
	for mode, want := range map[string]struct{ sha1, nine string }{
		"on":   {"", ""},
		"only": {"InvalidCiphertextException", "KMSInternalException"},
	} {
		t.Run(mode, func(t *testing.T) {
			c.environment = []string{"GODEBUG=fips140=" + mode}
			p := c.start(t)
			client := p.clientWith("TEN0", ten, region)
			if err := importing(t.Context(), client, types.AlgorithmSpecRsaesOaepSha256, sha256.New()); err != nil {
				t.Errorf("RSAES_OAEP_SHA_256: %v", err)
			}
			if err := importing(t.Context(), client, types.AlgorithmSpecRsaesOaepSha1, sha1.New()); code(err) != want.sha1 {
				t.Errorf("RSAES_OAEP_SHA_1: %v, want %q", err, want.sha1)
			}
			_, err := p.clientWith("NINE", nine, region).ListKeys(t.Context(), &awskms.ListKeysInput{})
			if code(err) != want.nine {
				t.Errorf("a secret of nine characters: %v, want %q", err, want.nine)
			}
			p.stop()
		})
	}
}

// A directory that one of them made serves the other as well.
func TestBothBuildsReadEachOthersDirectories(t *testing.T) {
	binary, err := certified()
	if err != nil {
		t.Fatal(err)
	}
	c := newCommand(t)
	p := c.start(t)
	keyID := p.newKey(nil)
	in := &awskms.EncryptInput{KeyId: &keyID, Plaintext: []byte(plaintext)}
	encrypted, err := p.root().Encrypt(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	p.logs("serving AWS's API", "fips140=false")
	p.stop()

	c.program, c.environment = binary, []string{"GODEBUG=fips140=only"}
	p = c.start(t)
	decrypted, err := p.root().Decrypt(t.Context(), &awskms.DecryptInput{CiphertextBlob: encrypted.CiphertextBlob})
	if err != nil || string(decrypted.Plaintext) != plaintext {
		t.Fatalf("decrypted %v, %v", decrypted, err)
	}
	if encrypted, err = p.root().Encrypt(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	p.stop()

	c.program, c.environment = program, nil
	p = c.start(t)
	if _, err := p.root().Decrypt(t.Context(), &awskms.DecryptInput{CiphertextBlob: encrypted.CiphertextBlob}); err != nil {
		t.Error(err)
	}
}

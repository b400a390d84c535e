// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

func rsaPublic(t *testing.T, der []byte) *rsa.PublicKey {
	t.Helper()
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		t.Fatal(err)
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok {
		t.Fatalf("a %T", parsed)
	}
	return key
}

// The one "acceptable" flaw in these files is a missing NULL (MissingNull): rejected, as RFC 8017, 9.2, has one encoding.
func TestPKCS1SignaturesOfWycheproof(t *testing.T) {
	type group struct {
		PublicKeyDer hexBytes
		Tests        []signatureTest
	}
	for file, algorithm := range map[string]keyspec.Algorithm{
		"2048_sha256": keyspec.RSASSAPKCS1V15SHA256, "2048_sha384": keyspec.RSASSAPKCS1V15SHA384,
		"2048_sha512": keyspec.RSASSAPKCS1V15SHA512, "3072_sha256": keyspec.RSASSAPKCS1V15SHA256,
		"3072_sha384": keyspec.RSASSAPKCS1V15SHA384, "3072_sha512": keyspec.RSASSAPKCS1V15SHA512,
		"4096_sha256": keyspec.RSASSAPKCS1V15SHA256, "4096_sha384": keyspec.RSASSAPKCS1V15SHA384,
		"4096_sha512": keyspec.RSASSAPKCS1V15SHA512,
	} {
		t.Run(file, func(t *testing.T) {
			accepted := 0
			for _, g := range load[group](t, "rsa_signature_"+file+"_test.json") {
				key := rsaPublic(t, g.PublicKeyDer)
				for _, tt := range g.Tests {
					err := verifyRSA(key, algorithm, MessageRaw, tt.Msg, tt.Sig)
					judge(t, tt, tt.Result == "valid", err, &accepted)
				}
			}
			if accepted < 5 {
				t.Errorf("only %d accepted", accepted)
			}
		})
	}
}

// PKCS #1 v1.5 is the one padding without randomness, so Sign has to make Wycheproof's very signatures.
func TestPKCS1SignaturesAreMadeAsWycheproofMakesThem(t *testing.T) {
	type group struct {
		PrivateKeyPkcs8 hexBytes
		Sha             string
		Tests           []signatureTest
	}
	algorithms := map[string]keyspec.Algorithm{
		"SHA-256": keyspec.RSASSAPKCS1V15SHA256, "SHA-384": keyspec.RSASSAPKCS1V15SHA384,
		"SHA-512": keyspec.RSASSAPKCS1V15SHA512,
	}
	for _, spec := range []keyspec.Spec{keyspec.RSA2048, keyspec.RSA3072, keyspec.RSA4096} {
		t.Run(string(spec), func(t *testing.T) {
			signed := 0
			size := strings.TrimPrefix(string(spec), "RSA_")
			for _, g := range load[group](t, "rsa_pkcs1_"+size+"_sig_gen_test.json") {
				m, err := ParseImported(spec, g.PrivateKeyPkcs8)
				algorithm, ok := algorithms[g.Sha]
				if err != nil || !ok {
					continue // the exponent 3, or a hash that AWS does not have
				}
				for _, tt := range g.Tests {
					got, err := m.Sign(algorithm, MessageRaw, tt.Msg)
					if err != nil || !bytes.Equal(got, tt.Sig) {
						t.Errorf("%s: got %x, %v, want %x", tt.Comment, got, err, tt.Sig)
					}
					signed++
				}
			}
			if signed < 20 {
				t.Errorf("only %d signed", signed)
			}
		})
	}
}

func TestPSSSignaturesOfWycheproof(t *testing.T) {
	type group struct {
		PublicKeyDer hexBytes
		Sha, MgfSha  string
		SLen         int
		Tests        []signatureTest
	}
	algorithms := map[string]keyspec.Algorithm{
		"SHA-256": keyspec.RSASSAPSSSHA256, "SHA-384": keyspec.RSASSAPSSSHA384, "SHA-512": keyspec.RSASSAPSSSHA512,
	}
	for file, offered := range map[string]bool{
		"2048_sha256_mgf1_32": true, "2048_sha384_mgf1_48": true, "3072_sha256_mgf1_32": true,
		"4096_sha256_mgf1_32": true, "4096_sha384_mgf1_48": true, "4096_sha512_mgf1_64": true, "misc": true,
		// Signatures that are good, with a salt or a mask that AWS does not have.
		"2048_sha256_mgf1_0": false, "2048_sha256_mgf1sha1_20": false, "4096_sha512_mgf1_32": false,
	} {
		t.Run(file, func(t *testing.T) {
			accepted := 0
			for _, g := range load[group](t, "rsa_pss_"+file+"_test.json") {
				algorithm, ok := algorithms[g.Sha]
				if !ok {
					continue // a hash of no algorithm of AWS
				}
				size := hashes[algorithm].Size()
				awsForm := g.MgfSha == g.Sha && g.SLen == size
				// Invalid for a group of another salt length, by having the very one of AWS.
				awsSalt := fmt.Sprintf("s_len changed to %d", size)
				key := rsaPublic(t, g.PublicKeyDer)
				for _, tt := range g.Tests {
					err := verifyRSA(key, algorithm, MessageRaw, tt.Msg, tt.Sig)
					valid := tt.Result == "valid" && awsForm || tt.Comment == awsSalt && g.MgfSha == g.Sha
					judge(t, tt, valid, err, &accepted)
				}
			}
			if (accepted > 2) != offered {
				t.Errorf("%d accepted", accepted)
			}
		})
	}
}

func TestOAEPCiphertextsOfWycheproof(t *testing.T) {
	type group struct {
		PrivateKeyPkcs8 hexBytes
		Sha, MgfSha     string
		Tests           []struct {
			Comment, Result string
			Msg, Ct, Label  hexBytes
		}
	}
	algorithms := map[string]keyspec.Algorithm{
		"SHA-1": keyspec.RSAESOAEPSHA1, "SHA-256": keyspec.RSAESOAEPSHA256,
	}
	for _, file := range []string{
		"2048_sha1_mgf1sha1", "2048_sha256_mgf1sha256", "3072_sha256_mgf1sha256", "4096_sha256_mgf1sha256", "misc",
	} {
		t.Run(file, func(t *testing.T) {
			accepted, refused := 0, 0
			for _, g := range load[group](t, "rsa_oaep_"+file+"_test.json") {
				algorithm, ok := algorithms[g.Sha]
				key, err := parseRSA(g.PrivateKeyPkcs8)
				if !ok || g.MgfSha != g.Sha || (err == nil && key.N.BitLen() < 2048) {
					continue // hashes that AWS does not combine, or a size that it does not have
				}
				if err != nil {
					t.Fatal(err)
				}
				for _, tt := range g.Tests {
					got, err := rsaPrivate{key}.decrypt(algorithm, tt.Ct)
					// AWS has no labels: what was encrypted with one is invalid here.
					if tt.Result != "valid" || len(tt.Label) > 0 {
						refused++
						if !undifferentiated(err) || got != nil {
							t.Errorf("%s: got %x, %v, want nothing but ErrInvalidCiphertext", tt.Comment, got, err)
						}
						continue
					}
					accepted++
					if err != nil || !bytes.Equal(got, tt.Msg) {
						t.Errorf("%s: got %x, %v, want %x", tt.Comment, got, err, tt.Msg)
					}
				}
			}
			if accepted < 10 || (refused < 10 && file != "misc") {
				t.Errorf("only %d accepted and %d refused", accepted, refused)
			}
		})
	}
}

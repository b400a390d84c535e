// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"filippo.io/mldsa"
	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// signatureTest is one vector of a file of signatures. Ctx is ML-DSA's context string.
type signatureTest struct {
	Comment, Result string
	Msg, Sig, Ctx   hexBytes
	Flags           []string
}

// judge compares what verify said with what Wycheproof says, and counts what it accepted.
func judge(t *testing.T, tt signatureTest, valid bool, err error, accepted *int) {
	t.Helper()
	if err != nil && !errors.Is(err, ErrInvalidSignature) {
		t.Errorf("%s: unforeseen error %v", tt.Comment, err)
	}
	if (err == nil) != valid {
		t.Errorf("%s %v (%s): got %v", tt.Comment, tt.Flags, tt.Result, err)
	}
	if err == nil {
		*accepted++
	}
}

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

func TestECDSASignaturesOfWycheproof(t *testing.T) {
	type group struct {
		PublicKey    struct{ Uncompressed hexBytes }
		PublicKeyDer hexBytes
		Tests        []signatureTest
	}
	for file, algorithm := range map[string]keyspec.Algorithm{
		"secp256r1_sha256": keyspec.ECDSASHA256, "secp384r1_sha384": keyspec.ECDSASHA384,
		"secp521r1_sha512": keyspec.ECDSASHA512, "secp256k1_sha256": keyspec.ECDSASHA256,
	} {
		t.Run(file, func(t *testing.T) {
			accepted := 0
			for _, g := range load[group](t, "ecdsa_"+file+"_test.json") {
				verify := ecdsaVerifier(t, file, g.PublicKeyDer, g.PublicKey.Uncompressed)
				for _, tt := range g.Tests {
					judge(t, tt, tt.Result == "valid", verify(algorithm, MessageRaw, tt.Msg, tt.Sig), &accepted)
				}
			}
			if accepted < 100 {
				t.Errorf("only %d accepted", accepted)
			}
		})
	}
}

type verifyFunc func(keyspec.Algorithm, MessageType, []byte, []byte) error

func ecdsaVerifier(t *testing.T, file string, der, point []byte) verifyFunc {
	t.Helper()
	if strings.HasPrefix(file, "secp256k1") {
		key, err := secp256k1.ParsePubKey(point)
		if err != nil {
			t.Fatal(err)
		}
		return func(a keyspec.Algorithm, m MessageType, msg, sig []byte) error {
			return verifySecp(key, a, m, msg, sig)
		}
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		t.Fatal(err)
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok {
		t.Fatalf("a %T", parsed)
	}
	return func(a keyspec.Algorithm, m MessageType, msg, sig []byte) error {
		return verifyECDSA(key, a, m, msg, sig)
	}
}

func TestEd25519SignaturesOfWycheproof(t *testing.T) {
	type group struct {
		PublicKey struct{ Pk hexBytes }
		Tests     []signatureTest
	}
	accepted := 0
	for _, g := range load[group](t, "ed25519_test.json") {
		for _, tt := range g.Tests {
			key := ed25519.PublicKey(g.PublicKey.Pk)
			err := verifyEdwards(key, keyspec.Ed25519SHA512, MessageRaw, tt.Msg, tt.Sig)
			judge(t, tt, tt.Result == "valid", err, &accepted)
		}
	}
	if accepted < 80 {
		t.Errorf("only %d accepted", accepted)
	}
}

// RFC 8032, 7.3: the one vector of Ed25519ph, of the message "abc".
func TestEd25519phSignsAsRFC8032Shows(t *testing.T) {
	var seed, want hexBytes
	for text, to := range map[string]*hexBytes{
		"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42": &seed,
		"98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41" +
			"31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406": &want,
	} {
		if err := to.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	m := mustParse(t, keyspec.ECCNISTEdwards25519, seed)
	hashed := hashOf(keyspec.Ed25519PHSHA512, []byte("abc"))
	got, err := m.Sign(keyspec.Ed25519PHSHA512, MessageDigest, hashed)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("error %v\ngot  %x\nwant %x", err, got, want)
	}
}

func mldsaSets() map[string]mldsa.Parameters {
	return map[string]mldsa.Parameters{"44": mldsa.MLDSA44(), "65": mldsa.MLDSA65(), "87": mldsa.MLDSA87()}
}

func TestMLDSASignaturesOfWycheproof(t *testing.T) {
	type group struct {
		PublicKey hexBytes
		Tests     []signatureTest
	}
	for size, params := range mldsaSets() {
		t.Run(size, func(t *testing.T) {
			accepted := 0
			for _, g := range load[group](t, "mldsa_"+size+"_verify_test.json") {
				key, err := mldsa.NewPublicKey(params, g.PublicKey)
				for _, tt := range g.Tests {
					if err != nil {
						if tt.Result == "valid" {
							t.Errorf("%s: %v", tt.Comment, err)
						}
						continue
					}
					// AWS has no context strings: what was signed with one does not verify here.
					valid := tt.Result == "valid" && len(tt.Ctx) == 0
					judge(t, tt, valid, verifyMLDSA(key, MessageRaw, tt.Msg, tt.Sig), &accepted)
				}
			}
			if accepted < 20 {
				t.Errorf("only %d accepted", accepted)
			}
		})
	}
}

// The vectors were signed without randomness, so Sign's own signatures differ. They must verify as the vectors' do, and
// those made from Wycheproof's mu must verify with the message, which shows that mu is taken as FIPS 204 means it.
func TestMLDSASeedsOfWycheproofSign(t *testing.T) {
	type group struct {
		PrivateSeed hexBytes
		Tests       []struct {
			signatureTest

			Mu hexBytes
		}
	}
	for size := range mldsaSets() {
		t.Run(size, func(t *testing.T) {
			spec := keyspec.Spec("ML_DSA_" + size)
			signed, fromMu := 0, 0
			for _, g := range load[group](t, "mldsa_"+size+"_sign_seed_test.json") {
				for _, tt := range g.Tests {
					if tt.Result != "valid" || len(tt.Ctx) > 0 || tt.Msg == nil {
						continue // a context string, or mu without the message to verify with
					}
					m := mustParse(t, spec, g.PrivateSeed)
					if err := m.Verify(keyspec.MLDSASHAKE256, MessageRaw, tt.Msg, tt.Sig); err != nil {
						t.Errorf("%s: %v", tt.Comment, err)
					}
					forms := map[MessageType][]byte{MessageRaw: tt.Msg}
					if len(tt.Mu) > 0 {
						forms[MessageExternalMu] = tt.Mu
						fromMu++
					}
					for form, input := range forms {
						sig, err := m.Sign(keyspec.MLDSASHAKE256, form, input)
						if err != nil {
							t.Fatal(err)
						}
						if err := m.Verify(keyspec.MLDSASHAKE256, MessageRaw, tt.Msg, sig); err != nil {
							t.Errorf("%s, signed as %s: %v", tt.Comment, form, err)
						}
					}
					signed++
				}
			}
			if signed < 20 || fromMu < 20 {
				t.Errorf("only %d signed, %d from mu", signed, fromMu)
			}
		})
	}
}

func TestHMACsOfWycheproof(t *testing.T) {
	type group struct {
		KeySize, TagSize int
		Tests            []struct {
			Comment, Result string
			Key, Msg, Tag   hexBytes
		}
	}
	for size, algorithm := range map[int]keyspec.Algorithm{
		224: keyspec.HMACSHA224, 256: keyspec.HMACSHA256, 384: keyspec.HMACSHA384, 512: keyspec.HMACSHA512,
	} {
		t.Run(string(algorithm), func(t *testing.T) {
			spec := keyspec.Spec(fmt.Sprintf("HMAC_%d", size))
			whole, cut := 0, 0
			for _, g := range load[group](t, fmt.Sprintf("hmac_sha%d_test.json", size)) {
				if g.KeySize != size {
					continue // a key that Parse refuses
				}
				for _, tt := range g.Tests {
					err := mustParse(t, spec, tt.Key).VerifyMac(algorithm, tt.Msg, tt.Tag)
					valid := tt.Result == "valid" && g.TagSize == size // AWS does not cut MACs
					if valid {
						whole++
					} else {
						cut++
					}
					if (err == nil) != valid || (err != nil && !errors.Is(err, ErrInvalidMac)) {
						t.Errorf("%s (%s, %d bits): %v", tt.Comment, tt.Result, g.TagSize, err)
					}
				}
			}
			if whole < 20 || cut < 50 {
				t.Errorf("only %d whole, %d cut or wrong", whole, cut)
			}
		})
	}
}

// Of what Wycheproof calls "acceptable", compressed points (CompressedPoint), curves given by parameters (UnnamedCurve) and
// deviating DER (InvalidAsn) are refused: parsePeer says why.
func TestSharedSecretsOfWycheproof(t *testing.T) {
	type group struct {
		Tests []struct {
			Comment, Result         string
			Public, Private, Shared hexBytes
			Flags                   []string
		}
	}
	for curve, spec := range map[string]keyspec.Spec{
		"secp256r1": keyspec.ECCNISTP256, "secp384r1": keyspec.ECCNISTP384, "secp521r1": keyspec.ECCNISTP521,
	} {
		t.Run(curve, func(t *testing.T) {
			accepted, refused := 0, 0
			for _, g := range load[group](t, "ecdh_"+curve+"_test.json") {
				for _, tt := range g.Tests {
					m := mustParse(t, spec, scalarOf(spec, tt.Private))
					secret, err := m.DeriveSharedSecret(keyspec.ECDH, tt.Public)
					if tt.Result == "valid" {
						accepted++
						if err != nil || !bytes.Equal(secret, tt.Shared) {
							t.Errorf("%s: got %x, %v, want %x", tt.Comment, secret, err, tt.Shared)
						}
						continue
					}
					refused++
					if !errors.Is(err, ErrInvalidPublicKey) || secret != nil {
						t.Errorf("%s %v (%s): got %x, %v", tt.Comment, tt.Flags, tt.Result, secret, err)
					}
				}
			}
			if accepted < 200 || refused < 50 {
				t.Errorf("only %d accepted, %d refused", accepted, refused)
			}
		})
	}
}

// scalarOf brings a DER integer to the curve's fixed length.
func scalarOf(spec keyspec.Spec, integer []byte) []byte {
	size := map[keyspec.Spec]int{keyspec.ECCNISTP256: 32, keyspec.ECCNISTP384: 48, keyspec.ECCNISTP521: 66}[spec]
	return new(big.Int).SetBytes(integer).FillBytes(make([]byte, size))
}

// Vectors of implicit rejection are among the valid ones: their K is the pseudo-random secret.
func TestMLKEMCiphertextsOfWycheproof(t *testing.T) {
	type group struct {
		Tests []struct {
			Comment, Result string
			Seed, C, K      hexBytes
			Flags           []string
		}
	}
	for _, size := range []string{"512", "768", "1024"} {
		t.Run(size, func(t *testing.T) {
			accepted, refused := 0, 0
			spec := keyspec.Spec("ML_KEM_" + size)
			for _, g := range load[group](t, "mlkem_"+size+"_test.json") {
				for _, tt := range g.Tests {
					m, err := Parse(spec, tt.Seed)
					if err != nil && tt.Result == "invalid" {
						refused++
						continue
					}
					secret, err := m.Decapsulate(keyspec.MLKEM, tt.C)
					switch {
					case tt.Result == "valid" && err == nil && bytes.Equal(secret, tt.K):
						accepted++
					case tt.Result == "invalid" && errors.Is(err, ErrInvalidCiphertext):
						refused++
					default:
						t.Errorf("%s %v (%s): got %x, %v", tt.Comment, tt.Flags, tt.Result, secret, err)
					}
				}
			}
			if accepted < 100 || refused < 10 {
				t.Errorf("only %d accepted, %d refused", accepted, refused)
			}
		})
	}
}

// hashOf is a message's digest, for the algorithms that sign one.
func hashOf(algorithm keyspec.Algorithm, message []byte) []byte {
	hash, ok := hashes[algorithm]
	if !ok {
		hash = hashes[keyspec.RSASSAPSSSHA512] // Ed25519ph's SHA-512
	}
	h := hash.New()
	h.Write(message)
	return slices.Clip(h.Sum(nil))
}

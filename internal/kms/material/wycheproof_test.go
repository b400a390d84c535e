// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"testing"

	"github.com/c2sp/wycheproof"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// hexBytes is a byte string as Wycheproof's JSON writes it.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// base64URL is a byte string as a JSON Web Key writes it.
type base64URL []byte

func (b *base64URL) UnmarshalText(text []byte) (err error) {
	*b, err = base64.RawURLEncoding.DecodeString(string(text))
	return err
}

// vectors is a Wycheproof file whose groups are G and whose tests are T.
type vectors[G any] struct {
	TestGroups []G `json:"testGroups"`
}

func load[G any](t testing.TB, file string) []G {
	t.Helper()
	data, err := fs.ReadFile(wycheproof.TestVectors, file)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors[G]
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if len(v.TestGroups) == 0 {
		t.Fatalf("%s has no test groups", file)
	}
	return v.TestGroups
}

func wantPublicKey(t *testing.T, m Material, want []byte) {
	t.Helper()
	if got, err := m.PublicKey(); err != nil || !bytes.Equal(got, want) {
		t.Errorf("public key (error %v):\ngot  %x\nwant %x", err, got, want)
	}
}

func TestMLKEMSeedsGiveWycheproofsEncapsulationKeys(t *testing.T) {
	// The SubjectPublicKeyInfo up to the key: the lengths follow from the key's, and the algorithm identifiers are those
	// that the CA/Browser Forum's S/MIME requirements, 7.1.3.2.5, give byte by byte.
	heads := map[keyspec.Spec]string{
		keyspec.MLKEM512:  "30820332" + "300b0609608648016503040401" + "0382032100",
		keyspec.MLKEM768:  "308204b2" + "300b0609608648016503040402" + "038204a100",
		keyspec.MLKEM1024: "30820632" + "300b0609608648016503040403" + "0382062100",
	}
	type group struct {
		Tests []struct {
			Seed, Ek hexBytes
			Result   string
		}
	}
	for spec, head := range heads {
		t.Run(string(spec), func(t *testing.T) {
			start, err := hex.DecodeString(head)
			if err != nil {
				t.Fatal(err)
			}
			var size int
			if _, err := fmt.Sscanf(string(spec), "ML_KEM_%d", &size); err != nil {
				t.Fatal(err)
			}
			tested := 0
			for _, g := range load[group](t, fmt.Sprintf("mlkem_%d_keygen_seed_test.json", size)) {
				for _, tt := range g.Tests {
					wantPublicKey(t, mustParse(t, spec, tt.Seed), append(bytes.Clone(start), tt.Ek...))
					tested++
				}
			}
			if tested < 50 {
				t.Errorf("only %d vectors", tested)
			}
		})
	}
}

func TestMLDSASeedsGiveWycheproofsPublicKeys(t *testing.T) {
	type signGroup struct{ PrivateSeed, PublicKey hexBytes }
	type verifyGroup struct{ PublicKey, PublicKeyDer hexBytes }
	for size, spec := range map[int]keyspec.Spec{
		44: keyspec.MLDSA44, 65: keyspec.MLDSA65, 87: keyspec.MLDSA87,
	} {
		t.Run(string(spec), func(t *testing.T) {
			// The verification vectors have the whole SubjectPublicKeyInfo. What stands before the key is the same for all.
			var head []byte
			for _, g := range load[verifyGroup](t, fmt.Sprintf("mldsa_%d_verify_test.json", size)) {
				if before, ok := bytes.CutSuffix(g.PublicKeyDer, g.PublicKey); ok && len(g.PublicKeyDer) > 0 {
					head = before
					break
				}
			}
			if head == nil {
				t.Fatal("no SubjectPublicKeyInfo among the vectors")
			}
			good, bad := 0, 0
			for _, g := range load[signGroup](t, fmt.Sprintf("mldsa_%d_sign_seed_test.json", size)) {
				if len(g.PrivateSeed) != 32 {
					refuse(t, spec, g.PrivateSeed, "bytes")
					bad++
					continue
				}
				wantPublicKey(t, mustParse(t, spec, g.PrivateSeed), append(bytes.Clone(head), g.PublicKey...))
				good++
			}
			if good < 20 || bad < 2 {
				t.Errorf("only %d good and %d bad seeds", good, bad)
			}
		})
	}
}

func TestECScalarsGiveWycheproofsPoints(t *testing.T) {
	type jwkGroup struct {
		Tests []struct {
			Private struct{ D, X, Y base64URL }
		}
	}
	type derGroup struct {
		Tests []struct {
			Public hexBytes
			Result string
		}
	}
	for curve, spec := range map[string]keyspec.Spec{
		"secp256r1": keyspec.ECCNISTP256, "secp384r1": keyspec.ECCNISTP384, "secp521r1": keyspec.ECCNISTP521,
		"secp256k1": keyspec.ECCSECGP256K1,
	} {
		t.Run(string(spec), func(t *testing.T) {
			// A peer's key of another file shows what stands before the point; it is the same for all of the curve.
			jwks := load[jwkGroup](t, "ecdh_"+curve+"_webcrypto_test.json")
			peer := load[derGroup](t, "ecdh_"+curve+"_test.json")[0].Tests[0]
			size := len(jwks[0].Tests[0].Private.X)
			if peer.Result != "valid" {
				t.Fatalf("the first vector is %s", peer.Result)
			}
			head := peer.Public[:len(peer.Public)-2*size]
			scalars := map[string]bool{}
			for _, g := range jwks {
				for _, tt := range g.Tests {
					if scalars[string(tt.Private.D)] {
						continue
					}
					scalars[string(tt.Private.D)] = true
					want := append(append(bytes.Clone(head), tt.Private.X...), tt.Private.Y...)
					wantPublicKey(t, mustParse(t, spec, tt.Private.D), want)
				}
			}
			if len(scalars) < 20 {
				t.Errorf("only %d scalars", len(scalars))
			}
		})
	}
}

// rsaVector is a PKCS #8 private key with its public exponent and SubjectPublicKeyInfo.
type rsaVector struct{ private, exponent, public []byte }

func rsaVectors(t testing.TB, spec keyspec.Spec) []rsaVector {
	t.Helper()
	type group struct {
		PrivateKey              struct{ PublicExponent hexBytes }
		PrivateKeyPkcs8, KeyDer hexBytes
	}
	var size int
	if _, err := fmt.Sscanf(string(spec), "RSA_%d", &size); err != nil {
		t.Fatal(err)
	}
	var pairs []rsaVector
	for _, g := range load[group](t, fmt.Sprintf("rsa_pkcs1_%d_sig_gen_test.json", size)) {
		pairs = append(pairs, rsaVector{g.PrivateKeyPkcs8, g.PrivateKey.PublicExponent, g.KeyDer})
	}
	return pairs
}

func TestRSAKeysOfWycheproofGiveTheirPublicKeys(t *testing.T) {
	for _, spec := range []keyspec.Spec{keyspec.RSA2048, keyspec.RSA3072, keyspec.RSA4096} {
		t.Run(string(spec), func(t *testing.T) {
			tested := 0
			for _, pair := range rsaVectors(t, spec) {
				if !bytes.Equal(pair.exponent, []byte{0x01, 0x00, 0x01}) {
					refuse(t, spec, pair.private, "the public exponent is not 65537")
					continue
				}
				wantPublicKey(t, mustParse(t, spec, pair.private), pair.public)
				tested++
			}
			if tested < 3 {
				t.Errorf("only %d keys", tested)
			}
		})
	}
}

func TestRSAKeysOfWycheproofThatKMSDoesNotHaveAreRefused(t *testing.T) {
	type group struct{ PrivateKeyPkcs8 hexBytes }
	tests := map[string]struct {
		spec    keyspec.Spec
		mustSay string
	}{
		"rsa_three_primes_oaep_2048_sha1_mgf1sha1_test.json":     {keyspec.RSA2048, "3 primes"},
		"rsa_three_primes_oaep_3072_sha224_mgf1sha224_test.json": {keyspec.RSA3072, "3 primes"},
		"rsa_three_primes_oaep_4096_sha256_mgf1sha256_test.json": {keyspec.RSA4096, "3 primes"},
		"rsa_pkcs1_1024_sig_gen_test.json":                       {keyspec.RSA2048, "1024 bits"},
		"rsa_pkcs1_1536_sig_gen_test.json":                       {keyspec.RSA2048, "1536 bits"},
	}
	for file, tt := range tests {
		t.Run(file, func(t *testing.T) {
			for _, g := range load[group](t, file) {
				refuse(t, tt.spec, g.PrivateKeyPkcs8, tt.mustSay)
			}
		})
	}
}

// Wycheproof has no Ed25519 private keys; these pairs are those of RFC 8032, 7.1, and the last that of RFC 8410, 10.
func TestEd25519SeedsGiveThePublicKeysOfTheRFCs(t *testing.T) {
	const head = "302a300506032b6570032100" // RFC 8410, 10.1
	for _, pair := range []struct{ seed, public string }{
		{
			"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
			"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
		},
		{
			"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
			"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
		},
		{
			"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
			"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
		},
		{
			"d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842",
			"19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1",
		},
	} {
		var secret, want hexBytes
		if err := secret.UnmarshalText([]byte(pair.seed)); err != nil {
			t.Fatal(err)
		}
		if err := want.UnmarshalText([]byte(head + pair.public)); err != nil {
			t.Fatal(err)
		}
		wantPublicKey(t, mustParse(t, keyspec.ECCNISTEdwards25519, secret), want)
	}
}

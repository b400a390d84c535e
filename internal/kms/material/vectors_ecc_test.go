// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

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

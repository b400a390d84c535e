// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"bytes"
	"encoding/asn1"
	"encoding/pem"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

func TestAnEllipticCurveKeyIsTheSameMaterialInEveryEncoding(t *testing.T) {
	eachSpec(t, func(t *testing.T, m Material) {
		if m.Spec().Family() != keyspec.FamilyECC || m.Spec() == keyspec.ECCNISTEdwards25519 {
			return
		}
		key := mustParsePKCS8(t, mustPKCS8(t, m))
		var curve asn1.ObjectIdentifier
		if _, err := asn1.Unmarshal(key.Algorithm.Parameters.FullBytes, &curve); err != nil {
			t.Fatal(err)
		}
		point := ownPublic(t, m)
		size := len(point) / 2
		compressed := append([]byte{2 | point[2*size]&1}, point[1:1+size]...)
		plain := ecPrivateKey{Version: 1, PrivateKey: m.Export()}
		forms := map[string]func(k *ecPrivateKey){
			"scalar alone":     func(*ecPrivateKey) {},
			"curve inside":     func(k *ecPrivateKey) { k.Curve = curve },
			"public key":       func(k *ecPrivateKey) { k.PublicKey = bitString(point) },
			"compressed":       func(k *ecPrivateKey) { k.PublicKey = bitString(compressed) },
			"longer scalar":    func(k *ecPrivateKey) { k.PrivateKey = append([]byte{0, 0}, k.PrivateKey...) },
			"all there is":     func(k *ecPrivateKey) { k.Curve, k.PublicKey = curve, bitString(point) },
			"no leading zeros": func(k *ecPrivateKey) { k.PrivateKey = bytes.TrimLeft(k.PrivateKey, "\x00") },
		}
		for name, change := range forms {
			inner := plain
			change(&inner)
			same(t, name, m, with(t, key, inner))
		}

		wrongSign := append([]byte{compressed[0] ^ 1}, compressed[1:]...)
		bad := map[string]func(k *ecPrivateKey){
			"scalar is zero": func(k *ecPrivateKey) { k.PrivateKey = make([]byte, size) },
			"order":          func(k *ecPrivateKey) { k.PrivateKey = bytes.Repeat([]byte{0xff}, size) },
			"or not below":   func(k *ecPrivateKey) { k.PrivateKey = append([]byte{1}, k.PrivateKey...) },
			"curve":          func(k *ecPrivateKey) { k.Curve = asn1.ObjectIdentifier{1, 3, 132, 0, 33} },
			"public key":     func(k *ecPrivateKey) { k.PublicKey = bitString(wrongSign) },
			"RFC 5915":       func(k *ecPrivateKey) { k.Version = 2 },
		}
		for says, change := range bad {
			inner := plain
			change(&inner)
			refuseImport(t, m.Spec(), with(t, key, inner), says)
		}
		key.Algorithm.Parameters = asn1.RawValue{FullBytes: mustDER(t, struct{ Version int }{1})}
		refuseImport(t, m.Spec(), with(t, key, plain), "its curve is not named")
	})
}

// A scalar of few bytes, so that leading zeros are there to be left out.
func TestASmallScalarIsImportedWithoutItsZeros(t *testing.T) {
	for spec, size := range map[keyspec.Spec]int{
		keyspec.ECCNISTP256: 32, keyspec.ECCNISTP384: 48, keyspec.ECCNISTP521: 66, keyspec.ECCSECGP256K1: 32,
	} {
		m := mustParse(t, spec, append(make([]byte, size-2), 1, 2))
		key := mustParsePKCS8(t, mustPKCS8(t, m))
		same(t, string(spec), m, with(t, key, ecPrivateKey{Version: 1, PrivateKey: []byte{1, 2}}))
	}
}

// OpenSSL's encodings of the secp256k1 key 0101…01, with the public key whole and compressed.
func TestSecp256k1KeysOfOpenSSLAreImported(t *testing.T) {
	const head = "020100301006072a8648ce3d020106052b8104000a04"
	const scalar = "0101010101010101010101010101010101010101010101010101010101010101"
	const x = "1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f"
	const y = "70beaf8f588b541507fed6a642c5ab42dfdf8120a7f639de5122d47a69a8e8d1"
	m := mustParse(t, keyspec.ECCSECGP256K1, unhex(t, scalar))
	whole := unhex(t, "308184"+head+"6d306b0201010420"+scalar+"a144034200"+"04"+x+y)
	same(t, "whole", m, whole)
	same(t, "compressed", m, unhex(t, "3064"+head+"4d304b0201010420"+scalar+"a124032200"+"03"+x))
	if !bytes.Equal(mustPKCS8(t, m), whole) {
		t.Error("PKCS8 differs from OpenSSL's")
	}
}

func TestPEMKeysOfWycheproofAgreeOnItsSecrets(t *testing.T) {
	type group struct {
		Tests []struct {
			Comment, Result string
			Public, Private string
			Shared          hexBytes
		}
	}
	for curve, spec := range map[string]keyspec.Spec{
		"secp256r1": keyspec.ECCNISTP256, "secp384r1": keyspec.ECCNISTP384, "secp521r1": keyspec.ECCNISTP521,
	} {
		t.Run(curve, func(t *testing.T) {
			agreed := 0
			for _, g := range load[group](t, "ecdh_"+curve+"_pem_test.json") {
				for _, tt := range g.Tests {
					private, _ := pem.Decode([]byte(tt.Private))
					public, _ := pem.Decode([]byte(tt.Public))
					if tt.Result != "valid" || private == nil || public == nil {
						continue // what is wrong is the public key, which TestSharedSecretsOfWycheproof has
					}
					m, err := ParseImported(spec, private.Bytes)
					if err != nil {
						t.Fatalf("%s: %v", tt.Comment, err)
					}
					secret, err := m.DeriveSharedSecret(keyspec.ECDH, public.Bytes)
					if err != nil || !bytes.Equal(secret, tt.Shared) {
						t.Errorf("%s: got %x, %v, want %x", tt.Comment, secret, err, tt.Shared)
					}
					agreed++
				}
			}
			if agreed < 200 {
				t.Errorf("only %d agreed", agreed)
			}
		})
	}
}

// RFC 8410, 10.3: the same key in version 1, and in version 2 with attributes and its public key.
func TestTheEd25519KeysOfRFC8410AreImported(t *testing.T) {
	const seed = "d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842"
	m := mustParse(t, keyspec.ECCNISTEdwards25519, unhex(t, seed))
	first := unhex(t, "302e020100300506032b657004220420"+seed)
	same(t, "version 1", m, first)
	same(t, "version 2", m, unhex(t, "3072020101300506032b657004220420"+seed+
		"a01f301d060a2a864886f70d01090914310f0c0d437572646c6520436861697273"+
		"81210019bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1"))
	if !bytes.Equal(mustPKCS8(t, m), first) {
		t.Error("PKCS8 differs from the RFC's")
	}
}

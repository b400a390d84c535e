// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// importErrors are all the things ParseImported may say after its head, beyond parseErrors. Numbers are lengths, versions of
// a format and names of algorithms. What matches this can't hold the bytes.
var importErrors = regexp.MustCompile(`^(` + strings.Join([]string{
	`it has \d+ bytes, more than 6144`,
	`it is not a PKCS #8 private key in DER`,
	`its version of PKCS #8 is neither 1 nor 2`,
	`it is not an (RSA|elliptic curve|Ed25519|ML-DSA-\d\d|ML-KEM-\d{3,4}) key`,
	`its curve is not named`,
	`it is on another curve`,
	`it is not an elliptic curve private key \(RFC 5915\) inside`,
	`it is not an Ed25519 private key \(RFC 8410\) inside`,
	`it is not an RSA private key \(RFC 8017\) inside`,
	`it is neither a seed nor a seed with its expanded key inside`,
	`it has the expanded key alone, not the seed`,
	`its seed and its expanded key do not belong together`,
	`its algorithm has parameters, and may have none`,
	`its algorithm has parameters that RSA does not have`,
	`it has more than 2 primes`,
	`the public key with it is not its own`,
}, "|") + `)$`)

// refuseImport wants ParseImported to fail, to say so, and to say nothing else.
func refuseImport(t *testing.T, spec keyspec.Spec, imported []byte, mustSay string) {
	t.Helper()
	m, err := ParseImported(spec, imported)
	if err == nil {
		t.Errorf("ParseImported accepted it as %v", m)
		return
	}
	reason, ok := strings.CutPrefix(err.Error(), "parsing imported "+string(spec)+" key material: ")
	if _, pair := kinds[spec].(keyPair); !pair {
		reason, ok = strings.CutPrefix(err.Error(), "parsing "+string(spec)+" key material: ")
	}
	if !ok || !importErrors.MatchString(reason) && !parseErrors.MatchString(reason) {
		t.Errorf("unforeseen error: %v", err)
	}
	if !strings.Contains(reason, mustSay) {
		t.Errorf("got %v, want an error that says %q", err, mustSay)
	}
}

// same wants an encoding to be that of the material.
func same(t *testing.T, name string, m Material, imported []byte) {
	t.Helper()
	got, err := ParseImported(m.Spec(), imported)
	if err != nil {
		t.Errorf("%s: %v", name, err)
	} else if !got.Equal(m) || !bytes.Equal(got.Export(), m.Export()) {
		t.Errorf("%s: other material", name)
	}
}

func mustPKCS8(t testing.TB, m Material) []byte {
	t.Helper()
	der, err := m.PKCS8()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func mustDER(t testing.TB, v any) []byte {
	t.Helper()
	der, err := asn1.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func mustParsePKCS8(t testing.TB, der []byte) oneAsymmetricKey {
	t.Helper()
	key, err := parsePKCS8(der)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func bitString(b []byte) asn1.BitString { return asn1.BitString{Bytes: b, BitLength: 8 * len(b)} }

// ownPublic is the content of the SubjectPublicKeyInfo.
func ownPublic(t testing.TB, m Material) []byte {
	t.Helper()
	der, err := m.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	var spki struct {
		Algorithm asn1.RawValue
		PublicKey asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &spki); err != nil {
		t.Fatal(err)
	}
	return spki.PublicKey.Bytes
}

func TestPairsComeBackFromPKCS8Unchanged(t *testing.T) {
	eachSpec(t, func(t *testing.T, m Material) {
		if !m.Spec().HasPublicKey() {
			if der, err := m.PKCS8(); err == nil || errors.Is(err, ErrDestroyed) {
				t.Errorf("got %d bytes, %v", len(der), err)
			}
			same(t, "Export's form", m, m.Export())
			return
		}
		same(t, "PKCS #8", m, mustPKCS8(t, m))
		gone := mustParse(t, m.Spec(), m.Export())
		gone.Destroy()
		if _, err := gone.PKCS8(); !errors.Is(err, ErrDestroyed) {
			t.Errorf("after Destroy: %v", err)
		}
	})
}

func TestPKCS8SharesNoMemoryWithTheMaterial(t *testing.T) {
	eachSpec(t, func(t *testing.T, m Material) {
		if !m.Spec().HasPublicKey() {
			return
		}
		copied := mustParse(t, m.Spec(), m.Export())
		clear(mustPKCS8(t, copied))
		if !bytes.Equal(copied.Export(), m.Export()) {
			t.Error("a caller changed the material from outside")
		}
	})
}

func TestImportTakesVersion2WithAttributesAndItsOwnPublicKey(t *testing.T) {
	attributes := asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: []byte{0x30, 0}}
	eachSpec(t, func(t *testing.T, m Material) {
		if !m.Spec().HasPublicKey() {
			return
		}
		key := mustParsePKCS8(t, mustPKCS8(t, m))
		key.Attributes = attributes
		same(t, "attributes", m, mustDER(t, key))
		key.Version, key.PublicKey = 1, bitString(ownPublic(t, m))
		same(t, "version 2", m, mustDER(t, key))

		wrong := bytes.Clone(key.PublicKey.Bytes)
		wrong[len(wrong)-1] ^= 1
		for _, public := range [][]byte{wrong, wrong[:len(wrong)-1], {4}} {
			key.PublicKey = bitString(public)
			refuseImport(t, m.Spec(), mustDER(t, key), "public key")
		}
		key.PublicKey, key.Version = asn1.BitString{}, 2
		refuseImport(t, m.Spec(), mustDER(t, key), "version")
	})
}

func TestImportRefusesOtherKeys(t *testing.T) {
	all, err := generated()
	if err != nil {
		t.Fatal(err)
	}
	eachSpec(t, func(t *testing.T, m Material) {
		if !m.Spec().HasPublicKey() {
			return
		}
		for spec, other := range all {
			if spec != m.Spec() && spec.HasPublicKey() {
				refuseImport(t, m.Spec(), mustPKCS8(t, other), "")
			}
		}
		refuseImport(t, m.Spec(), m.reveal()[1:], "PKCS #8")
	})
}

func TestImportRefusesOtherForms(t *testing.T) {
	eachSpec(t, func(t *testing.T, m Material) {
		if !m.Spec().HasPublicKey() {
			return
		}
		der := mustPKCS8(t, m)
		refuseImport(t, m.Spec(), nil, "PKCS #8")
		refuseImport(t, m.Spec(), der[:len(der)-1], "PKCS #8")
		refuseImport(t, m.Spec(), append(bytes.Clone(der), 0), "PKCS #8")
		refuseImport(t, m.Spec(), make([]byte, 6145), "more than 6144")

		key := mustParsePKCS8(t, der)
		for _, inner := range [][]byte{nil, {0x30, 0}, append(bytes.Clone(key.PrivateKey), 0), key.PrivateKey[:len(key.PrivateKey)-1]} {
			spoilt := key
			spoilt.PrivateKey = inner
			refuseImport(t, m.Spec(), mustDER(t, spoilt), "inside")
		}
		key.Algorithm = pkix.AlgorithmIdentifier{
			Algorithm: key.Algorithm.Algorithm, Parameters: asn1.RawValue{FullBytes: []byte{0x04, 0x00}},
		}
		refuseImport(t, m.Spec(), mustDER(t, key), "")
	})
}

func TestImportedSecretKeysHaveAWSsLengths(t *testing.T) {
	for spec, bounds := range map[keyspec.Spec][2]int{
		keyspec.SymmetricDefault: {32, 32},
		keyspec.HMAC224:          {28, 64}, keyspec.HMAC256: {32, 64}, keyspec.HMAC384: {48, 128}, keyspec.HMAC512: {64, 128},
	} {
		for n := range 140 {
			imported := bytes.Repeat([]byte{0x42}, n)
			if n < bounds[0] || n > bounds[1] {
				refuseImport(t, spec, imported, "bytes")
				refuse(t, spec, imported, "bytes")
				continue
			}
			m, err := ParseImported(spec, imported)
			if err != nil || !bytes.Equal(m.Export(), imported) {
				t.Errorf("%s of %d bytes: %v", spec, n, err)
				continue
			}
			if !mustParse(t, spec, m.Export()).Equal(m) {
				t.Errorf("%s of %d bytes does not come back from Export", spec, n)
			}
		}
	}
}

func TestUnknownSpecsAreNotImported(t *testing.T) {
	for _, spec := range []keyspec.Spec{"", "SM2", "AES_256"} {
		if _, err := ParseImported(spec, make([]byte, 32)); err == nil {
			t.Errorf("ParseImported(%q) accepted something", spec)
		}
	}
}

// FuzzParseImported: it never panics; what it accepts, Parse and PKCS8 have one form of; what it refuses it does not repeat.
func FuzzParseImported(f *testing.F) {
	for i, spec := range keyspec.All() {
		f.Add(uint8(i), bytes.Repeat([]byte{0x42}, 32))
		f.Add(uint8(i), bytes.Repeat([]byte{0x42}, 64))
		if !spec.HasPublicKey() {
			continue
		}
		if spec.Family() == keyspec.FamilyRSA {
			f.Add(uint8(i), rsaVectors(f, spec)[0].private)
			continue
		}
		der := mustPKCS8(f, fuzzed(f, spec))
		key := mustParsePKCS8(f, der)
		key.Version, key.PublicKey = 1, bitString(ownPublic(f, fuzzed(f, spec)))
		f.Add(uint8(i), der)
		f.Add(uint8(i), mustDER(f, key))
	}
	f.Fuzz(func(t *testing.T, which uint8, imported []byte) {
		spec := keyspec.All()[int(which)%len(keyspec.All())]
		m, err := ParseImported(spec, imported)
		if err != nil {
			refuseImport(t, spec, imported, "")
			return
		}
		if !mustParse(t, spec, m.Export()).Equal(m) {
			t.Errorf("%v does not come back from Export", m)
		}
		if spec.HasPublicKey() {
			same(t, "PKCS #8", m, mustPKCS8(t, m))
		}
	})
}

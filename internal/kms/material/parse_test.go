// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// parseErrors are all the things Parse may say after "parsing SPEC key material: ". Numbers are lengths. What matches this
// can't hold the bytes.
var parseErrors = regexp.MustCompile(`^(` + strings.Join([]string{
	`it has \d+ bytes, not \d{2}`,
	`it has \d+ bytes, not \d{2} to \d{2,3}`,
	`the private scalar is zero or not below the curve's order`,
	`it has \d+ bytes, too many for this size`,
	`it is not a consistent PKCS #8 private key`,
	`it is not an RSA key`,
	`the modulus has \d+ bits, not \d{4}`,
	`the public exponent is not 65537`,
	`it has \d primes, not 2`,
	`its numbers do not belong together`,
	`it is not in the one DER form: trailing or superfluous data`,
}, "|") + `)$`)

// refuse wants Parse to fail, to say so, and to say nothing else.
func refuse(t *testing.T, spec keyspec.Spec, encoded []byte, mustSay string) {
	t.Helper()
	m, err := Parse(spec, encoded)
	if err == nil {
		t.Errorf("Parse accepted it as %v", m)
		return
	}
	reason, ok := strings.CutPrefix(err.Error(), "parsing "+string(spec)+" key material: ")
	if !ok || !parseErrors.MatchString(reason) {
		t.Errorf("unforeseen error: %v", err)
	}
	if !strings.Contains(reason, mustSay) {
		t.Errorf("got %v, want an error that says %q", err, mustSay)
	}
}

func TestParseRefusesEveryWrongLength(t *testing.T) {
	eachSpec(t, func(t *testing.T, m Material) {
		encoded := m.Export()
		refuse(t, m.Spec(), nil, "")
		refuse(t, m.Spec(), encoded[:1], "")
		refuse(t, m.Spec(), encoded[:len(encoded)-1], "")
		if kind, ok := kinds[m.Spec()].(hmacHash); ok { // the one with a range
			encoded = bytes.Repeat([]byte{1}, kind.most)
		}
		refuse(t, m.Spec(), append(encoded, 0), "")
		refuse(t, m.Spec(), append([]byte{0}, encoded...), "")
		refuse(t, m.Spec(), bytes.Repeat([]byte{1}, 1<<20), "bytes")
	})
}

func TestParseKnowsTheOrderOfEachCurve(t *testing.T) {
	orders := map[keyspec.Spec]string{ // FIPS 186-4, D.1.2; SEC 2, 2.4.1
		keyspec.ECCNISTP256: "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
		keyspec.ECCNISTP384: "ffffffffffffffffffffffffffffffffffffffffffffffff" +
			"c7634d81f4372ddf581a0db248b0a77aecec196accc52973",
		keyspec.ECCNISTP521: "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa" +
			"51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
		keyspec.ECCSECGP256K1: "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
	}
	for spec, text := range orders {
		t.Run(string(spec), func(t *testing.T) {
			order, ok := new(big.Int).SetString(text, 16)
			if !ok {
				t.Fatal("the order in this test is not a number")
			}
			size := len(text) / 2
			scalar := func(plus int64) []byte {
				return new(big.Int).Add(order, big.NewInt(plus)).FillBytes(make([]byte, size))
			}
			mustParse(t, spec, scalar(-1))
			mustParse(t, spec, big.NewInt(1).FillBytes(make([]byte, size)))
			for name, outside := range map[string][]byte{
				"zero": make([]byte, size), "the order": scalar(0), "the order plus one": scalar(1),
				"all ones": bytes.Repeat([]byte{0xff}, size),
			} {
				t.Run(name, func(t *testing.T) { refuse(t, spec, outside, "scalar") })
			}
		})
	}
}

// rsaKey returns the key of a generated RSA_2048 material, to be spoilt.
func rsaKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	all, err := generated()
	if err != nil {
		t.Fatal(err)
	}
	key, err := parseRSA(all[keyspec.RSA2048].Export())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func encodePKCS8(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestParseRefusesRSAKeysOfAnotherSize(t *testing.T) {
	all, err := generated()
	if err != nil {
		t.Fatal(err)
	}
	refuse(t, keyspec.RSA2048, all[keyspec.RSA3072].Export(), "the modulus has 3072 bits, not 2048")
	refuse(t, keyspec.RSA3072, all[keyspec.RSA2048].Export(), "the modulus has 2048 bits, not 3072")
	refuse(t, keyspec.RSA4096, all[keyspec.RSA3072].Export(), "the modulus has 3072 bits, not 4096")
	refuse(t, keyspec.RSA2048, all[keyspec.RSA4096].Export(), "too many")
}

func TestParseRefusesOtherKeysAndForms(t *testing.T) {
	p256, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	refuse(t, keyspec.RSA2048, encodePKCS8(t, p256), "not an RSA key")
	refuse(t, keyspec.RSA2048, x509.MarshalPKCS1PrivateKey(rsaKey(t)), "PKCS #8")
	refuse(t, keyspec.RSA2048, append(encodePKCS8(t, rsaKey(t)), 0x05, 0x00), "trailing")
}

func TestParseRefusesAnotherPublicExponent(t *testing.T) {
	key := rsaKey(t)
	one := big.NewInt(1)
	p1, q1 := new(big.Int).Sub(key.Primes[0], one), new(big.Int).Sub(key.Primes[1], one)
	totient := new(big.Int).Mul(p1, q1)
	for e := int64(65539); ; e += 2 {
		d := new(big.Int).ModInverse(big.NewInt(e), totient)
		if d == nil {
			continue
		}
		other := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: key.N, E: int(e)}, D: d, Primes: key.Primes}
		refuse(t, keyspec.RSA2048, encodePKCS8(t, other), "exponent")
		return
	}
}

// Each changed bit of an RSA key makes its numbers disagree or its form wrong, so none may pass. (A bit of the version or of
// an identifier would too; all are tried.)
func TestParseRefusesAnRSAKeyWithAnyByteChanged(t *testing.T) {
	encoded := encodePKCS8(t, rsaKey(t))
	for i := range encoded {
		changed := bytes.Clone(encoded)
		changed[i] ^= 1 << (i % 8)
		if m, err := Parse(keyspec.RSA2048, changed); err == nil {
			t.Errorf("byte %d changed: accepted as %v", i, m)
		}
	}
}

// FuzzParse: Parse never panics; what it accepts is exactly what Export returns; what it refuses it does not repeat.
func FuzzParse(f *testing.F) {
	for i, spec := range keyspec.All() {
		for _, n := range []int{0, 1, 28, 32, 48, 64, 66} {
			f.Add(uint8(i), bytes.Repeat([]byte{0x42}, n))
			f.Add(uint8(i), bytes.Repeat([]byte{0xff}, n))
			f.Add(uint8(i), make([]byte, n))
		}
		if spec.Family() == keyspec.FamilyRSA {
			for _, key := range rsaVectors(f, spec) {
				f.Add(uint8(i), key.private)
			}
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, encoded []byte) {
		spec := keyspec.All()[int(which)%len(keyspec.All())]
		m, err := Parse(spec, encoded)
		if err != nil {
			refuse(t, spec, encoded, "")
			return
		}
		if !bytes.Equal(m.Export(), encoded) {
			t.Errorf("%v exports %d other bytes than it was parsed from", m, len(m.Export()))
		}
		if _, err := m.PublicKey(); (err == nil) != spec.HasPublicKey() {
			t.Errorf("%v: public key: %v", m, err)
		}
		if len(encoded) > 8 && strings.Contains(m.ID(), hex.EncodeToString(encoded[:8])) {
			t.Errorf("%v: the identifier shows the bytes", m)
		}
	})
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// rsaMaterial is generated material, its PKCS #8 taken apart, and its numbers.
func rsaMaterial(t *testing.T) (Material, oneAsymmetricKey, rsaPrivateKey) {
	t.Helper()
	all, err := generated()
	if err != nil {
		t.Fatal(err)
	}
	m := all[keyspec.RSA2048]
	key := mustParsePKCS8(t, mustPKCS8(t, m))
	private, err := rsaBits(2048).parse(key)
	if err != nil {
		t.Fatal(err)
	}
	return m, key, *private
}

func with(t *testing.T, key oneAsymmetricKey, inner any) []byte {
	t.Helper()
	key.PrivateKey = mustDER(t, inner)
	return mustDER(t, key)
}

func TestAnRSAKeyIsTheSameMaterialInEveryEncoding(t *testing.T) {
	m, key, private := rsaMaterial(t)
	swapped := private
	swapped.Prime1, swapped.Prime2 = private.Prime2, private.Prime1
	swapped.Exponent1, swapped.Exponent2 = private.Exponent2, private.Exponent1
	swapped.Coefficient = new(big.Int).ModInverse(private.Prime1, private.Prime2)
	same(t, "the primes swapped", m, with(t, key, swapped))

	one := big.NewInt(1)
	p1, q1 := new(big.Int).Sub(private.Prime1, one), new(big.Int).Sub(private.Prime2, one)
	other := private
	other.PrivateExponent = new(big.Int).ModInverse(private.PublicExponent, new(big.Int).Mul(p1, q1))
	for other.PrivateExponent.Cmp(private.PrivateExponent) == 0 { // if the two totients happen to give the same one
		totient := new(big.Int).Div(new(big.Int).Mul(p1, q1), new(big.Int).GCD(nil, nil, p1, q1))
		other.PrivateExponent = new(big.Int).Add(other.PrivateExponent, totient)
	}
	same(t, "the exponent modulo another totient", m, with(t, key, other))

	withoutNull := key
	withoutNull.Algorithm.Parameters = asn1.RawValue{}
	same(t, "no NULL", m, mustDER(t, withoutNull))
}

func TestImportRefusesRSAKeysWhoseNumbersDoNotBelongTogether(t *testing.T) {
	_, key, private := rsaMaterial(t)
	plus := func(x *big.Int, y int64) *big.Int { return new(big.Int).Add(x, big.NewInt(y)) }
	for name, spoil := range map[string]func(k *rsaPrivateKey){
		"modulus":          func(k *rsaPrivateKey) { k.Modulus = plus(k.Modulus, 2) },
		"negative modulus": func(k *rsaPrivateKey) { k.Modulus = new(big.Int).Neg(k.Modulus) },
		"exponent":         func(k *rsaPrivateKey) { k.PrivateExponent = plus(k.PrivateExponent, 2) },
		"no exponent":      func(k *rsaPrivateKey) { k.PrivateExponent = big.NewInt(0) },
		"exponent too large": func(k *rsaPrivateKey) {
			order := new(big.Int).Mul(plus(k.Prime1, -1), plus(k.Prime2, -1))
			k.PrivateExponent = new(big.Int).Add(k.PrivateExponent, new(big.Int).Mul(order, big.NewInt(2)))
		},
		"first prime":      func(k *rsaPrivateKey) { k.Prime1 = plus(k.Prime1, 2) },
		"second prime":     func(k *rsaPrivateKey) { k.Prime2 = plus(k.Prime2, 2) },
		"one and modulus":  func(k *rsaPrivateKey) { k.Prime1, k.Prime2 = big.NewInt(1), k.Modulus },
		"zero":             func(k *rsaPrivateKey) { k.Prime1, k.Prime2 = big.NewInt(0), k.Modulus },
		"negative primes":  func(k *rsaPrivateKey) { k.Prime1, k.Prime2 = new(big.Int).Neg(k.Prime1), new(big.Int).Neg(k.Prime2) },
		"first CRT":        func(k *rsaPrivateKey) { k.Exponent1 = plus(k.Exponent1, 1) },
		"second CRT":       func(k *rsaPrivateKey) { k.Exponent2 = plus(k.Exponent2, 1) },
		"coefficient":      func(k *rsaPrivateKey) { k.Coefficient = plus(k.Coefficient, 1) },
		"primes exchanged": func(k *rsaPrivateKey) { k.Prime1, k.Prime2 = k.Prime2, k.Prime1 },
	} {
		t.Run(name, func(t *testing.T) {
			spoilt := private
			spoil(&spoilt)
			refuseImport(t, keyspec.RSA2048, with(t, key, spoilt), "numbers do not belong together")
		})
	}
}

// With a composite number for a prime one can make a key whose redundant numbers all agree, and crypto/rsa takes it if it is
// the smaller one; only a test of primality tells.
func TestImportRefusesRSAKeysOfACompositeNumber(t *testing.T) {
	key := mustParsePKCS8(t, rsaVectors(t, keyspec.RSA2048)[0].private)
	genuine, err := rsaBits(2048).parse(key)
	if err != nil {
		t.Fatal(err)
	}
	one, e, prime := big.NewInt(1), genuine.PublicExponent, genuine.Prime1
	if prime.Cmp(genuine.Prime2) < 0 {
		prime = genuine.Prime2
	}
	composite := func() *big.Int { // 11 times some odd number: 1.375 * 2^1023
		for c := new(big.Int).SetBit(one, 1020, 1); ; c = new(big.Int).Add(c, big.NewInt(2)) {
			product := new(big.Int).Mul(c, big.NewInt(11))
			if new(big.Int).ModInverse(e, new(big.Int).Sub(product, one)) != nil {
				return product
			}
		}
	}()
	forged := rsaPrivateKey{
		Modulus: new(big.Int).Mul(prime, composite), PublicExponent: e, Prime1: prime, Prime2: composite,
		Coefficient: new(big.Int).ModInverse(composite, prime),
	}
	p1, q1 := new(big.Int).Sub(prime, one), new(big.Int).Sub(composite, one)
	forged.PrivateExponent = new(big.Int).ModInverse(e, new(big.Int).Mul(p1, q1))
	forged.Exponent1, forged.Exponent2 = new(big.Int).ModInverse(e, p1), new(big.Int).ModInverse(e, q1)
	if _, err := encodeRSA(prime, composite); err != nil || prime.Cmp(composite) < 0 {
		t.Fatalf("not the forgery that this test is about: %v", err)
	}
	refuseImport(t, keyspec.RSA2048, with(t, key, forged), "numbers do not belong together")
}

func TestImportRefusesRSAKeysThatKMSDoesNotHave(t *testing.T) {
	type group struct{ PrivateKeyPkcs8 hexBytes }
	for _, g := range load[group](t, "rsa_three_primes_oaep_2048_sha1_mgf1sha1_test.json") {
		refuseImport(t, keyspec.RSA2048, g.PrivateKeyPkcs8, "more than 2 primes")
	}
	for _, g := range load[group](t, "rsa_pkcs1_1536_sig_gen_test.json") {
		refuseImport(t, keyspec.RSA2048, g.PrivateKeyPkcs8, "1536 bits")
	}
	for _, spec := range []keyspec.Spec{keyspec.RSA2048, keyspec.RSA3072, keyspec.RSA4096} {
		imported := 0
		for _, pair := range rsaVectors(t, spec) {
			if !bytes.Equal(pair.exponent, []byte{1, 0, 1}) {
				refuseImport(t, spec, pair.private, "exponent is not 65537")
				continue
			}
			m, err := ParseImported(spec, pair.private)
			if err != nil {
				t.Fatal(err)
			}
			wantPublicKey(t, m, pair.public)
			imported++
		}
		if imported < 3 {
			t.Errorf("only %d keys of %s", imported, spec)
		}
	}
}

// A key that crypto/x509 wrote before this package ordered primes is in sealed records: Parse takes it as it is.
func TestParseStillTakesTheOtherOrderOfPrimes(t *testing.T) {
	m, _, _ := rsaMaterial(t)
	key, err := parseRSA(m.Export())
	if err != nil {
		t.Fatal(err)
	}
	other := encodePKCS8(t, &rsa.PrivateKey{
		PublicKey: key.PublicKey, D: key.D, Primes: []*big.Int{key.Primes[1], key.Primes[0]},
	})
	back := mustParse(t, keyspec.RSA2048, other)
	if back.Equal(m) || !bytes.Equal(back.Export(), other) {
		t.Error("Parse changed the encoding")
	}
	same(t, "imported", m, other)
}

func TestPKCS8OfTheStandardCurvesIsWhatCryptoX509Writes(t *testing.T) {
	eachSpec(t, func(t *testing.T, m Material) {
		switch m.Spec().Family() {
		case keyspec.FamilyRSA, keyspec.FamilyECC:
		default:
			return
		}
		der := mustPKCS8(t, m)
		if m.Spec() == keyspec.ECCSECGP256K1 {
			return // which it does not know
		}
		key, err := x509.ParsePKCS8PrivateKey(der)
		if err != nil {
			t.Fatal(err)
		}
		if again := encodePKCS8(t, key); !bytes.Equal(again, der) {
			t.Error("crypto/x509 writes another form")
		}
	})
}

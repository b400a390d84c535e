// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
)

// rsaPrivateKey is RFC 8017's structure (A.1.2), for two primes. For more there would be a last field.
type rsaPrivateKey struct {
	Version              int
	Modulus              *big.Int
	PublicExponent       *big.Int
	PrivateExponent      *big.Int
	Prime1, Prime2       *big.Int
	Exponent1, Exponent2 *big.Int
	Coefficient          *big.Int
	OtherPrimes          asn1.RawValue `asn1:"optional"`
}

// primalityRounds are those of Miller and Rabin on a prime from outside. Their bases are random, so all of them miss a
// composite number with a chance of 2^-40, even one made to deceive; math/big adds the test of Baillie, Pomerance, Selfridge
// and Wagstaff, which nobody knows how to deceive. Who tries harms a key of his own.
const primalityRounds = 20

var errRSANumbers = errors.New("its numbers do not belong together")

// normalise reads the key without crypto/x509, which would compute with a modulus of any size before one could look at it.
// math/big computes in variable time; a key is imported once and seldom, and not at the wish of whom it would tell.
func (bits rsaBits) normalise(key oneAsymmetricKey) ([]byte, error) {
	private, err := bits.parse(key)
	if err != nil {
		return nil, err
	}
	if !private.consistent() {
		return nil, errRSANumbers
	}
	return encodeRSA(private.Prime1, private.Prime2)
}

func (bits rsaBits) parse(key oneAsymmetricKey) (*rsaPrivateKey, error) {
	if err := key.of(oidRSAEncryption, "RSA"); err != nil {
		return nil, err
	}
	// RFC 8017, A.1, has NULL as parameters; some leave it out.
	if !key.hasNoParameters() && !bytes.Equal(key.Algorithm.Parameters.FullBytes, asn1.NullBytes) {
		return nil, errors.New("its algorithm has parameters that RSA does not have")
	}
	var private rsaPrivateKey
	if rest, err := asn1.Unmarshal(key.PrivateKey, &private); err != nil || len(rest) > 0 {
		return nil, errors.New("it is not an RSA private key (RFC 8017) inside")
	}
	switch {
	case private.Version != 0 || len(private.OtherPrimes.FullBytes) > 0:
		return nil, errors.New("it has more than 2 primes")
	case private.Modulus.BitLen() != int(bits):
		return nil, fmt.Errorf("the modulus has %d bits, not %d", private.Modulus.BitLen(), int(bits))
	case private.PublicExponent.Cmp(big.NewInt(rsaExponent)) != 0:
		return nil, fmt.Errorf("the public exponent is not %d", rsaExponent)
	}
	return &private, nil
}

// consistent checks all that the numbers say about each other, the redundant ones included: a key with a wrong one would give
// itself away at the first signature (the attack of Boneh, DeMillo and Lipton), if something computed with it.
func (k *rsaPrivateKey) consistent() bool {
	one := big.NewInt(1)
	if new(big.Int).Mul(k.Prime1, k.Prime2).Cmp(k.Modulus) != 0 || k.Prime1.Cmp(k.Prime2) == 0 {
		return false
	}
	for _, prime := range []*big.Int{k.Prime1, k.Prime2} {
		if !prime.ProbablyPrime(primalityRounds) {
			return false
		}
	}
	// The private exponent is one if it inverts the public one modulo both primes less one.
	for prime, exponent := range map[*big.Int]*big.Int{k.Prime1: k.Exponent1, k.Prime2: k.Exponent2} {
		order := new(big.Int).Sub(prime, one)
		inverse := new(big.Int).ModInverse(k.PublicExponent, order)
		if inverse == nil || inverse.Cmp(exponent) != 0 || new(big.Int).Mod(k.PrivateExponent, order).Cmp(inverse) != 0 {
			return false
		}
	}
	inRange := k.PrivateExponent.Sign() > 0 && k.PrivateExponent.Cmp(k.Modulus) < 0
	return inRange && new(big.Int).ModInverse(k.Prime2, k.Prime1).Cmp(k.Coefficient) == 0
}

// encodeRSA returns the one form of the key that has these primes: the larger one first, which is the custom, and the
// smallest private exponent there is, which is FIPS 186-5's (A.1.1): the inverse modulo the least common multiple of the
// primes less one. crypto/rsa computes the rest, and checks that the key is one to compute with.
func encodeRSA(p, q *big.Int) ([]byte, error) {
	one := big.NewInt(1)
	p1, q1 := new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)
	totient := new(big.Int).Mul(p1, q1)
	totient.Div(totient, new(big.Int).GCD(nil, nil, p1, q1))
	exponent := new(big.Int).ModInverse(big.NewInt(rsaExponent), totient)
	if exponent == nil {
		return nil, errRSANumbers
	}
	key := largerPrimeFirst(&rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: rsaExponent}, D: exponent, Primes: []*big.Int{p, q},
	})
	if key.Validate() != nil { // primes too close to each other, say
		return nil, errRSANumbers
	}
	return x509.MarshalPKCS8PrivateKey(key)
}

// pkcs8: Export's form is PKCS #8 already, but may have its primes in the other order.
func (rsaBits) pkcs8(encoded []byte) ([]byte, error) {
	key, err := parseRSA(encoded)
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKCS8PrivateKey(largerPrimeFirst(key))
}

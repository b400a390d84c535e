// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
)

// rsaBits is the kind of the RSA specs, by the length of the modulus.
type rsaBits int

// rsaExponent is the public exponent of every RSA key of AWS KMS, and the only one crypto/rsa generates.
const rsaExponent = 65537

func (bits rsaBits) generate() ([]byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, int(bits))
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKCS8PrivateKey(largerPrimeFirst(key))
}

// largerPrimeFirst brings a key of crypto/rsa's into the form that ParseImported gives a key, so that a pair given away and
// imported again is the same material. In all else crypto/rsa makes that form.
func largerPrimeFirst(key *rsa.PrivateKey) *rsa.PrivateKey {
	if p, q := key.Primes[0], key.Primes[1]; p.Cmp(q) < 0 {
		return &rsa.PrivateKey{PublicKey: key.PublicKey, D: key.D, Primes: []*big.Int{q, p}}
	}
	return key
}

func (bits rsaBits) check(encoded []byte) error {
	// A key of this size takes about 5 bits of DER per bit of modulus. The bound keeps a forged gigantic one from being
	// computed with.
	if len(encoded) > int(bits) {
		return fmt.Errorf("it has %d bytes, too many for this size", len(encoded))
	}
	key, err := parseRSA(encoded)
	if err != nil {
		return err
	}
	switch {
	case key.N.BitLen() != int(bits):
		return fmt.Errorf("the modulus has %d bits, not %d", key.N.BitLen(), int(bits))
	case key.E != rsaExponent:
		return fmt.Errorf("the public exponent is not %d", rsaExponent)
	case len(key.Primes) != 2:
		return fmt.Errorf("it has %d primes, not 2", len(key.Primes))
	case key.Validate() != nil:
		return errors.New("its numbers do not belong together")
	}
	again, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return errors.New("it can't be encoded again")
	}
	defer clear(again)
	if !bytes.Equal(again, encoded) {
		return errors.New("it is not in the one DER form: trailing or superfluous data")
	}
	return nil
}

func (bits rsaBits) public(encoded []byte) ([]byte, error) {
	key, err := parseRSA(encoded)
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKIXPublicKey(&key.PublicKey)
}

// parseRSA leaves out what the parser says, which may quote the input.
func parseRSA(encoded []byte) (*rsa.PrivateKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(encoded)
	if err != nil {
		return nil, errors.New("it is not a consistent PKCS #8 private key")
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("it is not an RSA key")
	}
	return key, nil
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"crypto/mlkem"
	"encoding/asn1"

	"filippo.io/mldsa"
	"github.com/cloudflare/circl/kem/mlkem/mlkem512"
)

// mldsaSet is the kind of the ML-DSA parameter sets of FIPS 204.
type mldsaSet struct {
	params mldsa.Parameters
	oid    asn1.ObjectIdentifier
}

func (s mldsaSet) generate() ([]byte, error) {
	key, err := mldsa.GenerateKey(s.params)
	if err != nil {
		return nil, err
	}
	return key.Bytes(), nil
}

// check: every 32 bytes are a seed; FIPS 204 expands it with a hash.
func (s mldsaSet) check(encoded []byte) error { return checkLength(encoded, mldsa.PrivateKeySize) }

func (s mldsaSet) public(encoded []byte) ([]byte, error) {
	key, err := mldsa.NewPrivateKey(s.params, encoded)
	if err != nil {
		return nil, err
	}
	return subjectPublicKeyInfo(key.PublicKey().Bytes(), s.oid)
}

// mlkemSet is the kind of the ML-KEM parameter sets of FIPS 203.
type mlkemSet struct {
	name             string
	oid              asn1.ObjectIdentifier
	encapsulationKey func(seed []byte) ([]byte, error)
	decapsulationKey func(seed []byte) (encapsulator, error)
	expanded         func(seed []byte) []byte
}

// generate draws the seed alone. FIPS 203's ML-KEM.KeyGen does the same and then expands it, which public does.
func (s mlkemSet) generate() ([]byte, error) { return random(mlkem.SeedSize), nil }

// check: every 64 bytes are a seed; FIPS 203 expands it with a hash.
func (s mlkemSet) check(encoded []byte) error { return checkLength(encoded, mlkem.SeedSize) }

func (s mlkemSet) public(encoded []byte) ([]byte, error) {
	key, err := s.encapsulationKey(encoded)
	if err != nil {
		return nil, err
	}
	return subjectPublicKeyInfo(key, s.oid)
}

// encapsulationKey bridges the two types crypto/mlkem has for its two parameter sets.
func encapsulationKey[D interface{ EncapsulationKey() E }, E interface{ Bytes() []byte }](
	expand func(seed []byte) (D, error),
) func([]byte) ([]byte, error) {
	return func(seed []byte) ([]byte, error) {
		key, err := expand(seed)
		if err != nil {
			return nil, err
		}
		return key.EncapsulationKey().Bytes(), nil
	}
}

// encapsulationKey512 is for the parameter set that crypto/mlkem leaves out.
func encapsulationKey512(seed []byte) ([]byte, error) {
	public, _ := mlkem512.NewKeyFromSeed(seed)
	return public.MarshalBinary()
}

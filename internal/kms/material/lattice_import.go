// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"bytes"
	"encoding/asn1"
	"errors"

	"filippo.io/mldsa"
	"github.com/cloudflare/circl/kem/mlkem/mlkem1024"
	"github.com/cloudflare/circl/kem/mlkem/mlkem512"
	"github.com/cloudflare/circl/kem/mlkem/mlkem768"
	"github.com/cloudflare/circl/sign/mldsa/mldsa44"
	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
	"github.com/cloudflare/circl/sign/mldsa/mldsa87"
)

// seedAndExpanded is the third of the choices of RFC 9881, 6, and RFC 9935, 6. It is what OpenSSL writes.
type seedAndExpanded struct{ Seed, Expanded []byte }

// parseSeed reads the choice: [0] the seed, an OCTET STRING with the expanded key, or a SEQUENCE of both. expand tells what
// the expanded key of a seed is (FIPS 204, sk; FIPS 203, dk).
func parseSeed(privateKey []byte, size int, expand func(seed []byte) []byte) ([]byte, error) {
	var choice asn1.RawValue
	if rest, err := asn1.Unmarshal(privateKey, &choice); err != nil || len(rest) > 0 {
		return nil, errLatticeChoice
	}
	switch {
	case choice.Class == asn1.ClassContextSpecific && choice.Tag == 0 && !choice.IsCompound:
		return bytes.Clone(choice.Bytes), checkLength(choice.Bytes, size)
	case choice.Class == asn1.ClassUniversal && choice.Tag == asn1.TagOctetString:
		return nil, errors.New("it has the expanded key alone, not the seed")
	}
	var both seedAndExpanded
	if _, err := asn1.Unmarshal(privateKey, &both); err != nil {
		return nil, errLatticeChoice
	}
	if err := checkLength(both.Seed, size); err != nil {
		return nil, err
	}
	if !bytes.Equal(expand(both.Seed), both.Expanded) {
		return nil, errors.New("its seed and its expanded key do not belong together")
	}
	return both.Seed, nil
}

var errLatticeChoice = errors.New("it is neither a seed nor a seed with its expanded key inside")

// marshalSeed is the first of the choices.
func marshalSeed(seed []byte, algorithm asn1.ObjectIdentifier) ([]byte, error) {
	inner, err := asn1.Marshal(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, Bytes: seed})
	if err != nil {
		return nil, err
	}
	defer clear(inner)
	return marshalPKCS8(inner, algorithm)
}

func (s mldsaSet) normalise(key oneAsymmetricKey) ([]byte, error) {
	if err := key.of(s.oid, s.params.String()); err != nil {
		return nil, err
	}
	if !key.hasNoParameters() {
		return nil, errLatticeParameters
	}
	return parseSeed(key.PrivateKey, mldsa.PrivateKeySize, s.expanded)
}

func (s mldsaSet) pkcs8(encoded []byte) ([]byte, error) { return marshalSeed(encoded, s.oid) }

var errLatticeParameters = errors.New("its algorithm has parameters, and may have none")

// expanded is FIPS 204's private key of a seed. filippo.io/mldsa, which signs, keeps it to itself.
func (s mldsaSet) expanded(seed []byte) []byte {
	switch s.params {
	case mldsa.MLDSA44():
		_, key := mldsa44.NewKeyFromSeed((*[mldsa44.SeedSize]byte)(seed))
		return key.Bytes()
	case mldsa.MLDSA65():
		_, key := mldsa65.NewKeyFromSeed((*[mldsa65.SeedSize]byte)(seed))
		return key.Bytes()
	default:
		_, key := mldsa87.NewKeyFromSeed((*[mldsa87.SeedSize]byte)(seed))
		return key.Bytes()
	}
}

func (s mlkemSet) normalise(key oneAsymmetricKey) ([]byte, error) {
	if err := key.of(s.oid, s.name); err != nil {
		return nil, err
	}
	if !key.hasNoParameters() {
		return nil, errLatticeParameters
	}
	return parseSeed(key.PrivateKey, mlkem512.KeySeedSize, s.expanded)
}

func (s mlkemSet) pkcs8(encoded []byte) ([]byte, error) { return marshalSeed(encoded, s.oid) }

// expanded512 is FIPS 203's private key of a seed, which crypto/mlkem keeps to itself.
func expanded512(seed []byte) []byte {
	_, key := mlkem512.NewKeyFromSeed(seed)
	packed := make([]byte, mlkem512.PrivateKeySize)
	key.Pack(packed)
	return packed
}

func expanded768(seed []byte) []byte {
	_, key := mlkem768.NewKeyFromSeed(seed)
	packed := make([]byte, mlkem768.PrivateKeySize)
	key.Pack(packed)
	return packed
}

func expanded1024(seed []byte) []byte {
	_, key := mlkem1024.NewKeyFromSeed(seed)
	packed := make([]byte, mlkem1024.PrivateKeySize)
	key.Pack(packed)
	return packed
}

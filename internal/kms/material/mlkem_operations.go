// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"crypto/mlkem"

	"github.com/cloudflare/circl/kem/mlkem/mlkem512"
)

func (s mlkemSet) expand(encoded []byte) (any, error) { return s.decapsulationKey(encoded) }

// mlkemKey is what crypto/mlkem's two parameter sets have in common. Its decapsulation compares and chooses in constant
// time, which implicit rejection depends on.
type mlkemKey struct {
	encap func() (secret, ciphertext []byte)
	decap func(ciphertext []byte) ([]byte, error)
}

func expand768(seed []byte) (encapsulator, error) {
	key, err := mlkem.NewDecapsulationKey768(seed)
	if err != nil {
		return nil, err
	}
	return mlkemKey{key.EncapsulationKey().Encapsulate, key.Decapsulate}, nil
}

func expand1024(seed []byte) (encapsulator, error) {
	key, err := mlkem.NewDecapsulationKey1024(seed)
	if err != nil {
		return nil, err
	}
	return mlkemKey{key.EncapsulationKey().Encapsulate, key.Decapsulate}, nil
}

func (k mlkemKey) encapsulate() (secret, ciphertext []byte) { return k.encap() }

// decapsulate: the length is all that crypto/mlkem may complain of.
func (k mlkemKey) decapsulate(ciphertext []byte) ([]byte, error) {
	secret, err := k.decap(ciphertext)
	if err != nil {
		return nil, ErrInvalidCiphertext
	}
	return secret, nil
}

// mlkem512Key is the parameter set that crypto/mlkem leaves out. The library compares and chooses in constant time too.
type mlkem512Key struct {
	private *mlkem512.PrivateKey
	public  *mlkem512.PublicKey
}

func expand512(seed []byte) (encapsulator, error) {
	public, private := mlkem512.NewKeyFromSeed(seed)
	return mlkem512Key{private, public}, nil
}

func (k mlkem512Key) encapsulate() (secret, ciphertext []byte) {
	secret, ciphertext = make([]byte, mlkem512.SharedKeySize), make([]byte, mlkem512.CiphertextSize)
	k.public.EncapsulateTo(ciphertext, secret, random(mlkem512.EncapsulationSeedSize))
	return secret, ciphertext
}

// decapsulate checks the length first: the library panics at a wrong one.
func (k mlkem512Key) decapsulate(ciphertext []byte) ([]byte, error) {
	if len(ciphertext) != mlkem512.CiphertextSize {
		return nil, ErrInvalidCiphertext
	}
	secret := make([]byte, mlkem512.SharedKeySize)
	k.private.DecapsulateTo(secret, ciphertext)
	return secret, nil
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"bytes"
	"errors"
	"testing"

	"filippo.io/mldsa"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms/material/mldsaverify"
)

// input returns a message in the form of a type, and nil for a type that the key's algorithm does not take.
func input(m Material, algorithm keyspec.Algorithm, messageType MessageType, message []byte) []byte {
	digests := hashes[algorithm] != 0
	switch {
	case messageType == MessageRaw && algorithm != keyspec.Ed25519PHSHA512:
		return message
	case messageType == MessageDigest && (digests || algorithm == keyspec.Ed25519PHSHA512):
		return hashOf(algorithm, message)
	case messageType == MessageExternalMu && algorithm == keyspec.MLDSASHAKE256:
		return muOf(m, message)
	default:
		return nil
	}
}

// muOf is the mu of a message without a context string, for a key of ML-DSA.
func muOf(m Material, message []byte) []byte {
	set, ok := kinds[m.Spec()].(mldsaSet)
	if !ok {
		return nil
	}
	key, err := mldsa.NewPrivateKey(set.params, m.reveal())
	if err != nil {
		return nil
	}
	return representative(key.PublicKey(), nil, message)
}

var messageTypes = []MessageType{MessageRaw, MessageDigest, MessageExternalMu, "", "raw"}

func TestSignaturesVerify(t *testing.T) {
	eachSpec(t, func(t *testing.T, m Material) {
		for _, algorithm := range keyspec.Algorithms(m.Spec(), keyspec.SignVerify) {
			for _, messageType := range messageTypes {
				message := input(m, algorithm, messageType, []byte("message"))
				if message == nil {
					continue
				}
				signature, err := m.Sign(algorithm, messageType, message)
				if err != nil {
					t.Fatal(err)
				}
				if err := m.Verify(algorithm, messageType, message, signature); err != nil {
					t.Errorf("%s, %s: %v", algorithm, messageType, err)
				}
				// Where a digest is signed, it is the same signature as the message's own.
				if raw := input(m, algorithm, MessageRaw, []byte("message")); raw != nil {
					if err := m.Verify(algorithm, MessageRaw, raw, signature); err != nil {
						t.Errorf("%s of a %s, verified with the message: %v", algorithm, messageType, err)
					}
				}
				wantInvalid(t, m, algorithm, messageType, message, signature)
			}
		}
	})
}

// wantInvalid damages signature and message, and tries the spec's other algorithms.
func wantInvalid(
	t *testing.T, m Material, algorithm keyspec.Algorithm, messageType MessageType, message, signature []byte,
) {
	t.Helper()
	other := bytes.Clone(message)
	other[0] ^= 1
	if err := m.Verify(algorithm, messageType, other, signature); !errors.Is(err, ErrInvalidSignature) {
		t.Errorf("%s of another %s: %v", algorithm, messageType, err)
	}
	flipped := bytes.Clone(signature)
	flipped[len(flipped)/2] ^= 1
	for _, bad := range [][]byte{nil, flipped, signature[1:], signature[:len(signature)-1], append(flipped, 0)} {
		if err := m.Verify(algorithm, messageType, message, bad); !errors.Is(err, ErrInvalidSignature) {
			t.Errorf("%s, damaged signature: %v", algorithm, err)
		}
	}
	for _, another := range keyspec.Algorithms(m.Spec(), keyspec.SignVerify) {
		inOther := input(m, another, messageType, []byte("message"))
		if another == algorithm || inOther == nil {
			continue
		}
		if err := m.Verify(another, messageType, inOther, signature); !errors.Is(err, ErrInvalidSignature) {
			t.Errorf("%s verified as %s: %v", algorithm, another, err)
		}
	}
}

func TestMessageTypesOfOtherAlgorithmsAreRefused(t *testing.T) {
	eachSpec(t, func(t *testing.T, m Material) {
		for _, algorithm := range keyspec.Algorithms(m.Spec(), keyspec.SignVerify) {
			for _, messageType := range messageTypes {
				if input(m, algorithm, messageType, []byte("message")) != nil {
					continue
				}
				if err := m.Verify(algorithm, messageType, make([]byte, 64), nil); !errors.Is(err, ErrMessageType) {
					t.Errorf("%s verifies %q: %v", algorithm, messageType, err)
				}
				if _, err := m.Sign(algorithm, messageType, make([]byte, 64)); !errors.Is(err, ErrMessageType) {
					t.Errorf("%s signs %q: %v", algorithm, messageType, err)
				}
			}
		}
	})
}

func TestSigningKnowsItsBounds(t *testing.T) {
	eachSpec(t, func(t *testing.T, m Material) {
		for _, algorithm := range keyspec.Algorithms(m.Spec(), keyspec.SignVerify) {
			refuse := func(messageType MessageType, message []byte, want LengthError) {
				_, err := m.Sign(algorithm, messageType, message)
				wantLengthError(t, err, want)
				wantLengthError(t, m.Verify(algorithm, messageType, message, nil), want)
			}
			if input(m, algorithm, MessageRaw, []byte("message")) != nil {
				if _, err := m.Sign(algorithm, MessageRaw, make([]byte, MaxMessage)); err != nil {
					t.Errorf("%s of the longest message: %v", algorithm, err)
				}
				refuse(MessageRaw, make([]byte, MaxMessage+1), LengthError{"message", MaxMessage + 1, 0, MaxMessage})
			}
			if digest := input(m, algorithm, MessageDigest, nil); digest != nil {
				for _, n := range []int{0, len(digest) - 1, len(digest) + 1} {
					refuse(MessageDigest, make([]byte, n), LengthError{"digest", n, len(digest), len(digest)})
				}
			}
			if algorithm == keyspec.MLDSASHAKE256 {
				for _, n := range []int{0, mldsaverify.MuSize - 1, mldsaverify.MuSize + 1} {
					refuse(MessageExternalMu, make([]byte, n), LengthError{"mu", n, mldsaverify.MuSize, mldsaverify.MuSize})
				}
			}
		}
	})
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// everyAlgorithm is each algorithm of AWS KMS, and one that it does not have.
func everyAlgorithm() []keyspec.Algorithm {
	algorithms := []keyspec.Algorithm{"", "RSAES_PKCS1_V1_5"}
	for _, spec := range keyspec.All() {
		for _, usage := range spec.Usages() {
			algorithms = append(algorithms, keyspec.Algorithms(spec, usage)...)
		}
	}
	slices.Sort(algorithms)
	return slices.Compact(algorithms)
}

// calls are all the operations, with inputs that are of no use.
var calls = map[string]struct {
	usage keyspec.Usage
	call  func(Material, keyspec.Algorithm) error
}{

	"Encrypt": {keyspec.EncryptDecrypt, func(m Material, a keyspec.Algorithm) error {
		_, err := m.Encrypt(a, nil)
		return err
	}},
	"Decrypt": {keyspec.EncryptDecrypt, func(m Material, a keyspec.Algorithm) error {
		_, err := m.Decrypt(a, nil)
		return err
	}},
	"Sign": {keyspec.SignVerify, func(m Material, a keyspec.Algorithm) error {
		_, err := m.Sign(a, "", nil)
		return err
	}},
	"Verify": {keyspec.SignVerify, func(m Material, a keyspec.Algorithm) error { return m.Verify(a, "", nil, nil) }},
	"GenerateMac": {keyspec.GenerateVerifyMAC, func(m Material, a keyspec.Algorithm) error {
		_, err := m.GenerateMac(a, nil)
		return err
	}},
	"VerifyMac": {keyspec.GenerateVerifyMAC, func(m Material, a keyspec.Algorithm) error { return m.VerifyMac(a, nil, nil) }},
	"DeriveSharedSecret": {keyspec.KeyAgreement, func(m Material, a keyspec.Algorithm) error {
		_, err := m.DeriveSharedSecret(a, nil)
		return err
	}},
	"Encapsulate": {keyspec.EncapsulateDecapsulate, func(m Material, a keyspec.Algorithm) error {
		_, _, err := m.Encapsulate(a)
		return err
	}},
	"Decapsulate": {keyspec.EncapsulateDecapsulate, func(m Material, a keyspec.Algorithm) error {
		_, err := m.Decapsulate(a, nil)
		return err
	}},
}

func TestEachOperationTakesExactlyAWSsAlgorithms(t *testing.T) {
	eachSpec(t, func(t *testing.T, m Material) {
		for name, op := range calls {
			for _, algorithm := range everyAlgorithm() {
				offered := slices.Contains(keyspec.Algorithms(m.Spec(), op.usage), algorithm) && !m.Spec().Symmetric()
				if err := op.call(m, algorithm); errors.Is(err, ErrAlgorithm) == offered {
					t.Errorf("%s with %q: %v, offered %t", name, algorithm, err, offered)
				}
			}
		}
	})
}

func TestDestroyedMaterialDoesNothing(t *testing.T) {
	eachSpec(t, func(t *testing.T, m Material) {
		gone := mustParse(t, m.Spec(), m.Export())
		for _, op := range calls { // expands the key
			for _, algorithm := range keyspec.Algorithms(m.Spec(), op.usage) {
				_ = op.call(gone, algorithm)
			}
		}
		gone.Destroy()
		for _, material := range []Material{gone, {}} {
			for name, op := range calls {
				for _, algorithm := range keyspec.Algorithms(m.Spec(), op.usage) {
					if err := op.call(material, algorithm); !errors.Is(err, ErrDestroyed) {
						t.Errorf("%s: %v", name, err)
					}
				}
			}
			lent := false
			err := material.LendSymmetric(func([]byte) error { lent = true; return nil })
			if lent || !errors.Is(err, ErrDestroyed) {
				t.Errorf("lent %t, %v", lent, err)
			}
		}
	})
}

func TestOnlySymmetricMaterialIsLent(t *testing.T) {
	eachSpec(t, func(t *testing.T, m Material) {
		failure := errors.New("the borrower's own")
		var lent []byte
		err := m.LendSymmetric(func(key []byte) error {
			lent = bytes.Clone(key)
			return failure
		})
		if m.Spec() == keyspec.SymmetricDefault {
			if !errors.Is(err, failure) || !bytes.Equal(lent, m.Export()) {
				t.Errorf("%v", err)
			}
			return
		}
		if lent != nil || !errors.Is(err, ErrAlgorithm) {
			t.Errorf("lent %t, %v", lent != nil, err)
		}
	})
}

func wantLengthError(t *testing.T, err error, want LengthError) {
	t.Helper()
	var got *LengthError
	if !errors.As(err, &got) || *got != want {
		t.Errorf("got %v, want %v", err, &want)
	}
}

func TestMacsVerify(t *testing.T) {
	eachSpec(t, func(t *testing.T, m Material) {
		for _, algorithm := range keyspec.Algorithms(m.Spec(), keyspec.GenerateVerifyMAC) {
			message := make([]byte, MaxMessage)
			mac, err := m.GenerateMac(algorithm, message)
			if err != nil || len(mac) != hashes[algorithm].Size() {
				t.Fatalf("%x, %v", mac, err)
			}
			if err := m.VerifyMac(algorithm, message, mac); err != nil {
				t.Error(err)
			}
			flipped := bytes.Clone(mac)
			flipped[len(flipped)-1] ^= 1
			for _, bad := range [][]byte{nil, mac[:len(mac)-1], flipped, append(bytes.Clone(mac), 0)} {
				if err := m.VerifyMac(algorithm, message, bad); !errors.Is(err, ErrInvalidMac) {
					t.Errorf("%x: %v", bad, err)
				}
			}
			long := make([]byte, MaxMessage+1)
			_, err = m.GenerateMac(algorithm, long)
			wantLengthError(t, err, LengthError{"message", MaxMessage + 1, 0, MaxMessage})
			wantLengthError(t, m.VerifyMac(algorithm, long, mac), LengthError{"message", MaxMessage + 1, 0, MaxMessage})
		}
	})
}

func TestBothSidesDeriveOneSecretOnOneCurveOnly(t *testing.T) {
	all, err := generated()
	if err != nil {
		t.Fatal(err)
	}
	eachSpec(t, func(t *testing.T, m Material) {
		if keyspec.Algorithms(m.Spec(), keyspec.KeyAgreement) == nil {
			return
		}
		other, err := Generate(m.Spec())
		if err != nil {
			t.Fatal(err)
		}
		for spec, peer := range all {
			der, err := peer.PublicKey()
			if err != nil {
				continue // a secret key
			}
			secret, err := other.DeriveSharedSecret(keyspec.ECDH, der)
			if spec != m.Spec() {
				if !errors.Is(err, ErrInvalidPublicKey) {
					t.Errorf("with %s: %v", spec, err)
				}
				continue
			}
			public, err2 := other.PublicKey()
			back, err3 := m.DeriveSharedSecret(keyspec.ECDH, public)
			if err := errors.Join(err, err2, err3); err != nil || !bytes.Equal(secret, back) {
				t.Errorf("the secrets differ, or %v", err)
			}
			if _, err := m.DeriveSharedSecret(keyspec.ECDH, append(public, 0)); !errors.Is(err, ErrInvalidPublicKey) {
				t.Errorf("trailing data: %v", err)
			}
		}
	})
}

func TestEncapsulatedSecretsComeBack(t *testing.T) {
	lengths := map[keyspec.Spec]int{keyspec.MLKEM512: 768, keyspec.MLKEM768: 1088, keyspec.MLKEM1024: 1568}
	eachSpec(t, func(t *testing.T, m Material) {
		length, ok := lengths[m.Spec()]
		if !ok {
			return
		}
		secret, ciphertext, err := m.Encapsulate(keyspec.MLKEM)
		if err != nil || len(secret) != 32 || len(ciphertext) != length {
			t.Fatalf("%d bytes in %d, %v", len(secret), len(ciphertext), err)
		}
		back, err := m.Decapsulate(keyspec.MLKEM, ciphertext)
		if err != nil || !bytes.Equal(back, secret) {
			t.Errorf("another secret, or %v", err)
		}
		again, _, err := m.Encapsulate(keyspec.MLKEM)
		if err != nil || bytes.Equal(again, secret) {
			t.Errorf("the same secret twice, or %v", err)
		}
		bad := bytes.Clone(ciphertext)
		bad[0] ^= 1
		first, err1 := m.Decapsulate(keyspec.MLKEM, bad)
		second, err2 := m.Decapsulate(keyspec.MLKEM, bad)
		if err := errors.Join(err1, err2); err != nil || !bytes.Equal(first, second) || bytes.Equal(first, secret) {
			t.Errorf("a bad ciphertext: %v", err)
		}
		for _, wrong := range [][]byte{nil, ciphertext[1:], append(bad, 0)} {
			if _, err := m.Decapsulate(keyspec.MLKEM, wrong); !errors.Is(err, ErrInvalidCiphertext) {
				t.Errorf("%d bytes: %v", len(wrong), err)
			}
		}
	})
}

func TestLengthErrorsSayTheBounds(t *testing.T) {
	for want, err := range map[string]*LengthError{
		"digest has 31 bytes, not 32":           {"digest", 31, 32, 32},
		"plaintext has 191 bytes, not 0 to 190": {"plaintext", 191, 0, 190},
		"message has 4097 bytes, not 0 to 4096": {"message", 4097, 0, MaxMessage},
		"mu has 0 bytes, not 64":                {"mu", 0, 64, 64},
	} {
		if err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

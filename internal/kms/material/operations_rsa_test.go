// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"bytes"
	"errors"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

func TestRSAEncryptsUpToAWSsLimits(t *testing.T) {
	limits := map[keyspec.Spec][2]int{ // key spec reference of the AWS KMS developer guide
		keyspec.RSA2048: {214, 190}, keyspec.RSA3072: {342, 318}, keyspec.RSA4096: {470, 446},
	}
	eachSpec(t, func(t *testing.T, m Material) {
		for i, algorithm := range []keyspec.Algorithm{keyspec.RSAESOAEPSHA1, keyspec.RSAESOAEPSHA256} {
			most := limits[m.Spec()][i]
			if got := MaxPlaintext(m.Spec(), algorithm); got != most {
				t.Errorf("MaxPlaintext is %d, want %d", got, most)
			}
			if most == 0 {
				continue
			}
			for _, size := range []int{0, 1, most} {
				plaintext := bytes.Repeat([]byte{0xa5}, size)
				ciphertext, err := m.Encrypt(algorithm, plaintext)
				if err != nil {
					t.Fatal(err)
				}
				back, err := m.Decrypt(algorithm, ciphertext)
				if err != nil || !bytes.Equal(back, plaintext) {
					t.Errorf("%d bytes came back as %x, %v", size, back, err)
				}
			}
			_, err := m.Encrypt(algorithm, make([]byte, most+1))
			wantLengthError(t, err, LengthError{"plaintext", most + 1, 0, most})
		}
		if got := MaxPlaintext(m.Spec(), keyspec.RSASSAPSSSHA256); got != 0 {
			t.Errorf("MaxPlaintext of a signature is %d", got)
		}
	})
}

// undifferentiated reports whether err says that the ciphertext is invalid, and nothing more.
func undifferentiated(err error) bool {
	return errors.Is(err, ErrInvalidCiphertext) && err.Error() == ErrInvalidCiphertext.Error()
}

func TestRSADecryptionFailsInOneWay(t *testing.T) {
	all, err := generated()
	if err != nil {
		t.Fatal(err)
	}
	m := all[keyspec.RSA2048]
	good, err := m.Encrypt(keyspec.RSAESOAEPSHA256, []byte("plaintext"))
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(good)
	flipped[100] ^= 1
	for name, ciphertext := range map[string][]byte{
		"empty": {}, "cut": good[:255], "longer": append(bytes.Clone(good), 0), "led by a zero": append([]byte{0}, good...),
		"flipped": flipped, "zero": make([]byte, 256), "above the modulus": bytes.Repeat([]byte{0xff}, 256),
	} {
		if got, err := m.Decrypt(keyspec.RSAESOAEPSHA256, ciphertext); !undifferentiated(err) || got != nil {
			t.Errorf("%s: got %x, %v, want nothing but ErrInvalidCiphertext", name, got, err)
		}
	}
	if _, err := m.Decrypt(keyspec.RSAESOAEPSHA1, good); !undifferentiated(err) {
		t.Errorf("another algorithm: %v", err)
	}
}

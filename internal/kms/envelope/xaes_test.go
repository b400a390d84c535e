// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha3"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// sealFixed is XAES-256-GCM with a given nonce, which the package itself does not offer: its key derivation, and
// crypto/cipher's GCM. What it makes, xaes must open.
func sealFixed(t testing.TB, key, nonce, plaintext, additional []byte) []byte {
	t.Helper()
	x, err := newXAES(key)
	if err != nil {
		t.Fatal(err)
	}
	derived := x([halfNonce]byte(nonce))
	block, err := aes.NewCipher(derived[:])
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	sealed := gcm.Seal(nil, nonce[halfNonce:], plaintext, additional)
	opened, err := x.open(append(bytes.Clone(nonce), sealed...), additional)
	if err != nil || !bytes.Equal(opened, plaintext) {
		t.Fatalf("opened (error %v):\ngot  %x\nwant %x", err, opened, plaintext)
	}
	return sealed
}

// The vectors are those of the specification, https://c2sp.org/XAES-256-GCM, "Test vectors". In the first the bit that
// decides the reduction is 0, in the second 1.
func TestTheSpecificationsVectors(t *testing.T) {
	const nonce = "ABCDEFGHIJKLMNOPQRSTUVWX"
	tests := map[string]struct {
		keyByte                 byte
		derived, additional, ct string
	}{
		"without reduction": {
			0x01,
			"c8612c9ed53fe43e8e005b828a1631a0bbcb6ab2f46514ec4f439fcfd0fa969b",
			"",
			"ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271",
		},
		"with reduction": {
			0x03,
			"e9c621d4cdd9b11b00a6427ad7e559aeedd66b3857646677748f8ca796cb3fd8",
			"c2sp.org/XAES-256-GCM",
			"986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			key := bytes.Repeat([]byte{tt.keyByte}, keySize)
			x, err := newXAES(key)
			if err != nil {
				t.Fatal(err)
			}
			if derived := x([halfNonce]byte([]byte(nonce))); hex.EncodeToString(derived[:]) != tt.derived {
				t.Errorf("derived key:\ngot  %x\nwant %s", derived, tt.derived)
			}
			ct := sealFixed(t, key, []byte(nonce), []byte("XAES-256-GCM"), []byte(tt.additional))
			if hex.EncodeToString(ct) != tt.ct {
				t.Errorf("ciphertext:\ngot  %x\nwant %s", ct, tt.ct)
			}
		})
	}
}

// The specification's "Accumulated randomized tests": inputs read from one SHAKE-128, ciphertexts hashed by another.
func TestTheSpecificationsAccumulatedVectors(t *testing.T) {
	tests := map[int]string{
		10_000:    "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939",
		1_000_000: "2163ae1445985a30b60585ee67daa55674df06901b890593e824b8a7c885ab15",
	}
	random, hash := sha3.NewSHAKE128(), sha3.NewSHAKE128()
	read := func(n int) []byte {
		b := make([]byte, n)
		_, _ = random.Read(b)
		return b
	}
	readShort := func() []byte { return read(int(read(1)[0])) }
	for i := range 1_000_000 {
		key, nonce := read(keySize), read(nonceSize)
		plaintext, additional := readShort(), readShort()
		_, _ = hash.Write(sealFixed(t, key, nonce, plaintext, additional))
		want, ok := tests[i+1]
		if !ok {
			continue
		}
		state, err := hash.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		copied := sha3.NewSHAKE128()
		if err := copied.UnmarshalBinary(state); err != nil {
			t.Fatal(err)
		}
		sum := make([]byte, 32)
		_, _ = copied.Read(sum)
		if got := hex.EncodeToString(sum); got != want {
			t.Errorf("after %d messages:\ngot  %s\nwant %s", i+1, got, want)
		}
	}
}

func TestKeysOfAnyOtherLengthAreRefused(t *testing.T) {
	for _, size := range []int{0, 16, 24, 31, 33, 64} {
		if _, err := NewKey(make([]byte, size)); err == nil {
			t.Errorf("a key of %d bytes was taken", size)
		}
	}
}

func TestAKeyDoesNotPrintItsBytes(t *testing.T) {
	bytes := bytes.Repeat([]byte{0xab}, keySize)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		text := fmt.Sprintf(format, mustKey(t, bytes)) + fmt.Sprintf(format, *mustKey(t, bytes))
		if strings.Contains(text, "abab") || strings.Contains(text, "171 171") || strings.Contains(text, "0xab, 0xab") {
			t.Errorf("%s prints %s", format, text)
		}
	}
}

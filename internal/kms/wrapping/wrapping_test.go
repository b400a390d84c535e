// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package wrapping

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/tink-crypto/tink-go/v2/kwp/subtle"
)

// pair is a wrapping key as its two users have it.
type pair struct {
	private []byte
	public  *rsa.PublicKey
}

// pairs makes one wrapping key per spec for the whole test run: they are slow to make.
var pairs = sync.OnceValues(func() (map[KeySpec]pair, error) {
	all := map[KeySpec]pair{}
	for _, spec := range []KeySpec{RSA2048, RSA3072, RSA4096} {
		private, public, err := GenerateWrappingKey(spec)
		if err != nil {
			return nil, err
		}
		parsed, err := x509.ParsePKIXPublicKey(public)
		if err != nil {
			return nil, err
		}
		key, ok := parsed.(*rsa.PublicKey)
		if !ok {
			return nil, errors.New("not an RSA key")
		}
		all[spec] = pair{private, key}
	}
	return all, nil
})

func wrappingKey(t testing.TB, spec KeySpec) pair {
	t.Helper()
	all, err := pairs()
	if err != nil {
		t.Fatal(err)
	}
	return all[spec]
}

// oaep is what a customer does with an RSAES_OAEP algorithm.
func oaep(t testing.TB, public *rsa.PublicKey, hash crypto.Hash, plaintext []byte) []byte {
	t.Helper()
	ciphertext, err := rsa.EncryptOAEP(hash.New(), rand.Reader, public, plaintext, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ciphertext
}

// throughAES is what a customer does with an RSA_AES_KEY_WRAP algorithm.
func throughAES(t testing.TB, public *rsa.PublicKey, hash crypto.Hash, kek, plaintext []byte) []byte {
	t.Helper()
	cipher, err := subtle.NewKWP(kek)
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := cipher.Wrap(plaintext)
	if err != nil {
		t.Fatal(err)
	}
	return append(oaep(t, public, hash, kek), wrapped...)
}

// encrypt wraps for any algorithm that is offered.
func encrypt(t testing.TB, public *rsa.PublicKey, algorithm Algorithm, plaintext []byte) []byte {
	t.Helper()
	if f := forms[algorithm]; f.throughAES {
		return throughAES(t, public, f.hash, bytes.Repeat([]byte{7}, kekSize), plaintext)
	}
	return oaep(t, public, forms[algorithm].hash, plaintext)
}

func TestWrappingKeysHaveTheirSize(t *testing.T) {
	for spec, bits := range map[KeySpec]int{RSA2048: 2048, RSA3072: 3072, RSA4096: 4096} {
		key := wrappingKey(t, spec)
		if key.public.N.BitLen() != bits || key.public.E != 65537 {
			t.Errorf("%s has %d bits, exponent %d", spec, key.public.N.BitLen(), key.public.E)
		}
		private, err := parsePrivate(key.private)
		if err != nil || !private.PublicKey.Equal(key.public) {
			t.Errorf("%s: the halves do not belong together, or %v", spec, err)
		}
	}
}

func TestWrappingKeysOfOtherSpecsAreRefused(t *testing.T) {
	for spec, want := range map[KeySpec]error{SM2: ErrUnsupported, "": ErrUnknown, "RSA_1024": ErrUnknown} {
		if _, _, err := GenerateWrappingKey(spec); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", spec, err, want)
		}
	}
}

func TestUnwrapReturnsWhatWasWrapped(t *testing.T) {
	for _, spec := range []KeySpec{RSA2048, RSA3072, RSA4096} {
		key := wrappingKey(t, spec)
		for _, algorithm := range offered {
			for _, size := range []int{28, 32, 64, 128, 185, 2500, 6000} {
				if !forms[algorithm].throughAES && size > 185 {
					continue
				}
				plaintext := bytes.Repeat([]byte{0xa5}, size)
				got, err := Unwrap(algorithm, key.private, encrypt(t, key.public, algorithm, plaintext))
				if err != nil || !bytes.Equal(got, plaintext) {
					t.Errorf("%s, %s, %d bytes: got %d bytes, %v", spec, algorithm, size, len(got), err)
				}
			}
		}
	}
}

// undifferentiated reports whether err says that the ciphertext is invalid, and nothing more.
func undifferentiated(err error) bool {
	return errors.Is(err, ErrInvalidCiphertext) && err.Error() == ErrInvalidCiphertext.Error()
}

func TestEveryBadCiphertextFailsInOneWay(t *testing.T) {
	key := wrappingKey(t, RSA2048)
	other := wrappingKey(t, RSA3072)
	material := bytes.Repeat([]byte{0xa5}, 32)
	flip := func(b []byte, at int) []byte {
		b = bytes.Clone(b)
		b[at] ^= 1
		return b
	}
	for _, algorithm := range offered {
		good := encrypt(t, key.public, algorithm, material)
		bad := map[string][]byte{
			"empty": {}, "one byte": {1}, "cut": good[:len(good)-1], "cut by a block": good[:len(good)-8],
			"longer": append(bytes.Clone(good), 0), "longer by a block": append(bytes.Clone(good), make([]byte, 8)...),
			"led by a zero": append([]byte{0}, good...), "first flipped": flip(good, 0), "RSA flipped": flip(good, 255),
			"last flipped": flip(good, len(good)-1), "zero": make([]byte, len(good)),
			"above the modulus":    bytes.Repeat([]byte{0xff}, len(good)),
			"another key's":        encrypt(t, other.public, algorithm, material),
			"RSA alone":            good[:255],
			"an AES-128 key":       throughAES(t, key.public, forms[algorithm].hash, make([]byte, 16), material),
			"another form's whole": append(oaep(t, key.public, forms[algorithm].hash, material), 1, 2, 3),
		}
		for _, another := range offered {
			if another != algorithm {
				bad[string(another)] = encrypt(t, key.public, another, material)
			}
		}
		for name, ciphertext := range bad {
			got, err := Unwrap(algorithm, key.private, ciphertext)
			if !undifferentiated(err) || got != nil {
				t.Errorf("%s, %s: got %x, %v, want nothing but ErrInvalidCiphertext", algorithm, name, got, err)
			}
		}
	}
}

// crypto/rsa takes a ciphertext without its leading zero for the whole one: a second encoding of the same.
func TestACiphertextWithoutItsLeadingZeroIsRefused(t *testing.T) {
	key := wrappingKey(t, RSA2048)
	for range 100_000 {
		ciphertext := oaep(t, key.public, crypto.SHA256, make([]byte, 32))
		if ciphertext[0] != 0 {
			continue
		}
		if got, err := Unwrap(RSAESOAEPSHA256, key.private, ciphertext[1:]); !undifferentiated(err) || got != nil {
			t.Errorf("got %x, %v", got, err)
		}
		return
	}
	t.Fatal("no ciphertext began with a zero")
}

func TestAnyBitOfAWrappedKeyMatters(t *testing.T) {
	key := wrappingKey(t, RSA2048)
	good := encrypt(t, key.public, RSAAESKeyWrapSHA256, bytes.Repeat([]byte{0xa5}, 35))
	for i := 256; i < len(good); i++ {
		changed := bytes.Clone(good)
		changed[i] ^= 1 << (i % 8)
		if got, err := Unwrap(RSAAESKeyWrapSHA256, key.private, changed); !undifferentiated(err) || got != nil {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
}

func TestUnwrapRefusesOtherAlgorithms(t *testing.T) {
	key := wrappingKey(t, RSA2048)
	ciphertext := encrypt(t, key.public, RSAESOAEPSHA256, make([]byte, 32))
	for algorithm, want := range map[Algorithm]error{
		RSAESPKCS1V15: ErrUnsupported, SM2PKE: ErrUnsupported, "": ErrUnknown, "rsaes_oaep_sha_256": ErrUnknown,
	} {
		if got, err := Unwrap(algorithm, key.private, ciphertext); !errors.Is(err, want) || got != nil {
			t.Errorf("%q: %v, want %v", algorithm, err, want)
		}
	}
}

func TestAWrappingKeyThatIsNoneIsAnErrorOfItsOwn(t *testing.T) {
	p256, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	elliptic, err := x509.MarshalPKCS8PrivateKey(p256)
	if err != nil {
		t.Fatal(err)
	}
	for name, private := range map[string][]byte{"empty": nil, "noise": []byte("secret noise"), "elliptic": elliptic} {
		_, err := Unwrap(RSAESOAEPSHA256, private, make([]byte, 256))
		if err == nil || errors.Is(err, ErrInvalidCiphertext) || strings.Contains(err.Error(), "noise") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

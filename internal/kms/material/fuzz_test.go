// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"bytes"
	"errors"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// fuzzed is material that is the same in all of a fuzzer's processes, RSA excepted, where none but crashes are looked for.
func fuzzed(f *testing.F, spec keyspec.Spec) Material {
	f.Helper()
	sizes := map[keyspec.Spec]int{keyspec.MLKEM512: 64, keyspec.MLKEM768: 64, keyspec.MLKEM1024: 64,
		keyspec.ECCNISTP384: 48}
	size := sizes[spec]
	if size == 0 {
		size = 32
	}
	encoded := bytes.Repeat([]byte{1}, size)
	if spec == keyspec.ECCNISTP521 {
		encoded = append(make([]byte, 33), bytes.Repeat([]byte{1}, 33)...)
	}
	if spec == keyspec.RSA2048 {
		encoded = rsaVectors(f, spec)[0].private
	}
	m, err := Parse(spec, encoded)
	if err != nil {
		f.Fatal(err)
	}
	return m
}

// FuzzPeerPublicKey looks for a peer's key that crashes, or is accepted in two encodings.
func FuzzPeerPublicKey(f *testing.F) {
	var keys []Material
	for _, spec := range []keyspec.Spec{keyspec.ECCNISTP256, keyspec.ECCNISTP384, keyspec.ECCNISTP521} {
		m := fuzzed(f, spec)
		der, err := m.PublicKey()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
		keys = append(keys, m)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		accepted := 0
		for _, m := range keys {
			_, err := m.DeriveSharedSecret(keyspec.ECDH, der)
			if err == nil {
				accepted++
				if len(der) != map[keyspec.Spec]int{"ECC_NIST_P256": 91, "ECC_NIST_P384": 120, "ECC_NIST_P521": 158}[m.Spec()] {
					t.Errorf("%s took %d bytes", m.Spec(), len(der))
				}
			} else if !errors.Is(err, ErrInvalidPublicKey) {
				t.Errorf("unforeseen error %v", err)
			}
		}
		if accepted > 1 {
			t.Errorf("%d curves took one key", accepted)
		}
	})
}

// FuzzCiphertext looks for a ciphertext that crashes, or fails in another way than the one.
func FuzzCiphertext(f *testing.F) {
	rsa := fuzzed(f, keyspec.RSA2048)
	kems := []Material{fuzzed(f, keyspec.MLKEM512), fuzzed(f, keyspec.MLKEM768), fuzzed(f, keyspec.MLKEM1024)}
	for _, size := range []int{0, 255, 256, 768, 1088, 1568} {
		f.Add(make([]byte, size))
	}
	f.Fuzz(func(t *testing.T, ciphertext []byte) {
		if _, err := rsa.Decrypt(keyspec.RSAESOAEPSHA256, ciphertext); err != nil && !undifferentiated(err) {
			t.Errorf("unforeseen error %v", err)
		}
		for _, m := range kems {
			secret, err := m.Decapsulate(keyspec.MLKEM, ciphertext)
			if (err == nil) != (len(secret) == 32) || (err != nil && !undifferentiated(err)) {
				t.Errorf("%d bytes, %v", len(secret), err)
			}
		}
	})
}

// FuzzSignature looks for a signature that crashes, or verifies without having been made here.
func FuzzSignature(f *testing.F) {
	type key struct {
		m         Material
		algorithm keyspec.Algorithm
	}
	keys := []key{
		{fuzzed(f, keyspec.RSA2048), keyspec.RSASSAPKCS1V15SHA256},
		{fuzzed(f, keyspec.RSA2048), keyspec.RSASSAPSSSHA256},
		{fuzzed(f, keyspec.ECCNISTP256), keyspec.ECDSASHA256},
		{fuzzed(f, keyspec.ECCSECGP256K1), keyspec.ECDSASHA256},
		{fuzzed(f, keyspec.ECCNISTEdwards25519), keyspec.Ed25519SHA512},
		{fuzzed(f, keyspec.MLDSA44), keyspec.MLDSASHAKE256},
	}
	message := []byte("message")
	for _, k := range keys {
		// Another message's, so that the seeds have the right form and none verifies.
		signature, err := k.m.Sign(k.algorithm, MessageRaw, []byte("another message"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(signature)
	}
	f.Fuzz(func(t *testing.T, signature []byte) {
		for _, k := range keys {
			if err := k.m.Verify(k.algorithm, MessageRaw, message, signature); !errors.Is(err, ErrInvalidSignature) {
				t.Errorf("%s: %v for %x", k.algorithm, err, signature)
			}
		}
	})
}

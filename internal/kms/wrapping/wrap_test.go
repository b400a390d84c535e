// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package wrapping

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms/material"
)

func public(t *testing.T, key pair) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.public)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestWhatIsWrappedUnwraps(t *testing.T) {
	secret := bytes.Repeat([]byte{0xa5}, 32)
	for _, spec := range []KeySpec{RSA2048, RSA3072, RSA4096} {
		key := wrappingKey(t, spec)
		for _, algorithm := range offered {
			first, err := Wrap(algorithm, public(t, key), secret)
			if err != nil {
				t.Fatal(err)
			}
			second, err := Wrap(algorithm, public(t, key), secret)
			if err != nil || bytes.Equal(first, second) {
				t.Errorf("%s under %s: wrapped twice it is the same, or %v", algorithm, spec, err)
			}
			got, err := Unwrap(algorithm, key.private, first)
			if err != nil || !bytes.Equal(got, secret) {
				t.Errorf("%s under %s: other material, or %v", algorithm, spec, err)
			}
		}
	}
}

func TestTheStrongestWayCarriesEveryKeySpec(t *testing.T) {
	for _, spec := range keyspec.All() {
		algorithm, wrappingKeySpec := Strongest(spec)
		if err := CheckAlgorithm(spec, algorithm, wrappingKeySpec); err != nil {
			t.Errorf("%s: %v", spec, err)
			continue
		}
		made, err := material.Generate(spec)
		if err != nil {
			t.Fatal(err)
		}
		plaintext := made.Export()
		if spec.HasPublicKey() {
			if plaintext, err = made.PKCS8(); err != nil {
				t.Fatal(err)
			}
		}
		key := wrappingKey(t, wrappingKeySpec)
		wrapped, err := Wrap(algorithm, public(t, key), plaintext)
		if err != nil {
			t.Errorf("%s: %v", spec, err)
			continue
		}
		got, err := Unwrap(algorithm, key.private, wrapped)
		if err != nil || !bytes.Equal(got, plaintext) {
			t.Errorf("%s with %s: other material, or %v", spec, algorithm, err)
		}
	}
}

func TestWhatCannotBeWrappedIsRefusedWithoutTellingIt(t *testing.T) {
	key := public(t, wrappingKey(t, RSA2048))
	p256, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	elliptic, err := x509.MarshalPKIXPublicKey(p256.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	secret := []byte(strings.Repeat("secret noise ", 40))
	for name, c := range map[string]struct {
		algorithm Algorithm
		public    []byte
		material  []byte
		says      string
	}{
		"too long for OAEP":     {RSAESOAEPSHA256, key, secret, "520 bytes are more than there is room for"},
		"too short for AES-KWP": {RSAAESKeyWrapSHA256, key, secret[:5], "takes 16 to 8192 bytes, and there are 5"},
		"too long for AES-KWP":  {RSAAESKeyWrapSHA256, key, bytes.Repeat(secret, 16), "takes 16 to 8192 bytes, and there are 8320"},
		"no public key":         {RSAESOAEPSHA256, secret, secret[:32], "not a SubjectPublicKeyInfo"},
		"an elliptic curve":     {RSAESOAEPSHA256, elliptic, secret[:32], "not an RSA key"},
	} {
		got, err := Wrap(c.algorithm, c.public, c.material)
		if err == nil || got != nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "noise") {
			t.Errorf("%s: got %d bytes, %v", name, len(got), err)
		}
	}
	if _, err := Wrap(RSAESPKCS1V15, key, secret[:32]); !errors.Is(err, ErrUnsupported) {
		t.Errorf("%v, want %v", err, ErrUnsupported)
	}
}

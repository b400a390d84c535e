// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"strings"
	"testing"

	"github.com/tink-crypto/tink-go/v2/kwp/subtle"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

// secretOf is 32 bytes of key material.
func secretOf(text string) []byte { return bytes.Repeat([]byte(text[:1]), 32) }

// wrapped is what a customer sends in: the material encrypted to the public key of the parameters.
func wrapped(t *testing.T, parameters object, algorithm string, secret []byte) []byte {
	t.Helper()
	parsed, err := x509.ParsePKIXPublicKey(blob(t, parameters, "PublicKey"))
	if err != nil {
		t.Fatal(err)
	}
	public, ok := parsed.(*rsa.PublicKey)
	if !ok {
		t.Fatalf("the wrapping key is a %T", parsed)
	}
	hash := crypto.SHA256
	if strings.HasSuffix(algorithm, "SHA_1") {
		hash = crypto.SHA1
	}
	encrypt := func(plaintext []byte) []byte {
		out, err := rsa.EncryptOAEP(hash.New(), rand.Reader, public, plaintext, nil)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if !strings.HasPrefix(algorithm, "RSA_AES_KEY_WRAP") {
		return encrypt(secret)
	}
	kek := make([]byte, 32)
	_, _ = rand.Read(kek)
	cipher, err := subtle.NewKWP(kek)
	if err != nil {
		t.Fatal(err)
	}
	body, err := cipher.Wrap(secret)
	if err != nil {
		t.Fatal(err)
	}
	return append(encrypt(kek), body...)
}

// importer imports into one key with one set of parameters, since making a wrapping key takes a while.
type importer struct {
	w          *world
	region     string
	keyID      string
	parameters object
}

func (w *world) importerIn(region, keyID string) *importer {
	w.t.Helper()
	parameters, err := w.callIn(region, root(), "GetParametersForImport", object{
		"KeyId": keyID, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048",
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return &importer{w, region, keyID, parameters}
}

// request imports a secret that does not expire, unless more says otherwise.
func (i *importer) request(secret []byte, more object) object {
	i.w.t.Helper()
	return with(object{
		"KeyId": i.keyID, "ImportToken": i.parameters["ImportToken"], "ExpirationModel": doesNotExpire,
		"EncryptedKeyMaterial": wrapped(i.w.t, i.parameters, "RSAES_OAEP_SHA_256", secret),
	}, more)
}

// put imports and returns the material's ID.
func (i *importer) put(secret []byte, more object) string {
	i.w.t.Helper()
	out, err := i.w.callIn(i.region, root(), "ImportKeyMaterial", i.request(secret, more))
	if err != nil {
		i.w.t.Fatal(err)
	}
	return str(out, "KeyMaterialId")
}

func (w *world) external(in kms.CreateKeyInput) *importer {
	w.t.Helper()
	in.Origin = keyring.OriginExternal
	return w.importerIn(home, w.newKey(in))
}

func (w *world) stateOf(keyID string) string {
	w.t.Helper()
	return str(w.describe(keyID), "KeyState")
}

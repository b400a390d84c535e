// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import "testing"

func TestSecretsOfAnAnswerAreWiped(t *testing.T) {
	secret := func() []byte { return []byte("secret") }
	out := &GenerateDataKeyPairOutput{
		PrivateKeyCiphertextBlob: secret(), PrivateKeyPlaintext: secret(), PublicKey: secret(),
	}
	op, _ := Lookup("GenerateDataKeyPair")
	op.wipe(out)
	if string(out.PrivateKeyPlaintext) != "\x00\x00\x00\x00\x00\x00" {
		t.Errorf("the private key is %q", out.PrivateKeyPlaintext)
	}
	if string(out.PublicKey) != "secret" || string(out.PrivateKeyCiphertextBlob) != "secret" {
		t.Errorf("what is not secret is gone: %q, %q", out.PublicKey, out.PrivateKeyCiphertextBlob)
	}
	for _, name := range []string{"Decrypt", "GenerateDataKey", "GenerateRandom", "DeriveSharedSecret", "Encapsulate", "Decapsulate"} {
		if op, _ := Lookup(name); len(op.secret) != 1 {
			t.Errorf("%s has %d secrets to wipe", name, len(op.secret))
		}
	}
}

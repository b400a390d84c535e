// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package mldsaverify

import (
	"bytes"
	"crypto/sha3"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"testing"

	"filippo.io/mldsa"
	"filippo.io/mldsa/mldsacrypto"
	"github.com/c2sp/wycheproof"
)

func allSets() []mldsa.Parameters {
	return []mldsa.Parameters{mldsa.MLDSA44(), mldsa.MLDSA65(), mldsa.MLDSA87()}
}

// representative is mu of FIPS 204, algorithms 7 and 2: SHAKE256(SHAKE256(pk) || 0 || |ctx| || ctx || message).
func representative(key *mldsa.PublicKey, context, message []byte) []byte {
	tr := sha3.SumSHAKE256(key.Bytes(), 64)
	return sha3.SumSHAKE256(slices.Concat(tr, []byte{0, byte(len(context))}, context, message), MuSize)
}

func fixedKey(t testing.TB, params mldsa.Parameters) *mldsa.PrivateKey {
	t.Helper()
	key, err := mldsa.NewPrivateKey(params, bytes.Repeat([]byte{1}, mldsa.PrivateKeySize))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// hexBytes is a byte string as Wycheproof's JSON writes it.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

type vectors struct {
	TestGroups []struct {
		PublicKey hexBytes
		Tests     []struct {
			Comment, Result string
			Msg, Sig, Ctx   hexBytes
			Flags           []string
		}
	}
}

func load(t testing.TB, file string) vectors {
	t.Helper()
	data, err := fs.ReadFile(wycheproof.TestVectors, file)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return v
}

func TestSignaturesOfWycheproofVerifyByMuAsByMessage(t *testing.T) {
	for file, params := range map[string]mldsa.Parameters{
		"mldsa_44_verify_test.json": mldsa.MLDSA44(), "mldsa_65_verify_test.json": mldsa.MLDSA65(),
		"mldsa_87_verify_test.json": mldsa.MLDSA87(),
	} {
		t.Run(file, func(t *testing.T) {
			accepted, refused := 0, 0
			for _, g := range load(t, file).TestGroups {
				key, err := mldsa.NewPublicKey(params, g.PublicKey)
				for _, tt := range g.Tests {
					if err != nil || len(tt.Ctx) > 255 {
						if tt.Result == "valid" {
							t.Errorf("%s: no key or no mu: %v", tt.Comment, err)
						}
						continue // a key of a wrong length, or a context that has no mu
					}
					got := Verify(key, representative(key, tt.Ctx, tt.Msg), tt.Sig)
					library := mldsa.Verify(key, tt.Msg, tt.Sig, &mldsa.Options{Context: string(tt.Ctx)}) == nil
					if got != (tt.Result == "valid") || got != library {
						t.Errorf("%s %v (%s): got %t, the library %t", tt.Comment, tt.Flags, tt.Result, got, library)
					}
					if got {
						accepted++
					} else {
						refused++
					}
				}
			}
			if accepted < 50 || refused < 10 {
				t.Errorf("only %d accepted and %d refused", accepted, refused)
			}
		})
	}
}

func TestSignaturesOfMuAndOfItsMessageAreTheSame(t *testing.T) {
	for _, params := range allSets() {
		t.Run(params.String(), func(t *testing.T) {
			key := fixedKey(t, params)
			for i := range 20 {
				message := fmt.Appendf(nil, "message %d", i)
				mu := representative(key.PublicKey(), nil, message)
				ofMu, err := key.Sign(nil, mu, mldsacrypto.MLDSAMu)
				if err != nil {
					t.Fatal(err)
				}
				ofMessage, err := key.Sign(nil, message, &mldsa.Options{})
				if err != nil {
					t.Fatal(err)
				}
				if !Verify(key.PublicKey(), mu, ofMu) || !Verify(key.PublicKey(), mu, ofMessage) {
					t.Errorf("message %d: a good signature is refused", i)
				}
				mu[i] ^= 1
				if Verify(key.PublicKey(), mu, ofMu) {
					t.Errorf("message %d: another mu is accepted", i)
				}
			}
		})
	}
}

func TestInputsOfWrongLengthsAreRefused(t *testing.T) {
	for _, params := range allSets() {
		key := fixedKey(t, params)
		mu := make([]byte, MuSize)
		signature, err := key.Sign(nil, mu, mldsacrypto.MLDSAMu)
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct{ mu, signature []byte }{
			{nil, signature}, {mu[1:], signature}, {make([]byte, MuSize+1), signature},
			{mu, nil}, {mu, signature[1:]}, {mu, signature[:len(signature)-1]}, {mu, append(signature, 0)},
		} {
			if Verify(key.PublicKey(), tt.mu, tt.signature) {
				t.Errorf("%s: accepted %d and %d bytes", params, len(tt.mu), len(tt.signature))
			}
		}
	}
}

// agree wants the same answer as from the library, for a message whose mu is computed here.
func agree(t *testing.T, key *mldsa.PublicKey, message, signature []byte) {
	t.Helper()
	got := Verify(key, representative(key, nil, message), signature)
	if want := mldsa.Verify(key, message, signature, nil) == nil; got != want {
		t.Errorf("%s: got %t, the library says %t, of %x", key.Parameters(), got, want, signature)
	}
}

func TestEachByteChangedIsRefusedAsByTheLibrary(t *testing.T) {
	message := []byte("message")
	for _, params := range allSets() {
		t.Run(params.String(), func(t *testing.T) {
			key := fixedKey(t, params)
			signature, err := key.SignDeterministic(message, &mldsa.Options{})
			if err != nil {
				t.Fatal(err)
			}
			mu := representative(key.PublicKey(), nil, message)
			for i := range signature {
				changed := bytes.Clone(signature)
				changed[i] ^= 1 << (i % 8)
				if Verify(key.PublicKey(), mu, changed) {
					t.Errorf("byte %d changed: accepted", i)
				}
				// The hints, and some of the rest: the library takes its time.
				if len(signature)-i < 100 || i%97 == 0 {
					agree(t, key.PublicKey(), message, changed)
				}
			}
		})
	}
}

// FuzzVerifyAgreesWithTheLibrary gives both a signature that was good, with some bytes changed; or the key changed; or either
// made up. A forgery that one accepts and the other refuses is a bug in one of them.
func FuzzVerifyAgreesWithTheLibrary(f *testing.F) {
	for i, params := range allSets() {
		size := params.SignatureSize()
		f.Add(uint8(i), []byte("message"), 0, []byte{}, 0, []byte{})
		f.Add(uint8(i), []byte("message"), size-1, []byte{1}, 0, []byte{})
		f.Add(uint8(i), []byte{}, size-90, bytes.Repeat([]byte{7}, 90), 0, []byte{})
		f.Add(uint8(i), []byte{}, 0, make([]byte, size), 0, []byte{})
		f.Add(uint8(i), []byte{}, 70, bytes.Repeat([]byte{0xff}, 9), 0, []byte{})
		f.Add(uint8(i), []byte{}, 0, []byte{}, 40, bytes.Repeat([]byte{0xff}, 300))
		f.Add(uint8(i), []byte{}, 0, make([]byte, size), 0, make([]byte, params.PublicKeySize()))
	}
	f.Fuzz(func(t *testing.T, which uint8, message []byte, at int, change []byte, keyAt int, keyChange []byte) {
		params := allSets()[int(which)%3]
		private := fixedKey(t, params)
		signature, err := private.SignDeterministic(message, &mldsa.Options{})
		if err != nil {
			t.Fatal(err)
		}
		overwrite(signature, at, change)
		encoded := private.PublicKey().Bytes()
		overwrite(encoded, keyAt, keyChange)
		key, err := mldsa.NewPublicKey(params, encoded)
		if err != nil {
			t.Fatal(err)
		}
		agree(t, key, message, signature)
	})
}

// overwrite changes b from a place on, as far as it reaches.
func overwrite(b []byte, at int, change []byte) {
	if at >= 0 && at < len(b) {
		copy(b[at:], change)
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, params := range allSets() {
		b.Run(params.String(), func(b *testing.B) {
			key := fixedKey(b, params)
			mu := make([]byte, MuSize)
			signature, err := key.Sign(nil, mu, mldsacrypto.MLDSAMu)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if !Verify(key.PublicKey(), mu, signature) {
					b.Fatal("refused")
				}
			}
		})
	}
}

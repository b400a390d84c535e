// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package wrapping

import (
	"bytes"
	"crypto"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"testing"

	"github.com/c2sp/wycheproof"
	"github.com/tink-crypto/tink-go/v2/kwp/subtle"
)

// hexBytes is a byte string as Wycheproof's JSON writes it.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// load reads a Wycheproof file whose groups are G.
func load[G any](t testing.TB, file string) []G {
	t.Helper()
	data, err := fs.ReadFile(wycheproof.TestVectors, file)
	if err != nil {
		t.Fatal(err)
	}
	var v struct{ TestGroups []G }
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if len(v.TestGroups) == 0 {
		t.Fatalf("%s has no test groups", file)
	}
	return v.TestGroups
}

type kwpVector struct {
	Comment, Result string
	Key, Msg, Ct    hexBytes
	Flags           []string
}

// All of Wycheproof's AES-KWP goes through Unwrap, behind an RSA-OAEP ciphertext of the vector's key. Keys other than AES-256
// are none that AWS takes, and material of up to 8 bytes, which has a form of its own, is none that anybody imports: both are
// refused.
func TestKeyWrappingsOfWycheproofUnwrap(t *testing.T) {
	type group struct {
		KeySize int
		Tests   []kwpVector
	}
	key := wrappingKey(t, RSA2048)
	accepted, refused := 0, 0
	for _, g := range load[group](t, "aes_kwp_test.json") {
		for _, tt := range g.Tests {
			head := oaep(t, key.public, crypto.SHA256, tt.Key)
			got, err := Unwrap(RSAAESKeyWrapSHA256, key.private, append(head, tt.Ct...))
			if tt.Result == "valid" && g.KeySize == 256 && len(tt.Msg) > 8 {
				accepted++
				if err != nil || !bytes.Equal(got, tt.Msg) {
					t.Errorf("%s: got %x, %v, want %x", tt.Comment, got, err, tt.Msg)
				}
				continue
			}
			refused++
			if !undifferentiated(err) || got != nil {
				t.Errorf("%s %v (%s, AES-%d): got %x, %v", tt.Comment, tt.Flags, tt.Result, g.KeySize, got, err)
			}
		}
	}
	if accepted < 17 || refused < 200 {
		t.Errorf("only %d accepted and %d refused", accepted, refused)
	}
}

// The library itself on AES-128, too, and in the other direction: a customer's ciphertexts in these tests are as the standard
// has them.
func TestTheLibraryWrapsAsWycheproofDoes(t *testing.T) {
	type group struct {
		KeySize int
		Tests   []kwpVector
	}
	wrapped := 0
	for _, g := range load[group](t, "aes_kwp_test.json") {
		if g.KeySize == 192 {
			continue // the library has no AES-192
		}
		for _, tt := range g.Tests {
			cipher, err := subtle.NewKWP(tt.Key)
			if err != nil {
				t.Fatal(err)
			}
			got, err := cipher.Unwrap(tt.Ct)
			if valid := tt.Result == "valid" && len(tt.Msg) > 8; (err == nil) != valid {
				t.Errorf("%s (%s): %v", tt.Comment, tt.Result, err)
			}
			if err != nil || len(got) < subtle.MinWrapSize {
				continue // the library wraps no less
			}
			again, err := cipher.Wrap(got)
			if err != nil || !bytes.Equal(got, tt.Msg) || !bytes.Equal(again, tt.Ct) {
				t.Errorf("%s: unwraps to %x, which wraps to %x, %v", tt.Comment, got, again, err)
			}
			wrapped++
		}
	}
	if wrapped < 20 {
		t.Errorf("only %d wrapped", wrapped)
	}
}

func TestOAEPCiphertextsOfWycheproofUnwrap(t *testing.T) {
	type group struct {
		KeySize         int
		PrivateKeyPkcs8 hexBytes
		Sha, MgfSha     string
		Tests           []struct {
			Comment, Result string
			Msg, Ct, Label  hexBytes
		}
	}
	algorithms := map[string]Algorithm{"SHA-1": RSAESOAEPSHA1, "SHA-256": RSAESOAEPSHA256}
	seen := map[int]map[Algorithm]int{2048: {}, 3072: {}, 4096: {}}
	for _, file := range []string{
		"2048_sha1_mgf1sha1", "2048_sha256_mgf1sha256", "3072_sha256_mgf1sha256", "4096_sha256_mgf1sha256", "misc",
		// Masks of another hash than the label's: all refused.
		"2048_sha256_mgf1sha1", "3072_sha256_mgf1sha1", "4096_sha256_mgf1sha1",
	} {
		for _, g := range load[group](t, "rsa_oaep_"+file+"_test.json") {
			algorithm, ok := algorithms[g.Sha]
			if !ok || seen[g.KeySize] == nil {
				continue // a hash or a size that AWS does not have
			}
			for _, tt := range g.Tests {
				got, err := Unwrap(algorithm, g.PrivateKeyPkcs8, tt.Ct)
				if tt.Result == "valid" && g.MgfSha == g.Sha && len(tt.Label) == 0 {
					seen[g.KeySize][algorithm]++
					if err != nil || !bytes.Equal(got, tt.Msg) {
						t.Errorf("%s, %s: got %x, %v, want %x", file, tt.Comment, got, err, tt.Msg)
					}
				} else if !undifferentiated(err) || got != nil {
					t.Errorf("%s, %s (%s): got %x, %v, want nothing but ErrInvalidCiphertext", file, tt.Comment, tt.Result, got, err)
				}
			}
		}
	}
	for size, counts := range seen {
		if counts[RSAESOAEPSHA1] < 2 || counts[RSAESOAEPSHA256] < 10 {
			t.Errorf("only %v accepted with %d bits", counts, size)
		}
	}
}

// FuzzUnwrap looks for a ciphertext that crashes, fails in another way than the one, or opens without having been made. It
// shows the fuzzer the inside too: what follows the RSA ciphertext of a key that it knows.
func FuzzUnwrap(f *testing.F) {
	type group struct {
		PrivateKeyPkcs8 hexBytes
		Tests           []struct{ Ct hexBytes }
	}
	// A key that is the same in all of the fuzzer's processes.
	g := load[group](f, "rsa_oaep_2048_sha256_mgf1sha256_test.json")[0]
	key, err := parsePrivate(g.PrivateKeyPkcs8)
	if err != nil {
		f.Fatal(err)
	}
	kek := bytes.Repeat([]byte{7}, kekSize)
	head := oaep(f, &key.PublicKey, crypto.SHA256, kek)
	cipher, err := subtle.NewKWP(kek)
	if err != nil {
		f.Fatal(err)
	}
	for _, size := range []int{16, 28, 32, 35, 138, 1217} {
		wrapped, err := cipher.Wrap(make([]byte, size))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wrapped)
	}
	f.Add([]byte(g.Tests[0].Ct))
	f.Fuzz(func(t *testing.T, tail []byte) {
		for _, algorithm := range offered {
			if got, err := Unwrap(algorithm, g.PrivateKeyPkcs8, tail); err != nil && (!undifferentiated(err) || got != nil) {
				t.Errorf("%s: unforeseen error %v", algorithm, err)
			}
		}
		got, err := Unwrap(RSAAESKeyWrapSHA256, g.PrivateKeyPkcs8, append(bytes.Clone(head), tail...))
		if err != nil {
			if !undifferentiated(err) || got != nil {
				t.Errorf("unforeseen error %v", err)
			}
			return
		}
		if again, err := cipher.Wrap(got); err != nil || !bytes.Equal(again, tail) {
			t.Errorf("%x opens to %x, which wraps to %x, %v", tail, got, again, err)
		}
	})
}

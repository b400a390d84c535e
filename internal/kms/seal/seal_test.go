// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	record = []byte(`{"keyId":"1234abcd-12ab-34cd-56ef-1234567890ab"}`)
	place  = Binding{Account: "111122223333", Region: "local", Kind: "key", Name: "1234abcd"}
)

func newSet(t testing.TB) RootKeys {
	t.Helper()
	set, err := NewRootKeys(NewRootKey())
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func mustSeal(t testing.TB, set RootKeys, plaintext []byte, at Binding) []byte {
	t.Helper()
	sealed, err := set.Seal(plaintext, at)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// wantOpen wants the record back.
func wantOpen(t *testing.T, set RootKeys, sealed []byte) {
	t.Helper()
	got, err := set.Open(sealed, place)
	if err != nil || !bytes.Equal(got, record) {
		t.Errorf("Open returned %q and %v", got, err)
	}
}

func TestWhatWasSealedOpens(t *testing.T) {
	set := newSet(t)
	for _, plaintext := range [][]byte{nil, {}, {0}, record, bytes.Repeat([]byte("x"), 1<<20)} {
		sealed := mustSeal(t, set, plaintext, place)
		got, err := set.Open(sealed, place)
		if err != nil || !bytes.Equal(got, plaintext) {
			t.Errorf("%d bytes: %d came back, error %v", len(plaintext), len(got), err)
		}
		if len(sealed) != len(plaintext)+Overhead {
			t.Errorf("%d bytes became %d, want %d more", len(plaintext), len(sealed), Overhead)
		}
		if id, err := RootKeyID(sealed); id != set.Current() || err != nil {
			t.Errorf("RootKeyID is %q (%v), the current key's is %q", id, err, set.Current())
		}
	}
}

// Records outlive programs, so version 1 must open for ever. sealedByPython was made by another implementation (Python's
// cryptography), written from the package comment: root key 0..31, salt 100..131, nonce 50..61.
const sealedByPython = "010123456789abcdef6465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182833233343536" +
	"3738393a3b3c3d7316438c72e1bb4895a8b89bc3c69ca47193287bf21a578c784c39787aea464eb9b064a50fa05b" +
	"dc0d8d805a53789845097e9e27793f876b1dbd8db80774fd87"

func TestTheFormatIsPinned(t *testing.T) {
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)
	}
	set, err := ParseRootKeys(map[string][]byte{"current": []byte("0123456789abcdef"), "key-0123456789abcdef": key})
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := hex.DecodeString(sealedByPython)
	if err != nil {
		t.Fatal(err)
	}
	wantOpen(t, set, sealed)
}

func TestSealingTwiceSharesNoBytesBesideTheHead(t *testing.T) {
	set := newSet(t)
	a, b := mustSeal(t, set, record, place), mustSeal(t, set, record, place)
	head := 1 + idSize
	if !bytes.Equal(a[:head], b[:head]) {
		t.Error("version and identifier differ")
	}
	for name, part := range map[string][2]int{
		"salt":       {head, headerSize},
		"nonce":      {headerSize, headerSize + nonceSize},
		"ciphertext": {headerSize + nonceSize, len(a) - tagSize},
		"tag":        {len(a) - tagSize, len(a)},
	} {
		if bytes.Equal(a[part[0]:part[1]], b[part[0]:part[1]]) {
			t.Errorf("the %s repeats", name)
		}
	}
}

func TestASealedRecordShowsNoPlaintext(t *testing.T) {
	sealed := mustSeal(t, newSet(t), record, place)
	for i := range len(record) - 4 {
		if bytes.Contains(sealed, record[i:i+4]) {
			t.Errorf("it contains %q", record[i:i+4])
		}
	}
}

func TestEveryFlippedBitIsDetected(t *testing.T) {
	set := newSet(t)
	sealed := mustSeal(t, set, record, place)
	for bit := range 8 * len(sealed) {
		edited := bytes.Clone(sealed)
		edited[bit/8] ^= 1 << (bit % 8)
		_, err := set.Open(edited, place)
		var unknown *UnknownRootKeyError
		var right bool
		switch {
		case bit/8 == 0:
			right = errors.Is(err, ErrVersion)
		case bit/8 <= idSize:
			right = errors.As(err, &unknown)
		default:
			right = errors.Is(err, ErrTampered)
		}
		if !right {
			t.Errorf("bit %d of byte %d: got %v", bit%8, bit/8, err)
		}
	}
}

func TestEveryTruncationAndExtensionIsDetected(t *testing.T) {
	set := newSet(t)
	sealed := mustSeal(t, set, record, place)
	for n := range sealed {
		want := ErrTampered
		if n < Overhead {
			want = ErrTruncated
		}
		if _, err := set.Open(sealed[:n], place); !errors.Is(err, want) {
			t.Errorf("cut to %d bytes: got %v, want %v", n, err, want)
		}
		if _, err := RootKeyID(sealed[:n]); (n < Overhead) != errors.Is(err, ErrTruncated) {
			t.Errorf("cut to %d bytes: RootKeyID says %v", n, err)
		}
		if _, err := set.Open(sealed[n+1:], place); err == nil {
			t.Errorf("opened without its first %d bytes", n+1)
		}
	}
	if _, err := set.Open(append(bytes.Clone(sealed), 0), place); !errors.Is(err, ErrTampered) {
		t.Errorf("one byte more: got %v", err)
	}
}

func TestARecordOpensInItsOwnPlaceOnly(t *testing.T) {
	set := newSet(t)
	sealed := mustSeal(t, set, record, place)
	wantOpen(t, set, sealed)
	for name, other := range map[string]Binding{
		"account": {"111122223334", place.Region, place.Kind, place.Name},
		"region":  {place.Account, "eu-west-1", place.Kind, place.Name},
		"kind":    {place.Account, place.Region, "alias", place.Name},
		"name":    {place.Account, place.Region, place.Kind, "1234abce"},
		"cut":     {place.Account, place.Region, "key1", "234abcd"},
		"swapped": {place.Account, place.Region, place.Name, place.Kind},
		"prefix":  {place.Account, place.Region, place.Kind, "1234abcd0"},
	} {
		if _, err := set.Open(sealed, other); !errors.Is(err, ErrTampered) {
			t.Errorf("another %s: got %v, want ErrTampered", name, err)
		}
	}
}

func TestNoTwoPlacesAreAuthenticatedAlike(t *testing.T) {
	seen := map[string]Binding{}
	parts := []string{"a", "b", "ab", "ba", "aab", "\x00", "a\x00", "\x00\x00\x00\x00\x00\x00\x00\x01a"}
	for _, account := range parts {
		for _, region := range parts {
			for _, kind := range parts {
				for _, name := range parts {
					b := Binding{account, region, kind, name}
					data, err := b.authenticate(nil)
					if err != nil {
						t.Fatal(err)
					}
					if other, taken := seen[string(data)]; taken {
						t.Fatalf("%q and %q are the same", b, other)
					}
					seen[string(data)] = b
				}
			}
		}
	}
}

func TestABindingWithAnEmptyFieldIsRefused(t *testing.T) {
	set := newSet(t)
	sealed := mustSeal(t, set, record, place)
	for name, b := range map[string]Binding{
		"account": {"", place.Region, place.Kind, place.Name},
		"region":  {place.Account, "", place.Kind, place.Name},
		"kind":    {place.Account, place.Region, "", place.Name},
		"name":    {place.Account, place.Region, place.Kind, ""},
	} {
		want := "the binding's " + name + " is empty"
		if _, err := set.Seal(record, b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Seal: got %v, want %q", err, want)
		}
		if _, err := set.Open(sealed, b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open: got %v, want %q", err, want)
		}
	}
}

func TestARecordOfAnotherRootKeyNamesTheKeyItNeeds(t *testing.T) {
	here, there := newSet(t), newSet(t)
	_, err := here.Open(mustSeal(t, there, record, place), place)
	var unknown *UnknownRootKeyError
	if !errors.As(err, &unknown) {
		t.Fatalf("got %v, want an *UnknownRootKeyError", err)
	}
	want := &UnknownRootKeyError{ID: there.Current(), Have: []string{here.Current()}}
	if diff := cmp.Diff(want, unknown); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, id := range []string{here.Current(), there.Current()} {
		if !strings.Contains(err.Error(), id) {
			t.Errorf("%q does not name %s", err, id)
		}
	}
}

func TestAnotherRootKeyUnderTheSameIdentifierOpensNothing(t *testing.T) {
	set := newSet(t)
	sealed := mustSeal(t, set, record, place)
	data := set.Encode()
	data["key-"+set.Current()][0] ^= 1
	other, err := ParseRootKeys(data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Open(sealed, place); !errors.Is(err, ErrTampered) {
		t.Errorf("got %v, want ErrTampered", err)
	}
}

func TestTheEmptySetSealsAndOpensNothing(t *testing.T) {
	var empty RootKeys
	if _, err := empty.Seal(record, place); err == nil {
		t.Error("it sealed")
	}
	var unknown *UnknownRootKeyError
	if _, err := empty.Open(mustSeal(t, newSet(t), record, place), place); !errors.As(err, &unknown) {
		t.Errorf("got %v, want an *UnknownRootKeyError", err)
	}
}

// FuzzOpen: only a record that the set sealed, unchanged, opens; nothing panics; refusals are typed.
func FuzzOpen(f *testing.F) {
	set := newSet(f)
	genuine := mustSeal(f, set, record, place)
	for _, n := range []int{0, 1, 9, headerSize, Overhead - 1, Overhead, len(genuine) - 1, len(genuine)} {
		f.Add(genuine[:n])
	}
	f.Add(append(bytes.Clone(genuine), 0))
	f.Add(mustSeal(f, newSet(f), record, place))
	f.Fuzz(func(t *testing.T, sealed []byte) {
		// A corpus kept from another run names another key: give it this run's, to get past the look-up.
		if len(sealed) >= headerSize {
			copy(sealed[1:], genuine[1:1+idSize])
		}
		plaintext, err := set.Open(sealed, place)
		if bytes.Equal(sealed, genuine) {
			wantOpen(t, set, sealed)
			return
		}
		if err == nil {
			t.Fatalf("a forgery opened as %q", plaintext)
		}
		known := 0
		for _, kind := range []error{ErrTruncated, ErrVersion, ErrTampered} {
			if errors.Is(err, kind) {
				known++
			}
		}
		if known != 1 || plaintext != nil {
			t.Errorf("got %q and %v", plaintext, err)
		}
	})
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	testKey    = bytes.Repeat([]byte{7}, keySize)
	testHeader = Header{
		KeyID:      "1234abcd-12ab-34cd-56ef-1234567890ab",
		MaterialID: strings.Repeat("0123456789abcdef", 4),
	}
	multiRegion = Header{KeyID: "mrk-1234abcd12ab34cd56ef1234567890ab", MaterialID: testHeader.MaterialID}
	testContext = map[string]string{"purpose": "test", "tenant": "a"}
)

func mustKey(t testing.TB, bytes []byte) *Key {
	t.Helper()
	key, err := NewKey(bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func mustSeal(t testing.TB, header Header, context map[string]string, plaintext []byte) []byte {
	t.Helper()
	sealed, err := mustKey(t, testKey).Seal(header, context, plaintext)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func refuseOpen(t *testing.T, key []byte, header Header, context map[string]string, ciphertext []byte, what string) {
	t.Helper()
	plaintext, err := mustKey(t, key).Open(header, context, ciphertext)
	if !errors.Is(err, ErrInvalidCiphertext) || err.Error() != ErrInvalidCiphertext.Error() || plaintext != nil {
		t.Errorf("%s: got %q, %v, want nothing but ErrInvalidCiphertext", what, plaintext, err)
	}
}

func TestWhatIsSealedOpens(t *testing.T) {
	for _, header := range []Header{testHeader, multiRegion} {
		for _, size := range []int{0, 1, 15, 16, 17, 32, MaxPlaintext} {
			plaintext := bytes.Repeat([]byte{0xa5}, size)
			sealed := mustSeal(t, header, testContext, plaintext)
			if len(sealed) != size+Overhead || len(sealed) > MaxCiphertext {
				t.Errorf("%d bytes became %d", size, len(sealed))
			}
			named, err := ParseHeader(sealed)
			if diff := cmp.Diff(header, named); err != nil || diff != "" {
				t.Errorf("header (error %v) (-want +got):\n%s", err, diff)
			}
			opened, err := mustKey(t, testKey).Open(header, testContext, sealed)
			if err != nil || !bytes.Equal(opened, plaintext) {
				t.Errorf("%d bytes came back as %d, error %v", size, len(opened), err)
			}
		}
	}
}

func TestSealRefusesWhatAWSRefuses(t *testing.T) {
	if _, err := mustKey(t, testKey).Seal(testHeader, nil, make([]byte, MaxPlaintext+1)); err == nil {
		t.Error("a plaintext above the limit was sealed")
	}
}

func TestSealRefusesIDsThatItCouldNotGiveBack(t *testing.T) {
	uuid, mrk, id := testHeader.KeyID, multiRegion.KeyID, testHeader.MaterialID
	for _, header := range []Header{
		{"", id},
		{strings.ToUpper(uuid), id},
		{strings.ReplaceAll(uuid, "-", ""), id},
		{uuid[:35], id},
		{uuid + "0", id},
		{"1234abcd1-2ab-34cd-56ef-1234567890ab", id},
		{"mrk-" + uuid, id},
		{strings.ToUpper(mrk), id},
		{"mrk-", id},
		{mrk[:35], id},
		{mrk + "00", id},
		{"xyz4abcd-12ab-34cd-56ef-1234567890ab", id},
		{uuid, ""},
		{uuid, id[:62]},
		{uuid, id + "00"},
		{uuid, strings.ToUpper(id)},
		{uuid, "zz" + id[2:]},
	} {
		if sealed, err := mustKey(t, testKey).Seal(header, nil, nil); err == nil {
			t.Errorf("%+v was taken as %x", header, sealed)
		}
	}
}

func TestAnyFlippedBitIsRefused(t *testing.T) {
	sealed := mustSeal(t, testHeader, testContext, []byte("plaintext"))
	for i := range sealed {
		for bit := range 8 {
			damaged := bytes.Clone(sealed)
			damaged[i] ^= 1 << bit
			refuseOpen(t, testKey, testHeader, testContext, damaged, "flipped bit")
			// As the caller would that believes the damaged header: the tag alone must notice.
			if header, err := ParseHeader(damaged); err == nil {
				refuseOpen(t, testKey, header, testContext, damaged, "flipped bit, header believed")
			}
		}
	}
}

func TestAnyOtherLengthIsRefused(t *testing.T) {
	sealed := mustSeal(t, testHeader, testContext, []byte("plaintext"))
	for n := range sealed {
		refuseOpen(t, testKey, testHeader, testContext, sealed[:n], "cut at the end")
		refuseOpen(t, testKey, testHeader, testContext, sealed[len(sealed)-n:], "cut at the start")
	}
	for _, n := range []int{1, 16, MaxCiphertext, 1 << 20} {
		refuseOpen(t, testKey, testHeader, testContext, append(bytes.Clone(sealed), make([]byte, n)...), "longer")
	}
	refuseOpen(t, testKey, testHeader, testContext, nil, "nothing")
}

func TestParseHeaderKnowsItsBounds(t *testing.T) {
	sealed := mustSeal(t, testHeader, nil, nil)
	long := append(bytes.Clone(sealed), make([]byte, MaxCiphertext)...)
	for n, want := range map[int]bool{
		0: false, headerSize: false, Overhead - 1: false, Overhead: true, MaxCiphertext: true, MaxCiphertext + 1: false,
	} {
		if _, err := ParseHeader(long[:n]); (err == nil) != want {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestAnotherVersionIsRefused(t *testing.T) {
	sealed := mustSeal(t, testHeader, nil, nil)
	for first := range 256 {
		damaged := bytes.Clone(sealed)
		damaged[0] = byte(first)
		if _, err := ParseHeader(damaged); (err == nil) != (first == version) {
			t.Errorf("version %d: %v", first, err)
		}
	}
}

func TestACiphertextOpensUnderItsOwnNameOnly(t *testing.T) {
	sealed := mustSeal(t, testHeader, testContext, []byte("plaintext"))
	others := map[string]Header{
		"another key":      {KeyID: "00000000-12ab-34cd-56ef-1234567890ab", MaterialID: testHeader.MaterialID},
		"another material": {KeyID: testHeader.KeyID, MaterialID: strings.Repeat("ab", materialIDSize)},
		"the other form":   multiRegion,
	}
	for name, other := range others {
		refuseOpen(t, testKey, other, testContext, sealed, name)
		// The other's header put before this one's rest, with the same key bytes: the tag alone must notice.
		swapped := slices.Concat(mustSeal(t, other, testContext, nil)[:headerSize], sealed[headerSize:])
		refuseOpen(t, testKey, other, testContext, swapped, name+", header swapped")
	}
	refuseOpen(t, bytes.Repeat([]byte{8}, keySize), testHeader, testContext, sealed, "another key's bytes")
}

func TestTheContextMustMatchExactly(t *testing.T) {
	sealed := mustSeal(t, testHeader, testContext, []byte("plaintext"))
	for name, other := range map[string]map[string]string{
		"none":            nil,
		"empty":           {},
		"one missing":     {"purpose": "test"},
		"one more":        {"purpose": "test", "tenant": "a", "more": ""},
		"another value":   {"purpose": "test", "tenant": "b"},
		"another key":     {"purpose": "test", "Tenant": "a"},
		"values swapped":  {"purpose": "a", "tenant": "test"},
		"keys and values": {"test": "purpose", "a": "tenant"},
	} {
		refuseOpen(t, testKey, testHeader, other, sealed, name)
	}
}

func TestAnEmptyContextIsNone(t *testing.T) {
	for _, sealed := range [][]byte{
		mustSeal(t, testHeader, nil, []byte("plaintext")),
		mustSeal(t, testHeader, map[string]string{}, []byte("plaintext")),
	} {
		for _, context := range []map[string]string{nil, {}} {
			if _, err := mustKey(t, testKey).Open(testHeader, context, sealed); err != nil {
				t.Errorf("%v", err)
			}
		}
		refuseOpen(t, testKey, testHeader, map[string]string{"": ""}, sealed, "a pair of empty strings")
	}
}

func TestNoTwoContextsHaveOneEncoding(t *testing.T) {
	contexts := []map[string]string{
		nil, {"": ""}, {"a": ""}, {"": "a"}, {"a": "bc"}, {"ab": "c"}, {"abc": ""},
		{"a": "b", "c": "d"}, {"a": "b\x00\x00\x00\x01c\x00\x00\x00\x01d"}, {"a": "d", "c": "b"}, {"a": "bc", "": "d"},
	}
	seen := map[string]int{}
	for i, context := range contexts {
		encoded := string(additionalData(nil, context))
		if j, ok := seen[encoded]; ok {
			t.Errorf("%v and %v are both %q", contexts[j], context, encoded)
		}
		seen[encoded] = i
	}
}

func TestTheOrderOfTheContextDoesNotMatter(t *testing.T) {
	want := []byte("\x00\x00\x00\x01a\x00\x00\x00\x011\x00\x00\x00\x02aa\x00\x00\x00\x00\x00\x00\x00\x01b\x00\x00\x00\x013")
	for range 50 { // a map's order is another one each time
		got := additionalData(nil, map[string]string{"b": "3", "aa": "", "a": "1"})
		if !bytes.Equal(got, want) {
			t.Fatalf("got %q", got)
		}
	}
}

func TestNoNonceComesTwice(t *testing.T) {
	const messages = 10_000
	nonces, halves := map[string]bool{}, map[string]bool{}
	for range messages {
		sealed := mustSeal(t, testHeader, nil, nil)
		nonce := sealed[headerSize:][:nonceSize]
		nonces[string(nonce)] = true
		halves[string(nonce[:halfNonce])] = true
		halves[string(nonce[halfNonce:])] = true
	}
	if len(nonces) != messages || len(halves) != 2*messages {
		t.Errorf("%d messages had %d nonces of %d halves", messages, len(nonces), len(halves))
	}
}

func TestSealAndOpenLeaveTheirInputsAlone(t *testing.T) {
	key, plaintext := bytes.Clone(testKey), []byte("plaintext")
	sealed := mustSeal(t, testHeader, testContext, plaintext)
	before := bytes.Clone(sealed)
	if _, err := mustKey(t, key).Open(testHeader, testContext, sealed); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(sealed, before) || !bytes.Equal(key, testKey) || string(plaintext) != "plaintext" {
		t.Error("an input changed")
	}
}

// FuzzOpen looks for bytes that crash, that open without having been sealed, or whose header is not given back the same.
func FuzzOpen(f *testing.F) {
	// A given nonce, as the fuzzer's processes have to agree on the one ciphertext that does open.
	head, err := testHeader.encode()
	if err != nil {
		f.Fatal(err)
	}
	nonce := bytes.Repeat([]byte{3}, nonceSize)
	body := sealFixed(f, testKey, nonce, []byte("plaintext"), additionalData(head[:], testContext))
	sealed := slices.Concat(head[:], nonce, body)
	f.Add(sealed)
	f.Add(sealed[:len(sealed)-1])
	f.Add(mustSeal(f, multiRegion, nil, nil))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, ciphertext []byte) {
		header, err := ParseHeader(ciphertext)
		if err != nil {
			refuseOpen(t, testKey, testHeader, testContext, ciphertext, "unparsable")
			return
		}
		encoded, err := header.encode()
		if err != nil || !bytes.Equal(encoded[:], ciphertext[:headerSize]) {
			t.Fatalf("the header came back as %x, error %v", encoded, err)
		}
		plaintext, err := mustKey(t, testKey).Open(header, testContext, ciphertext)
		if err == nil && !slices.Equal(ciphertext, sealed) {
			t.Fatalf("%x opened to %q", ciphertext, plaintext)
		}
	})
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/kms/wrapping"
)

func sampleToken() importToken {
	return importToken{
		expires: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), algorithm: wrapping.RSAESOAEPSHA256, privateKey: []byte("private"),
	}
}

func TestAnImportTokenComesBackAsItWasEncoded(t *testing.T) {
	want := sampleToken()
	got, err := parseImportToken(want.encode())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(importToken{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatIsNoImportTokenIsRefused(t *testing.T) {
	good := sampleToken().encode()
	private := len("private")
	for name, encoded := range map[string][]byte{
		"nothing":            nil,
		"a head alone":       good[:10],
		"no private key":     good[:len(good)-private],
		"another version":    append([]byte{2}, good[1:]...),
		"a cut name":         good[:12],
		"too long a name":    append(append(bytes.Clone(good[:9]), 255), good[10:]...),
		"a name and no more": append(append(bytes.Clone(good[:9]), byte(len(good)-10)), good[10:]...),
	} {
		if token, err := parseImportToken(encoded); err == nil {
			t.Errorf("%s: parsed as %s until %s", name, token.algorithm, token.expires)
		}
	}
}

func FuzzParseImportToken(f *testing.F) {
	f.Add(sampleToken().encode())
	f.Add([]byte{})
	f.Add([]byte{importTokenVersion, 0, 0, 0, 0, 0, 0, 0, 0, 255, 1})
	f.Add(bytes.Repeat([]byte{0xff}, 64))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		token, err := parseImportToken(encoded)
		if err != nil {
			return
		}
		if again := token.encode(); !bytes.Equal(again, encoded) {
			t.Errorf("%x is read as what would be written %x", encoded, again)
		}
	})
}

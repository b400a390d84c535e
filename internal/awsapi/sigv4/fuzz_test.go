// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"bufio"
	"bytes"
	"io"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/awsapi/sigv4"
)

// FuzzParse holds two things against any input. What arrives from the network neither panics nor verifies under a key that
// nobody has signed with. And a signed request in which a byte was changed verifies only if everything that is signed
// still means the same, by a rule of meaning that shares nothing with the canonical form.
func FuzzParse(f *testing.F) {
	originals := signedRequests(f)
	for i, original := range originals {
		for _, at := range []int{0, 1, bytes.IndexByte(original, '\n') - 12, bytes.Index(original, []byte("Amz")), len(original) - 1} {
			f.Add(original, uint8(i), uint16(at), byte(' '))
		}
	}
	for _, text := range botocoreRequests {
		f.Add([]byte(strings.ReplaceAll(text, "\n", "\r\n")), uint8(0), uint16(0), byte('\n'))
	}
	f.Fuzz(func(t *testing.T, text []byte, which uint8, at uint16, value byte) {
		if r, body := read(text); r != nil {
			if s, err := sigv4.Parse(r); err == nil && s.Verify(sigv4.DeriveKey("nobody's", s.Scope), body, anywhere(s), s.Time) == nil {
				t.Fatalf("verifies under a key that did not sign it: %q", text)
			}
		}
		original := originals[int(which)%len(originals)]
		changed := bytes.Clone(original)
		changed[int(at)%len(changed)] = value
		mustNotVerifyAsAnother(t, original, changed)
	})
}

// Every byte of every request, with its lowest bit, its case and its highest bit turned.
func TestNoByteOfWhatIsSignedCanBeChanged(t *testing.T) {
	for _, original := range signedRequests(t) {
		mustNotVerifyAsAnother(t, original, original)
		for i := range original {
			for _, bit := range []byte{0x01, 0x20, 0x80} {
				changed := bytes.Clone(original)
				changed[i] ^= bit
				mustNotVerifyAsAnother(t, original, changed)
			}
		}
	}
}

// mustNotVerifyAsAnother fails if the changed request verifies although a signed part of it means something else, or if it
// is the original and does not verify.
func mustNotVerifyAsAnother(t *testing.T, original, changed []byte) {
	t.Helper()
	r, body := read(changed)
	if r == nil {
		return
	}
	s, err := sigv4.Parse(r)
	if err == nil {
		err = s.Verify(sigv4.DeriveKey(exampleSecret, s.Scope), body, anywhere(s), signedAt)
	}
	if err != nil {
		if bytes.Equal(changed, original) {
			t.Fatalf("the original does not verify: %v", err)
		}
		return
	}
	before, _ := read(original)
	if want, got := meaning(t, before), meaning(t, r); want != got {
		t.Fatalf("verifies, but means another:\n%s\n%s", want, got)
	}
}

// signedRequests are the requests that are changed, as they go over the wire.
func signedRequests(tb testing.TB) [][]byte {
	tb.Helper()
	withQuery := encryptRequest()
	withQuery.URL.Path, withQuery.URL.RawQuery = "/a b/c", "x=1&y=%20z&x=0"
	withHash := encryptRequest()
	withHash.Header.Set("X-Amz-Content-Sha256", hash(encryptBody))
	var wire [][]byte
	for _, r := range []*http.Request{
		sign(tb, session, encryptRequest(), encryptBody), sign(tb, longTerm, withQuery, encryptBody), sign(tb, longTerm, withHash, encryptBody),
		presigned(tb), presign(tb, longTerm, encryptRequest(), encryptBody),
	} {
		if r.ContentLength > 0 {
			r.Body = io.NopCloser(strings.NewReader(encryptBody))
		}
		var buffer bytes.Buffer
		if err := r.Write(&buffer); err != nil {
			tb.Fatal(err)
		}
		wire = append(wire, buffer.Bytes())
	}
	return wire
}

// anywhere is the endpoint that the signature names, so that only the signature decides.
func anywhere(s *sigv4.Signature) sigv4.Endpoint {
	return sigv4.Endpoint{Service: s.Scope.Service, HasRegion: func(string) bool { return true }}
}

// read is the request and its body as net/http's server reads them, or nil if it does not.
func read(wire []byte) (*http.Request, []byte) {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire)))
	if err != nil {
		return nil, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, nil
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return r, body
}

// meaning is what a handler can see of the parts that all of signedRequests sign where they have them.
func meaning(t *testing.T, r *http.Request) string {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	write := func(parts ...string) { text.WriteString(strings.Join(parts, "\x00") + "\n") }
	write(r.Method, path.Clean("/"+r.URL.Path), r.Host, string(body))
	query := r.URL.Query()
	for _, name := range slices.Sorted(maps.Keys(query)) {
		slices.Sort(query[name])
		write(append([]string{name}, query[name]...)...)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if name == "Content-Type" || strings.HasPrefix(name, "X-Amz-") || strings.HasPrefix(name, "Amz-") {
			write(name, strings.Join(strings.Fields(strings.Join(r.Header[name], ",")), " "))
		}
	}
	return text.String()
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"hash"
	"log/slog"
	"sync"
)

// Key is a signing key: what is derived of a secret for one Scope. It is as good as the secret within that Scope, so it
// prints redacted. It is safe for concurrent use; the zero value is not a key.
type Key struct {
	// macs has HMACs that are keyed already: keying one costs as much as the text that it then takes. The key
	// has no field of its own: in unexported fields of others, fmt calls no methods and prints what it finds.
	macs *sync.Pool
}

// keyed is an HMAC and room for its sum.
type keyed struct {
	hash.Hash
	sum [sha256.Size]byte
}

// DeriveKey derives the key of a secret access key for a scope:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html, step 3. It costs nearly half of what a
// verification costs, and its result does not change, so it is worth keeping.
func DeriveKey(secret string, scope Scope) *Key {
	material := derive(secret, scope)
	return &Key{macs: &sync.Pool{New: func() any { return &keyed{Hash: hmac.New(sha256.New, material)} }}}
}

func derive(secret string, scope Scope) []byte {
	material := []byte("AWS4" + secret)
	for _, part := range []string{scope.Date, scope.Region, scope.Service, terminator} {
		mac := hmac.New(sha256.New, material)
		_, _ = mac.Write([]byte(part)) // a hash never fails
		material = mac.Sum(nil)
	}
	return material
}

// sign is the HMAC of the string to sign.
func (k Key) sign(text []byte) [sha256.Size]byte {
	mac, _ := k.macs.Get().(*keyed)
	defer k.macs.Put(mac)
	mac.Reset()
	_, _ = mac.Write(text) // a hash never fails
	mac.Sum(mac.sum[:0])
	return mac.sum
}

// Format prints the same for every verb: not the key.
func (k Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(k.String())) }

// String is not the key.
func (k Key) String() string { return "sigv4.Key(redacted)" }

// LogValue makes slog print what String returns.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

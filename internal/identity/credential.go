// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// The errors of a Source, to be found with errors.Is. What wraps them says more, for the operator's log: a caller is told
// no more than which of them it is.
var (
	// ErrUnknown means that there are no such credentials: the access key ID is not known, or the session token is not one
	// of ours or not that of the access key ID.
	ErrUnknown = errors.New("the security token or access key is not known")
	// ErrExpired means that the session token was good and is no longer.
	ErrExpired = errors.New("the session has expired")
	// ErrUnavailable means that it can't be known at the moment, because keys or Secrets that might tell were not read
	// yet. To try again later is right.
	ErrUnavailable = errors.New("credentials cannot be checked at the moment")
)

// Source knows credentials. It is safe for concurrent use, and fast: it is asked at every request.
type Source interface {
	// Lookup finds the credentials that a request claims to be signed with. SessionToken is empty if the request has none.
	// Errors are ErrUnknown, ErrExpired or ErrUnavailable, wrapped. That the request was signed with SecretAccessKey is
	// the caller's to verify; before that, nothing of the Caller is proved.
	Lookup(ctx context.Context, accessKeyID, sessionToken string) (Credential, error)
}

// Credential is what an access key ID, and the session token that goes with it, stand for.
type Credential struct {
	SecretAccessKey SecretAccessKey
	Caller          Caller
	// Expires is when the session ends; zero for a static access key.
	Expires time.Time
}

// SecretAccessKey is the secret half of an access key. It prints redacted and does not marshal; Reveal is the one way to
// its text. The zero value is the empty secret.
type SecretAccessKey struct {
	// reveal is a function because no printer, dumper or differ looks into one, also where fmt does not call the methods
	// below: in somebody's unexported field.
	reveal func() string
}

const redacted = "[redacted secret access key]"

// errMarshal makes storing a secret by accident loud.
var errMarshal = errors.New("a secret access key does not marshal: write what Reveal returns")

// NewSecretAccessKey hides the text.
func NewSecretAccessKey(text string) SecretAccessKey {
	return SecretAccessKey{reveal: func() string { return text }}
}

// Reveal returns the text itself, to verify a signature with or to hand to its owner.
func (k SecretAccessKey) Reveal() string {
	if k.reveal == nil {
		return ""
	}
	return k.reveal()
}

// Equal compares in a time that tells nothing but whether the lengths are equal.
func (k SecretAccessKey) Equal(other SecretAccessKey) bool {
	return subtle.ConstantTimeCompare([]byte(k.Reveal()), []byte(other.Reveal())) == 1
}

// String returns "[redacted secret access key]".
func (SecretAccessKey) String() string { return redacted }

// GoString returns what String does.
func (SecretAccessKey) GoString() string { return redacted }

// Format prints what String returns, whatever the verb and flags.
func (SecretAccessKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue makes slog print what String returns.
func (SecretAccessKey) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON always fails.
func (SecretAccessKey) MarshalJSON() ([]byte, error) { return nil, errMarshal }

// MarshalText always fails.
func (SecretAccessKey) MarshalText() ([]byte, error) { return nil, errMarshal }

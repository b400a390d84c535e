// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"fmt"
	"strings"
)

// Code is the kind of an Error: what a protocol makes its error code of.
type Code int

// The kinds of errors. The JSON protocol and the query protocol call the first MissingAuthenticationToken and the second
// IncompleteSignature, with and without "Exception"; all others are InvalidSignatureException in the JSON protocol and
// SignatureDoesNotMatch in the query protocol.
const (
	// CodeMissing says that the request has no signature of any kind.
	CodeMissing Code = iota + 1
	// CodeIncomplete says that a part of the signature is absent, malformed or there twice.
	CodeIncomplete
	// CodeInvalid says that the signature is not this request's, or leaves open what has to be signed.
	CodeInvalid
	// CodeScope says that the signature was made for another Region, service or day.
	CodeScope
	// CodeExpired says that the signature's time is over.
	CodeExpired
	// CodeNotYetCurrent says that the signature's time has not come.
	CodeNotYetCurrent
)

// String is the name for logs and metrics: one of six, in snake case.
func (c Code) String() string {
	switch c {
	case CodeMissing:
		return "missing"
	case CodeIncomplete:
		return "incomplete"
	case CodeInvalid:
		return "invalid"
	case CodeScope:
		return "wrong_scope"
	case CodeExpired:
		return "expired"
	case CodeNotYetCurrent:
		return "not_yet_current"
	default:
		return "unknown"
	}
}

// Error says why a request is not authenticated. All errors of this package are of this type.
type Error struct {
	// Code is the kind.
	Code Code
	// Message is meant for the caller of the API, in AWS's words where they are known. It may quote the request, shortened
	// and in printable ASCII, but no signature and no token.
	Message string
}

// Error is the message and where it comes from, for logs.
func (e *Error) Error() string { return "verifying request signature: " + e.Message }

// ErrMissing is what Parse returns for a request that carries no AWS signature, neither as a header nor in the query.
var ErrMissing = &Error{Code: CodeMissing, Message: "Missing Authentication Token"}

// errMismatch is deliberately one error for all that a signature covers: it does not say which part differs.
var errMismatch = &Error{Code: CodeInvalid, Message: "The request signature we calculated does not match the signature " +
	"you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}

func incomplete(format string, args ...any) error {
	return &Error{Code: CodeIncomplete, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error {
	return &Error{Code: CodeInvalid, Message: fmt.Sprintf(format, args...)}
}

// quoteLimit is longer than any right value that is quoted, and short enough that an answer is not the sender's canvas.
const quoteLimit = 128

// quote makes a part of the request fit to stand in a message.
func quote(s string) string {
	if len(s) > quoteLimit {
		s = s[:quoteLimit] + "..."
	}
	return "'" + strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s) + "'"
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// algorithm is the one that is verified. The asymmetric SigV4A is AWS4-ECDSA-P256-SHA256.
const algorithm = "AWS4-HMAC-SHA256"

// Signature is what a request says about who signed it, when and for what. Nothing of it is proven before Verify has
// returned nil.
type Signature struct {
	// AccessKeyID names the secret.
	AccessKeyID string
	// SessionToken is X-Amz-Security-Token; empty for a long-term access key. It is a bearer's secret: not for logs.
	SessionToken string
	// Scope is the credential scope that the signature claims.
	Scope Scope
	// Time is when the request was signed, in UTC, to the second.
	Time time.Time
	// Presigned is true for the query form.
	Presigned bool
	// Expires is how long a presigned request is valid from Time; zero for one that does not say, and for the header form.
	Expires time.Duration

	// stamp is Time in basicFormat, in which it was signed.
	stamp      string
	terminator string
	signature  [32]byte
	// bodyHash is X-Amz-Content-Sha256, or empty.
	bodyHash string

	method string
	url    *url.URL
	query  []param
	// headerNames is SignedHeaders as the request has it, headers the same with their values.
	headerNames string
	headers     []header
	host        [1]string
	room        [usualHeaders]header // of headers, if they are not more
}

// usualHeaders is how many headers the requests of SDKs have signed at most, and some more.
const usualHeaders = 16

// signatures has room for the next ones.
var signatures = sync.Pool{New: func() any { return new(Signature) }}

// Release has the room of the signature used again. Nothing of it may be used afterwards; who keeps it does not call this.
func (s *Signature) Release() {
	*s = Signature{}
	signatures.Put(s)
}

// Parse reads the signature of a request and what it covers, and refuses what breaks the rules of the package comment. Header
// names must be in canonical form, as net/http's server leaves them. It does not read the body, and the request's URL and
// header values must not be changed before Verify, which uses them.
//
// A request without any AWS signature is ErrMissing.
func Parse(r *http.Request) (*Signature, error) {
	s, _ := signatures.Get().(*Signature) // nothing else is in there
	if err := s.parse(r); err != nil {
		s.Release()
		return nil, err
	}
	return s, nil
}

func (s *Signature) parse(r *http.Request) error {
	if !isToken(r.Method) {
		return incomplete("Method %s is not valid.", quote(r.Method))
	}
	query, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	s.method, s.url, s.query = r.Method, r.URL, query
	if err := s.readForm(r.Header); err != nil {
		return err
	}
	if err := s.readBodyHash(r.Header); err != nil {
		return err
	}
	return s.bindHeaders(r)
}

// readForm reads the one of the two forms that the request has.
func (s *Signature) readForm(header http.Header) error {
	fromQuery, err := findQueryAuth(s.query)
	if err != nil {
		return err
	}
	authorization, hasHeader, err := single(header, "Authorization")
	switch {
	case err != nil:
		return err
	case hasHeader && fromQuery.found:
		return invalid("Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.")
	case fromQuery.found:
		return s.readQuery(fromQuery, header)
	case hasHeader && strings.HasPrefix(authorization, "AWS4-"):
		return s.readHeader(authorization, header)
	default:
		return ErrMissing
	}
}

// readParts is what the two forms have in common.
func (s *Signature) readParts(credentialText, signature, signedHeaders string) error {
	c, err := parseCredential(credentialText)
	if err != nil {
		return err
	}
	s.AccessKeyID, s.Scope, s.terminator = c.accessKeyID, c.scope, c.terminator
	if !isHash(signature) {
		return incomplete("Signature must have 64 lower-case hexadecimal digits.")
	}
	_, _ = hex.Decode(s.signature[:], []byte(signature)) // isHash has checked it
	s.headerNames = signedHeaders
	s.headers, err = appendSignedHeaders(s.room[:0], signedHeaders)
	return err
}

// readBodyHash takes only a hash: every other value of this header asks for a body that is not signed, or signed in
// chunks, which only S3 offers.
func (s *Signature) readBodyHash(header http.Header) error {
	hash, ok, err := single(header, "X-Amz-Content-Sha256")
	if err != nil {
		return err
	}
	if ok && !isHash(hash) {
		return incomplete("The provided 'x-amz-content-sha256' header must be a valid sha256 value.")
	}
	s.bodyHash = hash
	return nil
}

// unsupported names an algorithm that is not verified here.
func unsupported(name string) error {
	return incomplete("Unsupported AWS 'algorithm': %s (only %s for now).", quote(name), algorithm)
}

// single is the value of a header that must not be there twice, and whether it is there.
func single(header http.Header, name string) (string, bool, error) {
	values := header[name]
	switch len(values) {
	case 0:
		return "", false, nil
	case 1:
		return values[0], true, nil
	default:
		return "", false, incomplete("Header %s must not be repeated.", quote(name))
	}
}

// isHash is true for 64 lower-case hexadecimal digits.
func isHash(text string) bool {
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(text) == 64
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
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
}

// Parse reads the signature of a request and what it covers, and refuses what breaks the rules of the package comment. Header names must
// be in canonical form, as net/http's server leaves them. It does not read the body, and the request's URL and header
// values must not be changed before Verify, which uses them.
//
// A request without any AWS signature is ErrMissing.
func Parse(r *http.Request) (*Signature, error) {
	if !isToken(r.Method) {
		return nil, incomplete("Method %s is not valid.", quote(r.Method))
	}
	query, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	fromQuery, err := findQueryAuth(query)
	if err != nil {
		return nil, err
	}
	authorization, hasHeader, err := single(r.Header, "Authorization")
	if err != nil {
		return nil, err
	}

	s := &Signature{method: r.Method, url: r.URL, query: query}
	switch {
	case hasHeader && fromQuery.found:
		return nil, invalid("Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.")
	case fromQuery.found:
		err = s.readQuery(fromQuery, r.Header)
	case hasHeader && strings.HasPrefix(authorization, "AWS4-"):
		err = s.readHeader(authorization, r.Header)
	default:
		return nil, ErrMissing
	}
	if err != nil {
		return nil, err
	}
	if err := s.readBodyHash(r.Header); err != nil {
		return nil, err
	}
	s.stamp = s.Time.Format(basicFormat)
	if err := s.bindHeaders(r); err != nil {
		return nil, err
	}
	return s, nil
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
	s.headers, err = parseSignedHeaders(signedHeaders)
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

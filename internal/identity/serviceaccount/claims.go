// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package serviceaccount

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"time"
)

// MinToken and MaxToken are the lengths in characters of a WebIdentityToken (STS API reference).
const (
	MinToken = 4
	MaxToken = 20000
)

// maxSeconds keeps a time's year below 10000, where it can still be printed.
const maxSeconds = 253402300799

var (
	errLength = errors.New("a token has 4 to 20000 characters")
	errForm   = errors.New("it is no JSON Web Token")
)

// claims are what is read of a token (RFC 7519, 4.1). They are unverified.
type claims struct {
	Issuer    string
	Audiences []string
	// Expires is zero if there is no exp.
	Expires time.Time
}

// parseClaims reads a JWS in compact form. It verifies nothing; it refuses what can't be a ServiceAccount token, so that
// the API server is not asked about it.
func parseClaims(token string) (claims, error) {
	if len(token) < MinToken || len(token) > MaxToken {
		return claims{}, errLength
	}
	parts := strings.Split(token, ".")
	const headerPayloadSignature = 3
	if len(parts) != headerPayloadSignature || strings.ContainsAny(token, "\r\n") {
		return claims{}, errForm
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return claims{}, errForm
	}
	var raw struct {
		Issuer   string    `json:"iss"`
		Audience audiences `json:"aud"`
		Expires  *float64  `json:"exp"`
	}
	if err := json.Unmarshal(payload, &raw); err != nil {
		return claims{}, errForm
	}
	read := claims{Issuer: raw.Issuer, Audiences: raw.Audience}
	if raw.Expires == nil {
		return read, nil
	}
	if !(*raw.Expires > 0 && *raw.Expires <= maxSeconds) {
		return claims{}, errForm
	}
	read.Expires = time.Unix(int64(math.Floor(*raw.Expires)), 0).UTC()
	return read, nil
}

// audiences are a string or a list of strings (RFC 7519, 4.1.3).
type audiences []string

// UnmarshalJSON implements json.Unmarshaler.
func (a *audiences) UnmarshalJSON(encoded []byte) error {
	if bytes.HasPrefix(encoded, []byte(`"`)) {
		*a = []string{""}
		return json.Unmarshal(encoded, &(*a)[0])
	}
	return json.Unmarshal(encoded, (*[]string)(a))
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"context"
	"encoding/base64"
	"strings"
)

// grantTokenKind is the kind of sealed token that grant tokens are.
const grantTokenKind = "grant"

// tokenEncoding is strict, so that no two texts are the same token.
var tokenEncoding = base64.RawURLEncoding.Strict()

// grantToken is a text that names a grant, such that only CreateGrant can have made it. The key ID stands in front in the
// clear, for RetireGrant, which has nothing else to go by; the seal binds the rest to it.
func (s *Service) grantToken(keyID, grantID string) (string, error) {
	sealed, err := s.ring.SealToken(grantTokenKind, keyID, []byte(grantID))
	if err != nil {
		return "", &Error{Code: KMSInternalException, Message: "The grant token could not be made.", Err: err}
	}
	return tokenEncoding.EncodeToString([]byte(keyID)) + "." + tokenEncoding.EncodeToString(sealed), nil
}

// ParseGrantToken returns the key and the grant that a token of this service names, which may both be gone.
func (s *Service) ParseGrantToken(token string) (keyID, grantID string, err error) {
	invalid := Errorf(InvalidGrantTokenException, "The grant token is not valid.")
	head, tail, _ := strings.Cut(token, ".")
	name, err := tokenEncoding.DecodeString(head)
	if err != nil {
		return "", "", invalid
	}
	sealed, err := tokenEncoding.DecodeString(tail)
	if err != nil {
		return "", "", invalid
	}
	opened, err := s.ring.OpenToken(grantTokenKind, string(name), sealed)
	if err != nil {
		return "", "", invalid
	}
	return string(name), string(opened), nil
}

// Redeem returns the key as it is with the grant of a token. A grant that this process has not heard of yet is looked for
// in the store, so a token works at once everywhere; one that was revoked stays so. A token of another key changes
// nothing.
func (k *Key) Redeem(ctx context.Context, token string) (*Key, error) {
	keyID, grantID, err := k.service.ParseGrantToken(token)
	if err != nil {
		return nil, err
	}
	if keyID != k.ID() {
		return k, nil
	}
	newer := *k
	return &newer, newer.CatchUp(ctx, grantID)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/kms/wrapping"
)

const (
	// importTokenKind is the kind of sealed token that import tokens are.
	importTokenKind = "import"
	// importTokenVersion is the first byte of what is sealed.
	importTokenVersion = 1
	// importValidity is how long an import token and its wrapping key are good for (AWS: 24 hours).
	importValidity = 24 * time.Hour
)

// importToken is what an import token holds: everything that the service has to know when the material comes. It is nowhere
// else, so any process can take it, and the private half of the wrapping key is gone with the token.
//
// Sealed is: version (1 byte), expiry (8, big-endian seconds since the epoch), length of the algorithm's name (1), that
// name, private key (the rest). The key ID is not in it but bound to it by the seal.
type importToken struct {
	expires    time.Time
	algorithm  wrapping.Algorithm
	privateKey []byte
}

var errImportToken = errors.New("it is not an import token")

func (t importToken) encode() []byte {
	out := make([]byte, 0, 1+8+1+len(t.algorithm)+len(t.privateKey))
	out = append(out, importTokenVersion)
	out = binary.BigEndian.AppendUint64(out, uint64(t.expires.Unix()))
	out = append(out, byte(len(t.algorithm)))
	out = append(out, t.algorithm...)
	return append(out, t.privateKey...)
}

// parseImportToken reads what encode wrote. The private key is part of encoded, which the caller clears.
func parseImportToken(encoded []byte) (importToken, error) {
	const head = 1 + 8 + 1
	if len(encoded) < head || encoded[0] != importTokenVersion {
		return importToken{}, errImportToken
	}
	nameEnd := head + int(encoded[head-1])
	if nameEnd >= len(encoded) {
		return importToken{}, errImportToken
	}
	return importToken{
		expires:    time.Unix(int64(binary.BigEndian.Uint64(encoded[1:9])), 0).UTC(),
		algorithm:  wrapping.Algorithm(encoded[head:nameEnd]),
		privateKey: encoded[nameEnd:],
	}, nil
}

// openImportToken opens a token for the key and lends it to use.
func (s *Service) openImportToken(keyID string, sealed []byte, use func(importToken) error) error {
	opened, err := s.ring.OpenToken(importTokenKind, keyID, sealed)
	defer clear(opened)
	if err != nil {
		return &Error{
			Code: InvalidImportTokenException, Err: err,
			Message: "The provided import token is invalid or is associated with a different KMS key.",
		}
	}
	token, err := parseImportToken(opened)
	if err != nil {
		return &Error{Code: InvalidImportTokenException, Message: "The provided import token is invalid.", Err: err}
	}
	if !s.now().Before(token.expires) {
		return Errorf(ExpiredImportTokenException, "The provided import token is expired. Use GetParametersForImport to get a "+
			"new import token and public key, use the new public key to encrypt the key material, and then try the request again.")
	}
	return use(token)
}

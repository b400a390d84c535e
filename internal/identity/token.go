// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// A session token is base64url, without padding, of (lengths in bytes):
//
//	1   format version, 1
//	8   session key's ID
//	16  the token's own ID, random
//	12  nonce
//	n   the encrypted payload
//	16  authentication tag
//
// What belongs to a token is one output of HKDF-SHA256-Expand(session key, info = domain || token ID), cut in three: the
// AES-256 key of the payload, the secret access key, and the access key ID. So the token holds no secret but who its caller
// is, the access key ID can't be exchanged for another one (it is a function of the token's ID, which is in the additional
// data), and nobody who lacks the session key can compute a secret for a token, be it stolen or made up.
//
// Why this is safe: Expand alone will do, because session keys are uniformly random, and its output's parts are
// independent (RFC 5869, 3.3 and 2.3). A payload's key is used for one message, so the 2^32 messages of AES-GCM with random
// nonces are per token, not per session key; token IDs would have to collide first, which 2^48 tokens do with a probability
// of 2^-33. GCM authenticates header and payload together; nothing of the payload is looked at before the tag was
// verified. GCM does not commit to its key, but nobody but the replicas chooses keys here.
const (
	tokenVersion   = 1
	tokenIDSize    = 16
	headerSize     = 1 + keyIDSize + tokenIDSize
	nonceAndTag    = 12 + 16
	tokenDomain    = "chatelaine session token v1\x00"
	payloadKeySize = 32
	// secretSize makes AWS's 40 characters of base64, accessKeySize its 16 of base32.
	secretSize    = 30
	accessKeySize = 10

	// MaxSessionToken is the length in characters of the longest session token. What a session holds is far shorter, names
	// being bounded in Kubernetes.
	MaxSessionToken = 4096

	// TemporaryKeyPrefix is how the access key IDs of sessions begin, and no others.
	TemporaryKeyPrefix = "ASIA"
)

// The ways in which a token is not ours. A caller is told ErrUnknown for all of them; the operator's log may say more.
var (
	errTokenForm    = fmt.Errorf("the session token is malformed: %w", ErrUnknown)
	errTokenVersion = fmt.Errorf("the session token is of another format version: %w", ErrUnknown)
	errTokenKey     = fmt.Errorf("the session token is under a key that is not known: %w", ErrUnknown)
	errTokenSwapped = fmt.Errorf("the session token belongs to another access key ID: %w", ErrUnknown)
	errTokenForged  = fmt.Errorf("the session token was altered or is not ours: %w", ErrUnknown)
)

// token is a session token taken apart, nothing of it verified.
type token struct {
	keyID  string
	header []byte
	sealed []byte
}

// id is the token's own.
func (t token) id() []byte { return t.header[1+keyIDSize:] }

func parseToken(text string) (token, error) {
	// Go's decoder skips line ends, so that one token would have many spellings.
	if len(text) > MaxSessionToken || strings.ContainsAny(text, "\r\n") {
		return token{}, errTokenForm
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	switch {
	case err != nil || len(raw) == 0:
		return token{}, errTokenForm
	case raw[0] != tokenVersion:
		return token{}, errTokenVersion
	case len(raw) < headerSize+nonceAndTag:
		return token{}, errTokenForm
	}
	return token{
		keyID:  hex.EncodeToString(raw[1 : 1+keyIDSize]),
		header: raw[:headerSize],
		sealed: raw[headerSize:],
	}, nil
}

// newToken starts a token of the key with a new ID.
func newToken(keyID string) (token, error) {
	id, err := hex.DecodeString(keyID)
	if err != nil || len(id) != keyIDSize {
		return token{}, errors.New("the session key's identifier is malformed")
	}
	header := append([]byte{tokenVersion}, id...)
	header = append(header, make([]byte, tokenIDSize)...)
	_, _ = rand.Read(header[1+keyIDSize:]) // never fails: crypto/rand ends the program instead
	return token{keyID: keyID, header: header}, nil
}

func (t token) encode() (string, error) {
	text := base64.RawURLEncoding.EncodeToString(append(t.header[:headerSize:headerSize], t.sealed...))
	if len(text) > MaxSessionToken {
		return "", fmt.Errorf("the session token would have %d characters, more than %d: shorten the names that go into it",
			len(text), MaxSessionToken)
	}
	return text, nil
}

// secrets are what belongs to a token and only the session key tells.
type secrets struct {
	aead            cipher.AEAD
	secretAccessKey SecretAccessKey
	accessKeyID     string
}

func (t token) derive(key sessionKey) (secrets, error) {
	const size = payloadKeySize + secretSize + accessKeySize
	derived, err := hkdf.Expand(sha256.New, key.reveal(), tokenDomain+string(t.id()), size)
	if err != nil {
		return secrets{}, fmt.Errorf("deriving a session's keys: %w", err)
	}
	payloadKey, rest := derived[:payloadKeySize], derived[payloadKeySize:]
	block, err := aes.NewCipher(payloadKey)
	if err != nil {
		return secrets{}, fmt.Errorf("deriving a session's keys: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return secrets{}, fmt.Errorf("deriving a session's keys: %w", err)
	}
	return secrets{
		aead:            aead,
		secretAccessKey: NewSecretAccessKey(base64.StdEncoding.EncodeToString(rest[:secretSize])),
		accessKeyID:     TemporaryKeyPrefix + base32.StdEncoding.EncodeToString(rest[secretSize:]),
	}, nil
}

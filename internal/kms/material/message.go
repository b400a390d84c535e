// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"crypto"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// MessageType is AWS KMS's MessageType: what Sign and Verify are given.
type MessageType string

// The message types, by AWS's names.
const (
	// MessageRaw is the message itself, which is hashed here as the algorithm demands.
	MessageRaw MessageType = "RAW"
	// MessageDigest is the message's hash, by the hash of the algorithm's name.
	MessageDigest MessageType = "DIGEST"
	// MessageExternalMu is the 64-byte message representative of FIPS 204, 6.2.
	MessageExternalMu MessageType = "EXTERNAL_MU"
)

// MaxMessage is how many bytes a raw message may have, to be signed or authenticated: AWS's limit.
const MaxMessage = 4096

// hashes are the hash functions of the algorithms. SHA-1 is in OAEP alone, where no collision helps an attacker.
var hashes = map[keyspec.Algorithm]crypto.Hash{
	keyspec.RSAESOAEPSHA1:        crypto.SHA1,
	keyspec.RSAESOAEPSHA256:      crypto.SHA256,
	keyspec.RSASSAPSSSHA256:      crypto.SHA256,
	keyspec.RSASSAPSSSHA384:      crypto.SHA384,
	keyspec.RSASSAPSSSHA512:      crypto.SHA512,
	keyspec.RSASSAPKCS1V15SHA256: crypto.SHA256,
	keyspec.RSASSAPKCS1V15SHA384: crypto.SHA384,
	keyspec.RSASSAPKCS1V15SHA512: crypto.SHA512,
	keyspec.ECDSASHA256:          crypto.SHA256,
	keyspec.ECDSASHA384:          crypto.SHA384,
	keyspec.ECDSASHA512:          crypto.SHA512,
	keyspec.HMACSHA224:           crypto.SHA224,
	keyspec.HMACSHA256:           crypto.SHA256,
	keyspec.HMACSHA384:           crypto.SHA384,
	keyspec.HMACSHA512:           crypto.SHA512,
}

// digest brings a message to the hash that RSA and ECDSA sign.
func digest(hash crypto.Hash, messageType MessageType, message []byte) ([]byte, error) {
	switch messageType {
	case MessageRaw:
		if err := checkRange("message", message, 0, MaxMessage); err != nil {
			return nil, err
		}
		h := hash.New()
		h.Write(message)
		return h.Sum(nil), nil
	case MessageDigest:
		// A digest of another length would be signed cut off or padded: a signature of something nobody hashed.
		return message, checkRange("digest", message, hash.Size(), hash.Size())
	default:
		return nil, ErrMessageType
	}
}

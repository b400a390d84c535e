// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"encoding/hex"
	"errors"
	"strings"
)

// Header says which key and which of its materials a ciphertext belongs to.
type Header struct {
	// KeyID is AWS's KeyId: a UUID in lower case, or mrk- and 32 lower-case hex digits.
	KeyID string
	// MaterialID is AWS's KeyMaterialId: 64 lower-case hex digits.
	MaterialID string
}

const (
	version = 1

	formUUID        = 0
	formMultiRegion = 1

	multiRegionPrefix = "mrk-"
	keyIDSize         = 16
	materialIDSize    = 32
	headerSize        = 2 + keyIDSize + materialIDSize
	uuidSize          = 2*keyIDSize + 4
)

var (
	errKeyID      = errors.New("the key ID is neither a UUID nor a multi-Region key ID, in lower case")
	errMaterialID = errors.New("the key material ID is not 64 lower-case hex digits")
)

// encode is strict: what decodeHeader would not give back letter by letter would never be found again.
func (h Header) encode() ([headerSize]byte, error) {
	encoded := [headerSize]byte{version}
	keyID, materialID := encoded[2:2+keyIDSize], encoded[2+keyIDSize:]
	digits, ok := strings.CutPrefix(h.KeyID, multiRegionPrefix)
	if ok {
		encoded[1] = formMultiRegion
		ok = decodeHex(keyID, digits)
	} else {
		encoded[1] = formUUID
		ok = decodeUUID(keyID, h.KeyID)
	}
	if !ok {
		return encoded, errKeyID
	}
	if !decodeHex(materialID, h.MaterialID) {
		return encoded, errMaterialID
	}
	return encoded, nil
}

// hyphenAt says where RFC 9562's text form of a UUID has its hyphens.
func hyphenAt(i int) bool { return i == 8 || i == 13 || i == 18 || i == 23 }

func decodeUUID(dst []byte, text string) bool {
	if len(text) != uuidSize {
		return false
	}
	var digits [2 * keyIDSize]byte
	rest := digits[:0]
	for i := range len(text) {
		if hyphenAt(i) {
			if text[i] != '-' {
				return false
			}
			continue
		}
		rest = append(rest, text[i])
	}
	return decodeHex(dst, string(rest))
}

// decodeHex fills dst with what lower-case digits say.
func decodeHex(dst []byte, digits string) bool {
	if len(digits) != hex.EncodedLen(len(dst)) {
		return false
	}
	for i := range dst {
		high, low := values[digits[2*i]], values[digits[2*i+1]]
		if high|low == noDigit {
			return false
		}
		dst[i] = high<<4 | low
	}
	return true
}

// noDigit has all bits, so that it shows in whatever it is combined with.
const noDigit = 0xff

// values are those of the lower-case hex digits by their characters; of every other character, noDigit.
var values = func() (of [256]byte) {
	for c := range of {
		of[c] = noDigit
	}
	for value, c := range "0123456789abcdef" {
		of[c] = byte(value)
	}
	return of
}()

func decodeHeader(encoded [headerSize]byte) (Header, error) {
	form := encoded[1]
	if encoded[0] != version || form > formMultiRegion {
		return Header{}, ErrInvalidCiphertext
	}
	return Header{
		KeyID:      keyIDText(form, encoded[2:2+keyIDSize]),
		MaterialID: hex.EncodeToString(encoded[2+keyIDSize:]),
	}, nil
}

// keyIDText is how AWS writes a key ID: RFC 9562's text form of a UUID, or the digits behind a prefix.
func keyIDText(form byte, id []byte) string {
	if form == formMultiRegion {
		return multiRegionPrefix + hex.EncodeToString(id)
	}
	var digits [2 * keyIDSize]byte
	hex.Encode(digits[:], id)
	text := make([]byte, 0, uuidSize)
	for _, c := range digits {
		if hyphenAt(len(text)) {
			text = append(text, '-')
		}
		text = append(text, c)
	}
	return string(text)
}

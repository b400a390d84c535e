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
)

var (
	errKeyID      = errors.New("the key ID is neither a UUID nor a multi-Region key ID, in lower case")
	errMaterialID = errors.New("the key material ID is not 64 lower-case hex digits")
)

// encode is strict: what decodeHeader would not give back letter by letter would never be found again.
func (h Header) encode() ([]byte, error) {
	form := byte(formUUID)
	digits, ok := strings.CutPrefix(h.KeyID, multiRegionPrefix)
	if ok {
		form = formMultiRegion
	}
	keyID, err := hex.DecodeString(strings.ReplaceAll(digits, "-", ""))
	if err != nil || len(keyID) != keyIDSize || keyIDText(form, keyID) != h.KeyID {
		return nil, errKeyID
	}
	materialID, err := hex.DecodeString(h.MaterialID)
	if err != nil || len(materialID) != materialIDSize || hex.EncodeToString(materialID) != h.MaterialID {
		return nil, errMaterialID
	}
	encoded := append(make([]byte, 0, headerSize), version, form)
	return append(append(encoded, keyID...), materialID...), nil
}

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
	digits := hex.EncodeToString(id)
	if form == formMultiRegion {
		return multiRegionPrefix + digits
	}
	return strings.Join([]string{digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]}, "-")
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"encoding/binary"
	"maps"
	"slices"
)

// additionalData is what the tag covers besides the ciphertext: the header, then the encryption context.
//
// The context is sorted by key, each string preceded by its length in 4 bytes, so that the order in which a caller wrote
// the pairs does not matter, no two contexts have the same encoding ("ab" = "c" is not "a" = "bc"), and an empty context
// is the same as none, as AWS has it. The header has a fixed length, so the two can't run into each other.
func additionalData(header []byte, context map[string]string) []byte {
	if len(context) == 0 {
		return header
	}
	data := slices.Clone(header)
	for _, key := range slices.Sorted(maps.Keys(context)) {
		data = appendString(appendString(data, key), context[key])
	}
	return data
}

func appendString(data []byte, s string) []byte {
	data = binary.BigEndian.AppendUint32(data, uint32(len(s)))
	return append(data, s...)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

// markerPrefix tells a marker of ours from any other text that happens to be base64.
const markerPrefix = "after:"

// page is the part of a list that one answer holds, and the marker of the next one; that is empty at the end. The list is
// sorted by name, which tells its items apart, and need not be sorted before. A marker says after which item to go on, so
// it stays good whatever is added or removed in between, that item included. A limit above maxSize, which AWS's model
// admits, is taken for maxSize: an answer may always hold less than what was asked for.
func page[T any](
	items []T, limit *int32, marker string, defaultSize, maxSize int, name func(T) string,
) (part []T, next string, err error) {
	slices.SortFunc(items, func(a, b T) int { return cmp.Compare(name(a), name(b)) })
	if marker != "" {
		last, err := parseMarker(marker)
		if err != nil {
			return nil, "", err
		}
		first, found := slices.BinarySearchFunc(items, last, func(item T, last string) int {
			return cmp.Compare(name(item), last)
		})
		if found {
			first++
		}
		items = items[first:]
	}
	size := defaultSize
	if limit != nil {
		size = min(int(*limit), maxSize)
	}
	if len(items) > size {
		items = items[:size]
		next = newMarker(name(items[size-1]))
	}
	if items == nil {
		items = []T{} // an empty list is said, and not left out
	}
	return items, next, nil
}

func newMarker(name string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(markerPrefix + name))
}

func parseMarker(marker string) (name string, err error) {
	text, err := base64.RawURLEncoding.DecodeString(marker)
	name, ok := strings.CutPrefix(string(text), markerPrefix)
	if err != nil || !ok || newMarker(name) != marker {
		return "", kms.Errorf(kms.InvalidMarkerException, "The marker is not valid.")
	}
	return name, nil
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package awsapi_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/chatelaine-dev/chatelaine/internal/awsapi"
)

func TestAnIDIsARandomUUID(t *testing.T) {
	seen := map[uuid.UUID]bool{}
	for range 1000 {
		id, err := uuid.Parse(awsapi.NewID())
		if err != nil || id.Version() != 4 || id.Variant() != uuid.RFC4122 || seen[id] {
			t.Fatalf("%v is no new random UUID: %v", id, err)
		}
		seen[id] = true
	}
}

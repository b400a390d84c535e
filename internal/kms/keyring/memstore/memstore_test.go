// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package memstore_test

import (
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/memstore"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/storetest"
)

func TestMemoryIsAStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) keyring.Store { return &memstore.Store{} })
}

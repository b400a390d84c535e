// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring_test

import (
	"maps"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/redacttest"
)

func TestARecordIsPrintedWithoutItsKeyMaterialAndNotMarshalled(t *testing.T) {
	b := keyring.NewSecretBytes(redacttest.Secret())
	record := keyring.KeyRecord{KeyID: "key", Materials: []keyring.Material{{Bytes: b}}, Pending: &keyring.Material{Bytes: b}}
	marshalled := map[string]any{"bytes": b, "list": []*keyring.SecretBytes{b}, "record": record, "pointer to a record": &record}
	printed := maps.Clone(marshalled)
	printed["holder"] = struct {
		bytes  *keyring.SecretBytes
		record keyring.KeyRecord
	}{b, record}
	redacttest.NoVerbPrints(t, printed, redacttest.Secret())
	redacttest.NoLogTells(t, "[redacted]", printed, redacttest.Secret())
	redacttest.NothingMarshals(t, marshalled, redacttest.Secret())
}

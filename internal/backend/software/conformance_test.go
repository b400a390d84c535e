// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package software

import (
	"testing"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

func TestTheSoftwareBackendIsABackend(t *testing.T) {
	backendtest.Run(t, func(t *testing.T) backendtest.Subject {
		h := newHouse(t)
		b, elsewhere := h.openRegions(t)
		return backendtest.Subject{
			Backend: b, Elsewhere: elsewhere,
			CreateOutside: func(t *testing.T, tags map[string]string) string {
				t.Helper()
				key, err := b.service.CreateKey(t.Context(), kms.CreateKeyInput{Tags: tags})
				if err != nil {
					t.Fatal(err)
				}
				return key.KeyID
			},
			Destroy: func(t *testing.T, keyID string) {
				t.Helper()
				if err := b.ring.DeleteKey(t.Context(), keyID, func(*keyring.KeyRecord) error { return nil }); err != nil {
					t.Fatal(err)
				}
			},
			Advance: func(t *testing.T, by time.Duration) {
				t.Helper()
				h.clock.Step(by)
				for _, each := range []*Backend{elsewhere, b} { // a primary goes by what became of its replicas
					if _, err := each.service.RunDue(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
			},
		}
	})
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"slices"
	"testing"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

// TestTheAWSBackendIsABackend holds it against the contract on our own endpoint, over HTTP with signatures, in two Regions. What
// happens outside it is told by a sweep.
func TestTheAWSBackendIsABackend(t *testing.T) {
	t.Parallel()
	backendtest.Run(t, func(t *testing.T) backendtest.Subject {
		worlds := newEndpoints(t, region, elsewhere)
		w := worlds[0]
		b := open(t, settings(w.url(), w.clock))
		there := openIn(t, elsewhere, settings(w.url(), w.clock))
		return backendtest.Subject{
			Backend: b, Elsewhere: there,
			CreateOutside: func(t *testing.T, tags map[string]string) string {
				t.Helper()
				key, err := w.service.CreateKey(t.Context(), kms.CreateKeyInput{Tags: tags})
				if err != nil {
					t.Fatal(err)
				}
				return key.KeyID
			},
			Destroy: func(t *testing.T, keyID string) {
				t.Helper()
				w.destroy(t, keyID)
				sweep(t, b)
			},
			Advance: func(t *testing.T, by time.Duration) {
				t.Helper()
				w.clock.Step(by)
				for _, w := range slices.Backward(worlds) { // a primary goes by what became of its replicas
					if _, err := w.service.RunDue(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				sweep(t, b)
				sweep(t, there)
			},
		}
	})
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"net/http"
	"testing"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

func TestAKeyThatIsDueAndKeepsTheOperatorOutFailsOneSweepADay(t *testing.T) {
	for name, due := range map[string]func(*testing.T, *withBroken){
		"as it was to be destroyed": func(t *testing.T, w *withBroken) {
			t.Helper()
			w.outside(t, w.bad.ID, kms.ScheduleKeyDeletion(7))
			if err := w.b.Verify(t.Context(), w.bad.ID); err != nil {
				t.Fatal(err)
			}
			w.endpoint.clock.Step(8 * day)
		},
		"as a write to it is in doubt": func(t *testing.T, w *withBroken) {
			t.Helper()
			lose(t, w.proxy, w.b, w.bad.ID, "DisableKey", backend.Disable{})
		},
		"as a grant of it is in doubt": func(t *testing.T, w *withBroken) {
			t.Helper()
			lose(t, w.proxy, w.b, w.bad.ID, "CreateGrant", backend.PutGrant{Grant: declaredGrant("bad", "app", "Decrypt")})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWithBroken(t, 0, true)
			due(t, w)
			for _, operation := range []string{"DescribeKey", "ListGrants"} {
				w.inject(fault{operation: operation, code: "AccessDeniedException", status: http.StatusBadRequest})
			}
			failed := func() (sweeps int) {
				for range 20 {
					if err := w.b.Sweep(t.Context()); err != nil {
						sweeps++
					}
					w.endpoint.clock.Step(10 * time.Minute)
				}
				return sweeps
			}
			for range 2 {
				if sweeps := failed(); sweeps != 1 {
					t.Errorf("%d of 20 sweeps failed", sweeps)
				}
				w.endpoint.clock.Step(day)
			}
		})
	}
}

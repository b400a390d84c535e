// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

func TestAGrantWhoseAnswerWasLostToAnEarlierProcessIsFound(t *testing.T) {
	t.Parallel()
	for name, find := range map[string]func(*testing.T, *Backend, string){
		"when it is asked for": func(t *testing.T, b *Backend, id string) {
			t.Helper()
			grantsNow(t, b, id)
		},
		"by a sweep, which tells of it": func(t *testing.T, b *Backend, _ string) {
			t.Helper()
			ears := listen(t, b)
			sweep(t, b)
			if heard := ears.take(); !slices.Equal(heard, []string{"key"}) {
				t.Errorf("heard of %v", heard)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, p, config := late(t, false)
				earlier := p.open(t, config)
				id := ready(t, earlier, "key").ID
				time.Sleep(time.Hour)
				grantsNow(t, p.open(t, config), id) // so that there is a reading to lag behind
				lose(t, p, earlier, id, "CreateGrant", backend.PutGrant{Grant: declaredGrant("key", "app", "Decrypt")})
				time.Sleep(30 * time.Second)
				b := p.open(t, config)
				get(t, b, id)
				wantSame(t, grantsNow(t, b, id))
				time.Sleep(config.Lags.Grants)
				find(t, b, id)
				calls := p.counted(func() { wantSame(t, grantsNow(t, b, id), declaredGrant("key", "app", "Decrypt")) })
				if total(calls) != 0 {
					t.Errorf("what was read late enough is read again: %v", calls)
				}
			})
		})
	}
}

func TestAfterAStartTheGrantsOfAKeyAreListedTwiceAndThoseThatNobodyAskedForNever(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, p, config := late(t, false)
		earlier := p.open(t, config)
		asked, unasked := ready(t, earlier, "asked").ID, ready(t, earlier, "unasked").ID
		time.Sleep(time.Hour)
		b := p.open(t, config)
		calls := p.counted(func() {
			get(t, b, asked)
			get(t, b, unasked)
			for range 10 {
				grantsNow(t, b, asked)
				sweep(t, b)
				time.Sleep(config.Lags.Grants)
			}
		})
		if calls["ListGrants"] != 2 {
			t.Errorf("listed %d times", calls["ListGrants"])
		}
		made := create(t, b, symmetric("new")).ID
		calls = p.counted(func() {
			for range 3 {
				grantsNow(t, b, made)
				sweep(t, b)
				time.Sleep(config.Lags.Grants)
			}
		})
		if calls["ListGrants"] != 0 {
			t.Errorf("those of a key that this process made are listed %d times", calls["ListGrants"])
		}
	})
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/plan"
)

func TestAGrantThatMayBeThereIsRevokedThoughItsKeyDeclaresNoneAndIsNotMadeAnewForThat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, p, config := late(t, false)
		b := p.open(t, config)
		id := ready(t, b, "key").ID
		wantSame(t, grantsNow(t, b, id))
		p.inject(fault{operation: "CreateGrant", afterEffect: true})
		if _, err := b.Apply(t.Context(), id, []backend.Change{backend.PutGrant{Grant: declaredGrant("key", "app", "Decrypt")}}); err == nil {
			t.Fatal("the answer was not lost")
		}
		p.heal()
		told := grantsNow(t, b, id)
		if len(told) != 1 || told[0].ID != "" || !told[0].Foreign {
			t.Errorf("told of %+v", told)
		}
		revoke := []backend.Change{backend.RevokeGrant{ID: told[0].ID, Name: told[0].Name}}
		calls := p.counted(func() {
			if _, err := b.Apply(t.Context(), id, revoke); backend.ClassOf(err) != backend.NotReady {
				t.Errorf("AWS does not show yet whether it is there: %v", err)
			}
		})
		if total(calls) != 0 {
			t.Errorf("calls %v", calls)
		}
		time.Sleep(config.Lags.Grants)
		told = grantsNow(t, b, id)
		wantSame(t, told, declaredGrant("key", "app", "Decrypt"))
		apply(t, b, id, backend.RevokeGrant{ID: told[0].ID, Name: told[0].Name})
		wantSame(t, grantsNow(t, b, id))
		wantSame(t, grantsNow(t, w.open(t, settings(piped, clock.RealClock{})), id))
	})
}

func TestAGrantThatWasNotRevokedAfterAllIsKeptWhenItIsDeclaredAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, p, config := late(t, false)
		config.Lags.Grants = time.Hour
		b := p.open(t, config)
		k := &keeper{b: b, id: ready(t, b, "key").ID}
		with := declared{Key: plan.Key{Owner: owner("key"), Enabled: true}, grants: []backend.Grant{declaredGrant("key", "app", "Decrypt")}}
		without := with
		without.grants = nil
		k.settle(t, with)
		was := grantsNow(t, b, k.id)
		p.inject(fault{operation: "RevokeGrant"}) // none arrives
		if _, err := k.pass(t, without); err == nil {
			t.Fatal("the request was not lost")
		}
		p.heal()
		calls := p.counted(func() { k.settle(t, with) })
		if calls["RevokeGrant"] != 0 {
			t.Errorf("calls %v", calls)
		}
		if now := grantsNow(t, w.open(t, settings(piped, clock.RealClock{})), k.id); !cmp.Equal(was, now) {
			t.Errorf("grants were %v, and are %v", was, now)
		}
	})
}

func TestVerifyFindsAGrantOnAKeyThatWasKnownToHaveNone(t *testing.T) {
	t.Parallel()
	w := newEndpoint(t)
	b, other := open(t, settings(w.url(), w.clock)), open(t, settings(w.url(), w.clock))
	id := ready(t, b, "key").ID
	wantSame(t, grantsNow(t, b, id))
	heard := listen(t, b)
	apply(t, other, id, backend.PutGrant{Grant: declaredGrant("key", "app", "Decrypt")})
	if err := b.Verify(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	wantSame(t, grantsNow(t, b, id), declaredGrant("key", "app", "Decrypt"))
	if names := heard.take(); !slices.Equal(names, []string{"key"}) {
		t.Errorf("heard of %v", names)
	}
}

func TestASweepFindsWhatBecameOfALostWriteThatNobodyAsksFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		operation string
		change    backend.Change
	}{
		"its state": {"DisableKey", backend.Disable{}},
		"its tags":  {"TagResource", backend.SetTags{Tags: map[string]string{"team": "others"}}},
		"rotation":  {"DisableKeyRotation", backend.SetRotation{}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWatched(t, false)
			w.inject(fault{operation: c.operation, afterEffect: true})
			if _, err := w.b.Apply(t.Context(), w.key.ID, []backend.Change{c.change}); err == nil {
				t.Fatal("the answer was not lost")
			}
			w.heal()
			w.ears.take()
			sweep(t, w.b)
			if heard := w.ears.take(); !slices.Equal(heard, []string{"key"}) {
				t.Errorf("heard of %v", heard)
			}
			if calls := w.counted(func() { get(t, w.b, w.key.ID) }); total(calls) != 0 {
				t.Errorf("it is in doubt still: %v", calls)
			}
		})
	}
}

func TestAFailingApplyWaitsForNothingAndReadsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, p, config := late(t, false)
		config.Lags.Reads = time.Hour
		b := p.open(t, config)
		b.opened = b.opened.Add(-time.Hour)
		id := create(t, b, symmetric("key")).ID
		change := []backend.Change{backend.SetDescription{To: "another"}}
		p.inject(fault{operation: "UpdateKeyDescription", afterEffect: true, times: attempts})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		calls := p.counted(func() {
			if _, err := b.Apply(ctx, id, change); err == nil {
				t.Error("the answer was not lost")
			}
			if after, err := b.Apply(ctx, id, change); err != nil || after.Description != "another" {
				t.Errorf("described as %+v, %v", after, err)
			}
		})
		if diff := cmp.Diff(map[string]int{"UpdateKeyDescription": attempts + 1}, calls); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}

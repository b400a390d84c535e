// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// notFound is what AWS says once of a key that is there.
var notFound = fault{operation: "DescribeKey", times: 1, code: "NotFoundException", status: http.StatusBadRequest}

// lose has the operation carried out, and its answer lost.
func lose(t *testing.T, p *proxy, b *Backend, id, operation string, change backend.Change) {
	t.Helper()
	p.inject(fault{operation: operation, afterEffect: true})
	defer p.heal()
	if _, err := b.Apply(t.Context(), id, []backend.Change{change}); err == nil {
		t.Fatal("the answer was not lost")
	}
}

// deny has AWS say that the key does not exist, which passes.
func deny(t *testing.T, p *proxy, b *Backend, id string) {
	t.Helper()
	p.inject(notFound)
	if err := b.Verify(t.Context(), id); !backend.IsNotFound(err) {
		t.Fatalf("AWS says that it does not exist: %v", err)
	}
}

func TestAGrantThatMayBeThereIsFoundThoughAWSDeniedItsKeyMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, p, config := late(t, false)
		b := p.open(t, config)
		id := ready(t, b, "key").ID
		time.Sleep(time.Hour)
		grantsNow(t, p.open(t, config), id) // so that there is a reading to lag behind
		lose(t, p, b, id, "CreateGrant", backend.PutGrant{Grant: declaredGrant("key", "app", "Decrypt")})
		deny(t, p, b, id)
		get(t, b, id)
		wantSame(t, grantsNow(t, b, id))
		time.Sleep(config.Lags.Grants)
		wantSame(t, grantsNow(t, b, id), declaredGrant("key", "app", "Decrypt"))
		if calls := p.counted(func() { grantsNow(t, b, id) }); total(calls) != 0 {
			t.Errorf("what was read late enough is read again: %v", calls)
		}
	})
}

func TestWhatMayBeOfAKeyThatAWSDeniedIsReadWhenReadsShowIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		operation string
		change    backend.Change
		is        func(*testing.T, *Backend, string) bool
	}{
		"its state": {"DisableKey", backend.Disable{}, func(t *testing.T, b *Backend, id string) bool {
			t.Helper()
			return get(t, b, id).State == backend.StateDisabled
		}},
		"its tags": {"TagResource", backend.SetTags{Tags: map[string]string{"team": "others"}}, func(t *testing.T, b *Backend, id string) bool {
			t.Helper()
			return get(t, b, id).Tags["team"] == "others"
		}},
		"an alias": {"CreateAlias", backend.PutAlias{Name: "alias/another"}, func(t *testing.T, b *Backend, id string) bool {
			t.Helper()
			return slices.Contains(get(t, b, id).Aliases, "alias/another")
		}},
		"its rotation": {"EnableKeyRotation", backend.SetRotation{ToDays: 100}, func(t *testing.T, b *Backend, id string) bool {
			t.Helper()
			return get(t, b, id).Rotation.PeriodInDays == 100
		}},
		"its policy": {"PutKeyPolicy", backend.SetPolicy{Document: declared{sid: "Wide"}.policy()}, func(t *testing.T, b *Backend, id string) bool {
			t.Helper()
			get(t, b, id)
			document, err := b.Policy(t.Context(), id)
			return err == nil && samePolicy(t, document, declared{sid: "Wide"}.policy())
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, p, config := late(t, true)
				b := p.open(t, config)
				id := ready(t, b, "key").ID
				time.Sleep(time.Hour)
				before := p.open(t, config) // so that there are readings to lag behind
				get(t, before, id)
				if _, err := before.Policy(t.Context(), id); err != nil {
					t.Fatal(err)
				}
				lose(t, p, b, id, c.operation, c.change)
				deny(t, p, b, id)
				if !c.is(t, b, id) {
					t.Error("it is told as it was before, and for good")
				}
			})
		})
	}
}

func TestAnAliasIsNotTakenFromItsKeyWithOneThatMayHaveHadIt(t *testing.T) {
	t.Parallel()
	w := newEndpoint(t)
	p := newProxy(t, w)
	b := open(t, settings(p.url(), clock.RealClock{}))
	one, two := ready(t, b, "one").ID, ready(t, b, "two").ID
	p.inject(fault{operation: "CreateAlias", code: "KMSInternalException", status: http.StatusInternalServerError})
	if _, err := b.Apply(t.Context(), two, []backend.Change{backend.PutAlias{Name: "alias/one"}}); err == nil {
		t.Fatal("AWS did not fail")
	}
	p.heal()
	deny(t, p, b, two)
	if diff := cmp.Diff([]string{"alias/one"}, get(t, b, one).Aliases); diff != "" {
		t.Errorf("aliases (-want +got):\n%s", diff)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

func TestALostAnswerToCreateKeyLeavesOneKey(t *testing.T) {
	t.Parallel()
	for name, tagging := range map[string]bool{"with the Tagging API": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, p, config := late(t, tagging)
				b := p.open(t, config)
				p.inject(fault{operation: "CreateKey", times: 1, afterEffect: true})
				_, err := b.Create(t.Context(), symmetric("key"))
				if backend.ClassOf(err) != backend.Unavailable || err.Error() != "kms:CreateKey: the connection broke before the answer" {
					t.Errorf("the answer was lost: %v", err)
				}
				var found *backend.Key
				calls := p.counted(func() { found = create(t, b, symmetric("key")) })
				if w.keys() != 1 || calls["CreateKey"] != 0 {
					t.Errorf("%d keys: %v", w.keys(), calls)
				}
				owned, err := b.Owned(t.Context(), owner("key"))
				if err != nil || len(owned) != 1 || owned[0].ID != found.ID {
					t.Errorf("owned: %v, %v", owned, err)
				}
			})
		})
	}
}

func TestACreateKeyThatNeverArrivedIsMadeUpFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, p, config := late(t, false)
		b := p.open(t, config)
		p.inject(fault{operation: "CreateKey", times: 1})
		if _, err := b.Create(t.Context(), symmetric("key")); backend.ClassOf(err) != backend.Unavailable {
			t.Errorf("%v", err)
		}
		create(t, b, symmetric("key"))
		if w.keys() != 1 {
			t.Errorf("%d keys", w.keys())
		}
	})
}

func TestAFailureInsideAWSAfterTheEffectLeavesOneKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, p, config := late(t, false)
		b := p.open(t, config)
		p.inject(fault{operation: "CreateKey", times: 1, afterEffect: true, code: "KMSInternalException", status: http.StatusInternalServerError})
		if _, err := b.Create(t.Context(), symmetric("key")); backend.ClassOf(err) != backend.Unavailable {
			t.Errorf("%v", err)
		}
		create(t, b, symmetric("key"))
		if w.keys() != 1 {
			t.Errorf("%d keys", w.keys())
		}
	})
}

func TestAProcessFindsTheKeyThatAnEarlierOneMadeJustBefore(t *testing.T) {
	t.Parallel()
	for name, tagging := range map[string]bool{"with the Tagging API": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, p, config := late(t, tagging)
				made := create(t, p.open(t, config), symmetric("key"))
				again := create(t, p.open(t, config), symmetric("key"))
				if again.ID != made.ID || w.keys() != 1 {
					t.Errorf("made %s and %s: %d keys", made.ID, again.ID, w.keys())
				}
				owned, err := p.open(t, config).Owned(t.Context(), owner("key"))
				if err != nil || len(owned) != 1 || owned[0].ID != made.ID {
					t.Errorf("owned: %v, %v", owned, err)
				}
			})
		})
	}
}

// TestEverythingGoesWrongAndItConverges makes keys while AWS throttles, fails, and loses answers, and reads lag behind.
func TestEverythingGoesWrongAndItConverges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const keys = 100
		w, p, config := late(t, true)
		b := p.open(t, config)
		p.inject(
			fault{every: 7, code: "ThrottlingException", status: http.StatusBadRequest},
			fault{every: 11, code: "KMSInternalException", status: http.StatusInternalServerError},
			fault{every: 13, afterEffect: true},
			fault{operation: "CreateKey", every: 5, afterEffect: true},
			fault{every: 17, afterEffect: true, code: "DependencyTimeoutException", status: http.StatusServiceUnavailable},
		)
		var mu sync.Mutex
		ids := map[string]string{}
		calls := p.counted(func() {
			many(keys, func(name string) {
				made := persist(t, func() (*backend.Key, error) { return b.Create(t.Context(), symmetric(name)) })
				changes := []backend.Change{
					backend.PutAlias{Name: "alias/" + name}, backend.SetRotation{ToDays: 90}, backend.SetTags{Tags: map[string]string{"a": name}},
					backend.Rotate{RequestedAt: made.CreationTime},
				}
				persist(t, func() (*backend.Key, error) {
					after, err := b.Apply(t.Context(), made.ID, changes)
					changes = leftOf(changes, err)
					return after, err
				})
				mu.Lock()
				defer mu.Unlock()
				ids[name] = made.ID
			})
		})
		t.Logf("%d keys, %.1f calls each: %v", keys, float64(total(calls))/keys, calls)
		if w.keys() != keys || total(calls) > 20*keys {
			t.Errorf("%d keys, %d calls", w.keys(), total(calls))
		}
		p.heal()
		fresh := w.open(t, settings(piped, clock.RealClock{}))
		for name, id := range ids {
			key := get(t, fresh, "alias/"+name)
			if key.ID != id || key.Rotation.PeriodInDays != 90 || key.Tags["a"] != name || key.Rotation.OnDemandCount != 1 {
				t.Errorf("%s is %+v, want key %s", name, key, id)
			}
		}
	})
}

func TestALostRotationIsNotMadeTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, p, config := late(t, false)
		b := p.open(t, config)
		key := create(t, b, symmetric("key"))
		w.clock.Step(time.Minute)
		rotate := backend.Rotate{RequestedAt: key.CreationTime.Add(time.Second)}
		p.inject(fault{operation: "RotateKeyOnDemand", times: 1, afterEffect: true})
		_, err := b.Apply(t.Context(), key.ID, []backend.Change{rotate})
		if failed, ok := errors.AsType[*backend.ChangesError](err); !ok || backend.ClassOf(failed.Failed[0].Err) != backend.Unavailable {
			t.Errorf("the answer was lost: %v", err)
		}
		after := apply(t, b, key.ID, rotate)
		if seen, err := w.service.DescribeKey(t.Context(), key.ID); err != nil || seen.Rotation.OnDemandCount != 1 || after.Rotation.OnDemandCount != 1 {
			t.Errorf("rotated %d times, seen %d times, %v", seen.Rotation.OnDemandCount, after.Rotation.OnDemandCount, err)
		}
	})
}

func TestAReadThatLagsBehindDoesNotUndoWhatWasWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, p, config := late(t, true)
		b := p.open(t, config)
		key := ready(t, b, "key")
		for _, lag := range []time.Duration{lags.Reads, lags.Tagging} {
			for range 20 {
				sweep(t, b)
				if seen := get(t, b, key.ID); len(seen.Aliases) != 1 || seen.Tags["team"] != "payments" {
					t.Fatalf("a sweep that saw less made it %+v", seen)
				}
				time.Sleep(lag / 20)
			}
		}
		apply(t, b, key.ID, backend.RemoveAlias{Name: "alias/key"})
		sweep(t, b)
		if seen := get(t, b, key.ID); len(seen.Aliases) != 0 {
			t.Errorf("an alias that was taken is back: %v", seen.Aliases)
		}
	})
}

func TestAKeyThatAWSDoesNotShowYetIsNotLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, p, config := late(t, false)
		p.writeLag = p.readLag
		b := p.open(t, config)
		key := create(t, b, symmetric("key"))
		alias := []backend.Change{backend.PutAlias{Name: "alias/key"}}
		_, err := b.Apply(t.Context(), key.ID, alias)
		if backend.ClassOf(err) != backend.NotReady {
			t.Errorf("it was made just now: %v", err)
		}
		if err := b.Verify(t.Context(), key.ID); backend.ClassOf(err) != backend.NotReady {
			t.Errorf("it was made just now, and looked at: %v", err)
		}
		get(t, b, key.ID)
		persist(t, func() (*backend.Key, error) { return b.Apply(t.Context(), key.ID, alias) })
		w.destroy(t, key.ID)
		time.Sleep(config.Lags.Reads)
		if _, err := b.Apply(t.Context(), key.ID, alias); !backend.IsNotFound(err) {
			t.Errorf("it is gone: %v", err)
		}
		if _, err := b.Get(t.Context(), key.ID); !backend.IsNotFound(err) {
			t.Errorf("it is gone, and told: %v", err)
		}
	})
}

func TestALookInDepthThatLagsBehindDoesNotUndoWhatWasWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, p, config := late(t, false)
		made := ready(t, p.open(t, config), "key")
		time.Sleep(config.Lags.Reads)
		b := p.open(t, config)
		get(t, b, made.ID)
		if _, err := b.Policy(t.Context(), made.ID); err != nil {
			t.Fatal(err)
		}
		document := policy.Default(account).String()
		written := apply(t, b, made.ID, backend.SetDescription{To: "new"}, backend.SetTags{Tags: map[string]string{"new": "1"}},
			backend.SetRotation{ToDays: 90}, backend.SetPolicy{Document: document}, backend.Disable{})
		for range 2 { // while reads lag behind, and after
			if err := b.Verify(t.Context(), made.ID); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(written, get(t, b, made.ID), cmpopts.EquateApproxTime(time.Minute)); diff != "" {
				t.Errorf("a look made of what was written (-written +told):\n%s", diff)
			}
			if got, err := b.Policy(t.Context(), made.ID); err != nil || got != document {
				t.Errorf("policy %s, %v", got, err)
			}
			time.Sleep(config.Lags.Reads)
		}
	})
}

func TestThrottlingSlowsTheOperationForAllAndItRecovers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newEndpoint(t)
		p := newProxy(t, w)
		config := settings(piped, clock.RealClock{})
		config.Quotas["CreateKey"] = 100
		b := p.open(t, config)
		p.inject(fault{operation: "CreateKey", times: 3, code: "ThrottlingException", status: http.StatusBadRequest})
		create(t, b, symmetric("key"))
		limit := b.limits["CreateKey"]
		if slowed := limit.limiter.Limit(); slowed >= limit.full/2+1 {
			t.Errorf("throttled three times, the rate is %v of %v", slowed, limit.full)
		}
		if others := b.limits["CreateAlias"]; others.limiter.Limit() != others.full {
			t.Error("another operation was slowed down as well")
		}
		time.Sleep(calm)
		before := limit.limiter.Limit()
		create(t, b, symmetric("another"))
		if limit.limiter.Limit() <= before {
			t.Errorf("the rate does not recover from %v", before)
		}
	})
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/awstest"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// ready does for a Key what its controller does: look it up, make it with tags and a policy, give it an alias and rotation, and
// read it and its policy again.
func ready(t *testing.T, b *Backend, name string) *backend.Key {
	t.Helper()
	if owned, err := b.Owned(t.Context(), owner(name)); err != nil || len(owned) > 0 {
		t.Fatalf("owned before: %v, %v", owned, err)
	}
	in := symmetric(name)
	in.Tags, in.Description = map[string]string{"team": "payments"}, "of "+name
	in.Policy = policy.BaseDocument("arn:aws:iam::"+account+":root", account).String()
	made := create(t, b, in)
	apply(t, b, made.ID, backend.PutAlias{Name: "alias/" + name}, backend.SetRotation{ToDays: 365})
	if document, err := b.Policy(t.Context(), made.ID); err != nil || document != in.Policy {
		t.Errorf("policy %s, %v", document, err)
	}
	key := get(t, b, made.ID)
	if !slices.Equal(key.Aliases, []string{"alias/" + name}) {
		t.Errorf("aliases %v", key.Aliases)
	}
	return key
}

// many does it for many names with as many workers as controllers have.
func many(count int, do func(name string)) {
	names := make(chan string)
	var workers sync.WaitGroup
	for range 16 {
		workers.Go(func() {
			for name := range names {
				do(name)
			}
		})
	}
	for i := range count {
		names <- fmt.Sprintf("key-%04d", i)
	}
	close(names)
	workers.Wait()
}

func total(counts map[string]int) (all int) {
	for _, calls := range counts {
		all += calls
	}
	return all
}

// beyondLists are the calls that read no list of all keys.
func beyondLists(counts map[string]int) int {
	return total(counts) - counts["ListKeys"] - counts["ListAliases"] - counts["GetResources"]
}

func TestAThousandKeysTakeThreeCallsEachAndSteadyStateATenth(t *testing.T) {
	t.Parallel()
	for name, tagging := range map[string]bool{"with the Tagging API": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const keys = 1000
				w := newEndpoint(t)
				p := newProxy(t, w)
				p.tagging = tagging
				config := settings(piped, clock.RealClock{})
				config.Lags = lags
				b := p.open(t, config)
				var ids sync.Map
				calls := p.counted(func() { many(keys, func(name string) { ids.Store(name, ready(t, b, name).ID) }) })
				t.Logf("%d keys to ready: %.3f calls each: %v", keys, float64(total(calls))/keys, calls)
				if total(calls) > 4*keys || w.keys() != keys {
					t.Errorf("%d calls for %d keys: %v", total(calls), w.keys(), calls)
				}
				if calls["CreateKey"] != keys || calls["CreateAlias"] != keys || calls["EnableKeyRotation"] != keys {
					t.Errorf("something was done twice or not at all: %v", calls)
				}

				reads := p.counted(func() {
					for _, id := range ids.Range {
						get(t, b, fmt.Sprint(id))
					}
				})
				if total(reads) != 0 {
					t.Errorf("reading what is known takes calls: %v", reads)
				}
				for range 3 {
					swept := p.counted(func() { sweep(t, b) })
					t.Logf("a sweep: %v", swept)
					if beyondLists(swept) > keys/10 {
						t.Errorf("a sweep of %d keys takes %d calls beyond lists: %v", keys, beyondLists(swept), swept)
					}
				}
			})
		})
	}
}

// TestEveryKeyIsVerifiedInTurn sweeps until each key was looked at, which a tenth of a call per key and sweep is enough for.
func TestEveryKeyIsVerifiedInTurn(t *testing.T) {
	w := newEndpoint(t)
	p := newProxy(t, w)
	b := open(t, settings(p.url(), w.clock))
	ids := map[string]string{}
	for i := range 20 {
		name := fmt.Sprintf("key-%d", i)
		ids[name] = ready(t, b, name).ID
	}
	const sweeps = 41
	calls := p.counted(func() {
		for range sweeps {
			w.clock.Step(10 * time.Minute)
			sweep(t, b)
		}
	})
	if beyondLists(calls) > sweeps*20/10 {
		t.Errorf("%d sweeps of 20 keys take %v", sweeps, calls)
	}
	for name, id := range ids {
		at, known := b.Verified(id)
		if age := w.clock.Since(at); !known || age > sweeps*10*time.Minute-time.Minute {
			t.Errorf("%s was looked at %s ago, known %t", name, age, known)
		}
	}
}

// TestNoOperationIsCalledMoreOftenThanItsQuota is about keys that are made all at once. Its seconds are synctest's: on a network, what
// was sent in one second can come in the next.
func TestNoOperationIsCalledMoreOftenThanItsQuota(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		counter := awstest.NewCounter(awstest.NewAccount(t, awstest.Options{}))
		b := openThrough(t, awstest.Serve(t, counter), byDefault())
		many(60, func(name string) { ready(t, b, name) })
		withinQuotas(t, counter)
		for operation, want := range map[string]int{"CreateKey": 4, "CreateAlias": 4} {
			if most := counter.Most(operation, time.Second); most != want {
				t.Errorf("%s was called %d times within a second, and %d would do", operation, most, want)
			}
		}
	})
}

func TestTheDefaultRatesLeaveATenthOfTheQuotaInEverySecond(t *testing.T) {
	for name, l := range newLimiters(nil) {
		quota, rate, burst := operations[name].quota, float64(l.limiter.Limit()), float64(l.limiter.Burst())
		if quota < 1 { // a request in so many seconds
			quota, rate = 1/0.9, rate/quota
		}
		// What is there when the second begins, and what comes before it ends.
		if most := burst + math.Ceil(rate) - 1; most > 0.9*quota || rate > 0.8*quota {
			t.Errorf("%s: %v at once and %v per second come to %v within a second, of %v", name, burst, rate, most, quota)
		}
	}
}

func TestReplicasTakeNoMoreThanTheQuotaOfCreateKeyInTheirRegion(t *testing.T) {
	if counted := 2 * operations["ReplicateKey"].quota; counted > operations["CreateKey"].quota {
		t.Errorf("AWS counts %v CreateKey per second, and takes %v", counted, operations["CreateKey"].quota)
	}
}

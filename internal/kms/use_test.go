// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

// lookup is the key as it is now.
func lookup(t *testing.T, service *kms.Service, keyID string) *kms.Key {
	t.Helper()
	key, err := service.Key(keyID)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// use uses a key at the time of the clock and returns what is then to be told.
func (h *house) use(t *testing.T, service *kms.Service, keyID, requestID string) kms.Use {
	t.Helper()
	use := kms.Use{
		Time: h.clock.Now().UTC(), Operation: "Encrypt", RequestID: requestID, EventID: "e-" + requestID, Principal: "arn:p",
	}
	lookup(t, service, keyID).NoteUse(use)
	return use
}

// run has the service do what is due, until the function returned is called.
func run(t *testing.T, service *kms.Service) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() { service.Run(ctx) })
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(stop)
	return stop
}

// wrote waits for the writes so far to be that many. The store tells of a write before it is counted.
func (h *house) wrote(t *testing.T, want int) {
	t.Helper()
	eventually(t, fmt.Sprintf("there were %d writes", want), func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.writes == want
	})
}

// recorded is the last use in a key's record, as a keyring has it; the zero Use for none.
func recorded(ring *keyring.Keyring, keyID string) kms.Use {
	record, err := ring.Key(keyID)
	if err != nil || record.LastUse == nil {
		return kms.Use{}
	}
	return *record.LastUse
}

func TestAKeyThatWasNeverUsedHasNoLastUse(t *testing.T) {
	service, _ := newService(t)
	key := create(t, service, kms.CreateKeyInput{})
	if got := lookup(t, service, key.KeyID).LastUse(); got != nil {
		t.Errorf("got %+v", got)
	}
}

func TestTheLastUseIsTheLatestInWhateverOrderTheRequestsEnd(t *testing.T) {
	service, h := newService(t)
	key := create(t, service, kms.CreateKeyInput{})
	late := h.use(t, service, key.KeyID, "late")
	early := late
	early.Time, early.RequestID = late.Time.Add(-time.Second), "early"
	lookup(t, service, key.KeyID).NoteUse(early)
	if got := lookup(t, service, key.KeyID).LastUse(); *got != late {
		t.Errorf("got %+v", got)
	}
}

func TestOfManyRequestsAtOnceTheLatestIsTheLastUse(t *testing.T) {
	service, _ := newService(t)
	key := lookup(t, service, create(t, service, kms.CreateKeyInput{}).KeyID)
	var wg sync.WaitGroup
	for worker := range 16 {
		wg.Go(func() {
			for i := range 100 {
				key.NoteUse(kms.Use{Time: begin.Add(time.Duration(i*16 + worker))})
			}
		})
	}
	wg.Wait()
	if got := key.LastUse().Time; !got.Equal(begin.Add(1599)) {
		t.Errorf("got the use of %s", got)
	}
}

func TestAFirstUseReachesTheRecordAtOnceAndLaterOnesOnceAnHour(t *testing.T) {
	h := newHouse(t)
	service, _, _ := h.open(t)
	_, other, _ := h.open(t)
	key := create(t, service, kms.CreateKeyInput{})
	run(t, service)
	eventually(t, "Run sleeps", h.clock.HasWaiters)

	first := h.use(t, service, key.KeyID, "first")
	eventually(t, "the other process has it", func() bool { return recorded(other, key.KeyID) == first })
	for range 59 {
		h.clock.Step(time.Minute)
		last := h.use(t, service, key.KeyID, "later")
		if got := lookup(t, service, key.KeyID).LastUse(); *got != last {
			t.Fatalf("got %+v, want %+v", got, last)
		}
	}
	if got := recorded(other, key.KeyID); got != first {
		t.Errorf("within an hour the record tells %+v", got)
	}
	h.clock.Step(time.Minute)
	next := h.use(t, service, key.KeyID, "next")
	eventually(t, "the other process has the next", func() bool { return recorded(other, key.KeyID) == next })
	h.wrote(t, 3) // the key, the first, the next
}

func TestTwoProcessesThatUseAKeyWriteOnceAnHourTogether(t *testing.T) {
	h := newHouse(t)
	a, ringA, _ := h.open(t)
	b, ringB, _ := h.open(t)
	key := create(t, a, kms.CreateKeyInput{})
	eventually(t, "both know the key", func() bool { _, err := ringB.Key(key.KeyID); return err == nil })
	run(t, a)
	run(t, b)
	first := h.use(t, a, key.KeyID, "first")
	eventually(t, "both have the first", func() bool {
		return recorded(ringA, key.KeyID) == first && recorded(ringB, key.KeyID) == first
	})
	h.clock.Step(time.Minute)
	last := h.use(t, b, key.KeyID, "second")
	// Two more passes of b's Run, so that one of them has had the chance to write it.
	for _, another := range []*kms.KeyMetadata{create(t, b, kms.CreateKeyInput{}), create(t, b, kms.CreateKeyInput{})} {
		use := h.use(t, b, another.KeyID, "another")
		eventually(t, "another key's use is recorded", func() bool { return recorded(ringB, another.KeyID) == use })
	}
	h.wrote(t, 6) // three keys, and the first use of each
	if got := lookup(t, a, key.KeyID).LastUse(); *got != first {
		t.Errorf("a tells %+v", got)
	}
	if got := lookup(t, b, key.KeyID).LastUse(); *got != last {
		t.Errorf("b tells %+v", got)
	}
}

func TestTheLastUseSurvivesTheEndOfTheProcess(t *testing.T) {
	h := newHouse(t)
	service, ring, _ := h.open(t)
	_, other, _ := h.open(t)
	key := create(t, service, kms.CreateKeyInput{})
	idle := create(t, service, kms.CreateKeyInput{})
	stop := run(t, service)
	first := h.use(t, service, key.KeyID, "first")
	eventually(t, "the first is recorded", func() bool { return recorded(ring, key.KeyID) == first })
	h.wrote(t, 3) // two keys, and the first
	h.clock.Step(time.Minute)
	last := h.use(t, service, key.KeyID, "last")
	if writes := h.written(stop); writes != 1 {
		t.Errorf("%d writes at the end, want 1", writes)
	}
	eventually(t, "the other process has it", func() bool { return recorded(other, key.KeyID) == last })
	if got := recorded(ring, idle.KeyID); got != (kms.Use{}) {
		t.Errorf("a key that was not used has %+v", got)
	}
	restarted, _, _ := h.open(t)
	if got := lookup(t, restarted, key.KeyID).LastUse(); got == nil || *got != last {
		t.Errorf("after the restart it is %+v", got)
	}
}

func TestAUseThatTheStoreDoesNotTakeIsTriedAgainAndHoldsUpNoOther(t *testing.T) {
	h := newHouse(t)
	breaks := h.store.FailUpdates(errors.New("away"))
	service, ring, _ := h.open(t)
	bad, good := create(t, service, kms.CreateKeyInput{}), create(t, service, kms.CreateKeyInput{})
	breaks(bad.KeyID)
	run(t, service)
	eventually(t, "Run sleeps", h.clock.HasWaiters)
	use := h.use(t, service, bad.KeyID, "bad")
	other := h.use(t, service, good.KeyID, "good")
	eventually(t, "the good one is recorded", func() bool { return recorded(ring, good.KeyID) == other })
	if got := recorded(ring, bad.KeyID); got != (kms.Use{}) {
		t.Errorf("the store took %+v", got)
	}
	breaks("")
	eventually(t, "it is tried again after a while", func() bool {
		h.clock.Step(10 * time.Second)
		return recorded(ring, bad.KeyID) == use
	})
}

func TestAUseOfAKeyThatIsGoneIsForgotten(t *testing.T) {
	h := newHouse(t)
	service, ring, _ := h.open(t)
	key := create(t, service, kms.CreateKeyInput{})
	stop := run(t, service)
	held := lookup(t, service, key.KeyID)
	if err := ring.DeleteKey(t.Context(), key.KeyID, func(*keyring.KeyRecord) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if writes := h.written(func() {
		held.NoteUse(kms.Use{Time: begin, RequestID: "under way"})
		stop()
	}); writes != 0 {
		t.Errorf("%d writes", writes)
	}
}

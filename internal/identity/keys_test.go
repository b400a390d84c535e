// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
)

var start = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

func TestTheFirstKeyIsUsedAtOnceAndLaterOnesWhenEverybodyKnowsThem(t *testing.T) {
	keys := NewKeys(start)
	first := keys.Current(start)
	if first == "" || keys.Current(start.Add(-time.Hour)) != first {
		t.Fatalf("the first key is not current: %v", keys)
	}
	at := start.Add(KeyRotation)
	keys = keys.Rotate(at)
	if keys.Current(at.Add(KeyActivation-time.Second)) != first {
		t.Error("the new key is used before it is known everywhere")
	}
	second := keys.Current(at.Add(KeyActivation))
	if second == first {
		t.Error("the new key is not used when it should be")
	}
	if (Keys{}).Current(at) != "" {
		t.Error("the empty set has a current key")
	}
}

func TestAKeyIsAddedWhenTheYoungestIsOldEnough(t *testing.T) {
	keys := NewKeys(start)
	if at := start.Add(KeyRotation - time.Second); keys.Due(at) || len(keys.Rotate(at).IDs()) != 1 {
		t.Error("rotated too early")
	}
	at := start.Add(KeyRotation)
	if !keys.Due(at) {
		t.Error("not rotated in time")
	}
	rotated := keys.Rotate(at)
	if len(rotated.IDs()) != 2 || rotated.Due(at) || len(keys.IDs()) != 1 {
		t.Errorf("rotated to %v from %v", rotated, keys)
	}
	if first := (Keys{}).Rotate(at); len(first.IDs()) != 1 {
		t.Errorf("the empty set rotates to %v", first)
	}
}

func TestAKeyIsKeptAsLongAsASessionOfItsCanBeValid(t *testing.T) {
	keys := NewKeys(start)
	first := keys.Current(start)
	at := start.Add(KeyRotation)
	keys = keys.Rotate(at)
	// Issued at the last moment, for the longest time.
	end := at.Add(KeyActivation + MaxSession)
	if !keys.Rotate(end).Has(first) {
		t.Error("a key was dropped while a session of its may be valid")
	}
	if at := end.Add(time.Hour); keys.Due(at) {
		t.Error("a key was dropped without a margin")
	}
	later := end.Add(time.Hour + time.Second)
	if !keys.Due(later) || keys.Rotate(later).Has(first) || len(keys.Rotate(later).IDs()) != 1 {
		t.Errorf("an old key is kept: %v", keys.Rotate(later))
	}
}

func TestAYearOfRotationNeverDropsAKeyInUseAndKeepsTheSetSmall(t *testing.T) {
	keys := NewKeys(start)
	issuedUnder := map[string]time.Time{} // key ID to the end of the last session issued under it
	for at := start; at.Before(start.AddDate(1, 0, 0)); at = at.Add(7 * time.Minute) {
		keys = keys.Rotate(at)
		issuedUnder[keys.Current(at)] = at.Add(MaxSession)
		for id, end := range issuedUnder {
			if at.Before(end) && !keys.Has(id) {
				t.Fatalf("at %s key %s is gone, a session lasts until %s", at, id, end)
			}
		}
		if len(keys.IDs()) > 2 {
			t.Fatalf("at %s there are %d keys", at, len(keys.IDs()))
		}
	}
	if len(issuedUnder) < 52 {
		t.Errorf("%d keys were used in a year", len(issuedUnder))
	}
}

func TestAKeyFromTheFutureStopsNothing(t *testing.T) {
	future := newSessionKey(start.AddDate(10, 0, 0))
	keys := NewKeys(start).add(future)
	at := start.Add(KeyRotation)
	if !keys.Due(at) || keys.Current(at) == future.id {
		t.Errorf("a key made by a wrong clock rules: %v", keys)
	}
	rotated := keys.Rotate(at)
	if rotated.Due(at) || len(rotated.IDs()) != 3 {
		t.Errorf("rotated to %v", rotated)
	}
	if soon := NewKeys(start.Add(time.Minute)); soon.Due(start) {
		t.Error("a key made by a clock that is a minute ahead is not counted")
	}
}

func TestKeysAreReadAsTheyWereWritten(t *testing.T) {
	keys := NewKeys(start).Rotate(start.Add(KeyRotation))
	read := must[Keys](t)(ParseKeys(keys.Encode()))
	if !slices.Equal(read.IDs(), keys.IDs()) {
		t.Fatalf("read %v, wrote %v", read, keys)
	}
	for i, key := range keys.byAge {
		if !read.byAge[i].created.Equal(key.created) || !slices.Equal(read.byAge[i].reveal(), key.reveal()) {
			t.Errorf("key %s changed on its way", key.id)
		}
	}
	written := keys.Encode()
	clear(written["key-"+keys.IDs()[0]])
	if slices.Equal(written["key-"+keys.IDs()[0]], keys.byAge[0].reveal()) {
		t.Error("Encode lends out the key itself")
	}
}

func TestWhatIsNoSetOfKeysIsRefusedWithoutQuotingIt(t *testing.T) {
	good := NewKeys(start)
	id := good.IDs()[0]
	for what, spoil := range map[string]func(map[string][]byte){
		"empty":             func(d map[string][]byte) { clear(d) },
		"foreign entry":     func(d map[string][]byte) { d["password"] = []byte("hunter2") },
		"short key":         func(d map[string][]byte) { d["key-"+id] = []byte("hunter2") },
		"no time":           func(d map[string][]byte) { delete(d, "created-"+id) },
		"time not a time":   func(d map[string][]byte) { d["created-"+id] = []byte("hunter2") },
		"time without key":  func(d map[string][]byte) { d["created-0000000000000000"] = []byte("2026-03-01T10:00:00Z") },
		"capital hex in ID": func(d map[string][]byte) { d["key-ABCDEF0123456789"] = d["key-"+id] },
		"short ID":          func(d map[string][]byte) { d["key-ab"] = d["key-"+id] },
	} {
		data := maps.Clone(good.Encode())
		spoil(data)
		keys, err := ParseKeys(data)
		if err == nil {
			t.Errorf("%s: read %v", what, keys)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestKeysInMemoryRotateByThemselves(t *testing.T) {
	clock := clocktesting.NewFakePassiveClock(start)
	source := NewMemoryKeys(clock)
	first := source.Keys().Current(start)
	clock.SetTime(start.Add(KeyRotation))
	if keys := source.Keys(); len(keys.IDs()) != 2 || keys.Current(clock.Now()) != first {
		t.Errorf("after a week: %v", keys)
	}
	if again := source.Keys(); len(again.IDs()) != 2 {
		t.Errorf("rotated twice: %v", again)
	}
	if err := source.Refresh(t.Context(), "0000000000000000"); err != nil {
		t.Error(err)
	}
}

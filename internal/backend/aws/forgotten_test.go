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

// reckoned are the lags with which a backend in these tests reckons; its clock moves only when a test moves it.
var reckoned = Lags{Reads: 50 * time.Millisecond, Tagging: -1, Grants: -1}

func TestAKeyIsAsNewAsTheAnswerToItsCreateKey(t *testing.T) {
	for name, meanwhile := range map[string]func(*testing.T, *Backend){
		"which waited for its turn":             func(*testing.T, *Backend) {},
		"and not as what a sweep saw meanwhile": sweep,
	} {
		t.Run(name, func(t *testing.T) {
			w := newEndpoint(t)
			var b *Backend
			f := &front{answered: func(operation string, _, _ map[string]any) {
				if operation == "CreateKey" {
					meanwhile(t, b)
					w.clock.Step(time.Minute)
				}
			}, asked: func(operation string, _ map[string]any) string {
				if operation == "CreateAlias" || operation == "ScheduleKeyDeletion" {
					return "NotFoundException" // so AWS says of a key that is so new
				}
				return ""
			}}
			config := settings(newFront(t, w, f).url(), w.clock)
			config.Lags = reckoned
			b = open(t, config)
			w.clock.Step(time.Minute)
			key := create(t, b, symmetric("key"))
			if _, err := b.Apply(t.Context(), key.ID, []backend.Change{backend.PutAlias{Name: "alias/key"}}); backend.ClassOf(err) != backend.NotReady {
				t.Errorf("it was made just now: %v", err)
			}
			if _, err := b.ScheduleDeletion(t.Context(), key.ID, 7); backend.ClassOf(err) != backend.NotReady {
				t.Errorf("it was made just now, and is to be deleted: %v", err)
			}
			if again := create(t, b, symmetric("key")); again.ID != key.ID || w.keys() != 1 {
				t.Errorf("made %s, and again %s: %d keys", key.ID, again.ID, w.keys())
			}
		})
	}
}

// TestAKeyThatAWSDeniesIsLookedForBeforeAnotherIsMade has AWS say once of a key that it does not exist, long after it was made.
func TestAKeyThatAWSDeniesIsLookedForBeforeAnotherIsMade(t *testing.T) {
	anew := owner("key")
	anew.UID = "uid-of-the-next-one"
	for name, of := range map[string]backend.Owner{"for its Key": owner("key"), "for a Key that was made anew": anew} {
		t.Run(name, func(t *testing.T) {
			w := newEndpoint(t)
			p := newProxy(t, w)
			config := settings(p.url(), w.clock)
			config.Lags = reckoned
			b := open(t, config)
			w.clock.Step(time.Minute)
			key := create(t, b, symmetric("key"))
			w.clock.Step(time.Second)
			create(t, b, symmetric("another")) // all keys are listed by now
			p.inject(fault{operation: "CreateAlias", times: 1, code: "NotFoundException", status: http.StatusBadRequest})
			if _, err := b.Apply(t.Context(), key.ID, []backend.Change{backend.PutAlias{Name: "alias/key"}}); !backend.IsNotFound(err) {
				t.Errorf("AWS says that it does not exist: %v", err)
			}
			owned, err := b.Owned(t.Context(), of)
			if err != nil || len(owned) != 1 || owned[0].ID != key.ID {
				t.Errorf("owned: %v, %v", owned, err)
			}
			if again := create(t, b, symmetric("key")); again.ID != key.ID || w.keys() != 2 {
				t.Errorf("made %s, and again %s: %d keys", key.ID, again.ID, w.keys())
			}
		})
	}
}

func TestAKeyWhoseTimeCameIsNotLookedFor(t *testing.T) {
	w := newEndpoint(t)
	p := newProxy(t, w)
	config := settings(p.url(), w.clock)
	config.Lags = reckoned
	b := open(t, config)
	w.clock.Step(time.Minute)
	key := create(t, b, symmetric("key"))
	w.clock.Step(time.Minute)
	w.outside(t, key.ID, kms.ScheduleKeyDeletion(7))
	if err := b.Verify(t.Context(), key.ID); err != nil {
		t.Fatal(err)
	}
	w.clock.Step(8 * day)
	w.destroy(t, key.ID)
	if err := b.Verify(t.Context(), key.ID); !backend.IsNotFound(err) {
		t.Errorf("it was destroyed: %v", err)
	}
	if since := b.lost.get(nameless(owner("key"))); !since.IsZero() {
		t.Errorf("its owner is said to have it still, perhaps, since %s", since)
	}
}

func TestAKeyThatWasListedBeforeItsTagsIsNotTakenForAStranger(t *testing.T) {
	v := newView(clusterUID, Lags{Reads: 5 * time.Second})
	begun := time.Now()
	v.meet("key", nil, begun, begun.Add(4*time.Second)) // a long list, in which it is the last, and new
	again := begun.Add(6 * time.Second)
	if ids := v.unknown([]string{"key"}); len(ids) != 1 {
		t.Errorf("its tags were read %s after it was met, and are not read again", 4*time.Second)
	}
	v.meet("key", nil, again, again)
	if ids := v.unknown([]string{"key"}); len(ids) != 1 {
		t.Error("two seconds after it was met it is said to have no tags")
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

// broken has AWS fail all that is asked about one key, or one operation of it, and leave it out of the list of all keys.
type broken struct {
	mu                  sync.Mutex
	id, operation, code string
}

func (f *broken) be(id, operation, code string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.id, f.operation, f.code = id, operation, code
}

func (f *broken) asked(operation string, in map[string]any) (code string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.id != "" && text(in, "KeyId") == f.id && (f.operation == "" || f.operation == operation) {
		return f.code
	}
	return ""
}

func (f *broken) answered(operation string, _, out map[string]any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list, _ := out["Keys"].([]any)
	if operation != "ListKeys" || f.id == "" {
		return
	}
	kept := []any{}
	for _, item := range list {
		if one, _ := item.(map[string]any); text(one, "KeyId") != f.id {
			kept = append(kept, one)
		}
	}
	out["Keys"] = kept
}

// withBroken is a world with one key that will break, and some others.
type withBroken struct {
	*endpoint
	*proxy
	*broken
	b      *Backend
	bad    *backend.Key
	others []*backend.Key
}

func newWithBroken(t *testing.T, others int, tagging bool) *withBroken {
	t.Helper()
	w := &withBroken{endpoint: newEndpoint(t), broken: &broken{}}
	front := newFront(t, w.endpoint, &front{asked: w.asked, answered: w.answered})
	w.proxy = newProxy(t, front)
	w.tagging = tagging
	w.b = open(t, settings(w.proxy.url(), w.endpoint.clock))
	w.bad = ready(t, w.b, "bad")
	w.endpoint.clock.Step(time.Minute)
	for i := range others {
		w.others = append(w.others, ready(t, w.b, fmt.Sprint("other-", i)))
	}
	w.endpoint.clock.Step(time.Hour)
	return w
}

func TestAKeyThatCannotBeReadKeepsNoOtherFromBeingLookedAtInTurn(t *testing.T) {
	for name, with := range map[string]struct {
		operation, code string
		due             bool
	}{
		"as its policy keeps the operator out":                {code: "AccessDeniedException"},
		"as AWS fails to read its policy":                     {operation: "GetKeyPolicy", code: "KMSInternalException"},
		"as its policy keeps the operator out, and it is due": {code: "AccessDeniedException", due: true},
		"as AWS fails to describe it, and it is due":          {operation: "DescribeKey", code: "KMSInternalException", due: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWithBroken(t, 3, false)
			if with.due {
				w.outside(t, w.bad.ID, kms.ScheduleKeyDeletion(7))
				if err := w.b.Verify(t.Context(), w.bad.ID); err != nil {
					t.Fatal(err)
				}
				w.endpoint.clock.Step(8 * day)
			}
			w.be(w.bad.ID, with.operation, with.code)
			for _, other := range w.others {
				w.outside(t, other.ID, kms.DisableKey())
			}
			failed := 0
			for range 2 * len(w.others) {
				w.endpoint.clock.Step(time.Minute)
				w.b.credit = w.b.view.costOfDeepest() // for one look
				if err := w.b.Sweep(t.Context()); err != nil {
					failed++
				}
			}
			for _, other := range w.others {
				if seen := get(t, w.b, other.ID); seen.State != backend.StateDisabled {
					t.Errorf("%s was disabled, and is told as %s", other.ID, seen.State)
				}
			}
			if failed == 0 {
				t.Error("no sweep says that a key could not be read")
			}
		})
	}
}

func TestASweepFindsTheKeysThatAreGoneBesideOneThatCannotBeRead(t *testing.T) {
	w := newWithBroken(t, 8, true)
	w.be(w.bad.ID, "", "AccessDeniedException")
	for _, other := range w.others {
		w.destroy(t, other.ID)
	}
	if err := w.b.Sweep(t.Context()); backend.ClassOf(err) != backend.AccessDenied || !strings.Contains(err.Error(), "kms:DescribeKey: ") {
		t.Errorf("one key keeps the operator out: %v", err)
	}
	for _, other := range w.others {
		if _, known := w.b.Verified(other.ID); known {
			t.Errorf("%s is gone, and told", other.ID)
		}
	}
}

func TestASweepReadsTheTagsThatAreNotListedBesideThoseThatItMayNotRead(t *testing.T) {
	w := newWithBroken(t, 3, true)
	ears := listen(t, w.b)
	for _, key := range append(w.others, w.bad) {
		w.outside(t, key.ID, kms.UntagResource("kms.chatelaine.dev/cluster"))
	}
	w.be(w.bad.ID, "ListResourceTags", "AccessDeniedException")
	w.b.credit = w.b.view.costOfDeepest() // for the tags of four
	if err := w.b.Sweep(t.Context()); backend.ClassOf(err) != backend.AccessDenied {
		t.Errorf("one key keeps the operator out: %v", err)
	}
	if heard := ears.take(); len(heard) != len(w.others) {
		t.Errorf("heard of %v, want of each of %d", heard, len(w.others))
	}

	calls := w.counted(func() {
		for range 10 {
			w.endpoint.clock.Step(10 * time.Minute)
			w.b.credit = 1
			_ = w.b.Sweep(t.Context())
		}
	})
	if calls["ListResourceTags"] != 0 {
		t.Errorf("what may not be read is read again and again: %v", calls)
	}
	w.endpoint.clock.Step(day)
	w.b.credit = 1
	if calls = w.counted(func() { _ = w.b.Sweep(t.Context()) }); calls["ListResourceTags"] != 1 {
		t.Errorf("a day later: %v", calls)
	}
}

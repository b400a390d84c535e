// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// entryIn is an entry that is told from others by its region.
func entryIn(region string) Entry { return Entry{Identity: Identity{Region: region}} }

// heard is what a watcher was told, each as name=region.
type heard struct {
	mu   sync.Mutex
	list []string
}

func (h *heard) changed(name string, entry Entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, name+"="+entry.Identity.Region)
}

func (h *heard) check(t *testing.T, want ...string) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if diff := cmp.Diff(want, h.list); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
}

func TestTheRegistryKnowsWhatWasSetLast(t *testing.T) {
	r := NewRegistry()
	if entry, known := r.Get("a"); known || entry != (Entry{}) {
		t.Errorf("an empty registry knows %+v", entry)
	}
	broken := Entry{Err: errors.New("no root key")}
	for _, entry := range []Entry{entryIn("one"), broken, entryIn("two")} {
		r.Set("a", entry)
		if got, known := r.Get("a"); !known || got != entry {
			t.Errorf("got %+v, known %t, want %+v", got, known, entry)
		}
	}
	if _, known := r.Get("b"); known {
		t.Error("a backend that nobody opened is known")
	}
	r.Delete("a")
	if entry, known := r.Get("a"); known || entry != (Entry{}) {
		t.Errorf("after it was deleted: %+v, known %t", entry, known)
	}
}

func TestAWatcherHearsWhatIsKnownAndEachChangeAfter(t *testing.T) {
	r := NewRegistry()
	r.Set("a", entryIn("old"))
	r.Set("a", entryIn("one"))
	r.Set("gone", entryIn("one"))
	r.Delete("gone")

	var early, late heard
	r.Watch(early.changed)
	r.Set("b", entryIn("two"))
	r.Set("b", entryIn("two"))
	r.Delete("a")
	r.Watch(late.changed)
	r.Set("a", entryIn("three"))

	early.check(t, "a=one", "b=two", "b=two", "a=", "a=three")
	late.check(t, "b=two", "a=three")
}

func TestEveryWatcherHearsOfEveryBackendThatIsKnown(t *testing.T) {
	r := NewRegistry()
	want := make([]string, 0, 20)
	for i := range 20 {
		name := fmt.Sprintf("backend-%02d", i)
		r.Set(name, entryIn("one"))
		want = append(want, name+"=one")
	}
	for range 2 {
		var h heard
		r.Watch(h.changed)
		slices.Sort(h.list)
		h.check(t, want...)
	}
}

func TestDeletingABackendThatIsNotKnownTellsNobody(t *testing.T) {
	r := NewRegistry()
	var h heard
	r.Watch(h.changed)
	r.Delete("a")
	r.Set("a", entryIn("one"))
	r.Delete("a")
	r.Delete("a")
	h.check(t, "a=one", "a=")
}

func TestAWatcherMayLookBackendsUp(t *testing.T) {
	r := NewRegistry()
	r.Set("a", entryIn("one"))
	var h heard
	r.Watch(func(name string, _ Entry) {
		entry, _ := r.Get(name)
		h.changed(name, entry)
	})
	r.Set("a", entryIn("two"))
	r.Delete("a")
	h.check(t, "a=one", "a=two", "a=")
}

// TestWhatIsKnownIsToldBeforeWhatChanges changes one backend while a new watcher is told of another one.
func TestWhatIsKnownIsToldBeforeWhatChanges(t *testing.T) {
	r := NewRegistry()
	r.Set("a", entryIn("old"))
	r.Set("b", entryIn("old"))
	var h heard
	done := make(chan struct{})
	r.Watch(func(name string, entry Entry) {
		h.changed(name, entry)
		if len(h.list) > 1 {
			return
		}
		go func() {
			r.Set(map[string]string{"a": "b", "b": "a"}[name], entryIn("new"))
			close(done)
		}()
		select {
		case <-done:
		case <-time.After(50 * time.Millisecond):
		}
	})
	<-done
	other := h.list[1][:1]
	h.check(t, h.list[0], other+"=old", other+"=new")
}

// TestAWatcherHearsOfChangesInTheirOrder starts watchers amid changes: what each hears last must be what is true last.
func TestAWatcherHearsOfChangesInTheirOrder(t *testing.T) {
	const rounds, changes = 50, 20
	for range rounds {
		r := NewRegistry()
		r.Set("a", entryIn("0"))
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := range changes {
				r.Set("a", entryIn(strconv.Itoa(i+1)))
			}
		})
		var watchers [3]heard
		for i := range watchers {
			wg.Go(func() { r.Watch(watchers[i].changed) })
		}
		wg.Wait()
		for i := range watchers {
			checkInOrder(t, watchers[i].list, changes)
		}
		if t.Failed() {
			return
		}
	}
}

func checkInOrder(t *testing.T, list []string, last int) {
	t.Helper()
	before := -1
	for _, told := range list {
		var version int
		if _, err := fmt.Sscanf(told, "a=%d", &version); err != nil {
			t.Fatal(err)
		}
		if version <= before {
			t.Errorf("heard %d after %d: %v", version, before, list)
		}
		before = version
	}
	if before != last {
		t.Errorf("heard %d last, but %d is true: %v", before, last, list)
	}
}

// TestTheRegistryIsUsedByManyAtOnce is for the race detector.
func TestTheRegistryIsUsedByManyAtOnce(t *testing.T) {
	r := NewRegistry()
	var wg sync.WaitGroup
	for i := range 8 {
		name := fmt.Sprintf("backend-%d", i%4)
		wg.Go(func() {
			var h heard
			r.Watch(h.changed)
			for range 50 {
				r.Set(name, entryIn(name))
				if entry, known := r.Get(name); known && entry.Identity.Region != name {
					t.Errorf("%s has the entry %+v", name, entry)
				}
				r.Delete(name)
			}
		})
	}
	wg.Wait()
	for i := range 4 {
		if _, known := r.Get(fmt.Sprintf("backend-%d", i)); known {
			t.Errorf("backend %d was deleted last and is known", i)
		}
	}
}

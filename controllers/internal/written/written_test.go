// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package written

import (
	"fmt"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

func key(uid types.UID, version string) *v1alpha1.Key {
	return &v1alpha1.Key{ObjectMeta: metav1.ObjectMeta{Name: string(uid), UID: uid, ResourceVersion: version}}
}

func TestACopyIsOutdatedWhileItIsOlderThanTheLastWrite(t *testing.T) {
	for _, c := range []struct {
		name            string
		written, cached string
		outdated        bool
	}{
		{"older", "100", "99", true},
		{"much older", "100", "1", true},
		{"older, as a number and not as text", "10", "9", true},
		{"older, beyond 64 bits", "184467440737095516160", "184467440737095516159", true},
		{"the same", "100", "100", false},
		{"newer", "100", "101", false},
		{"newer, as a number and not as text", "9", "10", false},
		{"not to be compared", "100", "abc", false},
		{"without a version", "100", "", false},
		{"the version zero", "100", "0", false},
		{"a written version that cannot be compared", "v1", "100", false},
		{"a write that returned no version", "", "100", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := NewObjects()
			o.Remember(key("u", c.written))
			for range 3 { // being asked changes nothing
				if got := o.Outdated(key("u", c.cached)); got != c.outdated {
					t.Errorf("%q after %q was written: outdated %t, want %t", c.cached, c.written, got, c.outdated)
				}
			}
		})
	}
}

func TestAnObjectThatWasNeverWrittenIsUpToDate(t *testing.T) {
	o := NewObjects()
	o.Remember(key("other", "100"))
	if o.Outdated(key("u", "1")) {
		t.Error("it is outdated")
	}
	if !o.Outdated(key("other", "99")) {
		t.Error("asking for one object made another forgotten")
	}
}

func TestARecreatedObjectIsNotComparedWithTheEarlierOne(t *testing.T) {
	o := NewObjects()
	earlier, again := key("uid-1", "100"), key("uid-2", "50")
	earlier.Namespace, earlier.Name = "team", "orders"
	again.Namespace, again.Name = "team", "orders"
	o.Remember(earlier)
	if o.Outdated(again) {
		t.Error("an object of the same name and another UID is outdated")
	}
}

func TestAnObjectThatCaughtUpIsForgotten(t *testing.T) {
	for name, cached := range map[string]string{
		"the write itself": "100", "a later one": "101", "one that cannot be compared": "abc",
	} {
		o := NewObjects()
		o.Remember(key("u", "100"))
		if o.Outdated(key("u", cached)) {
			t.Errorf("%s is outdated", name)
		}
		if len(o.versions) != 0 {
			t.Errorf("%s leaves %v in memory", name, o.versions)
		}
	}
}

func TestTheLastWriteCounts(t *testing.T) {
	o := NewObjects()
	o.Remember(key("u", "100"))
	o.Remember(key("u", "102"))
	if !o.Outdated(key("u", "101")) {
		t.Error("a copy between two writes is up to date")
	}
	if o.Outdated(key("u", "102")) {
		t.Error("a copy of the last write is outdated")
	}
}

func TestAForgottenObjectIsNotWaitedFor(t *testing.T) {
	o := NewObjects()
	o.Remember(key("u", "100"))
	o.Forget(client.ObjectKey{Name: "u"})
	o.Forget(client.ObjectKey{Name: "unknown"})
	if o.Outdated(key("u", "1")) {
		t.Error("it is outdated")
	}
	if len(o.versions) != 0 {
		t.Errorf("in memory: %v", o.versions)
	}
}

// TestObjectsAreUsedByManyWorkersAtOnce is for the race detector.
func TestObjectsAreUsedByManyWorkersAtOnce(t *testing.T) {
	o := NewObjects()
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			uid := types.UID(fmt.Sprint(worker))
			for version := range 100 {
				o.Remember(key(uid, fmt.Sprint(version+2)))
				if !o.Outdated(key(uid, fmt.Sprint(version+1))) {
					t.Errorf("worker %d: version %d is up to date", worker, version+1)
				}
				if o.Outdated(key(uid, fmt.Sprint(version+2))) {
					t.Errorf("worker %d: version %d is outdated", worker, version+2)
				}
			}
			o.Forget(client.ObjectKey{Name: string(uid)})
		})
	}
	wg.Wait()
}

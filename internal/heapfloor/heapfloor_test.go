// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package heapfloor

import (
	"runtime"
	"runtime/metrics"
	"testing"
	"time"
)

func TestASmallHeapGrowsToTheFloorAndALargeOneDoubles(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{
		{0, 1600}, {4 << 20, 1500}, {8 << 20, 700}, {24 << 20, 167}, {32 << 20, 100}, {64 << 20, 100}, {1 << 40, 100},
	} {
		if got := percent(c.live); got != c.want {
			t.Errorf("a live heap of %d bytes may grow by %d %%, want %d %%", c.live, got, c.want)
		}
	}
}

func TestTheNextCollectionIsAtTheFloorWhileTheHeapIsSmallAndAtTwiceALargeHeap(t *testing.T) {
	t.Setenv("GOGC", "")
	Keep()
	large := make([]byte, 2*Bytes)
	await(t, "a large heap", 4*Bytes)
	runtime.KeepAlive(large)
	await(t, "a small heap", Bytes)
}

// await collects until the next collection is to start at about so many bytes.
func await(t *testing.T, what string, want float64) {
	t.Helper()
	var goal float64
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		runtime.GC()
		time.Sleep(10 * time.Millisecond) // the keeper hears of it in its own time
		sample := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}}
		metrics.Read(sample)
		goal = float64(sample[0].Value.Uint64())
		if 0.9*want < goal && goal < 1.2*want {
			return
		}
	}
	t.Errorf("%s is collected at %.0f MiB, want %.0f MiB", what, goal/(1<<20), want/(1<<20))
}

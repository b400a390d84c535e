// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package heapfloor keeps a small heap from being collected all the time.
//
// Go starts a collection when the heap has grown to twice what the last one left. A process that answers requests from a
// few megabytes of keys leaves almost nothing behind, so that it would collect after every few hundred requests, at a tenth
// of its processor time. With Keep a collection starts no sooner than at Bytes; a heap that is larger by itself, such as
// that of a manager with thousands of Keys, is collected as if Keep had not been called.
package heapfloor

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// Bytes is how large a heap may become without being collected. It is address space that is touched again and again, so it
// counts in full as resident memory.
const Bytes = 64 << 20

const (
	// usual is Go's own percentage: collect when the heap has doubled.
	usual = 100
	// smallest is the live heap, in bytes, below which Go reckons as if it were that large.
	smallest = 4 << 20
)

// Keep keeps the floor for the rest of the process's life. Where GOGC in the environment says when to collect, that stands;
// GOMEMLIMIT is kept to in any case.
func Keep() {
	if os.Getenv("GOGC") == "" {
		keep()
	}
}

var keep = sync.OnceFunc(func() { (&keeper{percent: usual}).adjust() })

// keeper sets the percentage after every collection.
type keeper struct{ percent int }

// mark is something that the next collection finds unreachable, which is how it is heard of. It is larger than what Go packs
// together with others.
type mark [64]byte

func (k *keeper) adjust() {
	if wanted := percent(live()); wanted != k.percent {
		k.percent = wanted
		debug.SetGCPercent(wanted)
	}
	runtime.AddCleanup(new(mark), (*keeper).adjust, k)
}

// percent is by how much a heap of so many bytes may grow.
func percent(live uint64) int {
	growth := (Bytes - float64(live)) / float64(max(live, smallest))
	return max(usual, int(math.Ceil(100*growth)))
}

// live is what the last collection left, in bytes.
func live() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package accounts

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

const (
	// silence is how long AWS may owe answers, and give none, while so many wait.
	silence = time.Second
	// lull is how late a look may come, and how long it takes at least from when so many wait to a look: this process may have stood
	// still, which is no silence of AWS, and then has to read the answers that came meanwhile.
	lull = silence / 4
	// identifies is the operation that says who the operator is. It is asked beside the verbs, of another service than KMS, so that
	// its answers say nothing of when theirs will come.
	identifies = "GetCallerIdentity"
)

// crowdOf is how many verbs may wait for a backend that is silent: half of the workers that the controller of Keys has, so that the
// other half goes on.
func crowdOf(workers int) int { return max(1, workers/2) }

// errSlow is why a verb is not begun, or broken off, though it is not known yet whether the backend answers.
var errSlow = &backend.Error{
	Class: backend.Unavailable, Message: "the KMSBackend is slow to answer: other keys are waiting for it, and this one is tried again later",
}

// answers are what AWS owes. Time that a verb spends without a request under way, waiting for its turn or for AWS to show what was
// written, is the operator's own and no silence.
type answers struct {
	owed   int
	heard  time.Time // when one came last, or AWS was asked while it owed none, or this process stood still
	silent bool      // a look found that none came for too long, and none has come since
}

func (a *answers) hear() { a.heard, a.silent = time.Now(), false }

// asked says that a request is under way.
func (h *health) asked(operation string) {
	if operation == identifies {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.answers.owed == 0 {
		h.answers.hear()
	}
	h.answers.owed++
}

// settled says that a request came to its end, and whether AWS answered it.
func (h *health) settled(operation string, answered bool) {
	if operation == identifies {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answers.owed--
	if answered || h.answers.owed == 0 {
		h.answers.hear()
	}
}

// stuck says that so many verbs wait for a silent backend that no other may join them. h.mu is held.
func (h *health) stuck() bool { return len(h.flights) >= h.crowd && h.answers.silent }

// watch sees to it that a crowd is looked at as soon as the backend may have been silent for too long. h.mu is held.
func (h *health) watch() {
	if h.watched || len(h.flights) < h.crowd {
		return
	}
	h.watched = true
	after := silence
	if h.answers.owed > 0 && !h.answers.silent {
		after = max(lull, silence-time.Since(h.answers.heard))
	}
	due := time.Now().Add(after)
	time.AfterFunc(after, func() { h.look(due) })
}

// look has the backend asked if a crowd waits for it in vain, and sends all but those away that have waited longest.
func (h *health) look(due time.Time) {
	h.mu.Lock()
	if time.Since(due) > lull {
		h.answers.hear()
	}
	h.answers.silent = h.answers.owed > 0 && time.Since(h.answers.heard) >= silence
	stuck := h.stuck()
	if stuck {
		waiting := slices.SortedFunc(maps.Keys(h.flights), func(a, b *flight) int { return cmp.Compare(a.number, b.number) })
		for _, under := range waiting[h.crowd:] {
			under.cancel(errSlow)
		}
	}
	h.watched = false
	h.watch()
	h.mu.Unlock()
	if stuck {
		h.doubt()
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package awsapi

import "sync"

// slots bounds how many requests are carried out at once, and how many of them for one caller, so that a caller who has
// all his requests under way leaves room for others. A slot is held while a request is carried out, not while its answer
// is written: who reads slowly holds up nobody.
type slots struct {
	free  chan struct{}
	share int

	mu   sync.Mutex
	used map[string]int // by caller
}

// slot is what one request holds; the zero value holds nothing.
type slot struct {
	of     *slots
	caller string
}

func newSlots(number int) *slots {
	return &slots{free: make(chan struct{}, number), share: (number + 1) / 2, used: map[string]int{}}
}

// enter takes a slot, or returns false.
func (s *slots) enter(held *slot) bool {
	select {
	case s.free <- struct{}{}:
		held.of = s
		return true
	default:
		return false
	}
}

// claim has a slot that is held count against the caller's share, or returns false.
func (s *slots) claim(held *slot, caller string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used[caller] >= s.share {
		return false
	}
	s.used[caller]++
	held.caller = caller
	return true
}

// leave gives back what is held. It may be called again.
func (h *slot) leave() {
	s, caller := h.of, h.caller
	*h = slot{}
	if s == nil {
		return
	}
	<-s.free
	if caller == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used[caller]--
	if s.used[caller] == 0 {
		delete(s.used, caller)
	}
}

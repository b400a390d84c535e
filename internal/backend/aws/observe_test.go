// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"slices"
	"sync"
	"testing"
	"time"

	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// noted is an Observer that remembers.
type noted struct {
	mu       sync.Mutex
	begun    map[string]int
	requests []Request
	waits    int
	shares   map[string][]float64
}

// Requesting implements Observer.
func (n *noted) Requesting(operation string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.begun == nil {
		n.begun = map[string]int{}
	}
	n.begun[operation]++
}

// Requested implements Observer.
func (n *noted) Requested(r Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.requests = append(n.requests, r)
}

// Waited implements Observer.
func (n *noted) Waited(time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.waits++
}

// Limited implements Observer.
func (n *noted) Limited(operation string, share float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.shares == nil {
		n.shares = map[string][]float64{}
	}
	n.shares[operation] = append(n.shares[operation], share)
}

func (n *noted) of(operation string) []Request {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(n.requests), func(r Request) bool { return r.Operation != operation })
}

func TestEachRequestIsToldWithAnOutcomeOfAClosedSet(t *testing.T) {
	bare(t)
	w := newEndpoint(t)
	p := newProxy(t, w)
	for name, c := range map[string]struct {
		fault *fault
		url   string
		class backend.Class
		code  string
		times int
	}{
		"success":            {times: 1},
		"refused":            {fault: &fault{code: "AccessDeniedException", status: 400}, class: backend.AccessDenied, code: "AccessDeniedException", times: 1},
		"a code of tomorrow": {fault: &fault{code: "CodeThatNobodyKnowsYet", status: 400}, class: backend.InvalidInput, code: CodeOther, times: 1},
		"throttled":          {fault: &fault{code: "ThrottlingException", status: 400}, class: backend.Throttled, code: "ThrottlingException", times: attempts},
		"no answer":          {fault: &fault{}, class: backend.Unavailable, code: CodeNoAnswer, times: attempts},
		"nobody listens":     {url: "http://127.0.0.1:1", class: backend.Unavailable, code: CodeNoAnswer, times: attempts},
		"not sent":           {url: "ftp://127.0.0.1", class: backend.InvalidInput, code: CodeNotSent, times: 1},
	} {
		t.Run(name, func(t *testing.T) {
			p.heal()
			if c.fault != nil {
				p.inject(*c.fault)
			}
			if c.url == "" {
				c.url = p.url()
			}
			n := &noted{}
			config := settings(c.url, clock.RealClock{})
			config.Observer = n
			_, err := open(t, config).listKeys(t.Context())
			if backend.ClassOf(err) != c.class {
				t.Error(err)
			}
			got := n.of("ListKeys")
			if len(got) != c.times || n.begun["ListKeys"] != c.times || n.waits != c.times {
				t.Fatalf("%d requests of %d begun, and %d waits, want %d", len(got), n.begun["ListKeys"], n.waits, c.times)
			}
			for _, r := range got {
				if r.Took <= 0 || r.Service != "kms" || r.Class != c.class || r.Code != c.code {
					t.Errorf("%+v", r)
				}
			}
			if last := n.shares["ListKeys"][len(n.shares["ListKeys"])-1]; (last < 1) != (c.class == backend.Throttled) {
				t.Errorf("share of the rate %v", n.shares)
			}
		})
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package awstest

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Counts are numbers of calls, by operation.
type Counts map[string]int

// Total is the number of all calls.
func (c Counts) Total() (total int) {
	for _, calls := range c {
		total += calls
	}
	return total
}

// Counter notes each request before it hands it on. It is safe for concurrent use.
type Counter struct {
	next http.Handler

	mu   sync.Mutex
	came map[string][]time.Time // by operation
}

// NewCounter returns a Counter before next, which may be another double or an httputil.ReverseProxy.
func NewCounter(next http.Handler) *Counter {
	return &Counter{next: next, came: map[string][]time.Time{}}
}

// ServeHTTP implements http.Handler.
func (c *Counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation := operationOf(r)
	c.mu.Lock()
	c.came[operation] = append(c.came[operation], time.Now())
	c.mu.Unlock()
	c.next.ServeHTTP(w, r)
}

// operationOf names the operation, by KMS's and the Tagging API's header or by STS's form, which stays to be read.
func operationOf(r *http.Request) string {
	if _, operation, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		return operation
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return ""
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return ""
	}
	return form.Get("Action")
}

// Counts are all calls so far.
func (c *Counter) Counts() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts := Counts{}
	for operation, came := range c.came {
		counts[operation] = len(came)
	}
	return counts
}

// Counted are the calls that come while do runs.
func (c *Counter) Counted(do func()) Counts {
	before := c.Counts()
	do()
	counts := c.Counts()
	for operation, calls := range before {
		counts[operation] -= calls
	}
	maps.DeleteFunc(counts, func(_ string, calls int) bool { return calls == 0 })
	return counts
}

// Most is the largest number of calls of an operation within any span of that length.
func (c *Counter) Most(operation string, within time.Duration) int {
	c.mu.Lock()
	came := slices.Clone(c.came[operation])
	c.mu.Unlock()
	slices.SortFunc(came, time.Time.Compare)
	most, first := 0, 0
	for i, at := range came {
		for at.Sub(came[first]) >= within {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

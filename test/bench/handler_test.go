// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"runtime"
	"testing"
	"time"
)

// BenchmarkHandler measures what the endpoint adds to net/http: its handler called in memory, with events recorded as in
// BenchmarkEndpoint's "chatelaine". An op is one request, and an iteration a second of them.
func BenchmarkHandler(b *testing.B) {
	for _, u := range uses {
		b.Run(u.name, func(b *testing.B) {
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			s, err := newService(ctx, order{Spec: u.spec, Usage: u.usage})
			if err != nil {
				b.Fatal(err)
			}
			c := newCall(b, s.handler, u.request(b, &s.credentials))
			c.serveFor(b, warmUp)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			count := float64(c.serveFor(b, time.Duration(b.N)*time.Second))
			elapsed := time.Since(start)
			runtime.ReadMemStats(&after)
			b.ReportAllocs()
			b.ReportMetric(float64(elapsed)/count, "ns/op")
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/count, "allocs/op")
			b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/count, "B/op")
		})
	}
}

// call is a request in memory and the writer of its answer. It allocates nothing for being served again.
type call struct {
	handler http.Handler
	request *http.Request
	body    *bytes.Reader
	header  http.Header
	status  int
}

func newCall(b *testing.B, handler http.Handler, wire []byte) *call {
	b.Helper()
	request, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire)))
	if err != nil {
		b.Fatal(err)
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		b.Fatal(err)
	}
	c := &call{handler: handler, request: request, body: bytes.NewReader(body), header: http.Header{}}
	request.RemoteAddr, request.Body = "10.0.0.7:40000", io.NopCloser(c.body)
	return c
}

// serveFor serves the request again and again and returns how often.
func (c *call) serveFor(b *testing.B, duration time.Duration) int {
	b.Helper()
	count := 0
	for start := time.Now(); time.Since(start) < duration; count++ {
		_, _ = c.body.Seek(0, io.SeekStart)
		clear(c.header)
		c.handler.ServeHTTP(c, c.request)
		if c.status != http.StatusOK {
			b.Fatalf("the endpoint answered %d", c.status)
		}
	}
	return count
}

func (c *call) Header() http.Header            { return c.header }
func (c *call) WriteHeader(status int)         { c.status = status }
func (*call) Write(answer []byte) (int, error) { return len(answer), nil }

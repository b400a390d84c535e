// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"testing"
	"time"
)

const (
	// slicesPerSample is how often a sample turns from one server to the next: whatever else the machine does, and however
	// that changes, meets all of them.
	slicesPerSample = 8
	sliceDuration   = 500 * time.Millisecond
	warmUp          = 300 * time.Millisecond
)

// BenchmarkEndpoint measures AWS's API over plain HTTP (TLS costs every server the same) on 64 keep-alive connections,
// beside a handler that reads the body and writes an answer of the same size. Every request has its signature verified,
// its session looked up, the key policy evaluated and its event recorded: by "chatelaine" as the manager does by default,
// which logs refusals, and by "chatelaine-json" with every event brought into its JSON, as a trail would.
//
// Each server is a process of its own, of the same program and with the settings that the manager serves with. The client
// shares the processors with them and takes its part for each request, the same for every server. x-bare is the part of
// the bare handler's throughput that is reached, p99-x-bare how many times its 99th percentile.
func BenchmarkEndpoint(b *testing.B) {
	for _, u := range uses {
		b.Run(u.name, func(b *testing.B) {
			c := compare(b, u)
			for _, s := range c.sides {
				b.Run(s.name, func(b *testing.B) {
					for range b.N {
						c.report(b, s)
					}
				})
			}
		})
	}
}

// comparison measures one use at several servers in the same moments.
type comparison struct {
	use
	// sides has the bare handler first.
	sides []*side
}

// side is one server of a comparison.
type side struct {
	name        string
	credentials credentials
	load        *load
	samples     []sample // taken, and not reported yet
}

// sample is what was measured, and at the bare handler at the same time.
type sample struct{ own, bare measured }

func compare(b *testing.B, u use) *comparison {
	b.Helper()
	open := func(name string, o order) *side {
		o.Spec, o.Usage = u.spec, u.usage
		served := start(b, o)
		return &side{name: name, credentials: served.Credentials, load: dial(b, served.Address)}
	}
	logs, encodes := open("chatelaine", order{}), open("chatelaine-json", order{Encodes: true})
	logs.load.prepare(u.requests(b, &logs.credentials))
	answer, err := logs.load.connections[0].exchange()
	if err != nil {
		b.Fatal(err)
	}
	bare := open("bare", order{Bare: len(answer)})
	bare.credentials = logs.credentials // it looks at none
	return &comparison{use: u, sides: []*side{bare, logs, encodes}}
}

// report reports the next sample of a side, taking one for every side if there is none.
func (c *comparison) report(b *testing.B, s *side) {
	b.Helper()
	if len(s.samples) == 0 {
		c.sample(b)
	}
	next := s.samples[0]
	s.samples = s.samples[1:]
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(next.own.perSecond, "req/s")
	b.ReportMetric(float64(next.own.p50), "p50-ns")
	b.ReportMetric(float64(next.own.p99), "p99-ns")
	if s != c.sides[0] {
		b.ReportMetric(next.own.perSecond/next.bare.perSecond, "x-bare")
		b.ReportMetric(float64(next.own.p99)/float64(next.bare.p99), "p99-x-bare")
	}
}

func (c *comparison) sample(b *testing.B) {
	b.Helper()
	for _, s := range c.sides {
		requests := c.requests(b, &s.credentials)
		s.load.prepare(requests)
		s.load.run(b, warmUp)
		s.load.prepare(requests)
	}
	for range slicesPerSample {
		for _, s := range c.sides {
			s.load.run(b, sliceDuration)
		}
	}
	if b.Failed() {
		b.FailNow()
	}
	bare := c.sides[0].load.measured()
	for _, s := range c.sides {
		s.samples = append(s.samples, sample{s.load.measured(), bare})
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"testing"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/awstest"
)

// BenchmarkAWS applies 1,000 Keys at once, each with tags, an alias, rotation and a KeyPolicy that selects it, on a KMSBackend on
// AWS, and waits until each is Ready. AWS is our own endpoint over HTTP, with signatures verified; its quotas, of five CreateKey
// a second and the like, are out of the way, since they would be all that is measured.
//
// calls/key are the requests that came to AWS, writes/key those to the API server, and events/key the Events beside them. sdk-s
// is the time that a bare loop of AWS's SDK needs to make as many such keys with as many workers, and floor-s that with an
// object and its status written for each as well; ratio is what the operator makes of the latter.
func BenchmarkAWS(b *testing.B) {
	o := startAWSOperator(b)
	var total awsMeasured
	for range b.N {
		total.sdk += timed(func() { o.bareCalls(b, o.freshName("sdk")) })
		total.floor += timed(func() { o.bareAWS(b, o.freshName("floor")) })
		mark, err := o.env.Audit.Mark()
		if err != nil {
			b.Fatal(err)
		}
		calls := o.calls.Counted(func() {
			total.keys += timed(func() { o.applyAWSKeys(b, o.freshName("keys"), applied) })
		})
		time.Sleep(awsLate)
		writes, events := o.written(b, mark)
		b.Logf("calls: %v\nwrites: %v", calls, writes.Counts())
		total.calls, total.writes, total.events = total.calls+calls.Total(), total.writes+len(writes), total.events+len(events)
		o.complete(b, calls)
	}
	total.report(b)
}

// awsLate is for how long writes are counted that come after the last Key is Ready.
const awsLate = 2 * time.Second

// complete fails the benchmark if what it measured is not what it is to measure.
func (o *awsOperator) complete(b *testing.B, calls awstest.Counts) {
	b.Helper()
	for _, operation := range []string{"CreateKey", "CreateAlias", "EnableKeyRotation"} {
		if calls[operation] != applied {
			b.Errorf("%s was called %d times for %d Keys", operation, calls[operation], applied)
		}
	}
}

// awsMeasured is the sum over all rounds.
type awsMeasured struct {
	sdk, floor, keys      time.Duration
	calls, writes, events int
}

func (m *awsMeasured) report(b *testing.B) {
	b.Helper()
	rounds := float64(b.N)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(m.sdk.Seconds()/rounds, "sdk-s")
	b.ReportMetric(m.floor.Seconds()/rounds, "floor-s")
	b.ReportMetric(m.keys.Seconds()/rounds, "keys-s")
	b.ReportMetric(m.keys.Seconds()/m.floor.Seconds(), "ratio")
	b.ReportMetric(float64(m.calls)/rounds/applied, "calls/key")
	b.ReportMetric(float64(m.writes)/rounds/applied, "writes/key")
	b.ReportMetric(float64(m.events)/rounds/applied, "events/key")
}

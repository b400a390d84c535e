// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Those of KMSBackends on AWS.
var (
	awsRequests = Metric{
		Name: "chatelaine_aws_requests_total", Kind: Counter, Labels: []string{labelBackend, "service", "operation", "outcome"},
		Help: "Requests made of AWS, repeated ones included, by service (kms, sts, tag), operation and outcome: Success, or the class of the error.",
	}
	awsErrors = Metric{
		Name: "chatelaine_aws_request_errors_total", Kind: Counter, Labels: []string{labelBackend, "code"},
		Help: "Requests that failed, by AWS's error code; Other for codes that the operator does not know, NoAnswer and NotSent for none.",
	}
	awsRequestDuration = Metric{
		Name: "chatelaine_aws_request_duration_seconds", Kind: Histogram, Labels: []string{labelBackend, "operation"},
		Help:    "Time from when a request was sent to its answer.",
		buckets: []float64{0.01, 0.05, 0.1, 0.25, 0.5, 1, 5, 30},
	}
	awsTurnWait = Metric{
		Name: "chatelaine_aws_turn_wait_seconds", Kind: Histogram, Labels: []string{labelBackend},
		Help:    "Time for which a request waited in the operator for its turn under the rate limit of its operation.",
		buckets: []float64{0.01, 0.1, 0.5, 1, 5, 10, 30, 60},
	}
	awsRateShare = Metric{
		Name: "chatelaine_aws_rate_share", Kind: Gauge, Labels: []string{labelBackend, "operation"},
		Help: "Share of its full rate that an operation had at its last request: 1, or less after AWS throttled it.",
	}
	awsSweeps = Metric{
		Name: "chatelaine_aws_sweeps_total", Kind: Counter, Labels: []string{labelBackend, "outcome"},
		Help: "Sweeps that looked for what others changed, by outcome: Success, or the class of the error.",
	}
	awsSweepDuration = Metric{
		Name: "chatelaine_aws_sweep_duration_seconds", Kind: Histogram, Labels: []string{labelBackend},
		Help:    "Time that a sweep took, whatever its outcome.",
		buckets: []float64{0.1, 0.5, 1, 5, 10, 30, 60, 300},
	}
	awsLastSweep = Metric{
		Name: "chatelaine_aws_last_sweep_timestamp_seconds", Kind: Gauge, Labels: []string{labelBackend},
		Help: "When the last sweep without an error began, or, before the first one, when the backend was opened: seconds since 1970.",
	}
	awsAnswering = Metric{
		Name: "chatelaine_aws_answering", Kind: Gauge, Labels: []string{labelBackend},
		Help: "1 while the backend is used, 0 while it does not answer, refuses the operator or could not be opened.",
	}
)

// AWS are the metrics of KMSBackends on AWS. Nil is one that is told of nothing.
type AWS struct {
	requests, errors, sweeps                 *prometheus.CounterVec
	requestDuration, turnWait, sweepDuration *prometheus.HistogramVec
	rateShare, lastSweep, answering          *prometheus.GaugeVec
}

// NewAWS registers the metrics. It panics if the registry has any of them already.
func NewAWS(registry prometheus.Registerer) *AWS {
	m := &AWS{
		requests: awsRequests.counter(), errors: awsErrors.counter(), sweeps: awsSweeps.counter(),
		requestDuration: awsRequestDuration.histogram(), turnWait: awsTurnWait.histogram(), sweepDuration: awsSweepDuration.histogram(),
		rateShare: awsRateShare.gauge(), lastSweep: awsLastSweep.gauge(), answering: awsAnswering.gauge(),
	}
	registry.MustRegister(m.requests, m.errors, m.sweeps, m.requestDuration, m.turnWait, m.sweepDuration, m.rateShare, m.lastSweep, m.answering)
	return m
}

// Of are the series of the KMSBackend with that name.
func (m *AWS) Of(kmsbackend string) *AWSSeries {
	if m == nil {
		return nil
	}
	return &AWSSeries{of: m, backend: kmsbackend}
}

// AWSSeries are the series of one KMSBackend, until they are deleted: what comes after that counts for nothing, so that a request
// which was under way does not bring them back. Nil is told of nothing. It is safe for concurrent use.
type AWSSeries struct {
	of      *AWS
	backend string

	mu      sync.RWMutex
	deleted bool
}

// success is the outcome without an error.
const success = "Success"

func outcomeOf(class string) string {
	if class == "" {
		return success
	}
	return class
}

// Requested counts a request; class and code are those of its error, empty for none, and of closed sets.
func (s *AWSSeries) Requested(service, operation, class, code string, took time.Duration) {
	s.tell(func(m *AWS) {
		m.requests.WithLabelValues(s.backend, service, operation, outcomeOf(class)).Inc()
		m.requestDuration.WithLabelValues(s.backend, operation).Observe(took.Seconds())
		if code != "" {
			m.errors.WithLabelValues(s.backend, code).Inc()
		}
	})
}

// Waited counts a request's wait for its turn.
func (s *AWSSeries) Waited(wait time.Duration) {
	s.tell(func(m *AWS) { m.turnWait.WithLabelValues(s.backend).Observe(wait.Seconds()) })
}

// Limited sets an operation's share of its full rate.
func (s *AWSSeries) Limited(operation string, share float64) {
	s.tell(func(m *AWS) { m.rateShare.WithLabelValues(s.backend, operation).Set(share) })
}

// Swept counts a sweep that began then; class is that of its error, empty for none.
func (s *AWSSeries) Swept(class string, begun time.Time, took time.Duration) {
	s.tell(func(m *AWS) {
		m.sweeps.WithLabelValues(s.backend, outcomeOf(class)).Inc()
		m.sweepDuration.WithLabelValues(s.backend).Observe(took.Seconds())
	})
	if class == "" {
		s.Fresh(begun)
	}
}

// Fresh says that what lists tell of the keys is known as of that time or later.
func (s *AWSSeries) Fresh(at time.Time) {
	s.tell(func(m *AWS) { m.lastSweep.WithLabelValues(s.backend).Set(float64(at.UnixMilli()) / 1000) })
}

// Answering says whether the backend is used.
func (s *AWSSeries) Answering(yes bool) {
	value := 0.0
	if yes {
		value = 1
	}
	s.tell(func(m *AWS) { m.answering.WithLabelValues(s.backend).Set(value) })
}

// Delete deletes the series.
func (s *AWSSeries) Delete() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deleted { // another KMSBackend may have the name by now
		return
	}
	s.deleted = true
	of := prometheus.Labels{labelBackend: s.backend}
	for _, metric := range []interface {
		DeletePartialMatch(labels prometheus.Labels) int
	}{
		s.of.requests, s.of.errors, s.of.sweeps, s.of.requestDuration, s.of.turnWait, s.of.sweepDuration, s.of.rateShare, s.of.lastSweep,
		s.of.answering,
	} {
		metric.DeletePartialMatch(of)
	}
}

func (s *AWSSeries) tell(what func(*AWS)) {
	if s == nil {
		return
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.deleted {
		what(s.of)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package metrics has every metric of the operator's own: its name, help and labels, in one place. docs/metrics.md is for those
// who read them; a test compares it with All.
//
// # How many series there are
//
// No label has a value that somebody outside chooses, but for kmsbackend, whose series go when the KMSBackend does: operations,
// outcomes and codes are of closed sets. A KMSBackend on AWS on which all is done that can be done has at most a thousand series:
// for each of 33 operations eleven of their duration, one of its rate and one for each outcome that was seen (of nine), and a few
// dozens besides. One on which keys are made and swept has about three hundred.
package metrics

import (
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// Kind is what a metric is to Prometheus.
type Kind string

// The kinds.
const (
	Counter   Kind = "counter"
	Gauge     Kind = "gauge"
	Histogram Kind = "histogram"
)

// Metric is what there is to know of a metric before it has a value.
type Metric struct {
	Name   string
	Kind   Kind
	Help   string
	Labels []string
	// buckets are the upper bounds of a histogram's.
	buckets []float64
}

// labelBackend is the name of the KMSBackend that a series is of.
const labelBackend = "kmsbackend"

// All are the metrics that the operator has, sorted by name.
func All() []Metric {
	all := []Metric{
		awsAnswering, awsErrors, awsLastSweep, awsRateShare, awsRequestDuration, awsRequests, awsSweepDuration, awsSweeps, awsTurnWait,
	}
	for i := range all {
		all[i].Labels = slices.Clone(all[i].Labels)
	}
	slices.SortFunc(all, func(a, b Metric) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func (m Metric) counter() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: m.Name, Help: m.Help}, m.Labels)
}

func (m Metric) gauge() *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: m.Name, Help: m.Help}, m.Labels)
}

func (m Metric) histogram() *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: m.Name, Help: m.Help, Buckets: m.buckets}, m.Labels)
}

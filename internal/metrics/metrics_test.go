// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

// touch gives every metric of the series a value.
func touch(s *AWSSeries) {
	s.Requested("kms", "CreateKey", "Throttled", "ThrottlingException", time.Second)
	s.Waited(time.Second)
	s.Limited("CreateKey", 0.5)
	s.Swept("", time.UnixMilli(1500), time.Second)
	s.Answering(true)
}

// gathered are the metrics that have values, by name, and the labels and values of their series.
func gathered(t *testing.T, registry *prometheus.Registry) (metrics map[string]Metric, series map[string]float64) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	metrics, series = map[string]Metric{}, map[string]float64{}
	for _, family := range families {
		m := Metric{Name: family.GetName(), Help: family.GetHelp(), Kind: Kind(strings.ToLower(family.GetType().String()))}
		for _, one := range family.GetMetric() {
			var labels []string
			m.Labels = nil
			for _, pair := range one.GetLabel() {
				m.Labels = append(m.Labels, pair.GetName())
				labels = append(labels, pair.GetValue())
			}
			name := fmt.Sprintf("%s{%s}", m.Name, strings.Join(labels, ","))
			series[name] = one.GetCounter().GetValue() + one.GetGauge().GetValue() + float64(one.GetHistogram().GetSampleCount())
		}
		metrics[m.Name] = m
	}
	return metrics, series
}

func TestAllAreTheMetricsThatAreRegistered(t *testing.T) {
	registry := prometheus.NewRegistry()
	touch(NewAWS(registry).Of("aws"))
	got, _ := gathered(t, registry)
	for _, want := range All() {
		slices.Sort(want.Labels) // as Prometheus has them
		want.buckets = nil
		if diff := cmp.Diff(want, got[want.Name], cmp.AllowUnexported(Metric{})); diff != "" {
			t.Errorf("%s as it is served (+) and as it is listed (-):\n%s", want.Name, diff)
		}
		delete(got, want.Name)
	}
	if len(got) > 0 {
		t.Errorf("not listed: %v", got)
	}
}

func TestSeriesAreThoseOfOneKMSBackend(t *testing.T) {
	registry := prometheus.NewRegistry()
	m := NewAWS(registry)
	first, second := m.Of("first"), m.Of("second")
	touch(first)
	first.Requested("kms", "CreateKey", "", "", time.Second)
	first.Swept("AccessDenied", time.UnixMilli(9000), time.Second)
	first.Answering(false)
	touch(second)
	_, got := gathered(t, registry)
	want := map[string]float64{
		"chatelaine_aws_requests_total{first,CreateKey,Success,kms}":     1,
		"chatelaine_aws_requests_total{first,CreateKey,Throttled,kms}":   1,
		"chatelaine_aws_request_errors_total{ThrottlingException,first}": 1,
		"chatelaine_aws_request_duration_seconds{first,CreateKey}":       2,
		"chatelaine_aws_turn_wait_seconds{first}":                        1,
		"chatelaine_aws_rate_share{first,CreateKey}":                     0.5,
		"chatelaine_aws_sweeps_total{first,Success}":                     1,
		"chatelaine_aws_sweeps_total{first,AccessDenied}":                1,
		"chatelaine_aws_sweep_duration_seconds{first}":                   2,
		"chatelaine_aws_last_sweep_timestamp_seconds{first}":             1.5,
		"chatelaine_aws_answering{first}":                                0,
		"chatelaine_aws_answering{second}":                               1,
		"chatelaine_aws_requests_total{second,CreateKey,Throttled,kms}":  1,
	}
	for name, value := range want {
		if got, ok := got[name]; !ok || got != value {
			t.Errorf("%s is %v, want %v", name, got, value)
		}
	}
}

func TestSeriesThatAreDeletedDoNotComeBack(t *testing.T) {
	registry := prometheus.NewRegistry()
	m := NewAWS(registry)
	gone, stays := m.Of("gone"), m.Of("stays")
	touch(stays)
	_, want := gathered(t, registry)
	touch(gone)
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for range 1000 {
				touch(gone)
			}
		})
	}
	gone.Delete()
	running.Wait()
	_, got := gathered(t, registry)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("wanted (-), got (+):\n%s", diff)
	}
	again := m.Of("gone")
	touch(again)
	gone.Delete()
	if _, got := gathered(t, registry); len(got) != 2*len(want) {
		t.Errorf("another of that name has lost its series: %v", got)
	}
}

func TestNobodyIsToldOfNothing(t *testing.T) {
	var none *AWS
	series := none.Of("aws")
	touch(series)
	series.Delete()
	if series != nil {
		t.Error("it has series")
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package accounts

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatelaine-dev/chatelaine/internal/metrics"
)

// measure has the rig count in a registry, and returns what reads the sum of a metric's series with the label values given.
func (r *rig) measure(t *testing.T) (value func(metric string, labels ...string) (sum float64, series int)) {
	t.Helper()
	registry := prometheus.NewRegistry()
	r.Accounts.options.Metrics = metrics.NewAWS(registry)
	return func(metric string, labels ...string) (sum float64, series int) {
		t.Helper()
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range families {
			if !strings.HasPrefix(family.GetName(), metric) {
				continue
			}
			for _, one := range family.GetMetric() {
				text := fmt.Sprint(one.GetLabel())
				matches := true
				for _, label := range labels {
					matches = matches && strings.Contains(text, `"`+label+`"`)
				}
				if matches {
					sum += one.GetCounter().GetValue() + one.GetGauge().GetValue() + float64(one.GetHistogram().GetSampleCount())
					series++
				}
			}
		}
		return sum, series
	}
}

func TestWhatABackendIsAskedIsCountedUnderTheNameOfItsKMSBackend(t *testing.T) {
	r := newRig(t)
	value := r.measure(t)
	begun := float64(time.Now().Unix())
	r.readAliases(t, r.mustOpen(t, r.object("a")))
	r.mustOpen(t, r.object("b"))
	for _, c := range []struct {
		want   float64
		metric string
		labels []string
	}{
		{1, "chatelaine_aws_requests_total", []string{"a", "sts", "GetCallerIdentity", "Success"}},
		{1, "chatelaine_aws_requests_total", []string{"a", "kms", "DescribeKey", "NotFound"}},
		{1, "chatelaine_aws_request_errors_total", []string{"a", "NotFoundException"}},
		{4, "chatelaine_aws_request_duration_seconds", []string{"a"}},
		{2, "chatelaine_aws_request_duration_seconds", []string{"b"}},
		{4, "chatelaine_aws_turn_wait_seconds", []string{"a"}},
		{1, "chatelaine_aws_rate_share", []string{"a", "ListKeys"}},
		{1, "chatelaine_aws_answering", []string{"a"}},
	} {
		if got, _ := value(c.metric, c.labels...); got != c.want {
			t.Errorf("%s%v is %v, want %v", c.metric, c.labels, got, c.want)
		}
	}
	if at, _ := value("chatelaine_aws_last_sweep_timestamp_seconds", "a"); at < begun || at > float64(time.Now().Unix()+1) {
		t.Errorf("opened at %v, want %v", at, begun)
	}
}

func TestABackendThatDoesNotAnswerIsShownSo(t *testing.T) {
	r := newRig(t)
	value := r.measure(t)
	silent := func() {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if opened, err := r.Open(ctx, r.object("a")); opened != nil || err == nil {
			t.Errorf("%v, %v", opened, err)
		}
		if got, series := value("chatelaine_aws_answering", "a"); got != 0 || series != 1 {
			t.Errorf("answering %v in %d series", got, series)
		}
	}
	r.aws.silent.Store(true)
	silent()
	r.aws.silent.Store(false)
	r.mustOpen(t, r.object("a"))
	if got, _ := value("chatelaine_aws_answering", "a"); got != 1 {
		t.Errorf("answering %v when it does", got)
	}
	r.aws.silent.Store(true)
	r.Accounts.open["a"].get().health.doubt()
	silent()
}

func TestSweepsAreCounted(t *testing.T) {
	r := newRig(t)
	value := r.measure(t)
	r.mustOpen(t, r.object("a"))
	opened, _ := value("chatelaine_aws_last_sweep_timestamp_seconds", "a")
	time.Sleep(2 * time.Millisecond) // metrics are in milliseconds
	r.sweep(t.Context(), "a", r.Accounts.open["a"].get())
	swept, _ := value("chatelaine_aws_last_sweep_timestamp_seconds", "a")
	if got, _ := value("chatelaine_aws_sweeps_total", "a", "Success"); got != 1 || swept <= opened {
		t.Errorf("%v sweeps, the last at %v, opened at %v", got, swept, opened)
	}
	r.aws.Close()
	r.sweep(t.Context(), "a", r.Accounts.open["a"].get())
	if got, _ := value("chatelaine_aws_sweeps_total", "a", "Unavailable"); got != 1 {
		t.Errorf("%v sweeps failed", got)
	}
	if got, _ := value("chatelaine_aws_sweep_duration_seconds", "a"); got != 2 {
		t.Errorf("%v sweeps were timed", got)
	}
	if at, _ := value("chatelaine_aws_last_sweep_timestamp_seconds", "a"); at != swept {
		t.Errorf("a sweep that failed counts as done, at %v", at)
	}
}

func TestSeriesGoWithTheKMSBackendAndWithTheTerm(t *testing.T) {
	r := newRig(t)
	value := r.measure(t)
	r.mustOpen(t, r.object("a"))
	r.readAliases(t, r.mustOpen(t, r.object("b")))
	underWay := r.Accounts.open["a"].get().Backend
	r.Close("a")
	r.readAliases(t, underWay)
	if _, series := value("chatelaine_aws", "a"); series != 0 {
		t.Errorf("%d series of what was closed", series)
	}
	if _, series := value("chatelaine_aws", "b"); series == 0 {
		t.Error("the other one has lost its series")
	}
	again := r.object("b")
	again.UID = "made again"
	r.mustOpen(t, again)
	if got, _ := value("chatelaine_aws_requests_total", "b"); got != 2 {
		t.Errorf("%v requests of a KMSBackend that was made again", got)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Start(over); err != nil {
		t.Error(err)
	}
	r.mustOpen(t, r.object("late"))
	if _, series := value("chatelaine_aws"); series != 0 {
		t.Errorf("%d series after the term", series)
	}
}

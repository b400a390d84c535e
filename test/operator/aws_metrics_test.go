// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/manager"
	"github.com/chatelaine-dev/chatelaine/internal/metrics"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

// scraped are the series of one scrape, by all that stands before the value.
type scraped map[string]float64

// scrape reads the operator's metrics as Prometheus does.
func (w *awsWorld) scrape(address string) scraped {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.ctx, http.MethodGet, "http://"+address+"/metrics", http.NoBody)
	if err != nil {
		w.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	found := scraped{}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		name, value, ok := cutLast(lines.Text(), " ")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		if found[name], err = strconv.ParseFloat(value, 64); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := lines.Err(); err != nil {
		w.t.Fatal(err)
	}
	return found
}

func cutLast(text, separator string) (before, after string, found bool) {
	i := strings.LastIndex(text, separator)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+len(separator):], true
}

// of are the series of a KMSBackend.
func (s scraped) of(object *v1alpha1.KMSBackend) scraped {
	of := scraped{}
	for series, value := range s {
		if strings.Contains(series, `kmsbackend="`+object.Name+`"`) {
			of[strings.Replace(series, `kmsbackend="`+object.Name+`"`, "", 1)] = value
		}
	}
	return of
}

// sum is that of the metric's series that have all of the labels.
func (s scraped) sum(metric string, labels ...string) (sum float64) {
	for series, value := range s {
		matches := strings.HasPrefix(series, metric+"{")
		for _, label := range labels {
			matches = matches && strings.Contains(series, label)
		}
		if matches {
			sum += value
		}
	}
	return sum
}

// throttling stands before an endpoint and throttles an operation so many times.
func throttling(t *testing.T, behind, operation string, times int32) string {
	t.Helper()
	target, err := url.Parse(behind)
	if err != nil {
		t.Fatal(err)
	}
	onward := httputil.NewSingleHostReverseProxy(target)
	var throttled atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+operation) && throttled.Add(1) <= times {
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"__type": "ThrottlingException", "message": "Rate exceeded"}`)
			return
		}
		onward.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestWhatBackendsOnAWSAreAskedIsServedAsMetrics(t *testing.T) {
	address, begun := testenv.FreeAddress(t), time.Now()
	w := newAWSWorldWith(t, nil, func(o *manager.Options) { o.MetricsAddress = address })
	calm, busy := newAWSAccount(t, firstAccount), newAWSAccount(t, secondAccount)
	onCalm := w.on(w.awsBackend(calm.in(w.credentials(calm.accessKey(t, "root")))))
	behind := busy.in(w.credentials(busy.accessKey(t, "root")))
	behind.Endpoint = throttling(t, busy.server.URL, "CreateKey", 2)
	onBusy := w.on(w.awsBackend(behind))
	onCalm.readyKey("orders", nil)
	onBusy.readyKey("orders", nil)
	w.readyKey("orders", nil)

	w.await(func() (bool, string) {
		all := w.scrape(address)
		done := all.of(onCalm.backend).sum("chatelaine_aws_sweeps_total", `outcome="Success"`) > 0 &&
			all.of(onBusy.backend).sum("chatelaine_aws_sweeps_total", `outcome="Success"`) > 0
		return done, fmt.Sprintf("sweeps of both in %v", all)
	})
	all := w.scrape(address)
	for _, metric := range metrics.All() {
		name := map[metrics.Kind]string{metrics.Histogram: "_count"}[metric.Kind]
		if all.of(onBusy.backend).sum(metric.Name+name) == 0 {
			t.Errorf("%s is not served", metric.Name)
		}
	}
	for _, c := range []struct {
		on     *world
		want   float64
		metric string
		labels []string
	}{
		{onCalm, 1, "chatelaine_aws_requests_total", []string{`service="kms"`, `operation="CreateKey"`}},
		{onCalm, 1, "chatelaine_aws_request_duration_seconds_count", []string{`operation="CreateKey"`}},
		{onCalm, 1, "chatelaine_aws_rate_share", []string{`operation="CreateKey"`}},
		{onCalm, 0, "chatelaine_aws_requests_total", []string{`outcome="Throttled"`}},
		{onCalm, 1, "chatelaine_aws_answering", nil},
		{onBusy, 1, "chatelaine_aws_requests_total", []string{`operation="CreateKey"`, `outcome="Success"`}},
		{onBusy, 2, "chatelaine_aws_requests_total", []string{`operation="CreateKey"`, `outcome="Throttled"`}},
		{onBusy, 2, "chatelaine_aws_request_errors_total", []string{`code="ThrottlingException"`}},
		{onBusy, 3, "chatelaine_aws_request_duration_seconds_count", []string{`operation="CreateKey"`}},
		{onBusy, 1, "chatelaine_aws_answering", nil},
	} {
		if got := all.of(c.on.backend).sum(c.metric, c.labels...); got != c.want {
			t.Errorf("%s%v of %s is %v, want %v", c.metric, c.labels, c.on.backend.Name, got, c.want)
		}
	}
	if share := all.of(onBusy.backend).sum("chatelaine_aws_rate_share", `operation="CreateKey"`); share <= 0 || share >= 1 {
		t.Errorf("throttled, CreateKey has %v of its rate", share)
	}
	requests := all.of(onCalm.backend).sum("chatelaine_aws_requests_total")
	// Of a scrape of its own, since one need not see all series at one moment: a request waits before it is made.
	if waits := w.scrape(address).of(onCalm.backend).sum("chatelaine_aws_turn_wait_seconds_count"); waits < requests {
		t.Errorf("%v requests waited for their turn %v times", requests, waits)
	}
	if swept := all.of(onCalm.backend).sum("chatelaine_aws_last_sweep_timestamp_seconds"); int64(swept) < begun.Unix() {
		t.Errorf("the last sweep was at %v", swept)
	}
	if series := len(all.of(onBusy.backend)); series > 300 {
		t.Errorf("a backend has %d series", series)
	}
	if of := all.of(w.backend); len(of) > 0 {
		t.Errorf("the software backend has %v", of)
	}
}

func TestMetricsSayThatABackendOnAWSDoesNotAnswer(t *testing.T) {
	address := testenv.FreeAddress(t)
	w := newAWSWorldWith(t, nil, func(o *manager.Options) { o.MetricsAddress = address })
	account := newAWSAccount(t, firstAccount)
	on := w.on(w.awsBackend(account.in(w.credentials(account.accessKey(t, "root")))))
	answering := func(want float64) {
		t.Helper()
		w.await(func() (bool, string) {
			of := w.scrape(address).of(on.backend)
			return len(of) > 0 && of.sum("chatelaine_aws_answering") == want, fmt.Sprintf("chatelaine_aws_answering %v in %v", want, of)
		})
	}
	on.awaitAvailable()
	answering(1)
	account.hang()
	answering(0)
	account.answer()
	answering(1)
}

func TestTheSeriesOfAKMSBackendGoWithIt(t *testing.T) {
	address := testenv.FreeAddress(t)
	w := newAWSWorldWith(t, nil, func(o *manager.Options) { o.MetricsAddress = address })
	account := newAWSAccount(t, firstAccount)
	stays := w.on(w.awsBackend(account.in(w.credentials(account.accessKey(t, "root")))))
	spec := account.in(w.credentials(account.accessKey(t, "root")))
	gone := &v1alpha1.KMSBackend{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "aws-"}, Spec: v1alpha1.KMSBackendSpec{AWS: &spec},
	}
	w.create(gone)
	w.on(gone).awaitAvailable()
	stays.awaitAvailable()
	if of := w.scrape(address).of(gone); of.sum("chatelaine_aws_requests_total") == 0 {
		t.Fatalf("the series are %v", of)
	}
	w.delete(gone)
	w.await(func() (bool, string) {
		of := w.scrape(address).of(gone)
		return len(of) == 0, fmt.Sprintf("the series gone: %v", of)
	})
	before := w.scrape(address).of(stays.backend).sum("chatelaine_aws_sweeps_total")
	w.await(func() (bool, string) {
		return w.scrape(address).of(stays.backend).sum("chatelaine_aws_sweeps_total") > before+2, "more sweeps of the other one"
	})
	if of := w.scrape(address).of(gone); len(of) > 0 {
		t.Errorf("they came back: %v", of)
	}
}

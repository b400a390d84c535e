// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package awstest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/awstest"
)

func request(target, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	return r
}

func TestACounterNamesOperationsOfEveryServiceAndLeavesTheirBodiesAlone(t *testing.T) {
	var bodies []string
	counter := awstest.NewCounter(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		bodies = append(bodies, string(body))
	}))
	counter.ServeHTTP(httptest.NewRecorder(), request("TrentService.ListKeys", "{}"))
	counts := counter.Counted(func() {
		for range 2 {
			counter.ServeHTTP(httptest.NewRecorder(), request("", "Action=GetCallerIdentity&Version=2011-06-15"))
		}
	})
	if diff := cmp.Diff(awstest.Counts{"GetCallerIdentity": 2}, counts); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
	if total := counter.Counts().Total(); total != 3 {
		t.Errorf("%d calls, want 3", total)
	}
	if diff := cmp.Diff([]string{"{}", "Action=GetCallerIdentity&Version=2011-06-15", "Action=GetCallerIdentity&Version=2011-06-15"}, bodies); diff != "" {
		t.Errorf("bodies that came through (-want +got):\n%s", diff)
	}
}

func TestTheMostWithinASpanIsFoundWhereverTheSpanBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counter := awstest.NewCounter(http.NotFoundHandler())
		begun := time.Now()
		for _, at := range []int{0, 700, 900, 950, 999, 1000, 1900} { // the first and the sixth are a second apart
			time.Sleep(time.Until(begun.Add(time.Duration(at) * time.Millisecond)))
			counter.ServeHTTP(httptest.NewRecorder(), request("TrentService.CreateKey", "{}"))
		}
		if most := counter.Most("CreateKey", time.Second); most != 5 {
			t.Errorf("%d within a second, want 5", most)
		}
		if most := counter.Most("CreateAlias", time.Second); most != 0 {
			t.Errorf("%d of what was never called", most)
		}
	})
}

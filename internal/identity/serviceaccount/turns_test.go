// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package serviceaccount

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	clocktesting "k8s.io/utils/clock/testing"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// counted is a Reviewer whose API server knows no token and answers when it is let; it counts what it is asked.
func counted(answer <-chan struct{}) (reviewer *Reviewer, asked, atOnce *atomic.Int32) {
	asked, atOnce = &atomic.Int32{}, &atomic.Int32{}
	var inside atomic.Int32
	config := &rest.Config{Host: "http://apiserver.invalid", QPS: -1, Transport: transport(func(*http.Request) (*http.Response, error) {
		asked.Add(1)
		defer inside.Add(-1)
		for now := inside.Add(1); ; {
			most := atOnce.Load()
			if now <= most || atOnce.CompareAndSwap(most, now) {
				break
			}
		}
		<-answer
		return &http.Response{
			StatusCode: http.StatusCreated, Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(strings.NewReader(`{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1"}`)),
		}, nil
	})}
	return NewReviewer(kubernetes.NewForConfigOrDie(config), clocktesting.NewFakePassiveClock(noon)), asked, atOnce
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

func plausible(expires time.Time) string {
	return jwt(fmt.Sprintf(`{"aud":[%q],"exp":%d}`, AudienceWebIdentity, expires.Unix()))
}

func TestTheAPIServerIsNotAskedAboutATokenThatSaysItIsNoGood(t *testing.T) {
	answer := make(chan struct{})
	close(answer)
	reviewer, asked, _ := counted(answer)
	for what, c := range map[string]struct {
		token string
		want  error
	}{
		"expired":              {plausible(noon.Add(-2 * time.Minute)), ErrExpired},
		"for somebody else":    {jwt(fmt.Sprintf(`{"aud":["vault"],"exp":%d}`, noon.Add(time.Hour).Unix())), ErrAudience},
		"that never expires":   {jwt(fmt.Sprintf(`{"aud":[%q]}`, AudienceWebIdentity)), ErrInvalid},
		"of a legacy Secret's": {jwt(`{"iss":"kubernetes/serviceaccount"}`), ErrInvalid},
	} {
		if _, err := reviewer.Review(t.Context(), c.token, []string{AudienceWebIdentity}); !errors.Is(err, c.want) {
			t.Errorf("a token %s: %v, want %v", what, err, c.want)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the API server was asked %d times", n)
	}
	// A clock that is a little ahead of the API server's must not refuse what that would take.
	if _, err := reviewer.Review(t.Context(), plausible(noon.Add(-time.Second)), []string{AudienceWebIdentity}); asked.Load() != 1 {
		t.Errorf("a token that expired just now was not shown to the API server: %v", err)
	}
}

func TestWhoeverSendsTokensGetsOnlySoManyReviews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan struct{})
		reviewer, asked, atOnce := counted(answer)
		const flood = 10 * (maxReviews + maxWaiting)
		var done sync.WaitGroup
		var sentAway, answered atomic.Int32
		for range flood {
			done.Go(func() {
				_, err := reviewer.Review(context.WithoutCancel(t.Context()), plausible(noon.Add(time.Hour)), []string{AudienceWebIdentity})
				switch {
				case errors.Is(err, ErrUnavailable):
					sentAway.Add(1)
				case errors.Is(err, ErrInvalid):
					answered.Add(1)
				default:
					t.Errorf("got %v", err)
				}
			})
		}
		const most = maxReviews + maxWaiting
		synctest.Wait()
		if n := sentAway.Load(); n != flood-most {
			t.Errorf("%d of %d were sent away while the API server hangs, want %d", n, flood, flood-most)
		}
		close(answer)
		done.Wait()
		if asked.Load() != most || answered.Load() != most || atOnce.Load() > maxReviews {
			t.Errorf("asked %d times, %d at once, %d answered; want %d, at most %d, %d",
				asked.Load(), atOnce.Load(), answered.Load(), most, maxReviews, most)
		}
	})
}

func TestWhoWaitsForAReviewGoesWhenHisRequestEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan struct{})
		reviewer, asked, _ := counted(answer)
		var done sync.WaitGroup
		for range maxReviews {
			done.Go(func() {
				_, _ = reviewer.Review(context.WithoutCancel(t.Context()), plausible(noon.Add(time.Hour)), []string{AudienceWebIdentity})
			})
		}
		synctest.Wait()
		if n := asked.Load(); n != maxReviews {
			t.Fatalf("%d reviews are under way, want %d", n, maxReviews)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 2 * maxWaiting { // more than may wait: each must have left its place
			_, err := reviewer.Review(ctx, plausible(noon.Add(time.Hour)), []string{AudienceWebIdentity})
			if !errors.Is(err, ErrUnavailable) || errors.Is(err, errBusy) {
				t.Fatalf("got %v", err)
			}
		}
		close(answer)
		done.Wait()
	})
}

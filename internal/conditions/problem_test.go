// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package conditions

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

var errCause = errors.New("the cause")

func TestAnErrorsClassSaysWhetherItIsRetriedAndUnderWhatReason(t *testing.T) {
	classified := func(class backend.Class, reason string) error {
		return &backend.Error{Class: class, Message: "what is wrong", Reason: reason, Err: errCause}
	}
	for _, c := range []struct {
		name    string
		err     error
		reason  string
		message string
		stalled bool
	}{
		{"AccessDenied", classified(backend.AccessDenied, ""), v1alpha1.ReasonAccessDenied, "what is wrong", true},
		{"InvalidInput", classified(backend.InvalidInput, ""), v1alpha1.ReasonInvalidInput, "what is wrong", true},
		{"NotFound", classified(backend.NotFound, ""), v1alpha1.ReasonInvalidInput, "what is wrong", true},
		{"Damaged", classified(backend.Damaged, ""), v1alpha1.ReasonKeyDamaged, "what is wrong", true},
		{"Throttled", classified(backend.Throttled, ""), v1alpha1.ReasonThrottled, "what is wrong", false},
		{"Conflict", classified(backend.Conflict, ""), v1alpha1.ReasonConflict, "what is wrong", false},
		{"NotReady", classified(backend.NotReady, ""), v1alpha1.ReasonProgressing, "what is wrong", false},
		{"Unavailable", classified(backend.Unavailable, ""), v1alpha1.ReasonUnavailable, "what is wrong", false},
		{"a class of no name", classified("", ""), v1alpha1.ReasonUnavailable, "what is wrong", false},
		{"an error that no backend classified", errCause, v1alpha1.ReasonUnavailable, "the cause", false},
		{"a classified error inside another", fmt.Errorf("reading the key: %w", classified(backend.AccessDenied, "")),
			v1alpha1.ReasonAccessDenied, "reading the key: what is wrong", true},
		{"a reason of its own, stalled", classified(backend.InvalidInput, v1alpha1.ReasonRootKeyMissing),
			v1alpha1.ReasonRootKeyMissing, "what is wrong", true},
		{"a reason of its own, retried", classified(backend.Unavailable, v1alpha1.ReasonResealing),
			v1alpha1.ReasonResealing, "what is wrong", false},
		{"a reason of its own inside another error", fmt.Errorf("opening: %w", classified(backend.Damaged, v1alpha1.ReasonRootKeyMismatch)),
			v1alpha1.ReasonRootKeyMismatch, "opening: what is wrong", true},
		{"several changes that failed: the first decides", &backend.ChangesError{Failed: []backend.ChangeError{
			{Change: backend.SetTags{}, Err: classified(backend.Throttled, "")},
			{Change: backend.Enable{}, Err: classified(backend.AccessDenied, "")},
		}}, v1alpha1.ReasonThrottled, "tags: what is wrong; enabled: what is wrong", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := FromError(c.err)
			if got.Reason != c.reason || got.Message != c.message || got.Stalled != c.stalled {
				t.Errorf("got %+v, want reason %s, message %q, stalled %t", got, c.reason, c.message, c.stalled)
			}
			var want error // the work queue retries what it is given, so a stalled problem gives it nothing
			if !c.stalled {
				want = c.err
			}
			if !errors.Is(got.Err, want) {
				t.Errorf("the work queue is given %v, want %v", got.Err, want)
			}
		})
	}
}

func TestRetryTellsErrorsFirstAndThenWhenToLookAgain(t *testing.T) {
	one, two := errors.New("one"), errors.New("two")
	failed := func(err error) Problem { return Problem{Reason: "Busy", Message: err.Error(), Err: err} }
	for _, c := range []struct {
		name     string
		problems []Problem
		after    time.Duration
		errs     []error
		text     string
	}{
		{"no problem", nil, 0, nil, ""},
		{"one that is stalled", []Problem{dead}, StalledRetry, nil, ""},
		{"one that waits without an error", []Problem{idle}, StalledRetry, nil, ""},
		{"one that is retried", []Problem{failed(one)}, 0, []error{one}, "one"},
		{"several that are retried", []Problem{failed(one), failed(two)}, 0, []error{one, two}, "one\ntwo"},
		{"one of each", []Problem{dead, failed(one)}, 0, []error{one}, "one"},
		{"one of each, the other way round", []Problem{failed(one), dead}, 0, []error{one}, "one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			after, err := Retry(c.problems)
			if after != c.after {
				t.Errorf("looked at again after %s, want %s", after, c.after)
			}
			if (err != nil) != (len(c.errs) > 0) {
				t.Fatalf("error %v, want %v", err, c.errs)
			}
			for _, want := range c.errs {
				if !errors.Is(err, want) {
					t.Errorf("error %v hides %v", err, want)
				}
			}
			if err != nil && err.Error() != c.text {
				t.Errorf("error %q, want %q", err, c.text)
			}
		})
	}
}

func TestAStalledProblemHasNothingForTheWorkQueue(t *testing.T) {
	want := Problem{Reason: "Odd", Message: "do this", Stalled: true}
	if diff := cmp.Diff(want, Stalled("Odd", "do this")); diff != "" {
		t.Errorf("problem (-want +got):\n%s", diff)
	}
}

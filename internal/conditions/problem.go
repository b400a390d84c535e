// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package conditions

import (
	"errors"
	"time"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// StalledRetry is how soon something that only a person can help with is looked at again.
const StalledRetry = time.Minute

// Problem is why a condition is not met, and who has the next move.
type Problem struct {
	// Reason and Message go into the condition.
	Reason, Message string
	// Stalled says that only a person can help; the message says how. Otherwise the operator goes on by itself.
	Stalled bool
	// Err is returned to the work queue, which retries with growing pauses; nil for a problem that is Stalled.
	Err error
}

// Stalled is a problem that only a person can help with.
func Stalled(reason, message string) Problem {
	return Problem{Reason: reason, Message: message, Stalled: true}
}

// FromError says what an error of a backend, or of the API server, means for a condition. AccessDenied, InvalidInput
// and Damaged stall the object instead of being retried hot; any other error is retried with back-off.
func FromError(err error) Problem {
	problem := Problem{Reason: v1alpha1.ReasonUnavailable, Message: err.Error(), Err: err}
	switch backend.ClassOf(err) {
	case backend.AccessDenied:
		problem = Stalled(v1alpha1.ReasonAccessDenied, err.Error())
	case backend.InvalidInput, backend.NotFound:
		problem = Stalled(v1alpha1.ReasonInvalidInput, err.Error())
	case backend.Damaged:
		problem = Stalled(v1alpha1.ReasonKeyDamaged, err.Error())
	case backend.Throttled:
		problem.Reason = v1alpha1.ReasonThrottled
	case backend.Conflict:
		problem.Reason = v1alpha1.ReasonConflict
	case backend.NotReady:
		problem.Reason = v1alpha1.ReasonProgressing
	case backend.Unavailable:
	}
	if classified, ok := errors.AsType[*backend.Error](err); ok && classified.Reason != "" {
		problem.Reason = classified.Reason
	}
	return problem
}

// Retry says what the work queue is told: the joined errors of problems that pass by themselves or, without one, the
// time after which a stalled object is looked at again; 0 when there is no problem.
func Retry(problems []Problem) (time.Duration, error) {
	var errs []error
	var after time.Duration
	for _, problem := range problems {
		if problem.Err != nil {
			errs = append(errs, problem.Err)
		} else {
			after = StalledRetry
		}
	}
	if len(errs) > 0 {
		return 0, errors.Join(errs...)
	}
	return after, nil
}

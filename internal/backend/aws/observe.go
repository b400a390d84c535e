// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"errors"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	smithy "github.com/aws/smithy-go"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// Observer is told what a Backend asks of AWS. It is called by many at a time, and must not block.
type Observer interface {
	// Requesting tells that a request for the operation is about to be sent. Requested follows, whatever becomes of it.
	Requesting(operation string)
	// Requested tells of one request, repeated ones each by itself.
	Requested(Request)
	// Waited tells how long a request waited for its turn under the rate limit of its operation, also if it went no further.
	Waited(time.Duration)
	// Limited tells which share of its full rate an operation has, at each of its requests: 1, or less after AWS throttled it.
	Limited(operation string, share float64)
}

// Request is a request that came to its end.
type Request struct {
	// Service is the prefix in IAM's actions, and Operation AWS's name: kms and CreateKey. Both are of a closed set.
	Service, Operation string
	// Class is that of the error; empty when there was none.
	Class backend.Class
	// Code is AWS's code of the error, if it is one that this package knows, or else one of the Code constants; empty when there
	// was none. Codes are some eighty.
	Code string
	// Took is the time until the answer, without that of waiting for the turn and of getting credentials.
	Took time.Duration
}

// The codes of errors that have none of AWS's.
const (
	// CodeNotSent: the request was not sent, as the SDK found it wrong.
	CodeNotSent = "NotSent"
	// CodeNoAnswer: no answer came.
	CodeNoAnswer = "NoAnswer"
	// CodeOther: AWS answered with a code that this package does not know.
	CodeOther = "Other"
)

// nobody is the Observer of a Backend that has none.
type nobody struct{}

// Requesting implements Observer.
func (nobody) Requesting(string) {}

// Requested implements Observer.
func (nobody) Requested(Request) {}

// Waited implements Observer.
func (nobody) Waited(time.Duration) {}

// Limited implements Observer.
func (nobody) Limited(string, float64) {}

// unsentError says that a request did not leave: it had no effect.
type unsentError struct {
	error
	// made says that the SDK made the request, so that what failed was the way to the endpoint.
	made bool
}

func (e *unsentError) Unwrap() error { return e.error }

// observed makes a request, tells the observer of it, and marks the error of one that did not leave.
func observed[O any](
	ctx context.Context, observer Observer, service, operation string, do func(context.Context) (O, error),
) (O, error) {
	var made, sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { made.Store(true) },
		WroteHeaders: func() { sent.Store(true) },
	})
	observer.Requesting(operation)
	begun := time.Now()
	out, err := do(ctx)
	if err != nil && !sent.Load() {
		err = &unsentError{err, made.Load()}
	}
	request := Request{Service: service, Operation: operation, Took: time.Since(begun)}
	if err != nil {
		request.Class, request.Code = verdictOn(err).class, codeOf(err)
	}
	observer.Requested(request)
	return out, err
}

// codeOf is the code of an error, of a closed set.
func codeOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		if _, known := verdicts[api.ErrorCode()]; known {
			return api.ErrorCode()
		}
		return CodeOther
	}
	if unsent, ok := errors.AsType[*unsentError](err); ok && !unsent.made {
		return CodeNotSent
	}
	return CodeNoAnswer
}

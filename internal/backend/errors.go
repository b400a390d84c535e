// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"errors"
	"strings"
)

// Class is what a caller can do about an error.
type Class string

// The closed set of error classes.
const (
	// NotFound: what the call names does not exist.
	NotFound Class = "NotFound"
	// Conflict: something else holds what the call wants, or another writer came first.
	Conflict Class = "Conflict"
	// Throttled: the backend asks to be called less often; retry later.
	Throttled Class = "Throttled"
	// AccessDenied: the backend refuses the operator's identity this call; a person has to act.
	AccessDenied Class = "AccessDenied"
	// InvalidInput: the backend will never take this value; a person has to act.
	InvalidInput Class = "InvalidInput"
	// NotReady: the key is in a state that passes by itself; retry later.
	NotReady Class = "NotReady"
	// Damaged: the key exists and cannot be read; a person has to act.
	Damaged Class = "Damaged"
	// Unavailable: the backend could not be reached, or failed; retry.
	Unavailable Class = "Unavailable"
)

// Error is every error that a backend returns.
type Error struct {
	Class Class
	// Message says what is wrong and, where a person has to act, the way out. It is shown in conditions: it holds no
	// request ID, time or count that changes from one attempt to the next.
	Message string
	// Reason, where it is set, is a condition's reason that says more than the class does.
	Reason string
	// Err is the cause for the log; it may be nil.
	Err error
}

func (e *Error) Error() string {
	if e.Message == "" && e.Err != nil {
		return e.Err.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Err }

// ClassOf is the class of err: Unavailable for an error that no backend classified, and empty for nil.
func ClassOf(err error) Class {
	if err == nil {
		return ""
	}
	if classified, ok := errors.AsType[*Error](err); ok {
		return classified.Class
	}
	return Unavailable
}

// IsNotFound says whether err says that what was asked for does not exist.
func IsNotFound(err error) bool { return ClassOf(err) == NotFound }

// ChangeError is one change that failed.
type ChangeError struct {
	Change Change
	Err    error
}

// ChangesError names each change of an Apply that failed, in the order in which they were given.
type ChangesError struct{ Failed []ChangeError }

func (e *ChangesError) Error() string {
	parts := make([]string, 0, len(e.Failed))
	for _, f := range e.Failed {
		parts = append(parts, f.Change.Field()+": "+f.Err.Error())
	}
	return strings.Join(parts, "; ")
}

// Unwrap makes the causes visible to errors.Is and errors.AsType; the first one decides the class.
func (e *ChangesError) Unwrap() []error {
	errs := make([]error, 0, len(e.Failed))
	for _, f := range e.Failed {
		errs = append(errs, f.Err)
	}
	return errs
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

// Code is AWS's name of an error.
type Code string

// The codes that a Service answers with.
const (
	AlreadyExistsException        Code = "AlreadyExistsException"
	ConflictException             Code = "ConflictException"
	DependencyTimeoutException    Code = "DependencyTimeoutException" // the store could not be reached; see Err
	DisabledException             Code = "DisabledException"
	InvalidAliasNameException     Code = "InvalidAliasNameException"
	InvalidArnException           Code = "InvalidArnException"
	KMSInternalException          Code = "KMSInternalException"
	KMSInvalidStateException      Code = "KMSInvalidStateException"
	KeyUnavailableException       Code = "KeyUnavailableException" // the record is damaged; see Err
	LimitExceededException        Code = "LimitExceededException"
	NotFoundException             Code = "NotFoundException"
	TagException                  Code = "TagException"
	UnsupportedOperationException Code = "UnsupportedOperationException"
	ValidationException           Code = "ValidationException"
)

// Error is every error that a Service returns, but for a *RefusedError.
type Error struct {
	Code Code
	// Message is AWS's text where that is known.
	Message string
	// Err is the cause, if there is one to tell: a *keyring.DamagedError, a *keyring.AliasTakenError, the store's error.
	Err error
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

func (e *Error) Unwrap() error { return e.Err }

// HasCode says whether err is an *Error with the code.
func HasCode(err error, code Code) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == code
}

func fail(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// RefusedError says which mutations of an Update were refused. The others were carried out.
type RefusedError struct {
	// Refused is as long as the list of mutations, with nil for each that was carried out.
	Refused []error
}

func (e *RefusedError) Error() string {
	texts := make([]string, 0, len(e.Refused))
	for _, err := range e.Unwrap() {
		texts = append(texts, err.Error())
	}
	return strings.Join(texts, "; ")
}

// Unwrap returns the errors alone.
func (e *RefusedError) Unwrap() []error {
	var errs []error
	for _, err := range e.Refused {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// translate makes an *Error of what the keyring said about a key.
func (s *Service) translate(err error, keyID string) error {
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	if damaged, ok := errors.AsType[*keyring.DamagedError](err); ok {
		return &Error{Code: KeyUnavailableException, Message: damaged.Error(), Err: damaged}
	}
	switch {
	case errors.Is(err, keyring.ErrNotFound), errors.Is(err, keyring.ErrWiped):
		return fail(NotFoundException, "Key '%s' does not exist", s.KeyARN(keyID))
	case errors.Is(err, keyring.ErrConflict):
		return &Error{Code: ConflictException, Message: "Another request changed the key at the same time.", Err: err}
	case errors.Is(err, keyring.ErrNotSynced):
		return &Error{Code: DependencyTimeoutException, Message: "The keys are not loaded yet.", Err: err}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &Error{
			Code: DependencyTimeoutException, Err: err,
			Message: "The system timed out while trying to fulfill the request.",
		}
	default:
		return &Error{Code: DependencyTimeoutException, Message: "The key store did not take the request.", Err: err}
	}
}

// stateError is what AWS answers when a key's state does not allow an action.
func stateError(arn string, err error) error {
	state, ok := errors.AsType[*lifecycle.StateError](err)
	if !ok {
		return &Error{Code: KMSInternalException, Message: err.Error(), Err: err}
	}
	code := KMSInvalidStateException
	if state.Disabled() {
		code = DisabledException
	}
	return &Error{Code: code, Message: arn + " " + state.Reason() + ".", Err: state}
}

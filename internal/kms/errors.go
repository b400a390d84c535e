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
	AccessDeniedException         Code = "AccessDeniedException"
	AlreadyExistsException        Code = "AlreadyExistsException"
	ConflictException             Code = "ConflictException"
	DependencyTimeoutException    Code = "DependencyTimeoutException" // the store could not be reached; see Err
	DisabledException             Code = "DisabledException"
	DryRunOperationException      Code = "DryRunOperationException" // the request would have succeeded
	ExpiredImportTokenException   Code = "ExpiredImportTokenException"
	IncorrectKeyException         Code = "IncorrectKeyException"
	IncorrectKeyMaterialException Code = "IncorrectKeyMaterialException"
	InvalidAliasNameException     Code = "InvalidAliasNameException"
	InvalidArnException           Code = "InvalidArnException"
	InvalidCiphertextException    Code = "InvalidCiphertextException"
	InvalidGrantIDException       Code = "InvalidGrantIdException"
	InvalidGrantTokenException    Code = "InvalidGrantTokenException"
	InvalidImportTokenException   Code = "InvalidImportTokenException"
	InvalidKeyUsageException      Code = "InvalidKeyUsageException"
	InvalidMarkerException        Code = "InvalidMarkerException"
	KMSInvalidMacException        Code = "KMSInvalidMacException"
	KMSInvalidSignatureException  Code = "KMSInvalidSignatureException"
	KMSInternalException          Code = "KMSInternalException"
	KMSInvalidStateException      Code = "KMSInvalidStateException"
	KeyUnavailableException       Code = "KeyUnavailableException" // the record is damaged; see Err
	LimitExceededException        Code = "LimitExceededException"
	MalformedPolicyException      Code = "MalformedPolicyDocumentException"
	NotFoundException             Code = "NotFoundException"
	SerializationException        Code = "SerializationException"
	TagException                  Code = "TagException"
	ThrottlingException           Code = "ThrottlingException"
	UnknownOperationException     Code = "UnknownOperationException"
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

// Errorf is an *Error with this code and message.
func Errorf(code Code, format string, args ...any) *Error {
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

// keyUnavailable is all that callers are told of a damaged record. Where it is and what is wrong with it is the operator's
// to know; any caller of the account may ask for any key, before it is clear what he may.
const keyUnavailable = "The key is not available at the moment."

// translate makes an *Error of what the keyring said about a key.
func (s *Service) translate(err error, keyID string) error {
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	if damaged, ok := errors.AsType[*keyring.DamagedError](err); ok {
		return &Error{Code: KeyUnavailableException, Message: keyUnavailable, Err: damaged}
	}
	switch {
	case errors.Is(err, keyring.ErrNotFound), errors.Is(err, keyring.ErrWiped):
		return Errorf(NotFoundException, "Key '%s' does not exist", s.KeyARN(keyID))
	case errors.Is(err, keyring.ErrConflict):
		return &Error{Code: ConflictException, Message: "Another request changed the key at the same time.", Err: err}
	case errors.Is(err, keyring.ErrNotSynced):
		return &Error{Code: DependencyTimeoutException, Message: "The keys are not loaded yet.", Err: err}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return timedOut(err)
	default:
		return &Error{Code: DependencyTimeoutException, Message: "The key store did not take the request.", Err: err}
	}
}

// timedOut is the error for a context that ended.
func timedOut(err error) *Error {
	return &Error{
		Code: DependencyTimeoutException, Err: err, Message: "The system timed out while trying to fulfill the request.",
	}
}

// stateError is what AWS answers when a key's state does not allow an action.
func stateError(arn string, err error) error {
	state, ok := errors.AsType[*lifecycle.StateError](err)
	if !ok {
		return &Error{Code: KMSInternalException, Message: err.Error(), Err: err}
	}
	switch {
	case state.Unsupported():
		return &Error{
			Code: UnsupportedOperationException, Err: state,
			Message: arn + " origin is EXTERNAL which is not valid for this operation.",
		}
	case state.Disabled():
		return &Error{Code: DisabledException, Message: arn + " " + state.Reason() + ".", Err: state}
	default:
		return &Error{Code: KMSInvalidStateException, Message: arn + " " + state.Reason() + ".", Err: state}
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import "errors"

// The exit codes of commands that answer a question.
const (
	exitNo      = 1 // the answer is no
	exitUnknown = 2 // there is no answer
)

// exitError is an error that ends the process with a code of its own. It says nothing if the command has said it all.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// no ends the process with the answer no, which the command has printed.
func no() error { return &exitError{code: exitNo} }

// unknown ends the process without an answer, because of err.
func unknown(err error) error {
	if _, already := errors.AsType[*exitError](err); already || err == nil {
		return err
	}
	return &exitError{code: exitUnknown, err: err}
}

// ExitCode is what the process ends with after Execute: 0 without an error, 1 with most.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	if exit, ok := errors.AsType[*exitError](err); ok {
		return exit.code
	}
	return 1
}

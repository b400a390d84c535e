// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"net/http"

	"github.com/chatelaine-dev/chatelaine/internal/awsapi/sigv4"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

// failure is an error as a client sees it.
type failure struct {
	status  int
	code    string
	message string
	// query is what the query protocol calls it, where that is another name and status.
	query queryName
	// reason is for the record and the log, never for the client.
	reason string
}

// queryName is an error's name and status in AWS's query protocol.
type queryName struct {
	code   string
	status int
}

func fail(status int, code, message string) *failure {
	return &failure{status: status, code: code, message: message}
}

func (f *failure) inQuery(code string, status int) *failure {
	f.query = queryName{code, status}
	return f
}

func (f *failure) because(reason string) *failure {
	f.reason = reason
	return f
}

func internalFailure() *failure {
	return fail(http.StatusInternalServerError, string(kms.KMSInternalException), "An internal error occurred.").
		inQuery("InternalFailure", http.StatusInternalServerError)
}

func throttled() *failure {
	return fail(http.StatusBadRequest, string(kms.ThrottlingException),
		"You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.").
		inQuery("Throttling", http.StatusBadRequest)
}

// ofKMS is the failure for an error of an operation. The real service answers 400 to every fault of a client, whatever
// its API model says.
func ofKMS(err *kms.Error) *failure {
	status := http.StatusBadRequest
	switch err.Code {
	case kms.KMSInternalException, kms.KeyUnavailableException:
		status = http.StatusInternalServerError
	case kms.DependencyTimeoutException:
		status = http.StatusServiceUnavailable
	default:
	}
	return fail(status, string(err.Code), err.Message)
}

// ofSignature is the failure for what sigv4 refuses.
func ofSignature(err *sigv4.Error) *failure {
	switch err.Code {
	case sigv4.CodeMissing:
		return fail(http.StatusBadRequest, "MissingAuthenticationTokenException", err.Message).
			inQuery("MissingAuthenticationToken", http.StatusForbidden)
	case sigv4.CodeIncomplete:
		return fail(http.StatusBadRequest, "IncompleteSignatureException", err.Message).
			inQuery("IncompleteSignature", http.StatusBadRequest)
	default:
		return fail(http.StatusBadRequest, "InvalidSignatureException", err.Message).
			inQuery("SignatureDoesNotMatch", http.StatusForbidden)
	}
}

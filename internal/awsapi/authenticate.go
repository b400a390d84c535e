// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/chatelaine-dev/chatelaine/internal/awsapi/sigv4"
	"github.com/chatelaine-dev/chatelaine/internal/identity"
)

// authenticate finds out who made the request, and to which Region, and notes both.
func (h *Handler) authenticate(ctx context.Context, e *exchange, service string) *failure {
	signature, err := sigv4.Parse(e.r)
	if err != nil {
		return signatureFailure(err)
	}
	defer signature.Release()
	e.region, e.accessKeyID = signature.Scope.Region, signature.AccessKeyID
	endpoint, now := h.endpoint(service), h.Clock.Now()
	if err := signature.Check(endpoint, now); err != nil {
		return signatureFailure(err)
	}
	credential, err := h.Credentials.Lookup(ctx, signature.AccessKeyID, signature.SessionToken)
	if err != nil {
		return credentialFailure(err)
	}
	key := h.keys.derive(credential.SecretAccessKey.Reveal(), signature.Scope)
	if err := signature.Verify(key, e.body, endpoint, now); err != nil {
		return signatureFailure(err)
	}
	e.caller = credential.Caller
	return nil
}

func signatureFailure(err error) *failure {
	if known, ok := errors.AsType[*sigv4.Error](err); ok {
		return ofSignature(known).because("signature: " + known.Code.String())
	}
	return internalFailure().because(err.Error())
}

// credentialFailure tells a caller no more than AWS does; the rest is for the log.
func credentialFailure(err error) *failure {
	switch {
	case errors.Is(err, identity.ErrExpired):
		return fail(http.StatusBadRequest, "ExpiredTokenException", "The security token included in the request is expired").
			inQuery("ExpiredToken", http.StatusForbidden).because(err.Error())
	case errors.Is(err, identity.ErrUnknown):
		return fail(http.StatusBadRequest, "UnrecognizedClientException", "The security token included in the request is invalid.").
			inQuery("InvalidClientTokenId", http.StatusForbidden).because(err.Error())
	default:
		return fail(http.StatusServiceUnavailable, "ServiceUnavailableException",
			"Credentials cannot be checked at the moment. Try again.").
			inQuery("ServiceUnavailable", http.StatusServiceUnavailable).because(err.Error())
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/audit"
	"github.com/chatelaine-dev/chatelaine/internal/identity"
	"github.com/chatelaine-dev/chatelaine/internal/identity/serviceaccount"
)

// The bounds of AssumeRoleWithWebIdentity's parameters (STS API reference).
const (
	minRoleARN, maxRoleARN = 20, 2048
	minDuration            = 900
	maxDuration            = 43200
)

// serveSTS carries out an operation of AWS STS.
func (h *Handler) serveSTS(e *exchange) {
	e.service, e.protocol = "sts", queryProtocol{}
	parameters, failure := queryParameters(e)
	if failure != nil {
		h.refuse(e, failure)
		return
	}
	ctx, cancel := e.context(false)
	defer cancel()
	switch action := parameters.Get("Action"); action {
	case "AssumeRoleWithWebIdentity":
		e.action = action
		h.assumeRole(ctx, e, parameters)
	case "GetCallerIdentity":
		e.action = action
		h.callerIdentity(ctx, e)
	case "":
		h.refuse(e, fail(http.StatusBadRequest, "MissingAction",
			"The request has neither an X-Amz-Target header nor an Action parameter."))
	default:
		h.refuse(e, fail(http.StatusBadRequest, "InvalidAction", "Could not find operation "+printable(action)+" for version 2011-06-15"))
	}
}

// queryParameters are those of the body and of the URL; one that is in both, or twice, is refused.
func queryParameters(e *exchange) (url.Values, *failure) {
	malformed := fail(http.StatusBadRequest, "MalformedInput", "The request's parameters are not form-encoded, or one occurs twice.")
	parameters, err := url.ParseQuery(e.r.URL.RawQuery)
	if err != nil {
		return nil, malformed
	}
	if e.r.Method == http.MethodPost {
		body, err := url.ParseQuery(string(e.body))
		if err != nil {
			return nil, malformed
		}
		for name, values := range body {
			parameters[name] = append(parameters[name], values...)
		}
	} else if e.r.Method != http.MethodGet {
		return nil, fail(http.StatusMethodNotAllowed, "InvalidMethod", "The method must be GET or POST.")
	}
	for _, values := range parameters {
		if len(values) > 1 {
			return nil, malformed
		}
	}
	return parameters, nil
}

// assumeRole exchanges a ServiceAccount's token for a session of its role. The request is not signed.
func (h *Handler) assumeRole(ctx context.Context, e *exchange, parameters url.Values) {
	if h.Exchange == nil {
		h.refuse(e, fail(http.StatusBadRequest, "InvalidIdentityToken",
			"There is no Kubernetes here whose tokens could be exchanged. Use a static access key."))
		return
	}
	lifetime, failure := checkAssumeRole(parameters)
	if failure != nil {
		h.refuse(e, failure)
		return
	}
	session, err := h.Exchange.byRole(ctx, parameters.Get("WebIdentityToken"), parameters.Get("RoleArn"),
		parameters.Get("RoleSessionName"), lifetime)
	event := h.assumeRoleEvent(e, parameters, session, err)
	if err != nil {
		failure := exchangeFailure(err)
		event.ErrorCode, event.ErrorMessage, event.Reason = failure.code, failure.message, err.Error()
		if !h.record(e, event) {
			failure = internalFailure()
		}
		queryProtocol{}.fail(e.w, e.id, failure)
		return
	}
	if !h.record(e, event) {
		queryProtocol{}.fail(e.w, e.id, internalFailure())
		return
	}
	e.slot.leave()
	writeXML(e.w, e.id, http.StatusOK, newAssumeRoleResponse(session, e.id))
}

func checkAssumeRole(parameters url.Values) (time.Duration, *failure) {
	invalid := func(message string) *failure { return fail(http.StatusBadRequest, "ValidationError", message) }
	token := parameters.Get("WebIdentityToken")
	role := parameters.Get("RoleArn")
	switch {
	case len(role) < minRoleARN || len(role) > maxRoleARN:
		return 0, invalid("RoleArn must have 20 to 2048 characters.")
	case len(token) < serviceaccount.MinToken || len(token) > serviceaccount.MaxToken:
		return 0, invalid("WebIdentityToken must have 4 to 20000 characters.")
	case hasSessionPolicy(parameters):
		return 0, invalid("Session policies (Policy, PolicyArns) are not supported: a session has what its role has.")
	}
	if err := identity.CheckSessionName(parameters.Get("RoleSessionName")); err != nil {
		return 0, invalid("RoleSessionName must have 2 to 64 letters, digits or characters of =,.@-_+")
	}
	duration := int(defaultDuration / time.Second)
	if text := parameters.Get("DurationSeconds"); text != "" {
		var err error
		if duration, err = strconv.Atoi(text); err != nil || duration < minDuration || duration > maxDuration {
			return 0, invalid("DurationSeconds must be a number from 900 to 43200.")
		}
	}
	return time.Duration(duration) * time.Second, nil
}

// hasSessionPolicy: to ignore one would give the session more than was asked for.
func hasSessionPolicy(parameters url.Values) bool {
	for name := range parameters {
		if name == "Policy" || strings.HasPrefix(name, "PolicyArns.") {
			return true
		}
	}
	return false
}

// exchangeFailure gives the reasons for which a token is not exchanged STS's names and texts.
func exchangeFailure(err error) *failure {
	switch {
	case errors.Is(err, serviceaccount.ErrExpired):
		return fail(http.StatusBadRequest, "ExpiredTokenException", "Token expired: the ServiceAccount token is no longer valid.")
	case errors.Is(err, serviceaccount.ErrAudience):
		return fail(http.StatusBadRequest, "InvalidIdentityToken", "Incorrect token audience")
	case errors.Is(err, serviceaccount.ErrInvalid):
		return fail(http.StatusBadRequest, "InvalidIdentityToken", "The token is not a valid token of a ServiceAccount of this cluster.")
	case errors.Is(err, serviceaccount.ErrNotPermitted):
		return fail(http.StatusForbidden, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
	case errors.Is(err, serviceaccount.ErrUnavailable), errors.Is(err, identity.ErrUnavailable):
		return fail(http.StatusServiceUnavailable, "IDPCommunicationError", "The API server cannot review the token at the moment. Try again.")
	default:
		return fail(http.StatusInternalServerError, "InternalFailure", "An internal error occurred.")
	}
}

// assumeRoleEvent is the record, with the ServiceAccount as far as the token proved it. The token is never in it.
func (h *Handler) assumeRoleEvent(e *exchange, parameters url.Values, session *granted, err error) *audit.Event {
	event := h.event(e)
	event.RequestParameters = audit.Elements{
		{Name: "roleArn", Value: parameters.Get("RoleArn")},
		{Name: "roleSessionName", Value: parameters.Get("RoleSessionName")},
	}
	if session == nil {
		return event
	}
	event.UserIdentity = webIdentity(session)
	if err != nil {
		return event
	}
	caller := session.Caller
	event.RecipientAccountID = caller.AccountID()
	event.ResponseElements = map[string]any{
		"credentials": map[string]any{
			"accessKeyId": caller.AccessKeyID, "expiration": session.Expires.UTC().Format(time.RFC3339),
		},
		"assumedRoleUser":             map[string]any{"assumedRoleId": caller.PrincipalID, "arn": caller.ARN()},
		"subjectFromWebIdentityToken": session.token.Subject,
		"provider":                    session.provider,
		"audience":                    session.token.Audience,
	}
	return event
}

// webIdentity is CloudTrail's identity of who exchanges a token.
func webIdentity(session *granted) audit.UserIdentity {
	token := session.token
	return audit.UserIdentity{
		Type: "WebIdentityUser", PrincipalID: session.provider + ":" + token.Audience + ":" + token.Subject,
		UserName: token.Subject, IdentityProvider: session.provider,
	}
}

// callerIdentity tells callers who they are. It needs no permission.
func (h *Handler) callerIdentity(ctx context.Context, e *exchange) {
	if failure := h.authenticate(ctx, e, "sts"); failure != nil {
		h.refuse(e, failure)
		return
	}
	if !h.record(e, h.event(e)) {
		queryProtocol{}.fail(e.w, e.id, internalFailure())
		return
	}
	e.slot.leave()
	writeXML(e.w, e.id, http.StatusOK, &callerIdentityResponse{
		Xmlns: stsNamespace,
		Result: callerIdentityResult{
			ARN: e.caller.ARN(), UserID: e.caller.PrincipalID, Account: e.caller.AccountID(),
		},
		RequestID: e.id,
	})
}

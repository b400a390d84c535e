// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"
	"crypto/tls"
	"strings"

	"github.com/chatelaine-dev/chatelaine/internal/audit"
	"github.com/chatelaine-dev/chatelaine/internal/kms/operation"
)

// refuse records and answers a request that reached no operation. Where it can't be recorded, the answer is that.
func (h *Handler) refuse(e *exchange, f *failure) {
	event := h.event(e)
	event.ErrorCode, event.ErrorMessage, event.Reason = f.code, f.message, f.reason
	if !h.record(e, event) {
		f = internalFailure()
	}
	e.slot.leave()
	e.protocol.fail(e.w, e.id, f)
}

// record says whether the event was recorded.
func (h *Handler) record(e *exchange, event *audit.Event) bool {
	err := h.Recorder.Record(context.WithoutCancel(e.r.Context()), event)
	if err != nil {
		h.Log.Error(err, "recording a request failed", "requestID", e.id)
	}
	return err == nil
}

// event is the record of the request as far as it is known.
func (h *Handler) event(e *exchange) *audit.Event {
	source := "kms.amazonaws.com"
	if e.service == "sts" {
		source = "sts.amazonaws.com"
	}
	readOnly := true
	if op, ok := operation.Lookup(e.action); ok && e.service == "kms" {
		readOnly = op.ReadOnly
	}
	event := &audit.Event{
		Version: audit.Version, Time: h.Clock.Now().UTC(), Source: source, Name: e.action, Region: e.region,
		SourceIPAddress: e.sourceIP(), UserAgent: e.userAgent(), RequestID: e.id, EventID: h.NewID(),
		ReadOnly: readOnly, Type: "AwsApiCall", ManagementEvent: true, Category: "Management", TLS: e.tls(),
	}
	if e.caller.AccessKeyID != "" {
		event.UserIdentity = operation.UserIdentity(e.caller)
		event.RecipientAccountID = e.caller.AccountID()
	} else {
		event.UserIdentity.AccessKeyID = e.accessKeyID
	}
	return event
}

// tls is how the request came; nil on a plain connection.
func (e *exchange) tls() *audit.TLS {
	state := e.r.TLS
	if state == nil {
		return nil
	}
	return &audit.TLS{
		Version:     strings.Replace(tls.VersionName(state.Version), "TLS ", "TLSv", 1),
		CipherSuite: tls.CipherSuiteName(state.CipherSuite), Host: e.r.Host,
	}
}

// maxUserAgent is CloudTrail's bound, in bytes. Conditions see no more either.
const maxUserAgent = 1 << 10

func (e *exchange) userAgent() string {
	agent := first(e.r.Header["User-Agent"])
	if len(agent) <= maxUserAgent {
		return agent
	}
	return strings.ToValidUTF8(agent[:maxUserAgent], "")
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"errors"
	"reflect"
	"unicode/utf8"

	"github.com/chatelaine-dev/chatelaine/internal/audit"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

const (
	eventSource   = "kms.amazonaws.com"
	keyType       = "AWS::KMS::Key"
	maxErrorText  = 1024 // CloudTrail's bound of errorMessage
	eventCategory = "Management"
	// timeLayout is how CloudTrail writes timestamps inside parameters.
	timeLayout = "Jan 2, 2006, 3:04:05 PM"
)

// madeEvent is an event in one piece with room for as many resources and parameters as most have.
type madeEvent struct {
	audit.Event
	resources  [1]audit.Resource
	parameters [4]audit.Element
}

// event is the record of the request and its outcome.
func (r *Request) event(err error) *audit.Event {
	made := &madeEvent{Event: audit.Event{
		Version: audit.Version, UserIdentity: UserIdentity(r.Caller), Time: r.executor.Clock.Now().UTC(),
		Source: eventSource, Name: r.Operation.Name, Region: r.Region,
		SourceIPAddress: r.SourceIP, UserAgent: r.UserAgent,
		AdditionalEventData: r.additional,
		RequestID:           r.ID, EventID: r.eventID, ReadOnly: r.Operation.ReadOnly,
		Type: "AwsApiCall", ManagementEvent: true, Category: eventCategory,
		RecipientAccountID: r.Caller.AccountID(), TLS: r.TLS, Reason: because(r.reason, err),
	}}
	event := &made.Event
	event.RequestParameters = r.parameters(made.parameters[:0])
	if len(r.aliases)+len(r.keys) > 0 {
		event.Resources = append(made.resources[:0], r.aliases...)
	}
	for _, key := range r.keys {
		event.Resources = append(event.Resources, audit.Resource{
			AccountID: key.Service().ID().AccountID, Type: keyType, ARN: key.ARN(),
		})
	}
	if err != nil {
		event.ErrorCode, event.ErrorMessage = errorOf(err)
		return event
	}
	if !r.Operation.ReadOnly {
		event.ResponseElements = r.responseElements()
	}
	return event
}

// errorOf is CloudTrail's code and message of an error. A refusal has another code there than over the wire.
func errorOf(err error) (code, message string) {
	known, ok := errors.AsType[*kms.Error](err)
	if !ok {
		return string(kms.KMSInternalException), "An internal error occurred."
	}
	code, message = string(known.Code), known.Message
	if known.Code == kms.AccessDeniedException {
		code = "AccessDenied"
	}
	return code, cut(message, maxErrorText)
}

// cut is the text's beginning of up to n bytes, which does not end within a character.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// because is the record's reason with what is wrong with a key's record, which the caller is not told.
func because(reason string, err error) string {
	damaged, ok := errors.AsType[*keyring.DamagedError](err)
	switch {
	case !ok:
		return reason
	case reason == "":
		return damaged.Error()
	default:
		return reason + "; " + damaged.Error()
	}
}

// responseElements are what the handler noted, or the key's ARN where AWS answers nothing.
func (r *Request) responseElements() map[string]any {
	if r.response != nil {
		return r.response
	}
	if len(r.keys) > 0 {
		return map[string]any{"keyId": r.keys[0].ARN()}
	}
	return nil
}

// parameters are the request's members but for blobs and secrets, in room if it has as much; nil for none.
func (r *Request) parameters(room audit.Elements) audit.Elements {
	if r.in == nil {
		return nil
	}
	r.Operation.input.each(reflect.ValueOf(r.in).Elem(), func(name string, value any) {
		room = append(room, audit.Element{Name: name, Value: value})
	})
	if len(room) == 0 {
		return nil
	}
	return room
}

// parameters are the members of a structure but for blobs and secrets; nil for none.
func (s *shape) parameters(v reflect.Value) map[string]any {
	var out map[string]any
	s.each(v, func(name string, value any) {
		if out == nil {
			out = make(map[string]any, len(s.members))
		}
		out[name] = value
	})
	return out
}

// each tells the members that are recorded.
func (s *shape) each(v reflect.Value, tell func(name string, value any)) {
	for i := range s.members {
		m := &s.members[i]
		if value := m.parameter(v.Field(m.index)); value != nil {
			tell(m.name, value)
		}
	}
}

// parameter is a member's value as it is recorded; nil for what is not set and for what never is.
func (m *member) parameter(v reflect.Value) any {
	if m.unrecorded || v.IsZero() {
		return nil
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch {
	case m.nested == nil:
		return plain(v.Interface())
	case v.Kind() == reflect.Struct:
		return m.nested.parameters(v)
	default:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = m.nested.parameters(v.Index(i))
		}
		return list
	}
}

// plain is a value without members of its own as it is recorded; nil for a blob.
func plain(value any) any {
	switch value := value.(type) {
	case []byte:
		return nil
	case Time:
		return value.UTC().Format(timeLayout)
	default:
		return value
	}
}

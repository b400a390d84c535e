// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/operation"
)

const (
	jsonType     = "application/x-amz-json-1.1"
	targetPrefix = "TrentService."
)

// serveKMS carries out an operation of AWS KMS.
func (h *Handler) serveKMS(e *exchange) {
	e.service = "kms"
	name, ours := strings.CutPrefix(e.target, targetPrefix)
	op, known := operation.Lookup(name)
	if !ours || !known || e.r.Method != http.MethodPost {
		h.refuse(e, fail(http.StatusBadRequest, string(kms.UnknownOperationException), ""))
		return
	}
	e.action = name
	ctx, cancel := e.context(op.ReadOnly)
	defer cancel()
	if failure := h.authenticate(ctx, e, "kms"); failure != nil {
		h.refuse(e, failure)
		return
	}
	if !h.slots.claim(&e.slot, e.caller.Principal.ARN) {
		h.refuse(e, throttled())
		return
	}
	room, used := buffers.get(), maxPooled
	defer func() { buffers.put(room, used) }()
	body, err := h.executor.Execute(ctx, operation.Call{
		Operation: op, Body: e.body, Room: room[:], Caller: e.caller, Region: e.region, ID: e.id,
		SourceIP: e.sourceIP(), UserAgent: e.userAgent(), TLS: e.tls(),
	})
	e.slot.leave()
	if err != nil {
		h.failKMS(e, err)
		return
	}
	writeJSON(e.w, e.id, http.StatusOK, body)
	if used = len(body); used > maxPooled { // it did not fit into the room
		clear(body)
		used = maxPooled
	}
}

// failKMS answers with the error of an operation, which was recorded with it.
func (h *Handler) failKMS(e *exchange, err error) {
	known, ok := errors.AsType[*kms.Error](err)
	if !ok {
		known = &kms.Error{Code: kms.KMSInternalException, Message: "An internal error occurred.", Err: err}
	}
	if failure := ofKMS(known); failure.status >= http.StatusInternalServerError {
		h.Log.Error(known.Err, "request failed", "requestID", e.id, "action", e.action, "code", string(known.Code), "message", known.Message)
	}
	jsonProtocol{}.fail(e.w, e.id, ofKMS(known))
}

// jsonProtocol is AWS's JSON 1.1.
type jsonProtocol struct{}

func (jsonProtocol) fail(w http.ResponseWriter, id string, f *failure) {
	// The real service writes the message of this one error in upper case, and some without any.
	member := "message"
	if f.code == string(kms.AccessDeniedException) {
		member = "Message"
	}
	members := map[string]string{"__type": f.code}
	if f.message != "" {
		members[member] = f.message
	}
	body, err := json.Marshal(members, json.Deterministic(true))
	if err != nil {
		body = []byte("{}")
	}
	writeJSON(w, id, f.status, body)
}

func writeJSON(w http.ResponseWriter, id string, status int, body []byte) {
	write(w, id, status, jsonContent, body)
}

// write sends an answer, in any of the protocols.
func write(w http.ResponseWriter, id string, status int, contentType []string, body []byte) {
	header := w.Header()
	header["Content-Type"] = contentType
	header["Cache-Control"] = noStore
	values := [...]string{id, strconv.Itoa(len(body))} // one allocation, not two
	header["X-Amzn-Requestid"], header["Content-Length"] = values[0:1:1], values[1:2:2]
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have gone
}

var (
	jsonContent = []string{jsonType}
	noStore     = []string{"no-cache, no-store"}
)

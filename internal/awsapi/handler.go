// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/audit"
	"github.com/chatelaine-dev/chatelaine/internal/awsapi/sigv4"
	"github.com/chatelaine-dev/chatelaine/internal/identity"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/operation"
)

// Options say what an endpoint serves. All fields but Exchange and the numbers are needed.
type Options struct {
	// Partition has the accounts and Regions that are served.
	Partition *kms.Partition
	// Credentials knows the callers.
	Credentials identity.Source
	// Exchange makes sessions of ServiceAccount tokens; nil where there is no Kubernetes.
	Exchange *Exchange
	// Recorder takes every request before it is answered.
	Recorder audit.Recorder
	Clock    clock.PassiveClock
	// NewID makes the IDs of requests and events: random UUIDs.
	NewID func() string
	Log   logr.Logger
	// MaxRequests is how many requests are carried out at once; 0 means 512.
	MaxRequests int
}

const (
	defaultMaxRequests = 512
	// maxBody is above the largest request that AWS's API model allows: an attestation document and a policy, in base64.
	maxBody = 512 << 10
	// maxForm is above the largest request to STS: a token of 20,000 characters.
	maxForm = 32 << 10
	// maxLongBodies times maxBody is the memory that clients can take before they have proved anything.
	maxLongBodies = 64
	// writeTimeout is how long a change may take: long enough to generate an RSA key and to write it.
	writeTimeout = 45 * time.Second
)

// Handler is the endpoint. It is safe for concurrent use.
type Handler struct {
	Options

	executor *operation.Executor
	keys     signingKeys
	slots    *slots
	long     chan struct{} // one for each long body that is being read
}

var _ http.Handler = (*Handler)(nil)

// NewHandler returns the endpoint.
func NewHandler(options Options) *Handler {
	if options.MaxRequests == 0 {
		options.MaxRequests = defaultMaxRequests
	}
	return &Handler{
		Options: options,
		executor: &operation.Executor{
			Partition: options.Partition, Recorder: options.Recorder, Clock: options.Clock, NewID: options.NewID,
		},
		slots: newSlots(options.MaxRequests),
		long:  make(chan struct{}, maxLongBodies),
	}
}

// exchange is one HTTP request and what is known of it.
type exchange struct {
	w        http.ResponseWriter
	r        *http.Request
	id       string
	body     []byte
	buffer   *[maxPooled]byte // the room of body, if it is to be used again
	protocol protocol
	target   string // X-Amz-Target, which only requests to KMS have

	slot slot // is given back before the answer is written
	// What a refusal's record is to tell, as far as it came.
	service, action string
	region          string
	caller          identity.Caller
	accessKeyID     string
}

// protocol writes answers the way the client reads them.
type protocol interface {
	fail(w http.ResponseWriter, id string, failure *failure)
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/healthz" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok\n"))
		return
	}
	e := &exchange{w: w, r: r, id: h.NewID(), protocol: jsonProtocol{}, target: first(r.Header["X-Amz-Target"])}
	defer h.recoverFrom(e)
	defer e.releaseBody()
	if failure := h.read(e); failure != nil {
		e.abandonBody()
		h.refuse(e, failure)
		return
	}
	if !h.slots.enter(&e.slot) {
		h.refuse(e, throttled())
		return
	}
	defer e.slot.leave()
	h.route(e)
}

// read reads the body; it takes no slot, so that slow clients hold up nobody. Long bodies are few at a time, since who
// sends one has proved nothing yet.
func (h *Handler) read(e *exchange) *failure {
	limit := int64(maxBody)
	if e.target == "" {
		limit = maxForm
	}
	if e.r.ContentLength > limit {
		return tooLarge(limit)
	}
	if e.r.ContentLength < 0 || e.r.ContentLength > maxPooled {
		select {
		case h.long <- struct{}{}:
			defer func() { <-h.long }()
		default:
			return throttled()
		}
	}
	if err := e.readBody(limit); err != nil {
		return readFailure(err, limit)
	}
	return nil
}

func (h *Handler) route(e *exchange) {
	switch {
	case e.r.URL.Path == credentialsPath || strings.HasPrefix(e.r.URL.Path, credentialsPath+"/"):
		h.serveCredentials(e)
	case e.r.URL.Path != "/":
		h.refuse(e, fail(http.StatusNotFound, string(kms.UnknownOperationException), "There is nothing at this path."))
	case e.target != "":
		h.serveKMS(e)
	default:
		h.serveSTS(e)
	}
}

// first is the first of a header's values; empty if it has none.
func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// context is that of an operation: what changes something goes on when the client has gone, but not for ever.
func (e *exchange) context(readOnly bool) (context.Context, context.CancelFunc) {
	ctx := context.WithoutCancel(e.r.Context())
	if readOnly {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, writeTimeout)
}

// recoverFrom makes a panic a 500 for the request in which it happened.
func (h *Handler) recoverFrom(e *exchange) {
	reason := recover()
	if reason == nil {
		return
	}
	if err, ok := reason.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(reason)
	}
	h.Log.Error(fmt.Errorf("%v", reason), "request panicked", "requestID", e.id, "action", e.action, "stack", string(debug.Stack()))
	h.refuse(e, internalFailure())
}

// sourceIP is the address that the request came from.
func (e *exchange) sourceIP() string {
	return hostOf(e.r.RemoteAddr)
}

// endpoint is what a signature must be meant for.
func (h *Handler) endpoint(service string) sigv4.Endpoint {
	return sigv4.Endpoint{Service: service, HasRegion: h.hasRegion}
}

func (h *Handler) hasRegion(region string) bool { return h.Partition.HasRegion(region) }

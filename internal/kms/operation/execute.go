// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"context"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/audit"
	"github.com/chatelaine-dev/chatelaine/internal/identity"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// Executor carries out calls. Its fields are set before the first one.
type Executor struct {
	// Partition has every account and Region that is served.
	Partition *kms.Partition
	// Recorder takes every call before it is answered.
	Recorder audit.Recorder
	Clock    clock.PassiveClock
	// NewID makes the IDs of events: random UUIDs.
	NewID func() string
}

// Call is one request, of a caller whose identity was proved.
type Call struct {
	Operation *Operation
	// Body is the request's JSON. What is between its length and its capacity may be overwritten, with as many bytes as it has
	// at most.
	Body []byte
	// Room is overwritten with the answer, which is elsewhere if it is longer. It may be nil, and must not be in Body.
	Room   []byte
	Caller identity.Caller
	// Region is the one that the request is addressed to: that of its signature.
	Region string
	// ID is the request's, a UUID.
	ID string
	// SourceIP, UserAgent and TLS are for conditions and for the record. TLS is nil on a plain connection.
	SourceIP  string
	UserAgent string
	TLS       *audit.TLS
}

// Request is a call being carried out.
type Request struct {
	Call

	executor *Executor
	service  *kms.Service // of the caller's account and the call's Region; nil if there is none
	in       any          // what the body held; nil until it was read
	received time.Time
	eventID  string

	// permission is the one that keys are looked up for, where it is not the operation's first.
	permission string
	// What the record is to tell beyond the request itself.
	keys       []*kms.Key
	oneKey     [1]*kms.Key // room of keys, which most requests name one of
	aliases    []audit.Resource
	reason     string
	tokenErr   error               // what is wrong with a grant token, if it may be told
	proposed   *policy.Grant       // the grant that CreateGrant is to make
	facts      map[string][]string // for conditions, beside what the request's members say by their tags
	additional audit.Elements
	response   map[string]any
}

// Execute carries out a call and returns the body of the answer, empty for an operation that answers nothing. The error is
// a *kms.Error. Whatever becomes of the call, it was recorded before Execute returns.
func (e *Executor) Execute(ctx context.Context, call Call) ([]byte, error) {
	r, _ := requests.Get().(*Request) // nothing else is in there
	defer r.release()
	r.Call, r.executor, r.received, r.eventID = call, e, e.Clock.Now().UTC(), e.NewID()
	r.service = e.Partition.Service(call.Caller.AccountID(), call.Region)
	out, err := r.run(ctx)
	var body []byte
	if err == nil {
		body, err = r.Operation.encode(call.Room, out)
		r.Operation.wipe(out)
	}
	if recordErr := e.Recorder.Record(ctx, r.event(err)); recordErr != nil {
		clear(body)
		return nil, &kms.Error{
			Code: kms.KMSInternalException, Err: recordErr, Message: "The request could not be recorded, so it is not answered.",
		}
	}
	if err == nil && call.Operation.Uses {
		r.noteUse()
	}
	return body, err
}

// requests has room for the next ones. Nothing keeps a Request: what its record tells is copied.
var requests = sync.Pool{New: func() any { return new(Request) }}

func (r *Request) release() {
	*r = Request{}
	requests.Put(r)
}

func (r *Request) run(ctx context.Context) (any, error) {
	if r.Operation.Unsupported {
		return r.Operation.serve(ctx, r, new(Nothing))
	}
	in, err := r.Operation.decode(r.Body)
	if err != nil {
		return nil, err
	}
	r.in = in
	if err := r.Operation.input.prepare(in, emptyTexts(r.Body)); err != nil {
		return nil, err
	}
	out, err := r.Operation.serve(ctx, r, in)
	if err == nil && r.Operation.Uses {
		err = r.dryRun()
	}
	if err != nil {
		r.Operation.wipe(out)
		return nil, err
	}
	return out, nil
}

// noteUse tells the keys that they were used, for GetKeyLastUsage.
func (r *Request) noteUse() {
	for _, key := range r.keys {
		key.NoteUse(kms.Use{
			Time: r.received, Operation: r.Operation.Name, RequestID: r.ID, EventID: r.eventID, Principal: r.Caller.ARN(),
		})
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// fault is something that goes wrong between the operator and AWS.
type fault struct {
	// operation is which calls fail; empty for all.
	operation string
	// times is how many calls fail; 0 for all.
	times int
	// every lets all but each so-maniest call pass; 0 means none pass.
	every int
	// afterEffect lets AWS carry the request out.
	afterEffect bool
	// code and status are of the answer. Without a code the connection breaks.
	code   string
	status int
	// date is the answer's, if not the real one.
	date time.Time

	hits, seen int
}

// proxy stands before an endpoint. It counts calls, breaks them, shows new things late, and can have a Tagging API.
type proxy struct {
	t      *testing.T
	behind *endpoint
	*place

	mu     sync.Mutex
	calls  map[string][]time.Time
	faults []*fault
	// readLag is for how long reads of KMS do not show a new key or alias; made is when each was made.
	readLag time.Duration
	// grantLag is for how long lists of grants do not show what became of them.
	grantLag time.Duration
	// writeLag is for how long a new key takes no alias.
	writeLag time.Duration
	made     map[string]time.Time
	// wrote is when a key was written to, and before what a read of it answered last.
	wrote  map[string][]time.Time
	before map[string]reading
	// tagging says that there is a Tagging API; taggingLag is for how long it does not show new keys.
	tagging    bool
	taggingLag time.Duration
}

func newProxy(t *testing.T, behind *endpoint) *proxy {
	t.Helper()
	p := &proxy{t: t, behind: behind, calls: map[string][]time.Time{}, made: map[string]time.Time{},
		wrote: map[string][]time.Time{}, before: map[string]reading{}}
	p.place = newPlace(t, record(p))
	return p
}

// inject makes calls fail.
func (p *proxy) inject(faults ...fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range faults {
		p.faults = append(p.faults, &f)
	}
}

// heal ends all faults.
func (p *proxy) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = nil
}

// counted are the calls that do makes, by operation.
func (p *proxy) counted(do func()) map[string]int {
	before := p.counts()
	do()
	after := p.counts()
	for operation, calls := range before {
		after[operation] -= calls
	}
	maps.DeleteFunc(after, func(_ string, calls int) bool { return calls == 0 })
	return after
}

func (p *proxy) counts() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	counts := map[string]int{}
	for operation, calls := range p.calls {
		counts[operation] = len(calls)
	}
	return counts
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil { // whoever asked has broken off, for example since another of several calls was denied
		return
	}
	operation := operationOf(r, body)
	f := p.begin(operation)
	if f != nil && !f.afterEffect {
		answer(w, f)
		return
	}
	status, header, content := p.forward(r, operation, body)
	if f != nil {
		answer(w, f)
		return
	}
	maps.Copy(w.Header(), header)
	w.Header().Set("Content-Length", fmt.Sprint(len(content)))
	w.WriteHeader(status)
	_, _ = w.Write(content)
}

func operationOf(r *http.Request, body []byte) string {
	if _, operation, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		return operation
	}
	form, _ := url.ParseQuery(string(body))
	return form.Get("Action")
}

// begin counts the call and returns the fault that is due for it.
func (p *proxy) begin(operation string) *fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls[operation] = append(p.calls[operation], time.Now())
	for _, f := range p.faults {
		if f.operation != "" && f.operation != operation || f.times > 0 && f.hits == f.times {
			continue
		}
		f.seen++
		if f.every == 0 || f.seen%f.every == 0 {
			f.hits++
			return f
		}
	}
	return nil
}

// answer fails a call.
func answer(w http.ResponseWriter, f *fault) {
	if f.code == "" {
		connection, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = connection.Close()
		}
		return
	}
	if !f.date.IsZero() {
		w.Header().Set("Date", f.date.UTC().Format(http.TimeFormat))
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Requestid", fmt.Sprint(time.Now().UnixNano()))
	w.WriteHeader(f.status)
	_, _ = fmt.Fprintf(w, `{"__type":%q,"message":"AWS says this."}`, f.code)
}

// forward has the endpoint answer, as late as reads lag behind.
func (p *proxy) forward(r *http.Request, operation string, body []byte) (status int, header http.Header, content []byte) {
	p.mu.Lock()
	tagging := p.tagging
	p.mu.Unlock()
	if operation == "GetResources" && tagging {
		return http.StatusOK, http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, p.resources(body)
	}
	if p.hides(operation, body) {
		return http.StatusBadRequest, http.Header{}, []byte(`{"__type":"NotFoundException","message":"It is not there yet."}`)
	}
	out := r.Clone(r.Context())
	out.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	p.behind.handler.ServeHTTP(answer, out)
	content = answer.Body.Bytes()
	if answer.Code == http.StatusOK {
		content = p.lag(operation, body, content)
	}
	return answer.Code, answer.Header(), content
}

// members are those of a JSON object.
func members(text []byte) map[string]any {
	object := map[string]any{}
	_ = json.Unmarshal(text, &object)
	return object
}
